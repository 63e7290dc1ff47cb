"""The OpenAPI document has events and stock, and its examples are valid requests."""

from __future__ import annotations

from pydantic import TypeAdapter

from serving.endpoints import mounted_endpoints
from serving.feedback.document import ROUTES, feedback_paths
from serving.openapi import describe


def test_the_document_has_the_routes_and_every_reference_exists() -> None:
    document = describe({}, mounted_endpoints(), max_rows=10)
    assert {"/v1/events", "/v1/stock", "/v1/stock/changes"} <= set(document["paths"])
    text = str(feedback_paths()[0]) + str(feedback_paths()[1])
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


def test_the_examples_are_valid() -> None:
    import json

    for route in ROUTES:
        TypeAdapter(route.body).validate_json(json.dumps(route.example))
