"""The queue: who waits how long, what is missing, who works on it, and who may see it."""

from __future__ import annotations

from collections.abc import Callable

from serving.work.loans.queue import QueueFilters
from tests.serving.work.loans.conftest import LoanDesk

Make = Callable[..., LoanDesk]


def test_the_longest_wait_is_first_and_later_applications_are_not_in_the_list(desk: LoanDesk) -> None:
    queue = desk.get("/v1/applications")
    assert [(i["application_id"], i["waiting_minutes"], i["is_late"]) for i in queue["items"]] == [
        ("A1", 42, False), ("A3", 9, False)
    ]  # fmt: skip
    assert (queue["waiting"], queue["late"], queue["longest_minutes"], queue["promise_minutes"]) == (2, 0, 42, 60)


def test_a_key_for_all_stores_also_has_the_late_one(desk: LoanDesk) -> None:
    desk.log_in("Zhou")
    queue = desk.get("/v1/applications")
    assert queue["items"][0]["application_id"] == "A2" and queue["items"][0]["is_late"]
    assert (queue["waiting"], queue["late"]) == (3, 1)
    assert desk.get("/v1/applications?store_id=S2")["waiting"] == 1
    assert desk.get("/v1/applications?store_id=S9")["items"] == []


def test_the_row_has_a_masked_name_the_vehicle_and_what_is_missing(desk: LoanDesk) -> None:
    first, second = desk.get("/v1/applications")["items"]
    assert (first["name"], first["vehicle"], first["loan_amount"]) == ("陈**", "澄舟X5", 110_600.0)
    assert set(second["missing"]) - set(first["missing"]) == {"housing", "monthly_income"}


def test_who_has_opened_an_application_stands_beside_it_until_it_is_decided(desk: LoanDesk) -> None:
    desk.post("/v1/applications/A1/opened")
    desk.log_in("Li", "S1")
    assert desk.get("/v1/applications")["items"][0]["person"] == "Wang"
    desk.post("/v1/applications/A1/opened")
    assert desk.get("/v1/applications/A1")["item"]["person"] == "Li"


def test_without_a_table_of_applications_nothing_waits(make_desk: Make) -> None:
    desk = make_desk(absent=("applications", "customers", "vehicles"))
    assert desk.get("/v1/applications")["items"] == []
    assert desk.get("/v1/applications/A1", 404)["code"] == "no_application"


def test_without_a_champion_the_queue_is_there_and_nothing_is_called_missing(make_desk: Make) -> None:
    desk = make_desk(has_champion=False)
    assert [item["missing"] for item in desk.get("/v1/applications")["items"]] == [[], []]
    assert desk.post("/v1/applications/A1/quote/preview", 503)["code"] == "no_champion"
    assert desk.get("/v1/applications/fields", 503)["code"] == "no_champion"


def test_other_stores_and_other_roles_see_nothing(desk: LoanDesk) -> None:
    assert desk.get("/v1/applications/A2", 404)["code"] == "no_application"
    assert desk.post("/v1/applications/A2/opened", 404)["code"] == "no_application"
    assert desk.get("/v1/applications/A5", 404)["code"] == "no_application"  # submitted later than now


def test_earlier_applications_are_those_of_the_own_stores(desk: LoanDesk) -> None:
    assert [o["application_id"] for o in desk.get("/v1/applications/A1")["earlier"]] == ["A4"]


def test_the_list_of_the_day_is_the_default() -> None:
    assert QueueFilters().state == "waiting"
