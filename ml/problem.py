"""Learning problems: estimator, metrics and functions of a task, by kind of prediction."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy import sparse

from ml.bilingual import Text
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.pipeline import SampleWeights
from ml.estimators.tabular_encoder import TabularEncoder
from ml.report.sections import Section
from ml.signature import Signature

Frames = Mapping[str, "nw.LazyFrame[Any]"]
Direction = Literal["higher", "lower", "zero"]
Baseline = Callable[[pl.DataFrame, FloatArray, pl.DataFrame], FloatArray]


class Estimator(Protocol):
    """Interface of the estimators of all tasks.

    ``ml.champions.load(ml.champions.version_or_champion("credit_risk")).estimator`` is a fitted one.
    """

    @property
    def signature(self) -> Signature:
        """Return the fields of a request, the features that the estimator reads among them."""

    @property
    def notes(self) -> Sequence[str]:
        """Return remarks on the fit, one sentence each, which reports show."""

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """Return one row of predictions for each row of X, in the same order.

        X has the columns of `signature` in the units of the raw tables (money in fen, instants in microseconds). The
        columns of the result and their units are those that the `predict` of the task's estimator lists; a metric
        reads the first column unless it names others.
        """

    def to_files(self) -> dict[str, bytes]:
        """Return the fitted state as files (text, JSON, npz), content by name; `from_files` reads them."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the fitted estimator from the files that `to_files` returned.

        Raises `ModelNotFound` if a file is missing and `DataError` if its content is damaged.
        """


class RowEstimator(Estimator, Protocol):
    """Interface of the estimators of tasks with one label for each row, such as `LeadScoringEstimator`.

    ``task.estimator(params=task.params(), signature=signature)`` constructs one, with ``task =
    ml.registry.TASKS["lead_scoring"]`` and `signature` as returned by `ml.signature.infer_signature`; the docstring of
    `ml.lead_scoring.estimator.LeadScoringEstimator` has an example with data.
    """

    encoder_: TabularEncoder

    def __init__(self, *, params: BaseModel, signature: Signature) -> None: ...

    @property
    def references(self) -> Collection[str]:
        """Return the identifier columns that `predict` reads beside the features; stored hold-out rows include them."""

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
        """Fit on the training rows, calibrate on later rows, then fit on both if `refit`.

        Parameters
        ----------
        X : DataFrame
            Training rows with the columns of the signature.
        y : ndarray of shape (n_rows,)
            Labels: 0 or 1, or amounts above 0 in the unit of the label of the task.
        calibrate : (DataFrame, ndarray)
            Later rows and their labels.
        weights : (ndarray, ndarray), optional
            Weights of the training and of the calibration rows, for labels that are censored while they are recent.
        refit : bool
            Fit the learner again on all rows; the calibration is kept.
        progress : callable, optional
            ``(text) -> None``, called with a line at each step.

        Returns
        -------
        RowEstimator
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            `weights` is not None, and the labels of the task are never censored.
        """

    def importance(self, X: pl.DataFrame) -> Mapping[str, float]:
        """Return the mean absolute contribution of each feature over the rows of X, by name of the feature.

        Contributions are in the unit of the learner's raw score, such as log-odds for probabilities.
        """


class Metric(Protocol):
    """A figure that measures the quality of predictions: a `RowMetric` or a `ListMetric`."""

    @property
    def better(self) -> Direction:
        """Return 'higher', 'lower' or 'zero', the direction of better values."""


class Problem(Protocol):
    """Interface of the problems below; the class of a problem decides which study trains and evaluates the task."""

    @property
    def estimator(self) -> type[Estimator]:
        """Return the class of the estimator."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Return the metrics by name; the promotion gate compares the first."""


