"""The sales desk over HTTP: one lead, up to a thousand, the queue, the channels, and refused requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.running import Server

URL = "/v1/lead_scoring"


def _example(server: Server) -> dict[str, Any]:
    return dict(server.client.get(f"{URL}/example").json())


def test_one_lead_with_reasons_and_without(server: Server) -> None:
    lead = _example(server)
    answer = server.client.post(URL, json=lead).json()
    assert answer["model_version"] == 1
    assert answer["grade"] in "ABCD"
    assert answer["path"] == "with_history"
    assert {*answer["reasons"]} == {"positive", "negative", "other_log_odds"}
    bare = server.client.post(f"{URL}?explain=false", json=lead).json()
    assert bare["reasons"] is None
    assert bare["conversion_probability"] == answer["conversion_probability"]


def test_up_to_a_thousand_at_the_same_path_or_at_batch(server: Server) -> None:
    leads = [{**_example(server), "lead_id": f"L{i}", "events": []} for i in range(1_000)]
    for path in (URL, f"{URL}/batch"):
        answers = server.client.post(f"{path}?explain=false", json={"items": leads}).json()["items"]
        assert [a["lead_id"] for a in answers] == [lead["lead_id"] for lead in leads]
    too_many = server.client.post(URL, json={"items": [*leads, {**leads[0], "lead_id": "one more"}]})
    assert too_many.status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"events": [{"event_at": "2026-01-08T00:00:00+08:00", "event_type": "view"}]}, "events"),
        ({"created_at": "2027-01-01T00:00:00+08:00"}, "created_at"),
        ({"created_at": "2026-01-06T21:10:00"}, "created_at"),
        ({"distance_km": -1}, "distance_km"),
        ({"converted_at": "2026-01-06T21:10:00+08:00"}, "converted_at"),
        ({"events": [{"event_type": "view"}]}, "events"),
        ({"purchases": [{"sold_at": "2020-01-01T00:00:00Z", "price": -5}]}, "purchases"),
    ],
)
def test_an_invalid_field_is_named(server: Server, change: dict[str, Any], field: str) -> None:
    answer = server.client.post(URL, json={**_example(server), **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"][0]["field"].startswith(field)


def test_leads_named_twice_are_refused(server: Server) -> None:
    lead = {**_example(server), "lead_id": "L1"}
    answer = server.client.post(URL, json={"items": [lead, lead]})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "lead_id"


def test_the_queue_and_the_channels(server: Server) -> None:
    client = server.client
    queue = client.post(f"{URL}/queue", json=client.get(f"{URL}/queue/example").json()).json()
    assert [i["place"] for i in queue["items"]] == [1, 2]
    assert [i["call_at"][11:] for i in queue["items"]] == ["09:00:00+08:00", "09:10:00+08:00"]
    assert queue["desk_open"] and queue["notice"] is None
    assert queue["decay"]["low"] < queue["decay"]["left_after_24_hours"] < queue["decay"]["high"]
    channels = client.post(f"{URL}/channels", json={}).json()
    assert {c["channel"] for c in channels["channels"]} == {"website", "search_ad", "referral"}
    assert client.post(f"{URL}/channels", json={"cost_per_lead_ceiling": -1}).status_code == 422
    paths = client.get("/openapi.json").json()["paths"]
    assert {URL, f"{URL}/queue", f"{URL}/channels"} <= set(paths)


def test_a_queue_outside_the_opening_hours_of_the_rules_file_begins_when_the_desk_opens(server: Server) -> None:
    client, path = server.client, f"{URL}/queue"
    early = {**client.get(f"{path}/example").json(), "as_of": "2026-01-07T07:20:00+08:00"}
    queue = client.post(path, json=early).json()
    assert [i["call_at"][:16] for i in queue["items"]] == ["2026-01-07T09:00", "2026-01-07T09:10"]
    assert not queue["desk_open"] and "calls begin when it opens, at 09:00 on 7 January" in queue["notice"]["en"]
    later = client.post(path, json={**early, "open": "10:30", "holidays": ["2026-01-07"]}).json()
    assert later["items"][0]["call_at"][:16] == "2026-01-08T10:30"
    assert client.post(path, json={**early, "capacity_per_day": 0}).json()["items"] == []
    for change, field in (
        ({"open": "25:00"}, "open"), ({"timezone": "Mars"}, "timezone"),
        ({"weekdays": ["monday"]}, "weekdays"), ({"calls_per_hour": -1}, "calls_per_hour"), ({"days": 0}, "days"),
    ):  # fmt: skip
        refused = client.post(path, json={**early, **change})
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"]["details"][0]["field"].startswith(field)
    reversed_hours = client.post(path, json={**early, "open": "19:00"})
    assert reversed_hours.status_code == 422
    assert "must be before close, got 19:00 and 18:00" in reversed_hours.json()["error"]["message"]
