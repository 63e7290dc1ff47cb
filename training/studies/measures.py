"""Metrics with their intervals, and gains over a baseline or a champion on the same rows."""

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
    answers: pl.DataFrame,
    *,
    baseline: FloatArray | pl.DataFrame,
    groups: NDArray[Any],
    n: int,
) -> Metrics:
    """Return every metric with its interval, and the same metric of the baseline.

    Parameters
    ----------
    metrics : mapping of str to RowMetric
        By name.
    y : ndarray of shape (n_rows,)
        Labels.
    answers : DataFrame
        Answers of the estimator.
    baseline : ndarray of shape (n_rows,) or DataFrame
        The baseline prediction; a table where it has every column that metrics read.
    groups : ndarray of shape (n_rows,)
        Whole groups are resampled.
    n : int
        Resamples.
    """
    rows = []
    for name, metric in metrics.items():
        interval = bootstrap(metric.compute, y, metric.select(answers), groups=groups, n=n, seed=0)
        rows.append(metric_row(name, interval, _baseline_value(metric, y, baseline)))
    return metrics_section(rows)


def _baseline_value(metric: RowMetric, y: FloatArray, baseline: FloatArray | pl.DataFrame) -> float | None:
    if isinstance(baseline, pl.DataFrame):
        return float(metric.compute(y, metric.select(baseline)))
    return None if metric.columns else float(metric.compute(y, baseline))


def metric_row(name: str, interval: Interval, baseline: float | None) -> Metric:
    """Return a metric of a report."""
    return Metric(name=name, value=interval.value, low=interval.low, high=interval.high, baseline=baseline)


def metrics_section(rows: list[Metric]) -> Metrics:
    """Return the first section of every report."""
    return Metrics(name="metrics", title=Text(zh="测试集指标", en="Metrics on the test rows"), rows=tuple(rows))


def compare(
    metric: RowMetric, y: FloatArray, candidate: FloatArray, champion: FloatArray, *, groups: Any, n: int
) -> Interval:
    """Return the gain of the candidate over the champion on the same rows; above zero is better for any metric."""
    sign = 1.0 if metric.better == "higher" else -1.0
    gain = paired_bootstrap_difference(metric.compute, y, candidate, champion, groups=groups, n=n, seed=0)
    low, high = sorted((sign * gain.low, sign * gain.high))
    return Interval(sign * gain.value, low, high, gain.level)
