"""Off-policy estimates: by hand, unbiased and covered where the truth is known, and invalid rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from ml.metrics.off_policy import OffPolicyEstimate, off_policy_estimate

ESTIMATORS = ("ips", "snips", "dr")


def _estimate(reward: Any, propensity: Any, target: Any, **changes: Any) -> OffPolicyEstimate:
    zeros = np.zeros(len(reward))
    return off_policy_estimate(reward, propensity, target, **{"expected": zeros, "expected_target": zeros, **changes})


def test_by_hand() -> None:
    """Weights 0.5, 2 and 1."""
    estimate = _estimate([1.0, 0.0, 1.0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25])
    assert estimate.logged.value == pytest.approx(2 / 3)
    assert estimate.ips.value == pytest.approx(1.5 / 3) == estimate.dr.value, "without a model, DR is IPS"
    assert estimate.snips.value == pytest.approx(1.5 / 3.5)
    assert estimate.gain.value == pytest.approx(1.5 / 3 - 2 / 3)
    assert estimate.mean_weight.value == pytest.approx(3.5 / 3)
    assert estimate.effective_rows == pytest.approx(3.5**2 / 5.25) and estimate.largest_weight == 2.0
    modelled = _estimate(
        [1.0, 0.0, 1.0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], expected=[0.8, 0.1, 0.5], expected_target=[0.4, 0.6, 0.5]
    )
    assert modelled.dr.value == pytest.approx((0.4 + 0.5 * 0.2 + 0.6 - 2 * 0.1 + 0.5 + 0.5) / 3)


def _logs(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    """Three vehicles with known chances of a view, shown unevenly; the target policy prefers the third."""
    chance, log, target = np.array([0.1, 0.3, 0.6]), np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.2, 0.6])
    shown = rng.choice(3, n, p=log)
    reward = (rng.random(n) < chance[shown]).astype(float)
    return reward, log[shown], target[shown], chance[shown], np.full(n, float(chance @ target))


def test_estimates_are_unbiased_and_intervals_cover_the_truth() -> None:
    covered, runs = dict.fromkeys(ESTIMATORS, 0), 150
    values: dict[str, list[float]] = {name: [] for name in ESTIMATORS}
    for seed in range(runs):
        reward, log, target, expected, mean = _logs(np.random.default_rng(seed), 800)
        estimate = _estimate(reward, log, target, expected=expected, expected_target=mean, seed=seed)
        for name in ESTIMATORS:
            interval = getattr(estimate, name)
            values[name].append(interval.value)
            covered[name] += interval.low <= mean[0] <= interval.high
    for name in ESTIMATORS:
        assert abs(np.mean(values[name]) - mean[0]) < 4 * np.std(values[name]) / np.sqrt(runs), name
    assert all(0.88 * runs <= hits <= runs for hits in covered.values()), covered  # 95% less four standard errors


def test_doubly_robust_is_unbiased_with_a_wrong_model_or_with_wrong_propensities() -> None:
    """A model that is off by a constant needs right propensities; a right model does not."""
    reward, log, target, expected, mean = _logs(np.random.default_rng(5), 400_000)
    off = _estimate(reward, log, target, expected=expected + 0.2, expected_target=mean + 0.2, n=2)
    wrong = _estimate(reward, np.full(len(log), 1 / 3), target, expected=expected, expected_target=mean, n=2)
    assert off.dr.value == pytest.approx(mean[0], abs=0.01)
    assert wrong.dr.value == pytest.approx(mean[0], abs=0.01)
    assert wrong.ips.value != pytest.approx(mean[0], abs=0.05)


def test_a_good_model_makes_it_steadier() -> None:
    reward, log, target, expected, mean = _logs(np.random.default_rng(1), 3_000)
    estimate = _estimate(reward, log, target, expected=expected, expected_target=mean)
    assert estimate.dr.high - estimate.dr.low < estimate.ips.high - estimate.ips.low


def test_what_the_log_never_shows_lowers_the_mean_weight() -> None:
    """The target policy shows the third vehicle with probability 0.6; this log never does."""
    reward, log, target, *_ = _logs(np.random.default_rng(3), 4_000)
    listed = target < 0.6
    estimate = _estimate(reward[listed], log[listed] / 0.9, target[listed])
    assert estimate.mean_weight.low < 0.4 < estimate.mean_weight.high


def test_rows_of_one_group_count_as_one() -> None:
    reward, log, target, _, _ = _logs(np.random.default_rng(2), 500)
    alone = _estimate(reward, log, target)
    copies = _estimate(
        np.repeat(reward, 4), np.repeat(log, 4), np.repeat(target, 4), groups=np.repeat(np.arange(500), 4)
    )
    assert copies.ips.value == pytest.approx(alone.ips.value)
    assert copies.ips.high - copies.ips.low == pytest.approx(alone.ips.high - alone.ips.low, rel=0.3)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_the_same_policy_earns_the_mean_of_the_log(rows: list[tuple[float, float, float]]) -> None:
    reward, chance, expected = (list(v) for v in zip(*rows, strict=True))
    estimate = _estimate(reward, chance, chance, expected=expected, expected_target=expected, n=5)
    for name in ("ips", "snips", "dr", "logged"):
        assert getattr(estimate, name).value == pytest.approx(np.mean(reward))
    assert estimate.gain.value == pytest.approx(0, abs=1e-12) and estimate.mean_weight.value == pytest.approx(1)
    assert estimate.effective_rows == pytest.approx(len(rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"propensity": [0.0, 0.5]}, "propensity must be probabilities above 0 up to 1, got 0"),
        ({"target": [0.5, 1.5]}, "target must be probabilities from 0 up to 1, got 1.5"),
        ({"reward": [np.nan, 1.0]}, "reward must be finite"),
        ({"expected": [0.1, np.inf]}, "expected must be finite"),
        ({"propensity": [1.0]}, "same number of rows"),
        ({"expected_target": [1.0]}, "same number of rows"),
        ({"reward": [], "propensity": [], "target": []}, "at least one"),
        ({"target": [0.0, 0.0]}, "none of the logged exposures"),
        ({"groups": np.array([1])}, "same number of rows"),
    ],
)
def test_invalid_rows_are_refused(change: dict[str, Any], message: str) -> None:
    columns: dict[str, Any] = {"reward": [1.0, 0.0], "propensity": [0.5, 0.5], "target": [0.5, 0.5], **change}
    with pytest.raises(DataError, match=message):
        _estimate(columns.pop("reward"), columns.pop("propensity"), columns.pop("target"), **columns)
