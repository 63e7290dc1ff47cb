"""`POST /v1/events`: what is stored, what is a repetition, what is refused row by row, and what as a whole."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from serving.asgi import App
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.feedback.events import MAX_EVENTS
from serving.feedback.events_app import parse_events
from tests.serving.feedback.requests import AT_US, application, event, post, rows, send, shown, view


@pytest.fixture
def app(tmp_path: Path) -> App:
    """Return the application."""
    return application(tmp_path)


def refusal(app: App, body: dict[str, Any]) -> tuple[str, str]:
    """Return field and rule of the refusal of one event, sent together with a valid one."""
    answer = post(app, view("valid"), body)
    assert answer.status_code == 200, answer.text
    refused = answer.json()["refused"]
    assert len(refused) == 1 and refused[0]["index"] == 1 and refused[0]["message"]
    return refused[0]["field"], refused[0]["rule"]


def test_every_kind_is_stored_in_the_units_of_the_tables(app: App, tmp_path: Path) -> None:
    answer = post(
        app,
        view(1, store_id="S1", dwell_seconds=12.5, request_id="r1", position=2),
        event("compare", 2, customer_id="c", model="A"),
        event("test_drive", 3, customer_id="c", vehicle_id="V1"),
        event("order", 4, customer_id="c", vehicle_id="V1", channel="walk_in"),
        event("search", 5, visitor_id="w"),
        shown(6, customer_id="c", store_id="S1", model_version=3),
        event("lead", 7, lead_id="L1", budget=150000.5, channel="website", store_id="S1"),
        event("called", 8, lead_id="L1", salesperson_id="P"),
        event("answered", 9, lead_id="L1"),
        event("sold", 10, lead_id="L1", gross_margin=-12.34),
        event("lost", 11, lead_id="L2"),
        event("performing", 12, application_id="A1"),
        event("repaid", 13, application_id="A2", originated_at="2024-01-01T00:00:00Z", months_on_book=25),
        event("defaulted", 14, application_id="A3", loss=1000.25),
    )
    assert answer.status_code == 200 and answer.json() == {"stored": 14, "duplicates": 0, "refused": []}
    assert rows(tmp_path, "events", "event_id", "event_at", "event_type", "dwell_seconds", "position") == [
        ("e1", AT_US, "view", 12.5, 2),
        ("e2", AT_US, "compare", None, None),
        ("e3", AT_US, "test_drive", None, None),
        ("e4", AT_US, "order", None, None),
        ("e5", AT_US, "search", None, None),
    ]
    columns = ("request_id", "vehicle_id", "place", "propensity", "customer_id", "visitor_id", "store_id")
    assert rows(tmp_path, "exposures", *columns, "model_version", "shown_at") == [
        ("r1", "V1", 1, 1.0, "c", "w", "S1", "3", AT_US),
        ("r1", "V2", 2, 0.5, "c", "w", "S1", "3", AT_US),
    ]
    assert rows(tmp_path, "leads", "lead_id", "created_at", "budget", "contact_count", "converted", "gross_margin") == [
        ("L1", AT_US, 15_000_050, 1, 1, -1234)  # the answered call has the instant of the call
    ]
    assert rows(tmp_path, "loan_outcomes", "application_id", "defaulted", "loss", "months_on_book") == [
        ("A1", 0, 0, None),
        ("A2", 0, 0, 25),
        ("A3", 1, 100_025, None),
    ]


def test_a_repetition_is_counted_and_another_content_is_refused_with_its_index(app: App, tmp_path: Path) -> None:
    first = post(app, view(1), view(2), view(1)).json()
    assert first == {"stored": 2, "duplicates": 1, "refused": []}
    again = post(app, view(2), view(3, vehicle_id="V9"), view(1, vehicle_id="V2"), view(3)).json()
    assert (again["stored"], again["duplicates"]) == (1, 1)
    assert [(r["index"], r["field"], r["rule"]) for r in again["refused"]] == [
        (2, "event_id", "conflict"),
        (3, "event_id", "conflict"),
    ]
    assert rows(tmp_path, "events", "event_id", "vehicle_id") == [("e1", "V1"), ("e2", "V1"), ("e3", "V9")]


def test_a_retry_of_a_whole_request_changes_nothing(app: App, tmp_path: Path) -> None:
    events = [view(1), shown(2), event("lead", 3, lead_id="L1"), event("sold", 4, lead_id="L1"), {"type": "x"}]
    first, again = post(app, *events).json(), post(app, *events).json()
    assert (first["stored"], again["stored"], again["duplicates"]) == (4, 0, 4)
    assert first["refused"] == again["refused"] and len(rows(tmp_path, "exposures")) == 2


def test_the_same_instant_in_another_zone_is_a_repetition(app: App) -> None:
    post(app, view(1, at="2026-03-01T09:00:00+08:00"))
    assert post(app, view(1, at="2026-03-01T01:00:00Z")).json()["duplicates"] == 1


def test_a_page_counts_once(app: App, tmp_path: Path) -> None:
    post(app, shown(1))
    part = shown(2)["vehicles"][:1]
    assert (
        post(app, shown(2, vehicles=[*part, {"vehicle_id": "V3", "place": 3, "propensity": 1}])).json()["stored"] == 1
    )
    assert rows(tmp_path, "exposures", "vehicle_id", "place") == [("V1", 1), ("V2", 2), ("V3", 3)]
    other_place = [{"vehicle_id": "V1", "place": 2, "propensity": 1}]
    assert refusal(app, shown(3, vehicles=other_place)) == ("vehicles", "conflict")
    assert post(app, shown(4, request="r2", vehicles=other_place)).json()["stored"] == 1


def test_a_lead_is_sent_once(app: App) -> None:
    assert post(app, event("lead", 1, lead_id="L1")).json()["stored"] == 1
    assert refusal(app, event("lead", 2, lead_id="L1", budget=5)) == ("lead_id", "conflict")


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (view(1, type="clicked"), "type", "union_tag_invalid"),
        ({"event_id": "e"}, "type", "union_tag_not_found"),
        (view(1, at="2026-03-01T09:00:00"), "at", "timezone_aware"),
        (view(1, at="2096-03-01T09:00:00Z"), "at", "future"),
        (view(1, at="1960-03-01T09:00:00Z"), "at", "range"),
        (view(1, colour="red"), "colour", "extra_forbidden"),
        (view(1, event_id=""), "event_id", "string_too_short"),
        (view(1, event_id=7), "event_id", "string_type"),
        (view(1, dwell_seconds=86_401), "dwell_seconds", "less_than_equal"),
        (view(1, position=0), "position", "greater_than_equal"),
        (view(1, channel="fax"), "channel", "literal_error"),
        (view(1, visitor_id=None), "visitor_id", "missing"),
        (view(1, vehicle_id=" "), "vehicle_id", "missing"),
        (shown(1, vehicles=[]), "vehicles", "too_short"),
        (
            shown(1, vehicles=[{"vehicle_id": "V", "place": 1, "propensity": 0}]),
            "vehicles.0.propensity",
            "greater_than_equal",
        ),
        (
            shown(1, vehicles=[{"vehicle_id": "V", "place": 0, "propensity": 1}]),
            "vehicles.0.place",
            "greater_than_equal",
        ),
        (shown(1, vehicles=[{"vehicle_id": "V", "place": p, "propensity": 1} for p in (1, 2)]), "vehicles", "repeated"),
        (event("called", 1), "lead_id", "missing"),
        (event("lost", 1, lead_id="L", gross_margin=1), "gross_margin", "not_allowed"),
        (event("sold", 1, lead_id="L", gross_margin=1e30), "gross_margin", "less_than_equal"),
        (event("repaid", 1, application_id="A", loss=1), "loss", "not_allowed"),
        (event("repaid", 1, application_id="A", originated_at="2096-01-01T00:00:00Z"), "originated_at", "future"),
        (event("defaulted", 1, application_id="A", months_on_book=601), "months_on_book", "less_than_equal"),
    ],
)
def test_an_invalid_event_is_refused_and_the_others_are_stored(
    app: App, tmp_path: Path, body: dict[str, Any], field: str, rule: str
) -> None:
    assert refusal(app, body) == (field, rule)
    assert rows(tmp_path, "events", "event_id") == [("evalid",)]


def test_a_field_that_is_repeated_is_refused(app: App) -> None:
    text = json.dumps(view(1))[:-1] + ', "vehicle_id": "V2"}'
    answer = send(app, "POST", "/v1/events", f'{{"events": [{text}, {json.dumps(view(2))}]}}'.encode())
    assert answer.json()["refused"][0]["rule"] == "repeated" and answer.json()["stored"] == 1


def test_a_refusal_has_no_value_of_the_event(app: App) -> None:
    answer = post(app, view(1, visitor_id="Li Lei", channel="Han Meimei", at="Wang"), {"type": "13800000000"})
    assert answer.status_code == 422
    assert not [text for text in ("Li Lei", "Han Meimei", "Wang", "13800000000") if text in answer.text]


def test_a_request_without_a_valid_event_is_422_with_every_place(app: App, tmp_path: Path) -> None:
    answer = post(app, view(1, at="x"), {"type": "y"})
    error = answer.json()["error"]
    assert answer.status_code == 422 and error["code"] == "invalid"
    assert [d["field"] for d in error["details"]] == ["events.0.at", "events.1.type"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "a list of events"),
        (b"[]", "a list of events"),
        (b'{"events": {}}', "a list of events"),
        (b'{"events": []}', "from 1 to 1,000 events, not 0"),
        (b'{"events": [], "events": []}', "a list of events"),
        (b'{"events": [], "batch": 1}', "batch: Extra inputs are not permitted"),
        (b'{"events": [' + b",".join([b"{}"] * (MAX_EVENTS + 1)) + b"]}", "from 1 to 1,000 events, not 1,001"),
    ],
)
def test_another_body_is_422(app: App, body: bytes, message: str) -> None:
    answer = send(app, "POST", "/v1/events", body)
    assert answer.status_code == 422 and message in answer.json()["error"]["message"]


def test_another_query_method_or_content_type(app: App) -> None:
    assert send(app, "POST", "/v1/events?dry=1", {"events": [view(1)]}).status_code == 422
    assert send(app, "PUT", "/v1/events", {"events": [view(1)]}).status_code == 405


def refusals(events: list[Any], *scopes: str, stores: frozenset[str] | None = None) -> list[tuple[int, str]]:
    caller = Caller("k", "shop", "storefront", frozenset({"events:write", *scopes}), stores)
    rows, refused = parse_events(json.dumps({"events": events}).encode(), caller=caller, now=AT_US + 1)
    assert len(rows) + len(refused) == len(events)
    return [(r.index, r.rule) for r in refused]


def test_a_key_for_some_stores_sends_their_events_only() -> None:
    events = [view(1, store_id="S1"), view(2, store_id="S2"), view(3), event("repaid", 4, application_id="A")]
    expected = [(1, "wrong_store"), (2, "store_required"), (3, "wrong_store")]
    assert refusals(events, "loan_outcomes:write", stores=frozenset({"S1"})) == expected


def test_outcomes_which_train_later_models_need_a_scope_of_their_own() -> None:
    events = [event("sold", 1, lead_id="L"), event("defaulted", 2, application_id="A"), event("lead", 3, lead_id="L")]
    assert refusals(events) == [(0, "missing_scope"), (1, "missing_scope")]
    assert refusals(events, "lead_outcomes:write") == [(1, "missing_scope")]
    assert refusals(events, "lead_outcomes:write", "loan_outcomes:write") == []
    assert "lead_outcomes:write" not in ROLES["storefront"] and "loan_outcomes:write" not in ROLES["sales"]


def test_the_stores_of_the_caller_are_checked(tmp_path: Path) -> None:
    app = application(tmp_path)
    caller = Caller("k", "shop", "storefront", frozenset({"events:write"}), frozenset({"S1"}))

    async def behind_doors(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "caller": caller}, receive, send)

    assert post(behind_doors, view(1, store_id="S2")).status_code == 422
    assert post(behind_doors, view(1, store_id="S1")).json()["stored"] == 1


def test_a_store_that_cannot_be_opened_is_503_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "feedback.db").mkdir()
    app = application(tmp_path)
    answer = post(app, view(1))
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "feedback_unavailable"
    assert answer.headers["retry-after"] == "5" and str(tmp_path) not in answer.text
    (tmp_path / "feedback.db").rmdir()
    assert post(app, view(1)).json()["stored"] == 1


def test_requests_at_once_store_each_event_once(app: App, tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []

    def work() -> None:
        answers.append(post(app, *(view(i) for i in range(50))).json())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(a["stored"] for a in answers) == 50 and sum(a["duplicates"] for a in answers) == 250
    assert len(rows(tmp_path, "events")) == 50
