"""Evaluation metrics with sample weights and bootstrap intervals.

The metrics of this namespace have the signature `metric(y, p, *, sample_weight=None) -> float`. For binary outcomes,
`y` holds 0 and 1 and `p` scores or probabilities of 1; for the regression metrics of `ml.metrics.amounts`, both hold
amounts. Bind further keyword arguments with `functools.partial` before passing a metric to `bootstrap`.
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
    stability_noise,
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
    "stability_noise",
]
