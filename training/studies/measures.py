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
        Metrics of the problem, by name.
    y : ndarray of shape (n_rows,)
        Labels.
    predictions : DataFrame
        Predictions, as returned by `Estimator.predict`.
    baseline : ndarray of shape (n_rows,) or DataFrame
        Baseline predictions; a vector if they have only the first column of `predictions`. Metrics of further columns
        then have no baseline.
    groups : ndarray of shape (n_rows,)
        Group of each row; the bootstrap resamples whole groups.
    n : int
        Number of resamples.
    """
    rows = []
    for name, metric in metrics.items():
        interval = bootstrap(metric.compute, y, metric.select(predictions), groups=groups, n=n, seed=0)
        rows.append(metric_row(name, interval, _baseline_value(metric, y, baseline)))
    return metrics_section(rows)


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
        Value and its interval.
    baseline : float or None
        Value of the baseline.
    """
    return Metric(name=name, value=interval.value, low=interval.low, high=interval.high, baseline=baseline)


def metrics_section(rows: list[Metric]) -> Metrics:
    """Return the metrics section of a report, titled "Metrics on the test rows".

    Parameters
    ----------
    rows : list of Metric
        As returned by `metric_row`.
    """
    return Metrics(name="metrics", title=Text(zh="测试集指标", en="Metrics on the test rows"), rows=tuple(rows))


def compare(
    metric: RowMetric, y: FloatArray, candidate: FloatArray, champion: FloatArray, *, groups: Any, n: int
) -> Interval:
    """Return the gain in a metric over other predictions of the same rows, by paired bootstrap.

    Parameters
    ----------
    metric : RowMetric
        Metric to compare.
    y : ndarray of shape (n_rows,)
        Labels.
    candidate, champion : ndarray
        Predictions to compare, as returned by `metric.select`.
    groups : ndarray of shape (n_rows,)
        Group of each row; the bootstrap resamples whole groups.
    n : int
        Number of resamples.

    Returns
    -------
    Interval
        In the unit of the metric; positive if the candidate is better, also for metrics where lower is better.
    """
    sign = 1.0 if metric.better == "higher" else -1.0
    gain = paired_bootstrap_difference(metric.compute, y, candidate, champion, groups=groups, n=n, seed=0)
    low, high = sorted((sign * gain.low, sign * gain.high))
    return Interval(sign * gain.value, low, high, gain.level)
