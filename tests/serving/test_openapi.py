"""The description of what is accepted, with and without champions."""

from __future__ import annotations

import json

from ml.registry import TASKS
from serving.openapi import REFUSALS, describe
from serving.settings import Settings
from tests.serving.in_process import Doubled, application, ask, champion


def test_a_task_without_a_champion_takes_any_object() -> None:
    paths = describe({}, Settings())["paths"]
    for name, task in TASKS.items():
        one = paths[f"/v1/{name}"]["post"]
        assert one["summary"] == task.summary["en"] and one["description"] == task.summary["zh"]
        assert one["requestBody"]["content"]["application/json"] == {"schema": {"type": "object"}}
        assert one["parameters"][0]["schema"] == {"type": "boolean", "default": task.explains}
        assert {"/batch", "/example"} <= {p.removeprefix(f"/v1/{name}") for p in paths}
    assert {"/healthz", "/readyz", "/metrics"} <= set(paths)


def test_a_champion_brings_its_schema_and_its_example() -> None:
    document = describe({"credit_risk": champion()}, Settings(max_batch_rows=7))
    body = document["paths"]["/v1/credit_risk"]["post"]["requestBody"]["content"]["application/json"]
    assert body == {"schema": {"$ref": "#/components/schemas/Ask"}, "example": {"amount": 21}}
    schema = document["components"]["schemas"]["Ask"]
    assert schema["properties"]["amount"]["minimum"] == 0 and schema["additionalProperties"] is False
    batch = document["paths"]["/v1/credit_risk/batch"]["post"]["requestBody"]["content"]["application/json"]
    assert batch["schema"]["properties"]["items"]["maxItems"] == 7
    assert batch["example"] == {"items": [{"amount": 21}]}
    assert "Doubled" not in document["components"]["schemas"], "answers are those of the task"
    assert Doubled.__name__ != TASKS["credit_risk"].response.__name__


def test_answers_carry_the_version_and_every_refusal_has_one_shape() -> None:
    document = describe({"credit_risk": champion()}, Settings())
    responses = document["paths"]["/v1/credit_risk"]["post"]["responses"]
    assert set(responses) == {"200", *REFUSALS}
    whole = responses["200"]["content"]["application/json"]["schema"]["allOf"]
    assert whole[0] == {"$ref": f"#/components/schemas/{TASKS['credit_risk'].response.__name__}"}
    assert whole[1]["required"] == ["model_version"]
    for status in REFUSALS:
        assert responses[status]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_every_reference_leads_somewhere() -> None:
    document = ask(application(), "/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names and names <= set(document["components"]["schemas"])
