"""Which records are reports of dangerous faults, with dates, model and build computed by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from features.aggregations import DAY
from ml.fault_rate.safety import SafetyKind, SafetyRules
from ml.fault_rate.safety_reports import REPORT, safety_reports

RULES = SafetyRules()
EVENING = 10 * DAY + 20 * DAY // 24  # 1970-01-11 20:00 UTC, the 12th in Shanghai
LINE: dict[str, Any] = {
    "record_id": "R1", "serviced_at": EVENING, "reported_at": EVENING + 2 * DAY, "vehicle_id": "V1",
    "model": "old name", "store_id": "S1", "component": "brakes", "fault": True, "odometer_km": 12_000.0,
    "fault_code": None, "line_text": "Mr Li's car: loss of braking, hose replaced",
}  # fmt: skip
FLEET = pl.LazyFrame({"vehicle_id": ["V1", "V2"], "model": ["A", "B"], "built_at": [DAY, 2 * DAY]})


def frame(*changes: dict[str, Any]) -> pl.LazyFrame:
    return pl.LazyFrame([LINE | change for change in changes], schema_overrides={"fault_code": pl.String})


def test_a_report_has_local_days_the_model_of_the_fleet_and_only_the_words_that_match() -> None:
    (row,) = safety_reports(frame({}), FLEET, RULES, timezone="Asia/Shanghai").to_dicts()
    assert row == {
        "record_id": "R1", "kind": "loss_of_braking", "reported_on": date(1970, 1, 14),
        "serviced_on": date(1970, 1, 12), "vehicle_id": "V1", "model": "A", "built_on": date(1970, 1, 2),
        "store_id": "S1", "component": "brakes", "km": 12_000.0, "words": "loss of braking",
    }  # fmt: skip


def test_routine_lines_harmless_texts_and_other_components_are_no_reports() -> None:
    lines = frame(
        {"fault": False}, {"fault": None}, {"component": "wipers"}, {"line_text": "no loss of braking"},
        {"line_text": None}, {"line_text": "制动液更换"},
    )  # fmt: skip
    assert safety_reports(lines, FLEET, RULES, timezone="UTC").is_empty()


def test_lines_reported_at_or_after_the_instant_are_left_out_and_the_latest_comes_first() -> None:
    lines = frame({"reported_at": EVENING}, {"record_id": "R2"}, {"record_id": "R3", "reported_at": EVENING + 3 * DAY})
    reports = safety_reports(lines, FLEET, RULES, timezone="UTC", as_of=EVENING + 3 * DAY)
    assert reports["record_id"].to_list() == ["R2", "R1"]


def test_a_code_is_enough_where_the_text_says_nothing() -> None:
    kind = SafetyKind(name="brakes", zh="制动", en="brakes", components=("brakes",), codes=("C12[0-9]+",))
    lines = frame({"line_text": None, "fault_code": "C1234"}, {"record_id": "R2", "fault_code": "P0300"})
    reports = safety_reports(lines, None, SafetyRules(kinds=(kind,)), timezone="UTC")
    assert reports.select("record_id", "words").rows() == [("R1", "C1234")]


def test_columns_and_tables_that_are_missing_leave_gaps_and_lose_no_report() -> None:
    lines = frame({}).select("record_id", "serviced_at", "component", "fault", "line_text")
    (row,) = safety_reports(lines, None, RULES, timezone="UTC").to_dicts()
    assert (row["reported_on"], row["kind"]) == (date(1970, 1, 11), "loss_of_braking")
    assert all(row[n] is None for n in ("vehicle_id", "model", "built_on", "store_id", "km"))
    stranger = safety_reports(frame({"vehicle_id": "V9"}), FLEET, RULES, timezone="UTC")
    assert stranger.select("model", "built_on").rows() == [("old name", None)]


def test_records_without_faults_text_or_rows_have_no_reports() -> None:
    for lines in (frame({}).drop("fault"), frame({}).drop("line_text"), frame({}).filter(pl.lit(value=False))):
        reports = safety_reports(lines, FLEET, RULES, timezone="UTC")
        assert reports.is_empty() and reports.schema == REPORT
