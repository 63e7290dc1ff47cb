"""Cut-offs on populations with known bad rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from ml.domain.credit.bands import bands
from ml.domain.credit.cutoffs import TargetNotReachable, derive_cutoffs


def _levels(*levels: tuple[float, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return shuffled probabilities and outcomes from levels (probability, number of rows, number of defaults)."""
    probability = np.concatenate([np.full(n, p) for p, n, _ in levels])
    bad = np.concatenate([(np.arange(n) < k).astype(float) for _, n, k in levels])
    order = np.random.default_rng(0).permutation(len(bad))
    return probability[order], bad[order]


def _calibrated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probability = expit(rng.normal(-3.3, 1.3, n))
    return probability, (rng.random(n) < probability).astype(float)


def test_cut_offs_by_hand() -> None:
    # Cumulative bad rates: 0.2 %, 1.1 %, 2.1 %, 14 %. Marginal: 0.2 %, 2 %, 4 %, 50 %.
    rows = _levels((0.002, 1_000, 2), (0.02, 1_000, 20), (0.04, 1_000, 40), (0.5, 1_000, 500))
    cutoffs = derive_cutoffs(*rows, target_bad_rate=0.012, n_resamples=50)
    assert (cutoffs.approve.value, cutoffs.decline.value) == (0.02, 0.04)
    assert cutoffs.bad_rate.value == pytest.approx(22 / 2_000)
    assert cutoffs.approval_rate.value == 0.5
    assert cutoffs.maximum_marginal_bad_rate == pytest.approx(0.048)
    assert cutoffs.bad_rate.low < cutoffs.bad_rate.value < cutoffs.bad_rate.high


def test_nobody_at_a_level_above_the_marginal_limit_is_approved() -> None:
    # The average would allow the second level; that level alone would not.
    rows = _levels((0.001, 3_000, 0), (0.03, 1_000, 30), (0.5, 500, 250))
    cutoffs = derive_cutoffs(*rows, target_bad_rate=0.012, maximum_marginal_bad_rate=0.02, n_resamples=20)
    assert (cutoffs.approve.value, cutoffs.decline.value) == (0.001, 0.001)


def test_everyone_is_approved_when_all_are_good_enough() -> None:
    cutoffs = derive_cutoffs(*_levels((0.001, 900, 1), (0.01, 900, 9)), target_bad_rate=0.012, n_resamples=20)
    assert (cutoffs.approve.value, cutoffs.approval_rate.value) == (0.01, 1.0)


def test_an_unreachable_target_says_what_can_be_reached() -> None:
    with pytest.raises(
        TargetNotReachable, match=r"1\.2 % with at least 100 .* lowest reachable bad rate is 3 % \(1000 approvals"
    ):
        derive_cutoffs(*_levels((0.03, 1_000, 30), (0.2, 1_000, 200)))
    with pytest.raises(TargetNotReachable, match="cannot be reached with 60 held-out rows"):
        derive_cutoffs(*_levels((0.01, 50, 0), (0.5, 10, 5)))


def test_a_handful_of_good_rows_is_not_evidence() -> None:
    with pytest.raises(TargetNotReachable):
        derive_cutoffs(*_levels((0.001, 99, 0), (0.05, 2_000, 100)))
    assert derive_cutoffs(*_levels((0.001, 100, 0), (0.05, 2_000, 100)), n_resamples=20).approve.value == 0.001


def test_the_true_bad_rate_is_near_the_target_and_covered() -> None:
    covered, rates = 0, []
    for seed in range(20):
        probability, bad = _calibrated(20_000, seed)
        cutoffs = derive_cutoffs(probability, bad, n_resamples=100)
        truth = probability[probability <= cutoffs.approve.value].mean()
        rates.append(truth)
        covered += cutoffs.bad_rate.low <= truth <= cutoffs.bad_rate.high
    assert np.mean(rates) == pytest.approx(0.012, abs=0.0008)
    assert covered >= 16


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), target=st.floats(0.005, 0.05))
def test_the_target_holds_on_the_rows_that_set_it(seed: int, target: float) -> None:
    probability, bad = _calibrated(1_500, seed)
    try:
        cutoffs = derive_cutoffs(probability, bad, target_bad_rate=target, n_resamples=1)
    except TargetNotReachable:
        return
    approved = probability <= cutoffs.approve.value
    assert bad[approved].mean() <= target
    assert cutoffs.approve.value <= cutoffs.decline.value
    assert cutoffs.approval_rate.value == pytest.approx(approved.mean())


def test_bands_include_their_upper_end_and_never_decline_the_approved() -> None:
    probability, _ = _levels((0.002, 1, 0), (0.02, 1, 0), (0.3, 1, 0))
    expected = {0.002: "approve", 0.02: "refer", 0.3: "decline"}
    assert bands(probability, approve=0.002, decline=0.02).tolist() == [expected[p] for p in probability]
    assert bands([0.05, 0.06], approve=0.05, decline=0.01).tolist() == ["approve", "decline"]


@pytest.mark.parametrize(
    ("probability", "bad", "rule"),
    [
        ([0.1, 1.2], [0, 1], "probability must be between 0 and 1, got 1.2"),
        ([0.1, 0.2], [0, 3], "defaulted must be 0 or 1, got 3.0"),
        ([0.1, 0.2], [0, 0], "both good and bad loans are needed, got 0 in all 2 rows"),
        ([0.1], [0, 1], "the same length"),
        ([], [], "at least 1"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(probability: list[float], bad: list[int], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        derive_cutoffs(probability, bad)


def test_limits_that_contradict_each_other_are_refused() -> None:
    rows = _levels((0.01, 200, 2), (0.2, 200, 40))
    with pytest.raises(ValueError, match="maximum marginal"):
        derive_cutoffs(*rows, target_bad_rate=0.05, maximum_marginal_bad_rate=0.01)


@pytest.mark.parametrize("value", [np.nan, -0.01, 1.01])
def test_a_probability_outside_0_to_1_has_no_band(value: float) -> None:
    with pytest.raises(ValueError, match="probability must be from 0 to 1"):
        bands([0.1, value], approve=0.02, decline=0.08)


def test_a_high_target_has_a_marginal_limit_of_at_most_1() -> None:
    pd = np.repeat([0.1, 0.6], 1000)
    bad = np.concatenate([np.arange(1000) < 100, np.arange(1000) < 600])
    cutoffs = derive_cutoffs(pd, bad, target_bad_rate=0.4, n_resamples=5)
    assert (cutoffs.maximum_marginal_bad_rate, cutoffs.decline.value) == (1.0, 0.6)
