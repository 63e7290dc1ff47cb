"""Next routine service of a vehicle, computed by hand and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.maintenance.service_due import Driving, Rate, fit_driving, next_due, posterior_rate

CERTAIN = Rate(np.array([5e9]), np.array([1e8]), chunk=1.0)  # 50 km a day, without doubt


def test_the_earlier_of_date_and_distance_is_due() -> None:
    by_km = next_due([200.0], [10.0], [5_000.0], CERTAIN)
    assert by_km.day[0] == pytest.approx(110.0, abs=0.01) and by_km.by_km.tolist() == [True]
    by_date = next_due([60.0], [10.0], [5_000.0], CERTAIN)
    assert by_date.day.tolist() == by_date.low.tolist() == by_date.high.tolist() == [60.0]
    nothing = next_due([np.inf], [10.0], [np.inf], CERTAIN)
    assert nothing.day.tolist() == [np.inf]
    with pytest.raises(ValueError, match="share must lie between 0 and 1, got 1"):
        next_due([60.0], [10.0], [5_000.0], CERTAIN, share=1)


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
