"""Metrics with bootstrap intervals, and gains over a baseline or a champion on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from numpy.typing import NDArray

from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.metrics import Interval, bootstrap, paired_bootstrap_difference
from ml.problem import RowMetric
from ml.report.sections import Metric, Metrics


def measure(
    metrics: Mapping[str, RowMetric],
    y: FloatArray,
    predictions: pl.DataFrame,
    *,
    baseline: FloatArray | pl.DataFrame,
    groups: NDArray[Any],
    n: int,
) -> Metrics:
    """Return the report section of metrics: value, 95% bootstrap interval and baseline of each metric.

    Parameters
    ----------
    metrics : mapping of str to RowMetric
        Metrics of the problem, by name: ``ml.registry.TASKS["credit_risk"].problem.metrics``, for example.
    y : ndarray of float, shape (n_rows,)
        Labels: 0 and 1, or amounts in yuan.
    predictions : DataFrame
        Predictions, as returned by `predict(X)` of a fitted estimator, in the order of `y`; a metric reads its
        `columns`, or the first column.
    baseline : ndarray of shape (n_rows,) or DataFrame
        Baseline predictions; a vector if they have only the first column of `predictions`. Metrics of further columns
        then have no baseline.
    groups : ndarray of shape (n_rows,)
        Group of each row, integers or texts; the bootstrap resamples whole groups.
    n : int
        Number of resamples, at least 1.

    Returns
    -------
    Metrics
        `rows`, one for each metric, in the order of `metrics`: `name`, `value`, `low`, `high` and `baseline`, in the
        unit of the metric.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.metrics import brier
    >>> from ml.problem import RowMetric
    >>> y, predictions = np.array([0.0, 1.0, 1.0, 0.0]), pl.DataFrame({"probability": [0.0, 1.0, 0.5, 0.5]})
    >>> metrics = {"brier": RowMetric(brier, better="lower")}
    >>> section = measure(metrics, y, predictions, baseline=np.full(4, 0.5), groups=np.arange(4), n=50)
    >>> section.rows[0].value, section.rows[0].baseline
    (0.125, 0.25)
    """
    rows = []
    for name, metric in metrics.items():
        interval = metric_interval(metric, y, metric.select(predictions), groups=groups, n=n)
        rows.append(metric_row(name, interval, _baseline_value(metric, y, baseline)))
    return metrics_section(rows)


def metric_interval(metric: RowMetric, y: FloatArray, predictions: FloatArray, *, groups: Any, n: int) -> Interval:
    """Return a metric with its 95% bootstrap interval.

    Parameters
    ----------
    metric : RowMetric
        Such as ``ml.registry.TASKS["credit_risk"].problem.metrics["roc_auc"]``.
    y : ndarray of float, shape (n_rows,)
        Labels.
    predictions : ndarray of shape (n_rows,) or (n_rows, n_columns)
        As returned by `metric.select(estimator.predict(X))`.
    groups : ndarray of shape (n_rows,)
        Group of each row, integers or texts; the bootstrap resamples whole groups.
    n : int
        Number of resamples, at least 1.

    Returns
    -------
    Interval
        `value`, `low` and `high` in the unit of the metric; without limits (NaN) for rows of a single group.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.metrics import brier
    >>> y, p = np.array([0.0, 1.0] * 50), np.array([0.0, 0.5] * 50)
    >>> interval = metric_interval(RowMetric(brier, better="lower"), y, p, groups=np.arange(100), n=50)
    >>> interval.value, interval.low < 0.125 < interval.high
    (0.125, True)
    >>> metric_interval(RowMetric(brier, better="lower"), y, p, groups=np.zeros(100), n=50).has_limits
    False
    """
    return bootstrap(metric.compute, y, predictions, groups=groups, n=n, seed=0, bounds=metric.bounds)


def _baseline_value(metric: RowMetric, y: FloatArray, baseline: FloatArray | pl.DataFrame) -> float | None:
    if isinstance(baseline, pl.DataFrame):
        return float(metric.compute(y, metric.select(baseline)))
    return None if metric.columns else float(metric.compute(y, baseline))


def metric_row(name: str, interval: Interval, baseline: float | None) -> Metric:
    """Return a row of the metrics section.

    Parameters
    ----------
    name : str
        Name of the metric.
    interval : Interval
        Value and its 95% interval, as returned by `ml.metrics.bootstrap`.
    baseline : float or None
        Value of the metric for the baseline predictions; None if it has none.

    Returns
    -------
    Metric
        `name`, `value`, `low`, `high` and `baseline`, in the unit of the metric.

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> row = metric_row("roc_auc", Interval(0.75, 0.7, 0.8), baseline=0.5)
    >>> row.value, row.low, row.baseline
    (0.75, 0.7, 0.5)
    """
    return Metric(name=name, value=interval.value, low=interval.low, high=interval.high, baseline=baseline)


def metrics_section(rows: list[Metric]) -> Metrics:
    """Return the metrics section of a report, titled "Metrics on the test rows".

    Parameters
    ----------
    rows : list of Metric
        As returned by `training.studies.measures.metric_row`; the first is the primary metric.

    Returns
    -------
    Metrics
        `name` ('metrics'), `title` (`zh`, `en`) and `rows` (tuple of Metric).

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> section = metrics_section([metric_row("roc_auc", Interval(0.75, 0.7, 0.8), baseline=0.5)])
    >>> section.name, section.title.en
    ('metrics', 'Metrics on the test rows')
    """
    return Metrics(name="metrics", title=Text(zh="测试集指标", en="Metrics on the test rows"), rows=tuple(rows))


def compare(
    metric: RowMetric, y: FloatArray, candidate: FloatArray, champion: FloatArray, *, groups: Any, n: int
) -> Interval:
    """Return the gain in a metric over other predictions of the same rows, by paired bootstrap.

    Parameters
    ----------
    metric : RowMetric
        Metric to compare, such as ``ml.registry.TASKS["credit_risk"].problem.metrics["roc_auc"]``.
    y : ndarray of float, shape (n_rows,)
        Labels: 0 and 1, or amounts in yuan.
    candidate, champion : ndarray of shape (n_rows,) or (n_rows, n_columns)
        Predictions to compare, as returned by `metric.select(estimator.predict(X))`.
    groups : ndarray of shape (n_rows,)
        Group of each row, integers or texts; the bootstrap resamples whole groups.
    n : int
        Number of resamples, at least 1.

    Returns
    -------
    Interval
        `value` (the gain) with its 95% interval `low` and `high`, in the unit of the metric; positive if the candidate
        is better, also for metrics where lower values, or values closer to 0, are better. Without limits (NaN) if every
        resample has the same gain.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.metrics import brier
    >>> from ml.problem import RowMetric
    >>> y, good, poor = np.array([0.0, 1.0] * 50), np.array([0.0, 1.0] * 50), np.full(100, 0.5)
    >>> compare(RowMetric(brier, better="lower"), y, good, poor, groups=np.arange(100), n=50).value
    0.25
    """

    def quality(y: FloatArray, p: FloatArray, *, sample_weight: FloatArray) -> float:
        value = metric.compute(y, p, sample_weight=sample_weight)
        return value if metric.better == "higher" else -abs(value) if metric.better == "zero" else -value

    return paired_bootstrap_difference(quality, y, candidate, champion, groups=groups, n=n, seed=0)
