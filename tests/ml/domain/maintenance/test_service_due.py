"""Next routine service of a vehicle, computed by hand and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.maintenance.service_due import Driving, Limits, Rate, due_days, fit_driving, km_days, posterior_rate

CERTAIN = Rate(np.array([5e9]), np.array([1e8]), chunk=1.0)  # 50 km a day, without doubt


NONE = float("nan")


def limits(date: float, since: float, remaining: float, until: float = NONE, driven: float = NONE) -> Limits:
    return Limits(*(np.array([v]) for v in (date, since, remaining, until, driven)))


def test_the_earlier_of_date_and_distance_is_due() -> None:
    assert due_days(limits(200.0, 10.0, 5_000.0), CERTAIN, [0.5])[0, 0] == pytest.approx(110.0, abs=0.01)
    assert due_days(limits(60.0, 10.0, 5_000.0), CERTAIN, [0.1, 0.5, 0.9]).tolist() == [[60.0] * 3]
    assert due_days(limits(np.inf, 10.0, np.inf), CERTAIN, [0.5]).tolist() == [[np.inf]]
    assert due_days(limits(60.0, 10.0, NONE), CERTAIN, [0.5]).tolist() == [[60.0]]
    with pytest.raises(ValueError, match="probability must lie between 0 and 1, got 1"):
        km_days(limits(60.0, 10.0, 5_000.0), CERTAIN, 1)


def test_a_limit_passed_between_two_readings_lies_between_them() -> None:
    """The day on which the first 10 of 40 chunks were driven, against simulated days of the chunks."""
    rate = Rate(np.array([5.0]), np.array([25.0]), chunk=100.0)
    passed = limits(np.inf, 100.0, 1_000.0, 180.0, 4_000.0)
    days = 100 + 80 * np.sort(np.random.default_rng(0).random((20_000, 39)), axis=1)
    for probability in (0.1, 0.5, 0.9):
        simulated = np.quantile(days[:, 9], probability)  # the last of 40 chunks ends at the second reading
        assert km_days(passed, rate, probability)[0] == pytest.approx(simulated, abs=0.3)


@given(
    st.floats(0, 400), st.floats(0, 20_000), st.floats(1, 400), st.floats(0, 20_000), st.booleans(), st.floats(1, 500)
)
def test_the_interval_contains_the_day(
    date: float, remaining: float, span: float, more: float, is_passed: bool, chunk: float
) -> None:
    ends = (50.0 + span, remaining + more) if is_passed else (NONE, NONE)
    rate = Rate(np.array([5.0]), np.array([25.0]), chunk=chunk)
    ((low, day, high),) = due_days(limits(date, 50.0, remaining, *ends), rate, [0.1, 0.5, 0.9])
    assert low <= day <= high <= date
    assert not is_passed or (min(date, 50.0) <= low and day <= max(50.0 + span, 50.0))


def test_days_until_a_distance_are_the_waiting_time_of_the_gamma_poisson_model() -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(5.0, 1 / 25.0, 200_000)  # chunks a day
    days = rng.gamma(20.0, 1 / rates)  # until 20 chunks of 200 km
    rate = Rate(np.array([5.0]), np.array([25.0]), chunk=200.0)
    for level in (0.1, 0.5, 0.9):
        assert rate.days_until([4_000.0], level)[0] == pytest.approx(np.quantile(days, level), rel=0.01)


def test_driving_is_estimated_from_steps() -> None:
    rng = np.random.default_rng(1)
    vehicles, steps = 2_000, 6
    ratio = rng.gamma(8.0, 1 / 8.0, vehicles)
    chunks = rng.poisson(40.0 * ratio[:, None] * 50.0 / 150.0, (vehicles, steps))
    who = np.repeat(np.arange(vehicles), steps)
    driving = fit_driving(who, 150.0 * chunks.ravel(), np.full(len(who), 50.0), typical=np.full(vehicles, 40.0))
    assert driving.chunk == pytest.approx(150.0, rel=0.1)
    assert driving.level == pytest.approx(1.0, abs=0.05) and driving.shape == pytest.approx(8.0, rel=0.2)
    with pytest.raises(ValueError, match="days above 0"):
        fit_driving([0], [10.0], [0.0], typical=[40.0])


def test_a_vehicle_without_readings_has_its_typical_rate() -> None:
    rate = posterior_rate(Driving(chunk=100.0, level=0.5, shape=10.0), [0.0], [0.0], typical=[40.0])
    assert rate.km_a_day.tolist() == [20.0]
