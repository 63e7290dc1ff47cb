"""Weeks to detection: against a simulation of the weekly run, and in the order that an engineer expects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.faults.build_range_evidence import CellReference
from ml.domain.faults.detection_power import detection_power

THRESHOLD = float(np.log(400 / 0.05))


def cell(weekly: float, builds: int = 4, *, drift: float = 0.1) -> tuple[CellReference, np.ndarray]:
    """A cell whose reference year was as expected, and its expected faults per week, the same for each build period."""
    year = np.full(builds, 52 * weekly / builds)
    return CellReference(year, year, 0.04, drift), np.full(builds, weekly / builds)


def simulated(
    reference: CellReference, weekly: np.ndarray, ratio: float, affected: np.ndarray, weeks: int = 104
) -> list[float]:
    """Return the 10, 50 and 90% quantile of the week of the first alarm in 400 simulated cells."""
    rng = np.random.default_rng(0)
    own = rng.gamma(reference.test_shape, reference.mean / reference.test_shape, 400)[:, None]
    count, first = np.zeros((400, len(weekly))), np.full(400, np.inf)
    for week in range(1, weeks + 1):
        count += rng.poisson(own * weekly * (1 + (ratio - 1) * affected))
        over = reference.log_e(count, np.broadcast_to(week * weekly, count.shape)) >= THRESHOLD
        first[over & np.isinf(first)] = week
    return [float(np.quantile(first, q, method="lower")) for q in (0.1, 0.5, 0.9)]


@pytest.mark.parametrize(("ratio", "share"), [(3.0, [1, 1, 1, 1]), (3.0, [0, 0, 1, 1]), (2.0, [0, 0, 0, 1])])
def test_the_weeks_are_those_of_a_simulated_weekly_run(ratio: float, share: list[int]) -> None:
    reference, weekly = cell(2.0)
    affected = np.array(share, dtype=float)
    power = detection_power(reference, weekly, alarm_threshold=THRESHOLD, affected=affected)
    for level, week in zip((0.1, 0.5, 0.9), simulated(reference, weekly, ratio, affected), strict=True):
        computed = power.quantile(level, ratio)
        assert computed is not None and (np.isinf(week) or week - 1 <= computed <= 1.3 * week + 2)


@settings(deadline=None, max_examples=20)
@given(weekly=st.floats(0.05, 5.0), low=st.floats(1.0, 4.0), step=st.floats(0.05, 2.0))
def test_a_higher_rate_and_a_later_week_are_never_less_likely_to_be_detected(
    weekly: float, low: float, step: float
) -> None:
    power = detection_power(*cell(weekly, 3), alarm_threshold=THRESHOLD, weeks=104)
    lower, higher = power.probability(low), power.probability(low + step)
    assert (higher >= lower - 1e-12).all() and (np.diff(lower) >= 0).all() and (lower >= 0).all()


def test_more_vehicles_are_detected_sooner_and_a_rise_of_one_is_a_false_alarm() -> None:
    weeks = [
        detection_power(*cell(weekly), alarm_threshold=THRESHOLD).quantile(0.5, 3.0) for weekly in (0.25, 0.5, 1, 2, 4)
    ]
    assert None not in weeks and weeks == sorted(weeks, reverse=True)
    assert detection_power(*cell(1.0), alarm_threshold=THRESHOLD).probability_by(260, 1.0) < 0.05
    steady = detection_power(*cell(2.0, drift=0.0), alarm_threshold=THRESHOLD)
    drifting = detection_power(*cell(2.0, drift=0.3), alarm_threshold=THRESHOLD)
    assert steady.quantile(0.5, 2.0) < (drifting.quantile(0.5, 2.0) or np.inf)  # type: ignore[operator]


def test_faults_before_the_begin_count_and_the_smallest_ratio_is_on_the_curve() -> None:
    reference, weekly = cell(2.0)
    fresh = detection_power(reference, weekly, alarm_threshold=THRESHOLD)
    tested = detection_power(reference, weekly, alarm_threshold=THRESHOLD, initial=(50 * weekly, 50 * weekly))
    assert fresh.quantile(0.5, 3.0) < tested.quantile(0.5, 3.0)  # type: ignore[operator]
    ratio = fresh.smallest_ratio(52)
    assert ratio is not None and fresh.probability_by(52, ratio) == pytest.approx(0.5, abs=1e-3)
    assert detection_power(*cell(1e-4), alarm_threshold=50.0, weeks=2).smallest_ratio(2) is None
    assert detection_power(*cell(1e-4), alarm_threshold=50.0, weeks=2).quantile(0.5, 2.0) is None


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"weekly": [0.0] * 4}, "affected"),
        ({"weekly": [1.0]}, "weekly"),
        ({"weekly": [-1.0] * 4}, "weekly"),
        ({"affected": 2.0}, "affected"),
        ({"affected": 0.0}, "affected"),
        ({"weeks": 0}, "weeks"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], name: str) -> None:
    reference, weekly = cell(1.0)
    arguments: dict[str, object] = {"weekly": weekly, "alarm_threshold": THRESHOLD, **change}
    with pytest.raises(ValueError, match=name):
        detection_power(reference, arguments.pop("weekly"), **arguments)  # type: ignore[arg-type]
