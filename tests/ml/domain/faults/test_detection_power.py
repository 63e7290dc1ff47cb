"""Cells that differ for good raise no more false alarms than promised, and how long a raised rate stays unknown."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.faults.detection_power import smallest_detectable_ratio, weeks_to_detection
from ml.domain.faults.sequential_evidence import cumulative_evidence

CELLS, ALPHA = 100, 0.05
BAR = float(np.log(CELLS / ALPHA))


def test_models_that_are_prone_for_good_raise_as_few_false_alarms_as_promised() -> None:
    """400 years of 100 cells of different sizes, looked at every week: with what is known of them, and without."""
    rng = np.random.default_rng(0)
    years, between_model_variance = 400, 0.04
    weekly = np.tile(rng.gamma(0.5, 3.0, CELLS) + 0.01, years)
    own = rng.gamma(1 / between_model_variance, between_model_variance, years * CELLS)
    raised, naive = np.zeros(years, dtype=bool), np.zeros(years, dtype=bool)
    count = np.zeros(years * CELLS)
    for week in range(1, 53):
        count += rng.poisson(weekly * own)
        known = cumulative_evidence(count, weekly * week, between_model_variance).log_e >= BAR
        raised |= known.reshape(years, CELLS).any(axis=1)
        ignored = cumulative_evidence(count, weekly * week).log_e >= BAR
        naive |= ignored.reshape(years, CELLS).any(axis=1)
    assert raised.mean() <= ALPHA + 1.96 * np.sqrt(ALPHA * (1 - ALPHA) / years)
    assert naive.mean() > 0.5  # taken for Poisson, cells that are merely prone are taken for faults


def test_the_higher_the_rate_and_the_larger_the_fleet_the_sooner_it_is_known() -> None:
    def median(ratio: float, yearly: float) -> float:
        return (
            weeks_to_detection(np.full(52, yearly / 52), ratio=ratio, alarm_threshold=BAR, samples=500).quantile(0.5)
            or np.inf
        )

    assert median(3.0, 100) < median(2.0, 100) < median(1.5, 100)
    assert median(2.0, 200) < median(2.0, 50) <= median(2.0, 10)


def test_without_a_fault_the_cell_has_its_share_of_the_false_alarms() -> None:
    found = weeks_to_detection(
        np.full(52, 1.0), ratio=1.0, alarm_threshold=float(np.log(20)), between_model_variance=0.04, samples=4_000
    )
    assert found.share(52) <= 0.05
    assert found.quantile(0.5) is None


def test_what_is_known_before_counts() -> None:
    fresh = weeks_to_detection(np.full(52, 1.0), ratio=2.0, alarm_threshold=BAR, samples=500)
    warned = weeks_to_detection(
        np.full(52, 1.0), ratio=2.0, alarm_threshold=BAR, samples=500, initial_totals=(18, 10.0)
    )
    assert (warned.quantile(0.5) or np.inf) < (fresh.quantile(0.5) or np.inf)


def test_the_smallest_ratio_that_shows_falls_with_the_fleet_and_rises_with_proneness() -> None:
    small, large = (
        smallest_detectable_ratio(20.0, alarm_threshold=BAR),
        smallest_detectable_ratio(200.0, alarm_threshold=BAR),
    )
    prone = smallest_detectable_ratio(200.0, alarm_threshold=BAR, between_model_variance=0.04)
    assert small is not None and large is not None and prone is not None
    assert 1 < large < small and large < prone
    assert smallest_detectable_ratio(0.01, alarm_threshold=BAR, max_ratio=3.0) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"expected": [0.0, 0.0]}, "expected"),
        ({"expected": [-1.0]}, "expected"),
        ({"ratio": 0.0}, "ratio"),
        ({"between_model_variance": -1.0}, "between_model_variance"),
        ({"samples": 0}, "samples"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], named: str) -> None:
    asked: dict[str, object] = {"expected": [1.0], "ratio": 2.0, "alarm_threshold": BAR, **change}
    expected = asked.pop("expected")
    with pytest.raises(ValueError, match=named):
        weeks_to_detection(expected, **asked)  # type: ignore[arg-type]
