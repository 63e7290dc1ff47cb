"""Replay: by hand, where the truth is known, and what cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from ml.metrics.replay import replay


def test_by_hand() -> None:
    found = replay([1.0, 0.0, 1.0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25])
    weights = np.array([0.5, 2.0, 1.0])
    assert found.ips.value == pytest.approx(1.5 / 3)
    assert found.snips.value == pytest.approx(1.5 / 3.5)
    assert found.effective_rows == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert found.largest_weight == 2.0
    assert replay([1.0, 0.0, 1.0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], clip=1.0).snips.value == pytest.approx(
        1.5 / 2.5
    )


def _logs(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
    """Three vehicles with known chances of a look, shown unevenly; the other policy prefers the third."""
    chance, log, other = np.array([0.1, 0.3, 0.6]), np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.2, 0.6])
    shown = rng.choice(3, n, p=log)
    reward = (rng.random(n) < chance[shown]).astype(float)
    return reward, log[shown], other[shown], chance[shown], np.full(n, float(chance @ other))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    covered = {"ips": 0, "snips": 0, "dr": 0}
    runs = 150
    for seed in range(runs):
        reward, log, other, expected, mean = _logs(np.random.default_rng(seed), 800)
        found = replay(reward, log, other, expected=expected, expected_other=mean, seed=seed)
        for name in covered:
            interval = getattr(found, name)
            covered[name] += interval.low <= mean[0] <= interval.high
    assert all(0.88 * runs <= hits <= runs for hits in covered.values()), covered  # 95 % less four standard errors


def test_a_good_model_makes_it_steadier() -> None:
    reward, log, other, expected, mean = _logs(np.random.default_rng(1), 3_000)
    found = replay(reward, log, other, expected=expected, expected_other=mean)
    assert found.dr is not None
    assert found.dr.high - found.dr.low < found.ips.high - found.ips.low


def test_rows_of_one_visitor_count_as_one() -> None:
    reward, log, other, _, _ = _logs(np.random.default_rng(2), 500)
    alone = replay(reward, log, other)
    copies = replay(np.repeat(reward, 4), np.repeat(log, 4), np.repeat(other, 4), groups=np.repeat(np.arange(500), 4))
    assert copies.ips.value == pytest.approx(alone.ips.value)
    assert copies.ips.high - copies.ips.low == pytest.approx(alone.ips.high - alone.ips.low, rel=0.3)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 1)), min_size=1, max_size=30))
def test_the_same_policy_earns_what_was_earned(rows: list[tuple[float, float]]) -> None:
    reward, chance = (list(v) for v in zip(*rows, strict=True))
    found = replay(reward, chance, chance)
    assert found.ips.value == pytest.approx(np.mean(reward)) == found.snips.value
    assert found.effective_rows == pytest.approx(len(rows))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"logged": [0.0, 0.5]}, "logged must be probabilities above 0 up to 1, got 0"),
        ({"other": [0.5, 1.5]}, "other must be probabilities from 0 up to 1, got 1.5"),
        ({"reward": [np.nan, 1.0]}, "finite"),
        ({"reward": [1.0]}, "same number of rows"),
        ({"reward": [], "logged": [], "other": []}, "at least one"),
        ({"other": [0.0, 0.0]}, "says nothing"),
        ({"groups": np.array([1])}, "groups must have 2 rows"),
        ({"clip": 0.0}, "clip must be above 0"),
        ({"expected": [0.1, 0.1]}, "go together"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"reward": [1.0, 0.0], "logged": [0.5, 0.5], "other": [0.5, 0.5], **change}
    with pytest.raises(DataError, match=told):
        replay(given.pop("reward"), given.pop("logged"), given.pop("other"), **given)
