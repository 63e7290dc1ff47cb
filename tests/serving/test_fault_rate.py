"""Faults over HTTP: alarms, vehicles to inspect, weeks until detection, and refused requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.running import Server

URL = "/v1/fault_rate"
CELL = {"model": "D", "component": "brakes"}


def ask(server: Server, path: str = URL, **fields: Any) -> dict[str, Any]:
    answer = server.client.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_alarms_with_their_plan_and_their_evidence(server: Server) -> None:
    answer = ask(server, **server.client.get(f"{URL}/example").json())
    assert answer["model_version"] == 1 and answer["basis"] == "exposure" and answer["cell"]["alarm"]
    (alarm,) = answer["alarms"]
    assert (alarm["model"], alarm["component"]) == ("D", "brakes") and alarm["plan"]["vehicles"] > 0
    assert alarm["evidence"] == []
    explained = ask(server, f"{URL}?explain=true", component="brakes")
    assert len(explained["alarms"][0]["evidence"]) > 50
    batch = server.client.post(f"{URL}/batch", json={"items": [{}, {"model": "A"}]}).json()
    assert [len(i["alarms"]) for i in batch["items"]] == [1, 0]


def test_a_component_that_no_vehicle_of_a_model_has_is_answered_with_a_note(server: Server) -> None:
    answer = ask(server, model="E", component="pump")
    assert answer["alarms"] == [] and answer["cell"]["expected"] == 0 and answer["cell"]["rate_ratio"] == 1
    assert answer["notes"][-1].startswith("pump of E: expected faults are 0")


def test_vehicles_and_power(server: Server) -> None:
    for path in (f"{URL}/vehicles", f"{URL}/power"):
        assert ask(server, path, **server.client.get(f"{path}/example").json())["model"] == "D"
    listed = ask(server, f"{URL}/vehicles", **CELL, limit=3)
    assert len(listed["vehicles"]) == 3 < listed["total"] and listed["alarm"]
    power = ask(server, f"{URL}/power", **CELL, rate_ratio=3.0)
    assert 0 < power["weeks_p50"] <= 104 and power["model_version"] == 1


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (URL, {"component": "wings"}, "component"),
        (URL, {"since": "soon"}, "since"),
        (URL, {"states": ["shut"]}, "states"),
        (URL, {"colour": "red"}, "colour"),
        (f"{URL}/vehicles", {"model": "D"}, "component"),
        (f"{URL}/vehicles", {**CELL, "limit": 0}, "limit"),
        (f"{URL}/vehicles", {**CELL, "built_from": "2022-01-02", "built_until": "2022-01-01"}, "built_until"),
        (f"{URL}/power", {**CELL, "rate_ratio": 0.5}, "rate_ratio"),
        (f"{URL}/power", {"model": "E", "component": "pump", "rate_ratio": 2.0}, "zero exposure"),
        (f"{URL}/power", {"model": "Z", "component": "pump", "rate_ratio": 2.0}, "model"),
    ],
)
def test_bad_questions_are_refused_by_name(server: Server, path: str, body: dict[str, Any], field: str) -> None:
    answer = server.client.post(path, json=body)
    assert answer.status_code == 422 and field in answer.text


def test_the_documentation_shows_all_three(server: Server) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    assert {URL, f"{URL}/batch", f"{URL}/vehicles", f"{URL}/power"} <= set(paths)
