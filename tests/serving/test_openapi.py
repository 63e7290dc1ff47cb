"""The OpenAPI document with and without champions."""

from __future__ import annotations

import json

from ml.registry import TASKS
from serving.doors.documentation import DOOR_REFUSALS
from serving.endpoints import mounted_endpoints
from serving.openapi import REFUSALS, describe
from tests.serving.in_process import application, ask, champion, doubling


def test_a_task_without_a_champion_takes_any_object() -> None:
    paths = describe({}, mounted_endpoints(), max_rows=9)["paths"]
    for name, task in TASKS.items():
        one = paths[f"/v1/{name}"]["post"]
        assert one["summary"] == task.summary["en"] and one["description"] == task.summary["zh"]
        assert one["requestBody"]["content"]["application/json"] == {"schema": {"type": "object"}}
        assert one["parameters"][0]["schema"] == {"type": "boolean", "default": task.endpoint.explains}
        assert {"/batch", "/example"} <= {p.removeprefix(f"/v1/{name}") for p in paths}
    assert {"/healthz", "/readyz", "/metrics"} <= set(paths)


def test_a_champion_brings_its_schema_and_its_example() -> None:
    document = describe({"credit_risk": champion()}, [doubling("credit_risk")], max_rows=7)
    body = document["paths"]["/v1/credit_risk"]["post"]["requestBody"]["content"]["application/json"]
    assert body == {"schema": {"$ref": "#/components/schemas/Amount"}, "example": {"amount": 21}}
    schema = document["components"]["schemas"]["Amount"]
    assert schema["properties"]["amount"]["minimum"] == 0 and schema["additionalProperties"] is False
    batch = document["paths"]["/v1/credit_risk/batch"]["post"]["requestBody"]["content"]["application/json"]
    assert batch["schema"]["properties"]["items"]["maxItems"] == 7
    assert batch["example"] == {"items": [{"amount": 21}]}
    answers = document["paths"]["/v1/credit_risk/batch"]["post"]["responses"]["200"]["content"]["application/json"]
    assert answers["schema"]["properties"]["items"]["items"]["allOf"][0] == {"$ref": "#/components/schemas/Doubled"}


def test_answers_carry_the_version_and_every_refusal_has_one_shape() -> None:
    document = describe({"credit_risk": champion()}, [doubling("credit_risk")], max_rows=7)
    responses = document["paths"]["/v1/credit_risk"]["post"]["responses"]
    assert set(responses) == {"200", *REFUSALS, *DOOR_REFUSALS}
    whole = responses["200"]["content"]["application/json"]["schema"]["allOf"]
    assert whole[0] == {"$ref": "#/components/schemas/Doubled"}
    assert whole[1]["required"] == ["model_version"]
    for status in REFUSALS:
        assert responses[status]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_every_reference_leads_somewhere() -> None:
    document = ask(application(), "/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names and names <= set(document["components"]["schemas"])


def test_the_schema_of_a_named_model_has_its_data_set_and_the_others_keep_their_names() -> None:
    plain = describe({"credit_risk": champion()}, [doubling("credit_risk")], max_rows=7)
    champions = {name: champion(name) for name in ("credit_risk", "credit_risk.north")}
    document = describe(champions, [doubling(name) for name in champions], max_rows=7)
    schemas = document["components"]["schemas"]
    assert schemas == {**plain["components"]["schemas"], "Amount.north": schemas["Amount"]}
    for name, schema in {"credit_risk": "Amount", "credit_risk.north": "Amount.north"}.items():
        body = document["paths"][f"/v1/{name}"]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"] == {"$ref": f"#/components/schemas/{schema}"}


def test_every_operation_has_a_name_of_its_own_and_the_tag_of_its_task_or_group() -> None:
    document = describe({}, mounted_endpoints(), max_rows=9)
    operations = [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]
    names = [operation["operationId"] for _, operation in operations]
    assert {"credit_risk_batch", "loans_offers", "fault_rate_power_example"} <= set(names)
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    for path, operation in operations:
        (tag,) = operation["tags"]
        assert tag in tags and (path.startswith(f"/v1/{tag}") or tag in ("service", "feedback", "work")), path
    assert document["info"]["title"].isascii()


def test_a_page_is_described_beside_the_json() -> None:
    responses = describe({}, mounted_endpoints(), max_rows=9)["paths"]["/v1/loans/disclosure"]["post"]["responses"]
    assert set(responses["200"]["content"]) == {"application/json", "text/html"}
