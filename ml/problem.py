"""Learning problems: what a task predicts, and the functions and metrics that only this kind of prediction needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy import sparse

from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.pipeline import SampleWeights
from ml.estimators.tabular_encoder import TabularEncoder
from ml.signature import Signature

Frames = Mapping[str, "nw.LazyFrame[Any]"]
Direction = Literal["higher", "lower"]
Baseline = Callable[[pl.DataFrame, FloatArray, pl.DataFrame], FloatArray]


class Estimator(Protocol):
    """What every task's estimator has, however it is fitted."""

    @property
    def signature(self) -> Signature:
        """Fields that the estimator reads."""

    @property
    def notes(self) -> Sequence[str]:
        """Remarks of the fit for readers of the report."""

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """Return one row of answers for each row of X; metrics read the first column unless they name others."""

    def to_files(self) -> dict[str, bytes]:
        """Return all learned state as native files (text, JSON, npz)."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` returned."""


class RowEstimator(Estimator, Protocol):
    """The estimator of a task with one label for each row.

    Its constructor takes `params` (the task's parameter model) and `signature`.
    """

    encoder_: TabularEncoder

    def __init__(self, *, params: BaseModel, signature: Signature) -> None: ...

    @property
    def references(self) -> Collection[str]:
        """Columns of identifiers that `predict` reads beside the features; the holdout keeps them."""

    def fit(
        self,
        X: pl.DataFrame,
        y: FloatArray,
        *,
        calibrate: tuple[pl.DataFrame, FloatArray],
        weights: SampleWeights | None = None,
        refit: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Fit on the training part, calibrate on a later part, then fit on both if `refit`.

        `weights` holds the weights of the rows of both parts where labels ripen, and is None elsewhere.

        Raises
        ------
        ValueError
            `weights` is given, and the labels of the task do not ripen.
        """

    def importance(self, X: pl.DataFrame) -> Mapping[str, float]:
        """Return the mean absolute contribution of each feature over the rows of X."""


class Metric(Protocol):
    """A number that says how good predictions are."""

    @property
    def better(self) -> Direction:
        """Whether higher or lower values are better."""


class Problem(Protocol):
    """What a task learns to predict; its type decides which study trains and evaluates the task."""

    @property
    def estimator(self) -> type[Estimator]:
        """Class of the estimator."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name; the promotion gate compares the first."""


@dataclass(frozen=True)
class RowMetric:
    """A metric of one prediction for each row.

    Attributes
    ----------
    compute : callable
        ``(y, prediction, sample_weight=...) -> float``.
    better : {'higher', 'lower'}
        Direction.
    columns : tuple of str
        Columns of the answer that `prediction` holds, side by side; none means the first, as a vector.
    """

    compute: Callable[..., float]
    better: Direction
    columns: tuple[str, ...] = ()

    def select(self, answers: pl.DataFrame) -> FloatArray:
        """Return the columns of an estimator's answers that the metric reads.

        >>> answers = pl.DataFrame({"value": [2.0], "low": [1.0], "high": [3.0]})
        >>> metric = RowMetric(max, better="lower", columns=("low", "high"))
        >>> RowMetric(max, better="lower").select(answers).tolist(), metric.select(answers).tolist()
        ([2.0], [[1.0, 3.0]])
        """
        return np.asarray(answers.select(self.columns).to_numpy() if self.columns else answers.to_series(0).to_numpy())


@dataclass(frozen=True)
class ListMetric:
    """A metric of one ranked list for each query.

    Attributes
    ----------
    compute : callable
        ``(lists, relevance) -> one value for each query``: items best first, and a sparse matrix of grades with a row
        for each query and a column for each item.
    better : {'higher', 'lower'}
        Direction.
    """

    compute: Callable[[IntArray, sparse.csr_matrix], FloatArray]
    better: Direction


def _unchanged(example: dict[str, Any], signature: Signature) -> dict[str, Any]:
    return example


@dataclass(frozen=True)
class RowProblem:
    """One label for each row of a table; see `BinaryProblem` and `AmountProblem`.

    Attributes
    ----------
    estimator : type
        See `RowEstimator`.
    metrics : mapping of str to RowMetric
        The first is the primary one.
    build_spine : callable
        ``(tables, params) -> spine``: key, `as_of` (us) and `label` of every row of the task's first table; a null
        label is not known yet. Where a label ripens, also `known_at` (us), the instant at which it could be known.
        `is_test_row` (bool), where there is one, is false for rows that are trained on and never tested on. Other
        columns happened after `as_of`: the estimator learns from them and reads none of them in an answer.
    features : callable
        ``(spine, tables) -> columns``: one row for each spine row, computed from rows strictly before `as_of`.
    baseline : callable
        ``(X_train, y_train, X) -> prediction`` without a model; every metric is reported beside that of the
        baseline.
    complete_example : callable
        ``(request, signature) -> request``: adds to an example request what its row does not hold.
    closing_columns : tuple of str
        Columns of the first table with an instant (us) at which a row closes. Rows that are open at an instant are
        answered as of it; without such columns the answers do not change with time.
    """

    estimator: type[RowEstimator]
    metrics: Mapping[str, RowMetric]
    build_spine: Callable[[Frames, Any], nw.LazyFrame[Any]]
    features: Callable[[nw.LazyFrame[Any], Frames], nw.LazyFrame[Any]]
    baseline: Baseline
    complete_example: Callable[[dict[str, Any], Signature], dict[str, Any]] = _unchanged
    closing_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decisions:
    """Decisions on rows by two cut-offs of the probability.

    Attributes
    ----------
    band : ndarray of str, shape (n_rows,)
        'approve', 'refer' or 'decline' for each row.
    approve_at_most, decline_above : float
        Highest probability that is approved, and the probability above which a row is declined.
    """

    band: NDArray[np.str_]
    approve_at_most: float
    decline_above: float


@dataclass(frozen=True)
class BinaryProblem(RowProblem):
    """Rows with a label of 0 or 1; predictions are probabilities.

    Attributes
    ----------
    decisions : callable, optional
        ``(estimator, answers) -> Decisions`` on the rows of an estimator's answers; None where nothing is decided.
    """

    decisions: Callable[[RowEstimator, pl.DataFrame], Decisions] | None = None


class AmountProblem(RowProblem):
    """Rows with a label above 0."""


@dataclass(frozen=True)
class RankingProblem:
    """Which of many items each query wants; lists are compared with those of the most popular items.

    Attributes
    ----------
    estimator : type
        See `Estimator`.
    metrics : mapping of str to ListMetric
        The first is the primary one.
    """

    estimator: type[Estimator]
    metrics: Mapping[str, ListMetric]


@dataclass(frozen=True)
class PanelProblem:
    """The next periods of many series; forecasts are compared with those from each series' own past.

    Attributes
    ----------
    estimator : type
        See `Estimator`.
    metrics : mapping of str to RowMetric
        The first is the primary one; a row is a series, an origin and a target period.
    """

    estimator: type[Estimator]
    metrics: Mapping[str, RowMetric]


@dataclass(frozen=True)
class SurveillanceProblem:
    """Counts of events among what is exposed, week by week, and the cells whose rate is elevated.

    Attributes
    ----------
    estimator : type
        See `Estimator`.
    metrics : mapping of str to RowMetric
        The first is the primary one; a row is a cell and a month.
    baseline : callable
        ``(X_reference, counts, X) -> expected counts`` by one rate for all cells.
    """

    estimator: type[Estimator]
    metrics: Mapping[str, RowMetric]
    baseline: Baseline


def base_rate(X: pl.DataFrame, y: FloatArray, rows: pl.DataFrame) -> FloatArray:
    """Return the baseline probability of each row: the share of positives among the training rows.

    >>> base_rate(pl.DataFrame({"x": [1, 2]}), np.array([0.0, 1.0]), pl.DataFrame({"x": [3]})).tolist()
    [0.5]
    """
    return np.full(rows.height, float(y.mean()))
