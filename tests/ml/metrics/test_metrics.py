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


def _folded_mean(gap: float, deviation: float) -> float:
    """Mean of |x| for x normal with mean `gap`, by numerical integration."""
    x = np.linspace(gap - 9 * deviation, gap + 9 * deviation, 200_001)
    density = np.exp(-(((x - gap) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
    return float(np.trapezoid(np.abs(x) * density, x))


def test_expected_calibration_error_by_hand() -> None:
    # Probability 0.1, 20 of 100 rows positive: gap 0.1, standard error sqrt(0.2 * 0.8 / 100) = 0.04.
    # Probability 0.7, 50 of 100 rows positive: gap 0.2, standard error sqrt(0.5 * 0.5 / 100) = 0.05.
    y, p = np.repeat([0, 1, 0, 1], [80, 20, 50, 50]), np.repeat([0.1, 0.7], 100)
    expected = (2 * 0.1 - _folded_mean(0.1, 0.04) + 2 * 0.2 - _folded_mean(0.2, 0.05)) / 2
    assert 0.149 < expected < 0.15, "hardly less than the mean gap of 0.15: both gaps are well above their errors"
    assert expected_calibration_error(y, p, n_bins=2) == pytest.approx(expected)
    # In one bin: gap 0.05, squares 80 * 0.01 + 20 * 0.81 + 50 * 0.49 + 50 * 0.09 = 46, less 200 * 0.0025.
    deviation = float(np.sqrt((46 / 200 - 0.05**2) / 200))
    one = expected_calibration_error(y, p, n_bins=1)
    assert one == pytest.approx(2 * 0.05 - _folded_mean(0.05, deviation)) and one < 0.05
    assert expected_calibration_error([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], n_bins=1) == 0.0, "no gap: 0, not below"
    with pytest.raises(DataError, match="n_bins must be at least 1, got 0"):
        expected_calibration_error([0, 1], [0.1, 0.2], n_bins=0)


def _plain_calibration_error(y: np.ndarray, p: np.ndarray, n_bins: int = 10) -> float:
    parts = np.array_split(np.argsort(p, kind="stable"), n_bins)
    return float(sum(abs((p[part] - y[part]).sum()) for part in parts) / len(y))


def test_the_calibration_error_is_less_biased_than_the_plain_one_and_keeps_a_large_error() -> None:
    plain, corrected, wrong, wrong_plain = [], [], [], []
    for seed in range(60):
        y, p = _scored(1_000, seed=seed)
        plain.append(_plain_calibration_error(y, p))
        corrected.append(expected_calibration_error(y, p))
        high = np.minimum(p + 0.1, 1.0)
        wrong.append(expected_calibration_error(y, high))
        wrong_plain.append(_plain_calibration_error(y, high))
    assert np.mean(corrected) < 0.7 * np.mean(plain), "the true error is 0"
    assert np.mean(wrong) == pytest.approx(0.1, abs=0.004) and np.mean(wrong_plain) == pytest.approx(0.1, abs=0.004)


def test_the_interval_covers_the_calibration_error_and_plain_percentiles_of_the_plain_error_do_not() -> None:
    """Outcomes at 0.6 times the predicted log-odds; the true error is that of 200,000 rows. Quick: 60 samples."""
    rng = np.random.default_rng(4)

    def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
        odds = np.sort(rng.normal(-1.0, 1.0, n))
        return (rng.random(n) < 1 / (1 + np.exp(-0.6 * odds))).astype(float), 1 / (1 + np.exp(-odds))

    truth = _plain_calibration_error(*sample(200_000))
    hits = []
    for _ in range(60):
        interval = bootstrap(expected_calibration_error, *sample(400), n=60, bounds=(0.0, 1.0))
        assert 0 <= interval.low <= interval.value <= interval.high
        hits.append(interval.low <= truth <= interval.high)
    assert np.mean(hits) >= 0.85, "95% by name; 92-96% in a long simulation"


INTERVAL_METRICS = (roc_auc, gini, ks, pr_auc, brier, log_loss, expected_calibration_error)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 1), st.floats(0.001, 0.999), st.integers(0, 3)), min_size=4, max_size=30
    ).filter(lambda rows: {y for y, _, _ in rows} == {0, 1} and len({g for _, _, g in rows}) >= 2),
    metric=st.sampled_from(INTERVAL_METRICS),
    grouped=st.booleans(),
)
def test_an_interval_contains_its_value(rows: list[tuple[int, float, int]], metric, grouped: bool) -> None:
    y, p, g = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    try:
        interval = bootstrap(metric, y, p, groups=g if grouped else None, n=30)
    except DataError as e:
        assert "too few groups" in str(e)
        return
    assert not interval.has_limits or interval.low <= interval.value <= interval.high


def test_a_single_group_has_no_interval() -> None:
    y, p = _scored(50)
    alone = bootstrap(brier, y, p, groups=np.zeros(50), n=20)
    assert alone.value == pytest.approx(brier(y, p)) and not alone.has_limits
    assert np.isnan(alone.low) and np.isnan(alone.high)
    gain = paired_bootstrap_difference(brier, y, p, p**2, groups=np.zeros(50), n=20)
    assert gain.value != 0 and not gain.has_limits


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
    assert interval.value == 1.0 and not interval.has_limits, "1 in every resample: no interval"
    with pytest.raises(DataError, match="needs rows of both classes"):
        bootstrap(roc_auc, [0, 0], [0.1, 0.2], n=5)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1_000))
def test_a_model_against_itself_differs_by_nothing(seed: int) -> None:
    y, p = _scored(100, seed=7)
    interval = paired_bootstrap_difference(pr_auc, y, p, p, n=10, seed=seed)
    assert interval.value == 0.0 and not interval.has_limits


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


def test_an_empty_bin_counts_half_a_row() -> None:
    reference = ReferenceBins(edges=(0.5,), shares=(0.5, 0.5, 0.0))
    psi = population_stability_index(reference, [0.1] * 4)  # 4 and half a row: shares 8/9 and 1/9
    assert psi == pytest.approx((8 / 9 - 0.5) * np.log(8), abs=1e-3)


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
