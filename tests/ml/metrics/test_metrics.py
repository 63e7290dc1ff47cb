"""Metrics against scikit-learn and against hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from features.errors import DataError
from ml.metrics import bootstrap
from ml.metrics.bootstrap import paired_bootstrap_difference
from ml.metrics.probability import brier, expected_calibration_error, log_loss
from ml.metrics.ranking import gini, ks, pr_auc, roc_auc
from ml.metrics.stability import (
    ReferenceBins,
    population_stability_index,
    reference_bins,
)

BOTH_CLASSES = (roc_auc, gini, ks, pr_auc, expected_calibration_error)


def _scored(n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, n)
    return (rng.random(n) < p).astype(float), p


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(1, 5)), min_size=4, max_size=60).filter(
        lambda rows: {y for y, _, _ in rows} == {0, 1}
    )
)
def test_ranking_metrics_agree_with_scikit_learn_under_ties_and_weights(rows: list[tuple[int, int, int]]) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assert roc_auc(y, p, sample_weight=w) == pytest.approx(reference.roc_auc_score(y, p, sample_weight=w))
    assert pr_auc(y, p, sample_weight=w) == pytest.approx(reference.average_precision_score(y, p, sample_weight=w))
    false_positive, true_positive, _ = reference.roc_curve(y, p, sample_weight=w)
    assert ks(y, p, sample_weight=w) == pytest.approx(np.abs(true_positive - false_positive).max())
    assert gini(y, p, sample_weight=w) == pytest.approx(2 * roc_auc(y, p, sample_weight=w) - 1)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 1), st.floats(0.001, 0.999), st.integers(1, 5)), min_size=2, max_size=40
    ).filter(lambda rows: {y for y, _, _ in rows} == {0, 1})
)
def test_probability_metrics_agree_with_scikit_learn(rows: list[tuple[int, float, int]]) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assert brier(y, p, sample_weight=w) == pytest.approx(reference.brier_score_loss(y, p, sample_weight=w))
    assert log_loss(y, p, sample_weight=w) == pytest.approx(reference.log_loss(y, p, sample_weight=w))


@pytest.mark.parametrize("metric", [*BOTH_CLASSES, brier, log_loss])
def test_a_weight_counts_as_that_many_rows_and_order_does_not_matter(metric) -> None:
    y, p = _scored(200)
    p = np.round(p, 2)
    w = np.random.default_rng(1).integers(1, 4, 200)
    order = np.random.default_rng(2).permutation(int(w.sum()))
    repeated_y, repeated_p = np.repeat(y, w)[order], np.repeat(p, w)[order]
    assert metric(y, p, sample_weight=w) == pytest.approx(metric(repeated_y, repeated_p))


@pytest.mark.parametrize("metric", BOTH_CLASSES)
def test_one_class_is_an_error_that_names_the_metric(metric) -> None:
    name = "roc_auc" if metric is gini else metric.__name__
    with pytest.raises(DataError, match=f"{name}: needs rows of both classes, got none with y = 1 among 3 rows"):
        metric([0, 0, 0], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("y", "p", "w", "rule"),
    [
        ([0, 2], [0.1, 0.2], None, "y must be 0 or 1, got 2.0"),
        ([0, 1], [0.1, np.nan], None, "p must be finite, got nan"),
        ([0, 1], [0.1, 0.2], [1, -1], "sample_weight must be finite and not negative, got -1.0"),
        ([0, 1], [0.1, 0.2], [0, 0], "sample_weight is 0 in all 2 rows"),
        ([0, 1], [0.1], None, "same length"),
        ([], [], None, "at least 1"),
    ],
)
def test_bad_input_names_the_rule_and_the_value(y, p, w, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        roc_auc(y, p, sample_weight=w)


def test_a_wrong_probability_of_zero_has_a_finite_log_loss() -> None:
    assert log_loss([1, 0], [0.0, 0.0]) == pytest.approx(-np.log(1e-15) / 2)
    assert log_loss([1, 0], [1.0, 0.0]) == 0


def test_expected_calibration_error_by_hand() -> None:
    # Two bins of two rows: |0.2 - 0.5| and |0.9 - 1.0|, each with half the weight.
    assert expected_calibration_error([0, 1, 1, 1], [0.1, 0.3, 0.8, 1.0], n_bins=2) == pytest.approx(0.2)
    assert expected_calibration_error([0, 1, 1, 1], [0.1, 0.3, 0.8, 1.0], n_bins=1) == pytest.approx(0.2)
    with pytest.raises(DataError, match="n_bins must be at least 1, got 0"):
        expected_calibration_error([0, 1], [0.1, 0.2], n_bins=0)


def test_bootstrap_interval_agrees_with_the_formula_for_a_mean() -> None:
    y, p = _scored(4_000)
    errors = (y - p) ** 2
    interval = bootstrap(brier, y, p, n=400, seed=3)
    standard_error = errors.std() / np.sqrt(len(y))
    assert interval.value == pytest.approx(errors.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * standard_error, rel=0.15)
    assert bootstrap(brier, y, p, n=50, seed=3) == bootstrap(brier, y, p, n=50, seed=3)
    assert bootstrap(brier, y, p, n=50, seed=3) != bootstrap(brier, y, p, n=50, seed=4)


def test_copies_of_one_borrower_are_drawn_together() -> None:
    y, p = _scored(500)
    groups = np.tile(np.arange(500), 4)
    copied_y, copied_p = np.tile(y, 4), np.tile(p, 4)
    alone = bootstrap(roc_auc, y, p, n=200)
    apart = bootstrap(roc_auc, copied_y, copied_p, n=200)
    together = bootstrap(roc_auc, copied_y, copied_p, groups=groups, n=200)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.25)
    assert apart.high - apart.low < 0.65 * (alone.high - alone.low)


def test_resamples_that_lost_a_class_are_drawn_again() -> None:
    interval = bootstrap(roc_auc, [1, 0, 0, 0], [0.9, 0.1, 0.2, 0.3], n=50)
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)
    with pytest.raises(DataError, match="needs rows of both classes"):
        bootstrap(roc_auc, [0, 0], [0.1, 0.2], n=5)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1_000))
def test_a_model_against_itself_differs_by_nothing(seed: int) -> None:
    y, p = _scored(100, seed=7)
    interval = paired_bootstrap_difference(pr_auc, y, p, p, n=10, seed=seed)
    assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_paired_resampling_detects_a_small_gain() -> None:
    y, p = _scored(3_000)
    worse = p + np.random.default_rng(5).normal(0, 0.02, len(p))
    interval = paired_bootstrap_difference(roc_auc, y, p, worse, n=200)
    alone = bootstrap(roc_auc, y, p, n=200)
    assert interval.low > 0
    assert interval.high - interval.low < 0.5 * (alone.high - alone.low)


def test_bootstrap_refuses_lengths_that_differ() -> None:
    with pytest.raises(DataError, match=r"bootstrap: groups \(3,\) and y \(2,\)"):
        bootstrap(roc_auc, [0, 1], [0.1, 0.2], groups=[1, 2, 3])


def test_population_stability_by_hand() -> None:
    reference_shares = ReferenceBins(edges=(0.5,), shares=(0.5, 0.5, 0.0))
    psi = population_stability_index(reference_shares, [0.1, 0.6, 0.7, 0.8])
    assert psi == pytest.approx(0.25 * np.log(2) + 0.25 * np.log(1.5), abs=1e-3)
    assert population_stability_index(reference_shares, [0.1, 0.9]) == pytest.approx(0)
    assert np.isfinite(population_stability_index(reference_shares, [np.nan, np.nan]))
    assert population_stability_index(reference_shares, [np.nan, np.nan]) > 5


def test_population_stability_keeps_the_reference_bins() -> None:
    rng = np.random.default_rng(0)
    bins = reference_bins(rng.normal(size=20_000))
    assert len(bins.edges) == 9
    assert bins.shares[:-1] == pytest.approx([0.1] * 10)
    same, shifted = (population_stability_index(bins, rng.normal(mean, 1, 5_000)) for mean in (0.0, 0.5))
    assert same < 0.01 < 0.2 < shifted < 0.3  # about 0.5 ** 2 for a shift of half a standard deviation


def test_population_stability_survives_constant_and_missing_columns() -> None:
    constant = reference_bins(np.ones(50))
    assert population_stability_index(constant, np.ones(20)) == pytest.approx(0)
    assert population_stability_index(constant, np.zeros(20)) > 5
    nothing = reference_bins(np.full(50, np.nan))
    assert nothing == ReferenceBins(edges=(), shares=(0.0, 1.0))
    with pytest.raises(DataError, match="at least 1"):
        reference_bins([])
