"""The one abstraction: a task is a frozen record of functions and types, the same for all five."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from features.tables import TABLES, Table
from ml.signature import Signature

Frames = Mapping[str, "nw.LazyFrame[Any]"]
Columns = Mapping[str, Sequence[Any]] | pl.DataFrame


class Estimator(Protocol):
    """What training and serving ask of a task's estimator.

    Its constructor takes `params` (the task's parameter model) and `signature`.
    """

    signature: Signature

    def fit(
        self,
        X: pl.DataFrame,
        y: NDArray[np.float64],
        *,
        calibrate: tuple[pl.DataFrame, NDArray[np.float64]],
        refit: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Learn from the training part, calibrate on a later slice, then learn from both if `refit`."""

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
        ``(y, prediction) -> float``.
    better : {'higher', 'lower'}
        Direction.
    """

    compute: Callable[..., float]
    better: str


@dataclass(frozen=True)
class Task:
    """One question the product answers, from raw tables to response.

    Attributes
    ----------
    name : str
        The noun used in every layer.
    summary : mapping
        The question, by language (`zh`, `en`).
    tables : tuple of str
        Raw tables; the first holds the rows that are asked about, and a dealership's extra features.
    params : type
        Pydantic model of what the YAML may set under `params`.
    examples : callable
        ``(tables) -> spine``: key, `as_of` (us) and `label` of every row whose outcome is known.
    features : callable
        ``(spine, tables) -> columns``: one row per spine row, known strictly before `as_of`.
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
    """

    name: str
    summary: Mapping[str, str]
    tables: tuple[str, ...]
    params: type[BaseModel]
    examples: Callable[[Frames], nw.LazyFrame[Any]]
    features: Callable[[nw.LazyFrame[Any], Frames], nw.LazyFrame[Any]]
    estimator: type[Any]
    metrics: Mapping[str, Metric]
    request: Callable[[Signature], type[BaseModel]]
    response: type[BaseModel]
    respond: Callable[..., list[Any]]

    @property
    def table(self) -> Table:
        """Contract of the table whose rows are asked about."""
        return TABLES[self.tables[0]]

    @property
    def primary_metric(self) -> str:
        """Name of the metric that the promotion gate compares."""
        return next(iter(self.metrics))
