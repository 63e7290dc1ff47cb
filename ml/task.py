"""The one abstraction: a task is a frozen record of functions and types, the same for all five."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from features.tables import TABLES, Table
from ml.domain.arrays import FloatArray
from ml.entry import TaskEntry
from ml.signature import Signature

Frames = Mapping[str, "nw.LazyFrame[Any]"]
Columns = Mapping[str, Sequence[Any]] | pl.DataFrame


class Estimator(Protocol):
    """What training and serving ask of a task's estimator.

    Its constructor takes `params` (the task's parameter model) and `signature`.
    """

    signature: Signature

    @property
    def notes(self) -> Sequence[str]:
        """What fitting has to say to whoever reads the report."""

    def importance(self, X: pl.DataFrame) -> Mapping[str, float]:
        """How much each feature moves the answer over the rows of X."""

    def fit(
        self,
        X: pl.DataFrame,
        y: NDArray[np.float64],
        *,
        calibrate: tuple[pl.DataFrame, NDArray[np.float64]],
        refit: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Learn from the training part, calibrate on a later slice, then learn from both if `refit`.

        Where labels ripen, `weights` holds the weights of both parts.
        """

    def predict(self, X: Columns) -> pl.DataFrame:
        """Answer every row; the columns are the task's own, the first is the number that metrics are computed on."""

    def to_files(self) -> dict[str, bytes]:
        """All that was learned, as native files (text, JSON, npz)."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Attributes
    ----------
    compute : callable
        ``(y, prediction) -> float``; of a ranking ``(lists, wanted) -> one value for each question``.
    better : {'higher', 'lower'}
        Direction.
    reads : tuple of str
        Columns of the answer that `prediction` holds, side by side; none means the first, as a vector.
    """

    compute: Callable[..., Any]
    better: str
    reads: tuple[str, ...] = ()

    def of(self, answers: pl.DataFrame) -> FloatArray:
        """Take what the metric reads out of an estimator's answers.

        >>> answers = pl.DataFrame({"value": [2.0], "low": [1.0], "high": [3.0]})
        >>> Metric(max, better="lower").of(answers).tolist(), Metric(max, "lower", ("low", "high")).of(answers).tolist()
        ([2.0], [[1.0, 3.0]])
        """
        return np.asarray(answers.select(self.reads).to_numpy() if self.reads else answers.to_series(0).to_numpy())


@dataclass(frozen=True)
class Task:
    """One question the product answers, from raw tables to response.

    Attributes
    ----------
    entry : TaskEntry
        Name, question and raw tables, as the registry lists them.
    params : type
        Pydantic model of what the YAML may set under `params`.
    examples : callable
        ``(tables, params) -> spine``: key, `as_of` (us) and `label` of every row that is asked about; a null label
        is not known yet. Where a label ripens, also `known_at` (us): when it could be known, which training weighs by.
        Other columns are what came after, for the estimator to learn from, never to read in an answer; rows whose
        `tested` is false are learnt from and never tested on.
    features : callable
        ``(spine, tables) -> columns``: one row per spine row, known strictly before `as_of`.
    outcome : {'binary', 'amount', 'ranking', 'series', 'events'}
        What the label is: 0 or 1, a number above 0, which of many were wanted, what comes next in a series, or how many
        events came of what was at risk. It decides how training studies the task: rows with a label, questions with a
        list, origins that roll on, or weeks that are watched.
    naive : callable
        ``(X_train, y_train, X) -> prediction``: what anybody would answer without a model; every score stands beside
        its own. A ranking is compared with popularity instead, a series with its own past.
    estimator : type
        See `Estimator`.
    metrics : mapping of str to Metric
        The first is the primary one: the gate compares it.
    request : callable
        ``(signature) -> pydantic model`` of one request.
    response : type
        Pydantic model of one answer.
    respond : callable
        ``(estimator, requests, explain=...) -> answers`` in the order of the requests.
    also : tuple of str
        Raw tables that features use where there are any.
    example : callable, optional
        ``(request, signature) -> request``: adds to an example what does not stand in the row asked about.
    follow : callable, optional
        ``(configs) -> watch``, where ``watch(estimator) -> bool`` brings what changes by the minute (stock, an
        operator's rules) into a loaded estimator and says whether anything changed. Called about once a second by one
        thread; a `ChehangError` leaves the estimator as it was.
    slow : callable, optional
        ``(request) -> bool``: whether a request takes so long that others must not wait for it.
    """

    entry: TaskEntry
    params: type[BaseModel]
    examples: Callable[[Frames, Any], nw.LazyFrame[Any]]
    features: Callable[[nw.LazyFrame[Any], Frames], nw.LazyFrame[Any]]
    outcome: Literal["binary", "amount", "ranking", "series", "events"]
    naive: Callable[[pl.DataFrame, FloatArray, pl.DataFrame], FloatArray] | None
    estimator: type[Any]
    metrics: Mapping[str, Metric]
    request: Callable[[Signature], type[BaseModel]]
    response: type[BaseModel]
    respond: Callable[..., list[Any]]
    also: tuple[str, ...] = ()
    example: Callable[[dict[str, Any], Signature], dict[str, Any]] | None = None
    follow: Callable[[Path], Callable[[Any], bool]] | None = None
    slow: Callable[[Any], bool] | None = None

    @property
    def name(self) -> str:
        """The noun used in every layer."""
        return self.entry.name

    @property
    def summary(self) -> Mapping[str, str]:
        """The question, by language (`zh`, `en`)."""
        return self.entry.summary

    @property
    def tables(self) -> tuple[str, ...]:
        """Raw tables that it needs; the first holds the rows that are asked about."""
        return self.entry.tables

    @property
    def table(self) -> Table:
        """Contract of the table whose rows are asked about."""
        return TABLES[self.tables[0]]

    @property
    def explains(self) -> bool:
        """Whether reasons come unasked: an officer needs them, a storefront would pay for them with every page.

        They cost milliseconds a row.
        """
        return self.outcome in ("binary", "amount")

    @property
    def primary_metric(self) -> str:
        """Name of the metric that the promotion gate compares."""
        return next(iter(self.metrics))


def base_rate(X: pl.DataFrame, y: FloatArray, asked: pl.DataFrame) -> FloatArray:
    """The naive answer to a yes/no question: the share of yes in the training rows, for everybody.

    >>> base_rate(pl.DataFrame({"x": [1, 2]}), np.array([0.0, 1.0]), pl.DataFrame({"x": [3]})).tolist()
    [0.5]
    """
    return np.full(asked.height, float(y.mean()))
