"""Workshop records: routine visits, repairs, and what has been reported by the end."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.tables import ENERGY_TYPES
from tests.training.simulator.small_group import CATALOGUE, END, START, STORES, WINDOW, make_fleet
from training.simulator.faults import COMPONENTS, Faults
from training.simulator.seasons import DAY, HOUR, local_hour
from training.simulator.workshop import ROUTINE, Lines, build_lines, service_frame

BRAKES = 0
OIL = len(COMPONENTS)
LABOUR = len(COMPONENTS) + len(ROUTINE)
ELECTRIC = int(np.flatnonzero(CATALOGUE.energy == ENERGY_TYPES.index("battery_electric"))[0])
NO_FAULTS = Faults(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


def test_a_combustion_car_gets_oil_at_each_routine_visit_and_an_electric_one_never() -> None:
    fleet = make_fleet(200, monthly_km=7_500, model=np.where(np.arange(200) < 100, 0, ELECTRIC))
    lines = build_lines(np.random.default_rng(0), fleet, NO_FAULTS, catalogue=CATALOGUE, window=WINDOW)
    assert (np.diff(lines.at) >= 0).all() and not lines.fault.any()
    oil, labour = lines.work == OIL, lines.work == LABOUR
    assert oil.sum() == (labour & (lines.car < 100)).sum() > 100
    assert (lines.car[oil] < 100).all()
    assert (labour & (lines.car >= 100)).any()


def test_the_labour_line_of_a_routine_visit_sums_the_hours_of_its_work() -> None:
    fleet = make_fleet(100, monthly_km=7_500)
    lines = build_lines(np.random.default_rng(0), fleet, NO_FAULTS, catalogue=CATALOGUE, window=WINDOW)
    visits = {(car, at) for car, at in zip(lines.car.tolist(), lines.at.tolist(), strict=True)}
    for car, at in visits:
        mine = (lines.car == car) & (lines.at == at)
        work, labour = mine & (lines.work != LABOUR), mine & (lines.work == LABOUR)
        assert labour.sum() == 1
        assert lines.hours[work].sum() == pytest.approx(lines.hours[labour][0])


def test_a_repair_follows_its_fault_and_is_shown_once_it_is_reported() -> None:
    n = 400
    fleet = make_fleet(n, monthly_km=100, entered_at=START)  # 12 months to the first routine visit
    faults = Faults(np.arange(n), np.full(n, BRAKES), np.full(n, START + 80 * DAY))
    lines = build_lines(np.random.default_rng(0), fleet, faults, catalogue=CATALOGUE, window=WINDOW)
    repairs = lines.work == BRAKES
    assert lines.fault[repairs].all() and not lines.fault[~repairs].any()
    assert repairs.sum() == (lines.work == LABOUR).sum()
    assert lines.at.min() >= START + 80 * DAY + HOUR
    assert (lines.at < lines.reported_at).all() and lines.reported_at.max() < END
    assert 0.05 * n < repairs.sum() < 0.6 * n  # the delay has a median of 8 days, after some days until the visit
    hour = local_hour(lines.at)
    assert hour.min() >= 9 and hour.max() < 20


def test_a_car_that_left_is_not_repaired() -> None:
    fleet = make_fleet(50, left_at=START + 5 * DAY)
    faults = Faults(np.arange(50), np.full(50, BRAKES), np.full(50, START + 5 * DAY - 1))
    lines = build_lines(np.random.default_rng(0), fleet, faults, catalogue=CATALOGUE, window=WINDOW)
    assert len(lines.car) == 0


def _frame() -> list[dict[str, object]]:
    lines = Lines(
        car=np.array([1, 1]),
        work=np.array([BRAKES, LABOUR]),
        at=np.array([START + 30 * DAY] * 2),
        reported_at=np.array([START + 38 * DAY] * 2),
        hours=np.array([1.5, 1.5]),
        fault=np.array([True, False]),
    )
    fleet = make_fleet(2, monthly_km=1_000 * 30.4375 / 30, start_km=20, store=1)
    other_texts = pl.Series(["制动失灵", None])
    rng = np.random.default_rng(0)
    return service_frame(rng, lines, fleet, catalogue=CATALOGUE, stores=STORES, other_texts=other_texts).to_dicts()


def test_hours_are_charged_on_the_labour_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.workshop.TYPING_ERROR_RATE", 0.0)
    repair, labour = _frame()
    assert (repair["component"], repair["fault"], repair["labour_hours"]) == ("brakes", True, 0.0)
    assert (labour["component"], labour["fault"], labour["labour_hours"]) == (None, False, 1.5)
    assert repair["line_text"] == "制动失灵"  # instead of the ordinary text
    assert (labour["cost"], labour["line_text"]) == (21_000, "工时费")  # 1.5 hours at 140 yuan
    assert repair["record_id"] == "R000000001" and repair["vehicle_id"] == "V00000002"
    assert repair["store_id"] == "S0002" and repair["reported_at"] == START + 38 * DAY
    assert repair["odometer_km"] == labour["odometer_km"] == 1_020.0


def test_a_typing_error_makes_a_reading_ten_times_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.workshop.TYPING_ERROR_RATE", 1.0)
    assert [row["odometer_km"] for row in _frame()] == [10_200.0, 10_200.0]
