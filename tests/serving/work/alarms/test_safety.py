"""Reports of dangerous faults wait for no figure, and every step is an entry."""

from __future__ import annotations

from serving.work.alarms.safety import STATES
from tests.serving.work.alarms.conftest import Work


def test_reports_are_listed_with_their_alarm(work: Work) -> None:
    """The latest is first; those of the last week are counted."""
    answer = work.get("/v1/alarms/safety")
    assert [row["words"] for row in answer["items"]] == ["loss of braking", "no brakes"]
    assert {row["state"] for row in answer["items"]} < set(STATES)
    assert answer["unread"] == 2 and answer["items"][0]["alarm_id"] == 1
    assert answer["items"][0]["title"]["zh"] == "制动失效" and "recall" in answer["duties"]["en"]


def test_a_report_is_read_reported_and_closed(work: Work) -> None:
    """To close one that was not reported needs a reason."""
    work.log_in("after_sales")
    path = "/v1/alarms/safety/2"
    assert work.get(path)["next_states"] == ["acknowledged", "reported", "closed"]
    assert work.post(f"{path}/moves", to="acknowledged")["state"] == "acknowledged"
    assert "say why" in work.post(f"{path}/moves", 422, to="closed")["message"]
    answer = work.post(f"{path}/moves", to="reported", reference="M-3")
    assert answer["state"] == "reported" and answer["moves"][-1]["note"] == "M-3"
    assert work.post(f"{path}/moves", 409, to="acknowledged")["code"] == "move_not_allowed"
    assert [row["id"] for row in work.get("/v1/alarms/safety")["items"]] == [1]
    assert {row["id"] for row in work.get("/v1/alarms/safety?state=all")["items"]} == {1, 2}
    (last, _) = work.get("/v1/work_entries?subject=safety-2")["items"]
    assert last["kind"] == "safety.moved" and last["content"]["reference"] == "M-3"


def test_two_people_on_one_report(work: Work) -> None:
    """The second one is told who was first."""
    work.log_in("manager")
    work.post("/v1/alarms/safety/2/moves", to="acknowledged", sequence=0)
    work.log_in("after_sales")
    assert work.post("/v1/alarms/safety/2/moves", 409, to="closed", note="x", sequence=0)["code"] == "changed"


def test_a_key_of_one_store_has_its_own_reports(work: Work) -> None:
    """That of the other store does not exist for it."""
    work.log_in("after_sales", "S2")
    (report,) = work.get("/v1/alarms/safety")["items"]
    assert report["store_id"] == "S2"
    assert work.get("/v1/alarms/safety/2", 404)["code"] == "no_alarm"
