"""The prepared report counts cases by hand, names no vehicle, and states the dealer's duties."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from ml.fault_rate.prepared_report import DUTIES, prepared_report
from ml.fault_rate.safety import SafetyRules
from ml.fault_rate.safety_reports import REPORT

CASE: dict[str, Any] = {
    "kind": "loss_of_braking", "state": "new", "model": "A", "component": "brakes", "km": 12_345.0, "words": "制动失灵",
    "vehicle_id": "V1", "reported_on": date(2024, 5, 6), "built_on": date(2022, 3, 4), "store_id": "S1",
}  # fmt: skip


def text_of(*changes: dict[str, Any]) -> str:
    rows = [CASE | {"record_id": f"R{i}"} | change for i, change in enumerate(changes)]
    return prepared_report(pl.DataFrame(rows, schema={**REPORT, "state": pl.String}), SafetyRules())


def test_a_group_has_its_numbers_dates_builds_and_cases_and_names_no_vehicle() -> None:
    second = {"reported_on": date(2024, 6, 7), "built_on": date(2022, 8, 1), "km": 20_600.0, "state": "acknowledged"}
    text = text_of({}, second)
    assert "## A：制动失效 / A: loss of braking" in text
    assert "2 cases, 1 vehicle; reported 2024-05-06 to 2024-06-07; built 2022-03-04 to 2022-08-01" in text
    assert "odometer 12,000 to 21,000 km" in text and "2 起，涉及 1 辆车" in text
    assert "| R0 | 2024-05-06 | 2022-03 | 12,345 | 制动系统 | 制动失灵 | S1 |" in text and "V1" not in text


def test_reported_and_closed_cases_are_left_out() -> None:
    text = text_of({"state": "reported"}, {"state": "closed"})
    assert "No case is waiting to be reported" in text and "R0" not in text


def test_the_gravest_kind_comes_first_then_the_most_cases() -> None:
    text = text_of({}, {"model": "B"}, {"model": "B"}, {"kind": "fire"}, {"kind": "thermal_runaway", "model": None})
    places = [text.index(t) for t in ("model unknown: thermal", "A: fire", "B: loss of", "A: loss of")]
    assert places == sorted(places)


def test_unknown_figures_are_said_to_be_unknown_and_a_bar_breaks_no_table() -> None:
    text = text_of({"built_on": None, "km": None, "words": "a|b", "vehicle_id": None, "component": None})
    assert "built unknown; odometer unknown km" in text and "| a/b |" in text and "1 case, 1 vehicle" in text


def test_the_duties_name_the_articles_and_ask_for_a_lawyer() -> None:
    text = text_of()
    assert DUTIES.zh in text and DUTIES.en in text
    assert "第三条、第八条" in DUTIES.zh and "律师" in DUTIES.zh and "lawyer" in DUTIES.en
