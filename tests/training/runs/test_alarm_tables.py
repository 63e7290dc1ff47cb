"""Alarms and plans printed on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from ml.fault_rate.campaign import InspectionPlan
from ml.fault_rate.rules import AlarmRules
from tests.ml.fault_rate.small_campaign import TODAY, snapshot
from tests.ml.fault_rate.test_campaign import plan
from training import printing
from training.runs import alarm_tables

Printed = Callable[..., str]
ALARM = {
    "model": "M", "component": "suspension", "detected_on": date(2024, 3, 4), "built_from": None, "built_until": None,
    "model_year_from": None, "model_year_until": None,
    "count": 1_234, "expected": 400.0, "rate_ratio": 3.0, "low": 2.5, "high": 3.5, "alarm_id": 7, "state": "open",
    "inspection_weeks": None,
}  # fmt: skip


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Print the alarms and return the text of both streams, with single spaces."""

    def call(alarms: pl.DataFrame, plans: tuple[InspectionPlan | None, ...], stock: pl.DataFrame | None = None) -> str:
        console = Console(highlight=False, width=160, record=True)
        monkeypatch.setattr(printing, "err", console)
        monkeypatch.setattr(alarm_tables, "out", console)
        run: Any = SimpleNamespace(
            surveillance=SimpleNamespace(cells=pl.DataFrame({"model": ["D", "E"]})), alarms=alarms, plans=plans,
            stock=stock, rules=AlarmRules(), notes=["reports come late"],
        )  # fmt: skip
        alarm_tables.print_alarms(run)
        return " ".join(console.export_text().split())

    return call


def test_an_alarm_with_its_verdict_options_and_first_vehicles(printed: Printed) -> None:
    later = {"next_visit": TODAY + 365}
    text = printed(pl.DataFrame([ALARM]), (plan(snapshot(later, later), service_inspection_cost=900.0),))
    assert "7 │ open │ M │ suspension │ 2024-03-04 │ all dates │ 1,234 │ 400.0 │ 3.00 │ 2.50 .. 3.50" in text
    assert "M, suspension: Call in now all 2 affected vehicles." in text
    assert "2 vehicles, over the next 5 years" in text
    assert "call all in now │ 2 │ 1.3 │ 400 │ 1,300 │ 897 │ 896 .. 898 │ 9 months" in text
    assert "all with their next service │ 2 │ 0.8 │ 1,800 │ 803 │ -997 │ -997 .. -997 │ never" in text
    assert "each at the better moment" not in text  # it is the first option
    assert "1. V0: 1.15 faults expected over the next 5 years; drives and ages like the typical" in text
    assert "parts to stock for the first 8 weeks: 3" in text
    assert text.endswith("1 alarm in 2 cells (model, component) note: reports come late")


@pytest.mark.parametrize(("until", "built"), [(2021, "model year 2021"), (2023, "model years 2021 .. 2023")])
def test_builds_known_by_model_year(printed: Printed, until: int, built: str) -> None:
    limits = {"built_from": date(2021, 1, 1), "built_until": date(until + 1, 1, 1)}
    alarm = ALARM | limits | {"model_year_from": 2021, "model_year_until": until}
    assert f"2024-03-04 │ {built} │ 1,234" in printed(pl.DataFrame([alarm]), (None,))


def test_a_safety_alarm_with_its_weeks_and_the_stock_whose_sale_stops(printed: Printed) -> None:
    alarm = pl.DataFrame([ALARM | {"component": "brakes", "inspection_weeks": 2}])
    brakes = plan(snapshot({}, {}), component="brakes")
    stores = {"store_id": ["S2", "S1", "S2"], "quantity": [1.0, 1.0, 3.0]}
    stock = pl.DataFrame({"model": "M", "component": "brakes", **stores})
    text = printed(alarm, (brakes,), stock)
    assert "Inspect all 2 affected vehicles, in order of risk" in text
    assert "all have an appointment within 2 weeks at 50 vehicles a week, the riskiest first" in text
    assert "stop of sale: 5 cars in stock of the affected builds: S1 1, S2 4" in text
    assert "stop of sale: no car of the affected builds is in stock" in printed(alarm, (brakes,), stock.clear())


def test_a_mixed_plan_is_a_third_option(printed: Printed) -> None:
    cars = [{"next_visit": TODAY + 365}, {"next_visit": TODAY + 10}]
    text = printed(pl.DataFrame([ALARM]), (plan(snapshot(*cars), service_inspection_cost=50.0),))
    assert "each at the better moment │ 2 │ 1.3 │ 250 " in text


def test_alarms_without_plans_or_vehicles_and_no_alarm(printed: Printed) -> None:
    text = printed(pl.DataFrame([ALARM, ALARM]), (None, plan(snapshot())))
    assert "M, suspension: No affected vehicle is in service. 2 alarms in 2 cells" in text
    nothing = printed(pl.DataFrame(schema=["model"]), ())
    assert nothing == "no alarm in 2 cells (model, component) note: reports come late"