@dataclass(frozen=True)
class RowMetric:
    """A metric of predictions for single rows, as in ``ml.registry.TASKS["lead_scoring"].problem.metrics["roc_auc"]``.

    Attributes
    ----------
    compute : callable
        ``(y, prediction, sample_weight=...) -> float``.
    better : {'higher', 'lower', 'zero'}
        Direction of better values; 'zero': the closer to 0, the better.
    columns : tuple of str
        Columns of the predictions that `compute` reads, as an array of shape (n_rows, n_columns). Empty: the first
        column, as an array of shape (n_rows,).
    bounds : (float, float)
        Lowest and highest possible value; intervals are kept within it.
    """

    compute: Callable[..., float]
    better: Direction
    columns: tuple[str, ...] = ()
    bounds: tuple[float, float] = (0.0, math.inf)

    def select(self, answers: pl.DataFrame) -> FloatArray:
        """Return the columns of an estimator's predictions that the metric reads.

        Parameters
        ----------
        answers : DataFrame
            As returned by ``estimator.predict(X)``.

        Returns
        -------
        ndarray of shape (n_rows,), or (n_rows, n_columns) if the metric names columns
            In the unit of the predictions.

        Examples
        --------
        >>> import polars as pl
        >>> answers = pl.DataFrame({"value": [2.0], "low": [1.0], "high": [3.0]})
        >>> from ml.metrics import interval_coverage
        >>> metric = RowMetric(interval_coverage, better="higher", columns=("low", "high"))
        >>> metric.select(answers).tolist()
        [[1.0, 3.0]]
        >>> metric.compute([1.5], metric.select(answers))
        1.0
        """
        return np.asarray(answers.select(self.columns).to_numpy() if self.columns else answers.to_series(0).to_numpy())


@dataclass(frozen=True)
class ListMetric:
    """A metric of ranked lists, one list for each query, as in ``ml.registry.TASKS["recommendation"].problem.metrics``.

    Attributes
    ----------
    compute : callable
        ``(lists, relevance) -> values``: item positions, best first, of shape (n_queries, k); sparse relevance grades
        of shape (n_queries, n_items); values of shape (n_queries,).
    better : {'higher', 'lower'}
        Direction of better values.
    """

    compute: Callable[[IntArray, sparse.csr_matrix], FloatArray]
    better: Direction


def _unchanged(example: dict[str, Any], signature: Signature) -> dict[str, Any]:
    return example


def _no_sections(estimator: Any, rows: pl.DataFrame) -> Sequence[Section]:
    return ()


@dataclass(frozen=True)
class RowProblem:
    """Prediction of one label for each row of a table: the parts that `BinaryProblem` and `AmountProblem` share.

    Attributes
    ----------
    estimator : type
        Class with the interface `RowEstimator`, such as `ml.lead_scoring.estimator.LeadScoringEstimator`.
    metrics : mapping of str to RowMetric
        The first is the primary metric.
    build_spine : callable
        ``(tables, params) -> spine``: key, `as_of` (us) and `label` of every row of the task's first table; the label
        is null while the outcome is unknown. If labels of recent rows are censored, the spine has `known_at` (us), the
        earliest instant at which the label can be known. An optional column `is_test_row` (bool) is false for rows
        that are used for training only. Further columns are outcomes after `as_of`: `fit` may use them, `predict`
        must not.
    features : callable
        ``(spine, tables) -> columns``: one row for each spine row, computed from rows strictly before `as_of`.
    baseline : callable
        ``(X_train, y_train, X) -> prediction`` without a model; reports show each metric beside its value for the
        baseline.
    complete_example : callable
        ``(request, signature) -> request``: adds to an example request the fields that its row lacks.
    closing_columns : tuple of str
        Columns of the first table with the instant (us) at which a row is closed. Rows that are open at an instant
        can be scored as of it; without such columns, scores do not depend on time.
    sections : callable
        ``(estimator, training rows) -> sections`` of the report that show what the estimator learned; none by default.
    """

    estimator: type[RowEstimator]
    metrics: Mapping[str, RowMetric]
    build_spine: Callable[[Frames, Any], nw.LazyFrame[Any]]
    features: Callable[[nw.LazyFrame[Any], Frames], nw.LazyFrame[Any]]
    baseline: Baseline
    complete_example: Callable[[dict[str, Any], Signature], dict[str, Any]] = _unchanged
    closing_columns: tuple[str, ...] = ()
    sections: Callable[[Any, pl.DataFrame], Sequence[Section]] = _no_sections


