"""Answers of the service to valid requests."""

from __future__ import annotations

import re
from typing import Any

import httpx

from ml.registry import TASKS
from tests.serving.running import PATH


def test_an_applicant_is_answered_with_reasons(client: httpx.Client, example: dict[str, Any]) -> None:
    worse = {**example, "bureau_delinquencies_24m": 5, "application_id": "A1"}
    good, bad = client.post(PATH, json=example).json(), client.post(PATH, json=worse).json()
    assert bad["application_id"] == "A1" and bad["model_version"] == 1
    assert bad["probability_of_default"] > good["probability_of_default"] and bad["score"] < good["score"]
    assert bad["reasons"][0]["code"] == "PAST_DUE" and bad["reasons"][0]["zh"] and bad["reasons"][0]["points"] < 0
    assert len(bad["reasons"]) <= 4
    assert client.post(f"{PATH}?explain=false", json=worse).json()["reasons"] is None


def test_batch_equals_one_by_one(client: httpx.Client, example: dict[str, Any]) -> None:
    applications = [{**example, "bureau_delinquencies_24m": n, "application_id": f"车,{n}"} for n in range(4)]
    for query in ("", "?explain=false"):
        batch = client.post(f"{PATH}/batch{query}", json={"items": applications}).json()
        single = [client.post(PATH + query, json=one).json() for one in applications]
        assert [one.pop("model_version") for one in single] == [batch["model_version"]] * 4
        assert len({one.pop("decision_id") for one in [*single, *batch["items"]]}) == 8
        assert batch["items"] == single


def test_a_valid_request_id_is_returned_and_another_one_is_replaced(
    client: httpx.Client, example: dict[str, Any]
) -> None:
    valid = client.post(PATH, json=example, headers={"x-request-id": "abc-1"})
    made = [client.post(PATH, json=example, headers={"x-request-id": "no spaces"}) for _ in range(2)]
    assert valid.headers["x-request-id"] == "abc-1"
    assert all(re.fullmatch(r"[0-9a-f]{32}", m.headers["x-request-id"]) for m in made)
    assert made[0].headers["x-request-id"] != made[1].headers["x-request-id"]


def test_metrics_are_labelled_by_known_routes_only(client: httpx.Client, example: dict[str, Any]) -> None:
    client.post(PATH, json=example)
    client.get("/secret-path")
    metrics = client.get("/metrics").text
    assert f'chehang_requests_total{{route="{PATH}",task="credit_risk",status="200"}}' in metrics
    assert 'chehang_model_version{task="credit_risk",worker="1"} 1.0' in metrics
    assert "secret-path" not in metrics and 'route="unmatched",task="",status="404"' in metrics


def test_ready_has_the_versions_of_the_champions(client: httpx.Client) -> None:
    assert client.get("/readyz").json()["champions"] == dict.fromkeys(TASKS, 1)


def test_openapi_describes_the_champion(client: httpx.Client, example: dict[str, Any]) -> None:
    doc = client.get("/openapi.json").json()
    body = doc["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    schema = doc["components"]["schemas"][body["schema"]["$ref"].split("/")[-1]]
    assert doc["openapi"].startswith("3.1") and schema["additionalProperties"] is False
    assert {"loan_amount", "showroom_visits"} <= set(schema["properties"]) and "loan_amount" in schema["required"]
    assert body["example"] == example


def test_the_start_and_the_docs_lead_to_the_desk_which_loads_nothing_from_outside(client: httpx.Client) -> None:
    for path, target in (("/", "/desk"), ("/docs", "/desk/docs")):
        assert client.get(path).headers["location"] == target
    page = client.get("/desk/log-in")
    assert page.status_code == 200 and not re.search(r"(src|href)\s*=\s*[\"'](https?:)?//", page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
