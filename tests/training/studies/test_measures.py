"""Metrics with intervals, and gains over other predictions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ml.metrics import mean_absolute_error
from ml.metrics.demand import bias
from ml.problem import RowMetric
from training.studies.measures import compare, measure


def test_a_lower_error_is_a_positive_gain() -> None:
    y, candidate, champion = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0, 5.0])
    lower = RowMetric(mean_absolute_error, better="lower")
    gain = compare(lower, y, candidate, champion, groups=np.arange(3), n=20)
    assert gain.value == pytest.approx(4 / 3 + 1 / 3 - 2 / 3) and not gain.has_limits, "1 in every row"
    higher = compare(RowMetric(mean_absolute_error, better="higher"), y, candidate, champion, groups=np.arange(3), n=20)
    assert higher.value == -gain.value


def test_closer_to_zero_is_a_gain_for_a_bias() -> None:
    y = np.array([10.0, 10.0, 10.0, 10.0])
    high, low = y + np.array([1.0, 2.0, 1.0, 2.0]), y - np.array([3.0, 3.0, 4.0, 4.0])
    metric = RowMetric(bias, better="zero", bounds=(-np.inf, np.inf))
    assert (bias(y, high), bias(y, low)) == (0.15, -0.35)
    gain = compare(metric, y, high, low, groups=np.arange(4), n=50)
    assert gain.value == pytest.approx(0.2) and 0 < gain.low < gain.value < gain.high


def test_a_metric_of_other_columns_has_no_baseline_vector() -> None:
    y, answers = np.array([1.0, 2.0]), pl.DataFrame({"value": [1.0, 2.0], "low": [0.0, 3.0]})
    metrics = {
        "error": RowMetric(mean_absolute_error, better="lower"),
        "of_low": RowMetric(lambda y, p, sample_weight=None: float((p[:, 0] > y).mean()), "lower", ("low",)),
    }
    section = measure(metrics, y, answers, baseline=np.array([3.0, 3.0]), groups=np.arange(2, dtype=np.uint64), n=20)
    error, of_low = section.rows
    assert (error.name, error.value, error.baseline) == ("error", 0.0, 1.5)
    assert (of_low.value, of_low.baseline) == (0.5, None)
    table = answers.with_columns(value=pl.lit(3.0))
    both = measure(metrics, y, answers, baseline=table, groups=np.arange(2, dtype=np.uint64), n=20)
    assert [m.baseline for m in both.rows] == [1.5, 0.5], "a baseline table has a value for every metric"
