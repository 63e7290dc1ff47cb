"""What the demo sends and shows, without a server: bodies from rows, tables from answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from rich.console import Console

import demo
from features.tables import TABLES

AT = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
LEAD = {
    "lead_id": "L1", "store_id": "S1", "channel": "website", "campaign": None, "model": "A", "distance_km": 2.5,
    "price": 12_345_600, "budget": None, "acquisition_cost": 5_000, "created_at": AT, "converted_at": AT,
}  # fmt: skip


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What was shown so far, with single spaces."""
    console = Console(highlight=False, width=200, record=True)
    monkeypatch.setattr(demo, "out", console)
    return lambda: " ".join(console.export_text(clear=False).split())


def test_a_lead_is_sent_in_yuan_and_without_what_came_after() -> None:
    body = demo._lead(LEAD, None)
    assert body == {
        "lead_id": "L1", "store_id": "S1", "channel": "website", "model": "A", "distance_km": 2.5, "price": 123_456.0,
        "acquisition_cost": 50.0, "created_at": "2024-05-06T07:08:00+00:00", "events": [],
    }  # fmt: skip


def test_a_lead_brings_its_events() -> None:
    columns = ("event_type", "session_id", "vehicle_id", "model", "channel", "dwell_seconds")
    events = pl.DataFrame(
        [{**dict.fromkeys(columns), "event_type": "view", "dwell_seconds": 9.0, "event_at": AT, "customer_id": "C"}]
    )
    assert demo._lead(LEAD, events)["events"] == [
        {"event_type": "view", "dwell_seconds": 9.0, "event_at": "2024-05-06T07:08:00+00:00"}
    ]


def test_applicants_differ_in_columns_of_the_contract() -> None:
    columns = TABLES["applications"].columns
    assert all(set(fields) <= set(columns) for fields in demo.APPLICANTS.values())
    for fields in demo.APPLICANTS.values():
        if fields:
            assert fields["vehicle_price"] == fields["down_payment"] + fields["loan_amount"]


def test_a_command_is_shown_and_run_in_the_home_of_the_demo(
    screen: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, *, check, env: commands.append((command, env)))
    demo.chehang("train", "credit_risk")
    ((command, environment),) = commands
    assert command == [sys.executable, "-m", "chehang", "train", "credit_risk"]
    assert environment["CHEHANG_HOME"] == str(demo.HOME)
    assert screen().startswith("$ chehang train credit_risk")


def test_an_answer_is_shown_with_its_reasons(screen: Callable[[], str]) -> None:
    reason = {"en": "Late before", "zh": "曾逾期", "points": -31.4}
    answer = {"band": "refer", "score": 612, "probability_of_default": 0.0321, "approve_at_most": 0.02,
              "decline_above": 0.08, "reasons": [reason]}  # fmt: skip
    demo._show("Middling", {}, answer)
    text = screen()
    assert "score 612 probability of default 3.21% REFER 人工审核 (approve up to 2.00%, decline above 8.00%)" in text
    assert "Late before 曾逾期 -31" in text and "no reasons against" not in text
    demo._show("Settled", {}, {**answer, "band": "approve", "reasons": []})
    assert "APPROVE 预审通过" in screen() and screen().endswith("no reasons against this application 无不利因素")


def test_a_visitor_who_looked_at_two_vehicles_names_them(
    screen: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[dict[str, Any]] = []
    card = {"vehicle_id": "V1", "model": "A", "condition": "new", "price": 99_000.0, "payment": None, "explored": False,
            "reasons": [{"en": "As you wish", "zh": "符合需求"}]}  # fmt: skip
    other = {**card, "vehicle_id": "V2", "payment": {"monthly_payment": 2_500.4}, "explored": True}

    def answer(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if body is None:
            return {"store_id": "S1"}
        bodies.append(body)
        return {"path": "cold", "available": 2, "items": [card, other]}

    monkeypatch.setattr(demo, "_ask", answer)
    demo._pages("http://server")
    assert bodies[0] == {"n": 6, "store_id": "S1"} and bodies[1]["payment"] == {"monthly_payment": 2_500.0}
    assert bodies[2]["filters"] == {"price_low": 90_000.0, "price_high": 140_000.0}
    assert bodies[3]["session"] == [
        {"event_type": "compare", "vehicle_id": "V1"},
        {"event_type": "view", "vehicle_id": "V2"},
    ]
    assert "99,000 As you wish 符合需求" in screen() and "2,500 New in stock, shown to measure interest" in screen()


def test_a_server_that_ends_early_ends_the_demo() -> None:
    server = cast("Any", SimpleNamespace(poll=lambda: 3, returncode=3))
    with pytest.raises(SystemExit, match="ended with exit status 3 before it was ready"):
        demo._wait("http://server", server)


def test_a_server_that_never_is_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(url: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(demo, "READY_WITHIN_SECONDS", 0.02)
    monkeypatch.setattr(demo, "_ask", refused)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(SystemExit, match=r"was not ready within 0\.02 s"):
        demo._wait("http://server", cast("Any", SimpleNamespace(poll=lambda: None)))


def test_a_call_list_says_when_the_desk_opens_what_a_call_is_worth_and_why_it_has_its_place(
    screen: Callable[[], str],
) -> None:
    reason = {"en": "asked for a price list on 3 January: follow up on the offer", "zh": "1月3日索取过报价单：跟进报价"}
    item = {
        "place": 1, "call_at": "2024-01-06T09:00:00+08:00", "lead_id": "L1", "grade": "B", "hours_at_call": 26.4,
        "conversion_probability": 0.25, "probability_without_call": 0.125,
        "gain": 2_276.0, "gain_if_first": 2_340.5, "loss_per_hour": 12.0,
        "reasons": {"positive": [reason], "negative": []}, "why": {"en": "called first", "zh": "首个外呼"},
    }  # fmt: skip
    answer = {
        "notice": {"en": "the desk is closed at 07:20", "zh": "7:20 未营业"}, "measure": "gross_margin",
        "items": [item],
        "comparison": {"en": "as much as newest first", "zh": "与先呼最新线索相同"},
    }  # fmt: skip
    demo._show_queue(answer)
    text = screen()
    assert text.startswith("the desk is closed at 07:20 7:20 未营业")
    assert "09:00 L1 B 26 h 25.0% 12.5% 2,276.00 2,340.50 12.00 asked for a price list on 3 January" in text
    assert "place 1, L1: called first 首个外呼" in text and text.endswith("as much as newest first 与先呼最新线索相同")
