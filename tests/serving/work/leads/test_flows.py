"""Today's calls, assignments and contacts over HTTP: what a sales desk does with its leads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from serving.work.leads import assignments, contacts, journal, lead, memory, order, queue, requests, rows, rules, staff
from tests.serving.work.leads.conftest import Work

ZONE = "+08:00"


@pytest.fixture
def work(make_work: Callable[..., Work]) -> Work:
    """Return the application with twelve open leads."""
    return make_work()


def test_modules_say_what_they_answer() -> None:
    """Each endpoint is listed once, with a summary in two languages."""
    listed = [r for m in (assignments, contacts, lead, queue, staff) for r in m.ROUTES]
    assert len({(r.method, r.path) for r in listed}) == len(listed)
    assert all(set(r.summary) == {"zh", "en"} for r in listed)
    assert memory.MAX_RESULTS > 1 and rows.OUTCOMES[0] == "salesperson_id" and rules.RULES == "lead_desk.yaml"
    assert (
        requests.iso(0) == "1970-01-01T00:00:00+00:00" and journal.NO_WORK.contacts == () and order.MAX_QUEUE == 1_000
    )


def test_the_queue_has_all_open_leads_in_opening_hours_and_masks_names(work: Work) -> None:
    answer = work.get("/v1/leads")
    assert answer["counts"]["all"] == answer["total"] == len(answer["items"]) == 12
    assert [r["place"] for r in answer["items"]] == list(range(1, 13))
    assert {r["name"] for r in answer["items"]} == {"刘**"}
    planned = [r for r in answer["items"] if r["call_at"] is not None]
    assert len(planned) == answer["counts"]["today"] > 0
    for row in planned:
        at = datetime.fromisoformat(row["call_at"])
        assert at.utcoffset() == datetime.fromisoformat(f"2023-01-01T00:00:00{ZONE}").utcoffset()
        assert 9 <= at.hour < 18 and at.hour != 12


def test_filters_search_and_pages_agree_with_the_counts(work: Work) -> None:
    counts = work.get("/v1/leads")["counts"]
    for name in ("today", "new", "test_drive", "unassigned", "mine", "later"):
        assert work.get(f"/v1/leads?filter={name}")["total"] == counts[name]
    assert [r["lead_id"] for r in work.get("/v1/leads?q=n00003")["items"]] == ["N00003"]
    assert [r["lead_id"] for r in work.get("/v1/leads?q=0007")["items"]][-1:] == ["N00007"]
    page = work.get("/v1/leads?offset=10&limit=50")
    assert [r["place"] for r in page["items"]] == [11, 12] and page["total"] == 12


def test_leads_are_dealt_evenly_in_the_order_of_the_queue_and_taken_back(work: Work) -> None:
    answer = work.post("/v1/leads/assignments", first=6)
    assert len(answer["items"]) == 6
    assert max(answer["by_caller"].values()) - min(answer["by_caller"].values()) <= 1
    assert work.get("/v1/leads")["counts"]["unassigned"] == 6
    numbers = [item["sequence"] for item in answer["items"]]
    assert work.post("/v1/leads/assignments/undo", sequences=numbers) == {"undone": 6}
    assert work.get("/v1/leads")["counts"]["unassigned"] == 12
    assert work.post("/v1/leads/assignments/undo", 404, sequences=numbers)["code"] == "no_entry"


def test_by_hand_mine_and_freed(work: Work) -> None:
    work.log_in("sales", name="P1")
    work.post("/v1/leads/assignments", lead_ids=["N00000"], caller_ids=["P1"])
    assert [r["lead_id"] for r in work.get("/v1/leads?filter=mine")["items"]] == ["N00000"]
    work.post("/v1/leads/assignments", lead_ids=["N00000"], free=True)
    assert work.get("/v1/leads")["counts"]["mine"] == 0
    assert work.post("/v1/leads/assignments", 404, lead_ids=["N9"])["code"] == "no_lead"
    assert work.post("/v1/leads/assignments", 422, lead_ids=["N00000"], caller_ids=["nobody"])["code"] == "no_callers"
    assert work.post("/v1/leads/assignments", 422)["code"]


def test_a_lead_not_reached_comes_back_inside_opening_hours_and_its_event_is_stored(work: Work) -> None:
    first = next(r for r in work.get("/v1/leads")["items"] if r["attempts"] == 0)
    answer = work.post(f"/v1/leads/{first['lead_id']}/contacts", outcome="not_reached", last_sequence=0)
    assert (answer["event"], answer["attempts"]) == ("called", 1)
    again = datetime.fromisoformat(answer["next_contact_at"]).hour + 8
    assert 9 <= again < 18
    row = next(r for r in work.get("/v1/leads")["items"] if r["lead_id"] == first["lead_id"])
    assert (row["plan"], row["attempts"], row["last_outcome"]) == ("later", 1, "not_reached")
    assert row["first_contact_at"] if "first_contact_at" in row else row["last_contact_at"]


def test_two_people_and_an_outcome_sent_twice(work: Work) -> None:
    path = "/v1/leads/N00000/contacts"
    work.log_in("sales", name="Li")
    assert work.get("/v1/leads/N00000")["last_sequence"] == 0
    work.post(path, outcome="reached", last_sequence=0)
    work.log_in("sales", name="Wang")
    error = work.post(path, 409, outcome="lost", reason="price", last_sequence=0)
    assert error["code"] == "changed" and "Li" in error["message"]
    lead_answer = work.get("/v1/leads/N00000")
    assert lead_answer["state"] == "open" and lead_answer["last_person"] == "Li" and lead_answer["attempts"] == 1


def test_lost_needs_a_reason_and_closes_the_lead(work: Work) -> None:
    path = "/v1/leads/N00001/contacts"
    assert work.post(path, 422, outcome="lost")["details"][0]["field"] == "reason"
    assert work.post(path, 422, outcome="lost", reason="weather")["details"][0]["rule"] == "unknown"
    assert work.post(path, 422, outcome="appointment")["details"][0]["field"] == "next_contact_at"
    late = "2023-06-29T10:00:00+08:00"
    assert work.post(path, 422, outcome="appointment", next_contact_at=late)["details"][0]["rule"] == "past"
    work.post(path, outcome="lost", reason="price", note="will think about it in autumn")
    assert work.get("/v1/leads")["counts"]["all"] == 11
    answer = work.get("/v1/leads/N00001")
    assert answer["state"] == "lost" and answer["history"][0]["text"]["en"] in ("given up: price", "given up")
    assert work.post(path, 409, outcome="lost", reason="price")["code"] == "closed"
    assert work.get("/v1/leads/loss_reasons")["items"][0]["code"] == "price"


def test_a_sale_ends_the_work(work: Work) -> None:
    work.post("/v1/leads/N00002/contacts", outcome="sold", gross_margin=5_000.0)
    assert work.get("/v1/leads/N00002")["state"] == "sold"
    assert work.post("/v1/leads/N00002/contacts", 409, outcome="reached")["code"] == "closed"


def test_a_key_sees_and_writes_its_store_only(work: Work) -> None:
    work.log_in("sales", "S1")
    answer = work.get("/v1/leads")
    assert {r["store_id"] for r in answer["items"]} == {"S1"} and answer["counts"]["all"] == 6
    assert work.get("/v1/leads?store_id=S2", 403)["code"] == "wrong_store"
    assert work.get("/v1/leads/N00001", 403)["code"] == "wrong_store"
    assert work.post("/v1/leads/N00001/contacts", 403, outcome="reached")["code"] == "wrong_store"
    assert work.post("/v1/leads/assignments", 403, lead_ids=["N00001"])["code"] == "wrong_store"
    assert work.get("/v1/leads/nothing", 404)["code"] == "no_lead"


def test_showing_a_number_is_logged_and_needs_its_scope(work: Work) -> None:
    work.log_in("sales", name="Li")
    assert work.post("/v1/leads/N00000/phone") == {"name": "刘小洋", "phone": "13800000000"}
    answer = work.get("/v1/leads/N00000")
    assert answer["phone"] == "138****0000" and answer["history"][0]["person"] == "Li"
    work.log_in("manager")
    assert work.post("/v1/leads/N00000/phone", 403)["code"] == "missing_scope"


def test_a_lead_has_its_score_at_each_event_with_only_what_was_recorded_then(work: Work) -> None:
    answer = work.get("/v1/leads/N00000")
    assert [p["at"] for p in answer["scores"]] == sorted(p["at"] for p in answer["scores"])
    assert len(answer["scores"]) >= 2 and answer["scores"][-1]["text"] is None
    assert answer["scores"][-1]["probability"] == pytest.approx(answer["probability"])
    assert answer["in_stock_total"] == 1 and not answer["stock_missing"]


def test_without_events_customers_or_vehicles_pages_say_what_is_missing(make_work: Callable[..., Work]) -> None:
    work = make_work(absent=("events", "customers", "vehicles"))
    answer = work.get("/v1/leads")
    assert answer["counts"]["all"] == 12 and answer["items"][0]["name"] is None
    one = work.get(f"/v1/leads/{answer['items'][0]['lead_id']}")
    assert one["stock_missing"] and not one["has_phone"] and one["phone"] is None


def test_no_leads_is_an_answer(make_work: Callable[..., Work]) -> None:
    work = make_work(absent=("leads",))
    answer = work.get("/v1/leads")
    assert answer["counts"]["all"] == 0 and answer["items"] == [] and answer["begins_at"] is None
    assert work.get("/v1/leads/reactivation")["items"] == []
    assert work.get("/v1/leads/expected")["total"]["leads"] == 0
    assert work.post("/v1/leads/assignments", 409, first=5)["code"] == "all_assigned"
