"""Probability of a visit in the next days: by hand, and calibrated on simulated fleets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from ml.domain.maintenance.attendance import Attendance
from ml.domain.maintenance.service_due import Limits, Rate
from ml.fault_rate.service_check import check_services
from ml.fault_rate.service_rules import ServiceRules
from ml.fault_rate.service_visits import Punctuality, fit_punctuality, fleet_lateness, likely_visits, turns_record

ALWAYS = Attendance(come=1e6, miss=1e-6, lost=1e-6, stay=1e6)
HALF = Attendance(come=1e6, miss=1e6, lost=1e-6, stay=1e6)  # comes to every second service


def visits(
    due: float,
    *,
    attendance: Attendance,
    today: int = 100,
    missed: int = 0,
    late: tuple[float, ...] = (0, 10),
    unreported: float = 0.0,
) -> Any:
    """Likely visit of a vehicle that is due on a day, and again 365 days later."""
    nothing = np.array([np.nan])
    turns = [Limits(np.array([due + t]), nothing, np.array([np.inf]), nothing, nothing) for t in (0.0, 365.0)]
    counts = (np.array([v]) for v in (missed, 3, 3))
    rate = Rate(nothing, nothing, 1.0)
    return likely_visits(
        turns, rate, **dict(zip(("missed", "attended", "last"), counts, strict=True)),
        punctuality=Punctuality(np.array(late), max(late), attendance), today=today, days=28,
        unreported=unreported,
    )  # fmt: skip


def test_probabilities_by_hand() -> None:
    soon = visits(110, attendance=ALWAYS)
    assert soon.probability.tolist() == pytest.approx([1.0], abs=1e-4) and not soon.is_following[0]
    assert soon.days.tolist() == [[110.0, 120.0, 120.0]]
    assert visits(125, attendance=ALWAYS).probability.tolist() == pytest.approx([0.5], abs=1e-4)  # 125 or 135
    assert visits(125, attendance=HALF).probability.tolist() == pytest.approx([0.25], abs=1e-4)
    # Half would have come by today. Of those who come to every second service, one in three still comes.
    late = visits(95, attendance=HALF)
    assert late.attendance.tolist() == pytest.approx([1 / 3], abs=1e-4) == late.probability.tolist()
    assert late.days.tolist() == [[105.0] * 3] and late.missed.tolist() == [0]


def test_a_missed_service_refers_to_the_following_one() -> None:
    gone = visits(80, attendance=HALF)
    assert gone.is_following.tolist() == [True] and gone.missed.tolist() == [1]
    assert gone.probability.tolist() == [0.0] and gone.attendance.tolist() == pytest.approx([0.5], abs=1e-4)
    assert gone.days[0, 1] in (445.0, 455.0)
    assert visits(80, attendance=HALF, today=440).probability.tolist() == pytest.approx([0.5], abs=1e-4)
    assert visits(110, attendance=HALF, missed=2).is_following.tolist() == [True]


def test_visits_of_the_last_days_may_be_unreported() -> None:
    # Due on day 95 or 105: half of the vehicles that come have come on day 95, which is not in the records yet. Of all,
    # a quarter came unreported, a quarter is still to come and half does not come.
    late = visits(95, attendance=HALF, unreported=6.0)
    assert late.probability.tolist() == pytest.approx([0.25], abs=1e-4) == late.attendance.tolist()
    assert visits(95, attendance=HALF, unreported=4.0).probability.tolist() == pytest.approx([1 / 3], abs=1e-4)


def test_the_likelier_visit_is_named() -> None:
    # One of 20 lateness points is left, so that most who come have come: comes 0.9, of which 0.05 are still to come,
    # against 0.1 that do not come, of which 0.9 come to the following service.
    late = (*[-40.0] * 19, 10.0)
    most = visits(100, attendance=Attendance(come=9e6, miss=1e6, lost=1e-6, stay=1e6), late=late)
    assert most.is_following.tolist() == [True] and most.attendance[0] == pytest.approx(0.1 / 0.145 * 0.9, abs=1e-3)
    always = visits(100, attendance=Attendance(come=99e6, miss=1e6, lost=1e-6, stay=1e6), late=late)
    # 0.99 x 0.05 are still to come, 0.01 are not: the vehicle has most likely not missed its service.
    assert always.is_following.tolist() == [False] and always.attendance[0] == pytest.approx(0.0495 / 0.0595, abs=1e-3)


def history(gaps: list[tuple[int, int]], entered: list[int]) -> tuple[Any, pl.DataFrame]:
    """Visits by (row, day) without readings, and the vehicles with a service each 100 days."""
    table = pl.DataFrame(gaps, schema=["row", "day"], orient="row").with_columns(km=pl.lit(None, dtype=pl.Float64))
    from ml.fault_rate.routine import steps

    cars = pl.DataFrame({"row": range(len(entered)), "entered": entered, "limit_km": [np.inf] * len(entered),
                         "limit_months": [100 * 12 / 365.25] * len(entered)})  # fmt: skip
    return SimpleNamespace(visits=table, gaps=steps(table)), cars


def test_attended_and_missed_services_are_counted() -> None:
    past, cars = history([(0, 1_000), (0, 1_105), (0, 1_400), (2, 1_310)], entered=[0, 900, 1_000])
    # The first came again after one interval and then after three; the third entered after the first record.
    record = turns_record(past, cars, km_a_day=np.full(3, np.nan))
    assert record.rows() == [(2, 4), (0, 0), (1, 3)]
    late, latest = fleet_lateness(past, cars)
    assert late[0] == pytest.approx(-4.5, abs=0.5) and late[-1] == pytest.approx(4.5, abs=0.5) and latest <= 5
    punctuality = fit_punctuality(
        turns_record(past, cars, km_a_day=np.full(3, np.nan)), np.zeros(3, dtype=np.int64), late=late, latest=latest
    )
    assert punctuality.attendance.next_visit([0], [0], [0])[0] < Attendance().next_visit([0], [0], [0])[0]


def test_kilometres_before_entry_are_no_missed_services() -> None:
    cars = pl.DataFrame({"row": [0, 1, 2], "entered": [0] * 3, "limit_km": [7_500.0] * 3, "limit_months": [120] * 3})
    days = pl.DataFrame({"row": [0, 1, 2], "day": [200, 200, 0], "km": [52_500.0, 15_000.0, 0.0]})
    past: Any = SimpleNamespace(visits=days, gaps=days.rename({"day": "days"}).clear())
    # At 40 km a day the first vehicle drove 8,000 km until its visit, and entered with 44,500 km: one service. At 75 km
    # a day the second drove its 15,000 km, and missed a service.
    assert turns_record(past, cars, km_a_day=np.array([40.0, 75.0, np.nan])).rows() == [(1, 1), (1, 2), (0, 0)]
    assert turns_record(past, cars, km_a_day=np.full(3, np.nan)).rows() == [(1, 7), (1, 2), (0, 0)]


@pytest.mark.parametrize("coming", [0.6, 0.9])
def test_probabilities_and_intervals_hold_on_later_visits(coming: float) -> None:
    """2,000 vehicles drive at rates of their own, miss some services and come some days late."""
    rng = np.random.default_rng(4)
    n, days = 2_000, 1_500
    rate = rng.gamma(8, 40 / 8, n)
    every = np.minimum(7_500 / rate, 365.0)
    fleet = pl.DataFrame({"vehicle_id": [f"V{i}" for i in range(n)], "entered_service_at": [0] * n})
    lines: list[tuple[str, int, float]] = []
    for i in range(n):
        last = 0.0
        while last < days:
            turn = rng.geometric(coming)
            last += max(turn * every[i] + rng.normal(3, 8), 5.0)
            lines.append((f"V{i}", int(last), rate[i] * int(last)))
    records = pl.DataFrame(lines, schema=["vehicle_id", "day", "odometer_km"], orient="row").with_columns(
        serviced_at=pl.col("day") * DAY, component=pl.lit("oil"), fault=pl.lit(value=False)
    )
    check = check_services(
        fleet, records, rules=ServiceRules(), as_of=days * DAY, timezone="UTC", visit_days=28, within_days=60,
        overdue_days=180,
    )  # fmt: skip
    assert check is not None and check.coverage is not None
    assert check.expected == pytest.approx(check.visits, rel=0.12)
    assert 0.72 < check.coverage < 0.92 and check.interval_visits > 300
    assert check.first_share is not None and check.first_expected is not None and check.nearest_due_share is not None
    assert check.first_share == pytest.approx(check.first_expected, abs=0.12)
    assert check.first_share > check.nearest_due_share - 0.1  # vehicles do not differ: no list knows more
