"""Demand over HTTP: precomputed and recomputed forecasts, totals, the order plan, and refused requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.running import Server

URL, ORDERS = "/v1/demand_forecast", "/v1/demand_forecast/orders"


def ask(server: Server, path: str = URL, **fields: Any) -> dict[str, Any]:
    answer = server.client.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_series_totals_and_reasons(server: Server) -> None:
    example = server.client.get(f"{URL}/example").json()
    answer = ask(server, **example)
    assert answer["model_version"] == 1 and len(answer["periods"]) == 3 and not answer["recomputed"]
    assert all(len(p["quantiles"]) == len(answer["levels"]) and not p["drivers"] for p in answer["periods"])
    explained = ask(server, f"{URL}?explain=true", **example)
    assert explained["periods"][0]["drivers"]
    assert explained["periods"][0]["mean"] == pytest.approx(answer["periods"][0]["mean"])
    everything = ask(server)
    parts = [ask(server, region=r) for r in ("north", "south")]
    assert everything["periods"][0]["mean"] == pytest.approx(sum(p["periods"][0]["mean"] for p in parts))


def test_the_schema_has_both_endpoints(server: Server) -> None:
    schema = server.client.get("/openapi.json")
    assert {URL, f"{URL}/batch", ORDERS} <= set(schema.json()["paths"])
    assert "what-if value" in schema.text and "review_days" in schema.text


def test_history_and_what_if_values_are_recomputed(server: Server) -> None:
    base = {"store_id": "S6", "model": "D", "levels": [0.1, 0.5, 0.9]}
    busy = ask(server, **base, history=[{"period": "2023-01", "sold": 40}])
    assert busy["recomputed"] and busy["last_period"] == "2023-01"
    assert busy["periods"][0]["mean"] > ask(server, **base)["periods"][1]["mean"]
    assert ask(server, **base, price=99_000.0)["recomputed"]
    batch = server.client.post(f"{URL}/batch", json={"items": [base, {"region": "north"}]}).json()
    assert len(batch["items"]) == 2


def test_a_surplus_is_moved_before_ordering(server: Server) -> None:
    stock = [
        {"store_id": "S4", "model": "D", "on_hand": 60, "price": 120_000.0},
        {"store_id": "S6", "model": "D", "on_hand": 0, "price": 120_000.0},
        {"store_id": "S1", "model": "D", "on_hand": 0, "price": 120_000.0},
    ]
    plan = ask(server, ORDERS, stock=stock)
    assert [(t["from_store"], t["to_store"]) for t in plan["transfers"]] == [("S4", "S6")]
    by_store = {o["store_id"]: o for o in plan["orders"]}
    assert by_store["S6"]["order"] == 0 and by_store["S1"]["order"] == by_store["S1"]["order_up_to"] > 0
    assert by_store["S6"]["demand_p10"] <= by_store["S6"]["demand_p50"] <= by_store["S6"]["demand_p90"]
    longer = ask(server, ORDERS, stock=stock[2:], lead_days=60, review_days=20)
    assert longer["orders"][0]["order"] > by_store["S1"]["order"]
    everything = ask(server, ORDERS)
    assert len(everything["orders"]) == 30 and everything["model_version"] == 1
    assert len(ask(server, ORDERS, stores=["S1"])["orders"]) == 5
    assert ask(server, ORDERS, **server.client.get(f"{ORDERS}/example").json())["orders"]


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        (URL, {"store_id": "S9", "model": "A"}, "store_id"),
        (URL, {"store_id": "S1", "model": "A", "horizon": 4}, "horizon"),
        (URL, {"store_id": "S1", "model": "A", "levels": [1.5]}, "levels"),
        (URL, {"store_id": "S1", "model": "A", "price": -1}, "price"),
        (URL, {"store_id": "S1", "model": "A", "history": [{"period": "soon", "sold": 1}]}, "history"),
        (URL, {"store_id": "S1", "model": "A", "weather": "fine"}, "weather"),
        (ORDERS, {"stock": [{"store_id": "S1", "model": "A", "on_hand": -1}]}, "on_hand"),
        (ORDERS, {"stock": [{"store_id": "S9", "model": "A", "on_hand": 1}]}, "not in the model"),
        (ORDERS, {"stock": [{"store_id": "S1", "model": "A", "on_hand": 1}] * 2}, "twice"),
        (ORDERS, {"stores": ["S9"]}, "stores"),
        (ORDERS, {"lead_days": 300}, "horizon"),
    ],
)
def test_an_invalid_request_names_its_field(server: Server, path: str, fields: dict[str, Any], message: str) -> None:
    answer = server.client.post(path, json=fields)
    assert answer.status_code == 422
    assert message in answer.text
