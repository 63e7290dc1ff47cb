"""Measures of a model's answers, with sample weights and bootstrap intervals.

Every metric is a function `metric(y, p, *, sample_weight=None) -> float`: `y` holds 0 and 1, `p` the scores or
probabilities of 1; in `amounts`, both hold amounts. Some metrics take further keyword arguments; bind
them with `functools.partial`.
"""

from __future__ import annotations

from ml.domain.statistics.resampling import Interval
from ml.metrics.amounts import (
    interval_coverage,
    mean_absolute_error,
    mean_absolute_percentage_error,
    median_absolute_percentage_error,
)
from ml.metrics.bootstrap import bootstrap, paired_bootstrap_difference
from ml.metrics.probability import brier, expected_calibration_error, log_loss
from ml.metrics.ranking import gini, ks, lift, pr_auc, roc_auc
from ml.metrics.stability import (
    ReferenceBins,
    population_stability_index,
    reference_bins,
)

__all__ = [
    "Interval",
    "ReferenceBins",
    "bootstrap",
    "brier",
    "expected_calibration_error",
    "gini",
    "interval_coverage",
    "ks",
    "lift",
    "log_loss",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "median_absolute_percentage_error",
    "paired_bootstrap_difference",
    "population_stability_index",
    "pr_auc",
    "reference_bins",
    "roc_auc",
]
