"""Family-wise false-alarm rate with cells of different own_rate rates, and weeks to detection of raised rates."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.faults.detection_power import smallest_detectable_ratio, weeks_to_detection
from ml.domain.faults.sequential_evidence import cumulative_evidence

CELLS, ALPHA = 100, 0.05
THRESHOLD = float(np.log(CELLS / ALPHA))


def test_the_family_wise_false_alarm_rate_holds_with_a_between_model_variance() -> None:
    """400 years of 100 cells of different sizes, tested every week, with and without the between-model variance."""
    rng = np.random.default_rng(0)
    years, between_model_variance = 400, 0.04
    weekly = np.tile(rng.gamma(0.5, 3.0, CELLS) + 0.01, years)
    own_rate = rng.gamma(1 / between_model_variance, between_model_variance, years * CELLS)
    raised, naive = np.zeros(years, dtype=bool), np.zeros(years, dtype=bool)
    count = np.zeros(years * CELLS)
    for week in range(1, 53):
        count += rng.poisson(weekly * own_rate)
        adjusted = cumulative_evidence(count, weekly * week, between_model_variance).log_e >= THRESHOLD
        raised |= adjusted.reshape(years, CELLS).any(axis=1)
        ignored = cumulative_evidence(count, weekly * week).log_e >= THRESHOLD
        naive |= ignored.reshape(years, CELLS).any(axis=1)
    assert raised.mean() <= ALPHA + 1.96 * np.sqrt(ALPHA * (1 - ALPHA) / years)
    assert naive.mean() > 0.5  # without the variance, ordinary cells of a higher own rate raise alarms


def test_detection_is_sooner_for_higher_rates_and_larger_fleets() -> None:
    def median(ratio: float, yearly: float) -> float:
        return (
            weeks_to_detection(np.full(52, yearly / 52), ratio=ratio, alarm_threshold=THRESHOLD, samples=500).quantile(
                0.5
            )
            or np.inf
        )

    assert median(3.0, 100) < median(2.0, 100) < median(1.5, 100)
    assert median(2.0, 200) < median(2.0, 50) <= median(2.0, 10)


def test_without_a_fault_the_false_alarm_rate_of_the_cell_holds() -> None:
    detection = weeks_to_detection(
        np.full(52, 1.0), ratio=1.0, alarm_threshold=float(np.log(20)), between_model_variance=0.04, samples=4_000
    )
    assert detection.share(52) <= 0.05
    assert detection.quantile(0.5) is None


def test_initial_totals_count() -> None:
    fresh = weeks_to_detection(np.full(52, 1.0), ratio=2.0, alarm_threshold=THRESHOLD, samples=500)
    warned = weeks_to_detection(
        np.full(52, 1.0), ratio=2.0, alarm_threshold=THRESHOLD, samples=500, initial_totals=(18, 10.0)
    )
    assert (warned.quantile(0.5) or np.inf) < (fresh.quantile(0.5) or np.inf)


def test_the_smallest_detectable_ratio_falls_with_the_fleet_and_rises_with_the_variance() -> None:
    small, large = (
        smallest_detectable_ratio(20.0, alarm_threshold=THRESHOLD),
        smallest_detectable_ratio(200.0, alarm_threshold=THRESHOLD),
    )
    varying = smallest_detectable_ratio(200.0, alarm_threshold=THRESHOLD, between_model_variance=0.04)
    assert small is not None and large is not None and varying is not None
    assert 1 < large < small and large < varying
    assert smallest_detectable_ratio(0.01, alarm_threshold=THRESHOLD, max_ratio=3.0) is None


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"expected": [0.0, 0.0]}, "expected"),
        ({"expected": [-1.0]}, "expected"),
        ({"ratio": 0.0}, "ratio"),
        ({"between_model_variance": -1.0}, "between_model_variance"),
        ({"samples": 0}, "samples"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], name: str) -> None:
    arguments: dict[str, object] = {"expected": [1.0], "ratio": 2.0, "alarm_threshold": THRESHOLD, **change}
    expected = arguments.pop("expected")
    with pytest.raises(ValueError, match=name):
        weeks_to_detection(expected, **arguments)  # type: ignore[arg-type]