@dataclass(frozen=True)
class Decisions:
    """Decisions on rows by two cut-offs of the predicted probability, as returned by `BinaryProblem.decisions`.

    Attributes
    ----------
    band : ndarray of str, shape (n_rows,)
        'approve', 'refer' or 'decline' for each row.
    approve_at_most, decline_above : float
        Highest probability that is approved, and the probability above which a row is declined, 0 to 1.
    """

    band: NDArray[np.str_]
    approve_at_most: float
    decline_above: float


_SHARE_OF_POSITIVES, _POSITIVES = Text(zh="正例比例", en="share of positives"), Text(zh="正例", en="positives")


@dataclass(frozen=True)
class BinaryProblem(RowProblem):
    """Prediction of a label of 0 or 1 for each row: probabilities.

    Attributes
    ----------
    decisions : callable, optional
        ``(estimator, predictions) -> Decisions``, one for each row; None if the task decides nothing.
    rate, cases : Text
        Names, in reports, of the share of rows with label 1 and of these rows.
    """

    decisions: Callable[[RowEstimator, pl.DataFrame], Decisions] | None = None
    rate: Text = _SHARE_OF_POSITIVES
    cases: Text = _POSITIVES


class AmountProblem(RowProblem):
    """Prediction of an amount above 0 for each row."""


@dataclass(frozen=True)
class RankingProblem:
    """Ranking of items for each query; the baseline lists the most popular items.

    Attributes
    ----------
    estimator : type
        Class with the interface `Estimator`: `signature`, `notes`, `predict`, `to_files` and `from_files`.
    metrics : mapping of str to ListMetric
        The first is the primary metric.
    """

    estimator: type[Estimator]
    metrics: Mapping[str, ListMetric]


@dataclass(frozen=True)
class PanelProblem:
    """Forecast of the next periods of many series; the baseline forecasts repeat the past of each series.

    Attributes
    ----------
    estimator : type
        Class with the interface `Estimator`: `signature`, `notes`, `predict`, `to_files` and `from_files`.
    metrics : mapping of str to RowMetric
        The first is the primary metric; rows are combinations of series, forecast origin and target period.
    """

    estimator: type[Estimator]
    metrics: Mapping[str, RowMetric]


@dataclass(frozen=True)
class SurveillanceProblem:
    """Surveillance of weekly event counts relative to exposure, to detect cells with an elevated rate.

    Attributes
    ----------
    estimator : type
        Class with the interface `Estimator`: `signature`, `notes`, `predict`, `to_files` and `from_files`.
    metrics : mapping of str to RowMetric
        The first is the primary metric; rows are combinations of cell and month.
    baseline : callable
        ``(X_reference, counts, X) -> expected counts`` from one rate for all cells.
    """

    estimator: type[Estimator]
    metrics: Mapping[str, RowMetric]
    baseline: Baseline


def base_rate(X: pl.DataFrame, y: FloatArray, rows: pl.DataFrame) -> FloatArray:
    """Return the baseline probability of each row: the share of positives among the training rows.

    Parameters
    ----------
    X : DataFrame
        Training rows; not read.
    y : ndarray of shape (n_training_rows,)
        Their labels, 0 or 1.
    rows : DataFrame
        Rows to predict.

    Returns
    -------
    ndarray of shape (n_rows,)
        The same probability for each row, 0 to 1; NaN without training rows.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> base_rate(pl.DataFrame({"x": [1, 2]}), np.array([0.0, 1.0]), pl.DataFrame({"x": [3]})).tolist()
    [0.5]
    """
    return np.full(rows.height, float(y.mean()))
