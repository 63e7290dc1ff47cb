"""Every object of every request refuses fields that it does not have, nested ones included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.serving.running import JSON, Server


def _objects(schema: Any, schemas: dict[str, Any], place: str, *, passed: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Yield place and schema of each object with fields that a schema contains, followed through references."""
    if isinstance(schema, list):
        for part in schema:
            yield from _objects(part, schemas, place, passed=passed)
    if not isinstance(schema, dict):
        return
    if name := schema.get("$ref", "").removeprefix("#/components/schemas/"):
        if name not in passed:
            yield from _objects(schemas[name], schemas, place, passed=passed | {name})
        return
    if "properties" in schema:
        yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from _objects(part, schemas, f"{place}.{name}", passed=passed)
    for key in ("items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties"):
        yield from _objects(schema.get(key), schemas, place, passed=passed)


def test_every_object_of_the_documented_requests_is_closed(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    places = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            places += list(_objects(body, schemas, f"{method} {path}", passed=frozenset()))
    assert len(places) > 60
    assert [place for place, schema in places if schema.get("additionalProperties") is not False] == []


def _with_unknown_field(content: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each object's place and the content with one more field in it."""
    if isinstance(content, dict):
        yield ".".join(map(str, (*place, "colour"))), {**content, "colour": 1}
        for name, part in content.items():
            for where, changed in _with_unknown_field(part, (*place, name)):
                yield where, {**content, name: changed}
    if isinstance(content, list):
        for position, part in enumerate(content[:2]):
            for where, changed in _with_unknown_field(part, (*place, position)):
                yield where, [*content[:position], changed, *content[position + 1 :]]


def test_an_unknown_field_of_any_object_of_the_examples_is_named(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    refused = 0
    for path in document["paths"]:
        if not path.endswith("/example"):
            continue
        example = server.client.get(path).json()
        for place, content in _with_unknown_field(example):
            answer = server.client.post(path.removesuffix("/example"), content=json.dumps(content), headers=JSON)
            assert answer.status_code == 422, (path, place)
            details = [(d["field"], d["rule"]) for d in answer.json()["error"]["details"]]
            assert (place, "extra_forbidden") in details, (path, place, details)
            refused += 1
    assert refused >= 25
