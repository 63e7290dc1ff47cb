"""Outlook of a small fleet, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.outlook import exit_rates, last_faults, vehicle_outlook, years_to_next_service
from ml.fault_rate.rules import AlarmRules
from tests.ml.fault_rate.small_campaign import TODAY, snapshot

RULES = AlarmRules(repair_years=5.0, leaving_rate=0.19, discount_rate=0.1)


def test_outlook_of_two_vehicles() -> None:
    state = snapshot({}, {}, repaired={1: 365})
    future = vehicle_outlook(state, np.arange(2), "M", "suspension", RULES, days=2 * YEAR_DAYS)
    assert future.edges[-1] == pytest.approx(2) and future.baseline.sum(axis=1) == pytest.approx([0.2, 0.2])
    assert future.in_service[:, -1] == pytest.approx([0.81**2] * 2) and future.discount(2.0) == pytest.approx(1 / 1.21)
    assert future.repaired_until == pytest.approx([0, 5 - 365 / YEAR_DAYS])
    state.scale, state.own_rate = 4.0, np.array([2.0])
    assert vehicle_outlook(state, np.arange(1), "M", "suspension", RULES, days=100.0).baseline.sum() == pytest.approx(
        0.2 * 100 / YEAR_DAYS
    )
    state.vehicles = None
    with pytest.raises(ValueError, match="no vehicles"):
        vehicle_outlook(state, np.arange(1), "M", "suspension", RULES, days=100.0)


def test_sources_of_the_leaving_rate() -> None:
    vehicles = snapshot({}, exits=100.0).vehicles
    rates, source = exit_rates(vehicles, RULES)
    assert source == "rules" and np.exp(-rates) == pytest.approx(np.full(6, 0.81))
    rates, source = exit_rates(vehicles, AlarmRules())
    assert source == "fleet" and rates == pytest.approx(np.full(6, 0.1))
    rates, source = exit_rates(snapshot({}).vehicles, AlarmRules())
    assert source == "unknown" and not rates.any()


def test_days_of_faults_and_of_the_next_service() -> None:
    vehicles = snapshot({"next_visit": TODAY + 73}, {"next_visit": TODAY + 146}, repaired={1: 30}).vehicles
    days = last_faults(vehicles, np.arange(2), "suspension")
    assert np.isnan(days[0]) and days[1] == TODAY - 30
    assert np.isnan(last_faults(vehicles, np.arange(2), "brakes")).all()
    assert years_to_next_service(vehicles, np.arange(2)) == pytest.approx(np.array([73, 146]) / YEAR_DAYS)
    assert years_to_next_service(snapshot({}).vehicles, np.arange(1)) is None
