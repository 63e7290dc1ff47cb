"""An alarm has its evidence week by week, its builds, its plan and what may be done next."""

from __future__ import annotations

from datetime import date

from serving.work.alarms.detail import MIN_OVERLAP_DAYS
from tests.serving.work.alarms.conftest import Work, without_safety_parts


def test_the_odds_reach_their_threshold_in_the_week_of_detection(work: Work) -> None:
    """The first week above 20 to 1 ends on the day before the detection."""
    alarm = work.get("/v1/alarms/1")
    over = [week["week_end"] for week in alarm["weeks"] if week["odds"] >= alarm["odds_threshold"]]
    assert over[0] < alarm["detected_on"] <= over[1] and alarm["weeks"][-1]["odds"] == alarm["odds"]
    assert alarm["data_until"] == alarm["weeks"][-1]["week_end"]


def test_the_affected_half_years_are_those_of_the_alarm(work: Work) -> None:
    """D's brakes fail if built in the second of four years."""
    alarm = work.get("/v1/alarms/1")
    affected = [row for row in alarm["build_periods"] if row["affected"]]
    others = [row for row in alarm["build_periods"] if not row["affected"]]
    assert [row["built_from"] for row in affected] == ["2021-01-01", "2021-07-01"]
    first = date.fromisoformat(alarm["builds"]["built_from"])
    assert (date.fromisoformat(affected[0]["built_until"]) - first).days >= MIN_OVERLAP_DAYS
    assert min(row["ratio"] for row in affected) > max(row["ratio"] for row in others if row["expected"] > 5)
    assert alarm["builds"]["built_until"] == "2021-12-31" and "model" in alarm["accounted_for"]


def test_a_safety_part_has_no_cost_and_another_one_has_a_verdict(work: Work) -> None:
    """The same alarm under two rules."""
    assert work.get("/v1/alarms/1")["plan"]["verdict"] == "inspect_all"
    assert work.get("/v1/alarms/1")["plan"]["options"][-1]["net"] is None
    without_safety_parts(work)
    alarm = work.get("/v1/alarms/1")
    assert not alarm["is_safety"] and alarm["plan"]["verdict"] != "inspect_all"
    assert alarm["plan"]["options"][-1]["cost"] is not None


def test_a_component_without_an_alarm_can_be_looked_at(work: Work) -> None:
    """One with an alarm is the alarm."""
    cell = work.get("/v1/alarms/component?model=A&component=pump")
    assert cell["id"] is None and cell["state"] is None and len(cell["weeks"]) > 50 and cell["moves"] == []
    assert not any(row["affected"] for row in cell["build_periods"])
    assert work.get("/v1/alarms/component?model=D&component=brakes")["id"] == 1
    assert work.get("/v1/alarms/component?model=D&component=wings", 422)["code"] == "invalid"


def test_numbers_that_no_alarm_has_are_not_found(work: Work) -> None:
    """Neither an unknown number nor a word."""
    assert work.get("/v1/alarms/7", 404)["code"] == "no_alarm"
    assert work.get("/v1/alarms/brakes", 404)["code"] == "no_alarm"
