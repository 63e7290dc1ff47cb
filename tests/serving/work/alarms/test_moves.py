"""Moves and deeds are entries with who and when; what the store does not allow is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ml.fault_rate.alarm_store import AlarmStore
from serving.work.alarms.moves import AlarmMove
from serving.work.alarms.stock import build_range
from tests.serving.work.alarms.conftest import Work

ALARM = "/v1/alarms/1"


def test_an_alarm_goes_through_its_states(work: Work) -> None:
    """Watched is the desk's own word for an acknowledged alarm; the last state needs a reason."""
    work.log_in("after_sales")
    assert work.get(ALARM)["next_states"] == ["watched", "acknowledged", "closed"]
    assert work.post(f"{ALARM}/moves", to="watched")["state"] == "watched"
    assert work.get(ALARM)["next_states"] == ["acknowledged", "campaign", "closed"]
    assert work.post(f"{ALARM}/moves", to="acknowledged")["state"] == "acknowledged"
    assert work.post(f"{ALARM}/moves", to="campaign", note="inspections have begun")["state"] == "campaign"
    assert work.post(f"{ALARM}/moves", to="closed", note="all discs replaced")["state"] == "closed"
    history = AlarmStore(work.rules.store).history(1)
    assert history["to_state"].to_list() == ["open", "acknowledged", "campaign", "closed"]
    assert history["by"].to_list() == [None, *["after_sales person"] * 3]
    entries = work.get("/v1/work_entries?subject=alarm-1")["items"]
    assert [entry["content"]["to"] for entry in entries] == ["closed", "campaign", "acknowledged", "watched"]


@pytest.mark.parametrize(("first", "second"), [("closed", "acknowledged"), ("acknowledged", "acknowledged")])
def test_a_move_that_the_store_does_not_allow_is_refused(work: Work, first: str, second: str) -> None:
    """The state stays."""
    work.post(f"{ALARM}/moves", to=first, note="no fault")
    assert work.post(f"{ALARM}/moves", 409, to=second)["code"] == "move_not_allowed"
    assert work.get(ALARM)["state"] == first


def test_every_state_of_a_body_can_follow_another(work: Work) -> None:
    """Those that a new alarm may become are states of the body."""
    states = AlarmMove.model_json_schema()["properties"]["to"]["enum"]
    assert set(work.get(ALARM)["next_states"]) < set(states)
    assert build_range({"built_from": None, "built_until": "1970-01-03"}) == (None, 2)


def test_to_close_an_alarm_needs_a_reason(work: Work) -> None:
    """A blank one is none."""
    assert work.post(f"{ALARM}/moves", 422, to="closed", note="  ")["message"].startswith("note: is needed")
    assert work.get(ALARM)["state"] == "open"


def test_the_second_of_two_people_reads_what_the_first_has_done(work: Work) -> None:
    """Both have read the same state."""
    work.log_in("manager")
    work.post(f"{ALARM}/moves", to="acknowledged", sequence=0)
    work.log_in("after_sales")
    refused = work.post(f"{ALARM}/moves", 409, to="closed", note="done", sequence=0)
    assert refused["code"] == "changed" and "manager person" in refused["message"]
    report: dict[str, Any] = {"reported_on": "2024-12-20", "recipient": "maker"}
    assert work.post(f"{ALARM}/reports", 409, sequence=0, **report)["code"] == "changed"
    assert work.get(ALARM)["state"] == "acknowledged" and work.get(ALARM)["reported"] is None


def test_the_report_to_the_maker_is_an_entry_that_can_be_taken_back(work: Work) -> None:
    """It says when, to whom, under which number, and who wrote it."""
    work.log_in("after_sales")
    report: dict[str, Any] = {"reported_on": "2024-12-20", "recipient": "maker", "reference": "Q-7"}
    deed = work.post(f"{ALARM}/reports", **report)["reported"]
    assert deed["content"] == {**report, "note": ""} and deed["person"] == "after_sales person"
    work.post(f"/v1/work_entries/{deed['sequence']}/undo")
    assert work.get(ALARM)["reported"] is None
    assert "future" in work.post(f"{ALARM}/reports", 422, reported_on="2090-01-01", recipient="maker")["message"]


def test_a_stop_of_sale_names_the_stock_and_is_lifted_with_a_reason(work: Work) -> None:
    """N3 was built later, and N4 is another model."""
    stock = work.get(f"{ALARM}/stock")
    assert stock["cars"] == 2 and [car["vehicle_id"] for car in stock["items"]] == ["N1", "N2"]
    (stop,) = work.post(f"{ALARM}/sale_stops", note="brakes")["sale_stopped"]
    assert stop["content"] == {"note": "brakes", "vehicle_ids": ["N1", "N2"], "cars": 2}
    assert all(car["stopped_at"] for car in work.get(f"{ALARM}/stock")["items"])
    assert work.post(f"{ALARM}/sale_stops", 409)["code"] == "move_not_allowed"
    assert work.post(f"{ALARM}/sale_resumptions", 422)["message"].startswith("note:")
    assert work.post(f"{ALARM}/sale_resumptions", note="inspected")["sale_stopped"] == []
    assert work.post(f"{ALARM}/sale_resumptions", 409, note="again")["code"] == "move_not_allowed"


def test_a_key_of_one_store_stops_its_own_sale_and_moves_no_alarm(work: Work) -> None:
    """An alarm concerns all stores."""
    work.log_in("after_sales", "S1")
    assert work.post(f"{ALARM}/moves", 403, to="acknowledged")["code"] == "wrong_store"
    assert work.post(f"{ALARM}/reports", 403, reported_on="2024-12-20", recipient="maker")["code"] == "wrong_store"
    (stop,) = work.post(f"{ALARM}/sale_stops")["sale_stopped"]
    assert stop["store_id"] == "S1" and stop["content"]["vehicle_ids"] == ["N1"]
    work.log_in("after_sales")
    stopped = {car["vehicle_id"]: bool(car["stopped_at"]) for car in work.get(f"{ALARM}/stock")["items"]}
    assert stopped == {"N1": True, "N2": False}


def test_a_notice_to_the_owners_is_an_entry(work: Work) -> None:
    """A closed alarm needs none."""
    notice: dict[str, Any] = {"notified_on": "2024-12-20", "channel": "letter", "vehicles": 12}
    assert work.post(f"{ALARM}/notices", **notice)["owners_notified"]["content"]["vehicles"] == 12
    work.post(f"{ALARM}/moves", to="closed", note="no fault")
    assert work.post(f"{ALARM}/notices", 409, **notice)["code"] == "move_not_allowed"


def test_somebody_who_may_only_read_writes_nothing(work: Work) -> None:
    """The scope of the noun is asked by the doors; the endpoint of the personal data asks its own."""
    work.log_in("manager")
    assert work.post(f"{ALARM}/disclosures", 403, fields=["vin"])["code"] == "missing_scope"
