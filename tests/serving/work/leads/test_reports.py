"""Given-up leads, channels, expected and actual sales, and staff."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import polars as pl
import pytest

from serving.work.leads import channels, expected, reactivation, scores, words
from serving.work.leads.words import OUTCOMES
from tests.serving.in_process import ask
from tests.serving.work.leads.conftest import Work


@pytest.fixture
def work(make_work: Callable[..., Work]) -> Work:
    """Return the application with twelve open leads."""
    return make_work()


def put(work: Work, path: str, status: int = 200, **body: Any) -> Any:
    """Send a PUT request."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(work.app)
        headers = {"content-type": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.put(path, content=json.dumps(body), headers=headers)

    answer = asyncio.run(send())
    assert answer.status_code == status, answer.text
    return answer.json()


def test_all_outcomes_have_words() -> None:
    assert set(OUTCOMES) == {"not_reached", "reached", "appointment", "lost", "sold"}
    assert words.LOST.zh == "战败"


def test_given_up_leads_are_of_grade_a_and_say_why(work: Work) -> None:
    answer = work.get("/v1/leads/reactivation")
    states = [item["state"] for item in answer["items"]]
    assert states == sorted(states, key=lambda s: s == "closed")
    assert answer["expected_sales"] == pytest.approx(
        sum(i["probability"] for i in answer["items"] if i["state"] != reactivation.CLOSED)
    )
    assert all(set(item["reason"]) == {"zh", "en"} for item in answer["items"])


def test_channels_repeat_the_model_and_compare(work: Work) -> None:
    answer, own = work.get("/v1/leads/channels"), work.post("/v1/lead_scoring/channels")
    assert {i["channel"]: i["sales"] for i in answer["items"]} == {
        c["channel"]: c["last_touch"]["sales"] for c in own["channels"]
    }
    overall = answer["overall_net_margin"]
    for item in answer["items"]:
        net = item["net_margin_per_lead"]
        if item["verdict"] == "spend_less":
            assert net["high"] < overall
    assert channels.verdict_of(None, None, 1.0) == "unclear"


def test_expected_sales_are_sums_of_the_probabilities_at_creation(work: Work) -> None:
    for _ in range(60):  # each request scores some of them
        if ask(work.app, "/v1/leads/expected").status_code == 200:
            break
    answer = work.get("/v1/leads/expected?by=month")
    total = answer["total"]
    assert (
        total["leads"] == sum(s["leads"] for s in answer["stores"]) == sum(p["leads"] for p in answer["periods"]) > 30
    )
    assert total["expected"] == pytest.approx(sum(s["expected"] for s in answer["stores"]))
    assert total["actual"] == sum(p["actual"] for p in answer["periods"])
    assert total["low"] < total["expected"] < total["high"]
    nothing = pl.DataFrame(schema={"probability": pl.Float64, "bought": pl.Boolean})
    empty = expected.expected_sales(nothing)
    assert (empty.leads, empty.actual, empty.state) == (0, 0, "within")


def test_evidence_is_the_share_of_the_nearest_scores() -> None:
    rows = pl.DataFrame(
        {"probability": [0.1] * 100 + [0.5] * 100, "bought": [False] * 100 + [True] * 50 + [False] * 50}
    )
    near = scores.Evidence(rows).near(0.45)
    assert near is not None and (near["leads"], near["bought"]) == (100, 50) and near["low"] < 0.5 < near["high"]
    assert scores.Evidence(rows.head(5)).near(0.45) is None


def test_staff_set_the_capacity_and_two_people_see_each_other(work: Work) -> None:
    before = work.get("/v1/leads/staff?store_id=S1")
    assert before["stores"][0]["is_default"] and before["stores"][0]["callers"]
    callers = [{"caller_id": "A", "name": "陈静", "open": "10:00", "close": "11:00", "minutes_per_call": 20.0}]
    answer = put(work, "/v1/leads/staff", store_id="S1", callers=callers, last_sequence=0)
    assert answer["stores"][0]["calls_per_day"] == 3.0 and answer["desk"]["capacity_per_day"] == 3.0
    queue = work.get("/v1/leads?store_id=S1")
    assert queue["desk"]["open"] == "10:00" and 0 < queue["counts"]["today"] <= 3
    error = put(work, "/v1/leads/staff", 409, store_id="S1", callers=callers, last_sequence=0)
    assert error["error"]["code"] == "changed"
    twice = [callers[0], callers[0]]
    assert put(work, "/v1/leads/staff", 422, store_id="S1", callers=twice)["error"]["details"][0]["rule"] == "repeated"
    late = [{**callers[0], "open": "12:00", "close": "09:00"}]
    assert put(work, "/v1/leads/staff", 422, store_id="S1", callers=late)["error"]["code"]
