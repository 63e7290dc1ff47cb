"""The OpenAPI description of what the present champions accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from ml.endpoint import Endpoint
from ml.registry import TASKS
from serving.model_store import Loaded
from serving.settings import Settings

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {k: {"type": "string"} for k in ("field", "rule", "message")},
                    },
                },
            },
        }
    },
}
REFUSALS = {
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "422": "A field is missing, unknown, of the wrong type or out of range; details name it",
    "503": "No champion; the message names the command that makes one",
    "504": "The answer took too long",
}


def describe(
    champions: Mapping[str, Loaded | None], settings: Settings, endpoints: Sequence[Endpoint] = ()
) -> dict[str, Any]:
    """Build the OpenAPI 3.1 document; a task without a champion has no request schema yet."""
    schemas: dict[str, Any] = {"Error": ERROR}
    paths: dict[str, Any] = {}
    for name, task in TASKS.items():
        loaded = champions.get(name)
        models = [(task.response, "serialization")] + ([(loaded.request, "validation")] if loaded else [])
        found, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
        schemas |= definitions.get("$defs", {})
        answer = found[(task.response, "serialization")]  # type: ignore[index]
        request = found[(loaded.request, "validation")] if loaded else {"type": "object"}  # type: ignore[index]
        number = {"model_version": {"type": "integer"}}
        whole = {"allOf": [answer, {"type": "object", "properties": number, "required": ["model_version"]}]}
        cap = settings.max_batch_rows
        items = {"type": "array", "items": request, "minItems": 1, "maxItems": cap}
        batch = {"type": "object", "required": ["items"], "properties": {"items": items}, "additionalProperties": False}
        answers = {"type": "object", "properties": {"items": {"type": "array", "items": answer}, **number}}
        example = loaded.model.card["example"] if loaded else None
        paths[f"/v1/{name}"] = {"post": _operation(task.summary, request, whole, example, explains=task.explains)}
        paths[f"/v1/{name}/batch"] = {
            "post": _operation(
                task.summary,
                batch,
                answers,
                None if example is None else {"items": [example]},
                explains=task.explains,
            )
        }
        told = "A request that the champion answers"
        content = {"application/json": {"schema": request}}
        paths[f"/v1/{name}/example"] = {"get": {"summary": told, "responses": {"200": _told(told, content)}}}
    for endpoint in endpoints:
        operation, definitions = _of(endpoint, champions)
        schemas |= definitions
        paths[f"/v1/{endpoint.path}"] = {"post": operation}
    for path, told in (("/healthz", "Alive"), ("/readyz", "Ready"), ("/metrics", "Prometheus metrics")):
        paths[path] = {"get": {"summary": told, "responses": {"200": _told(told)}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chehang 车行", "version": version("chehang")},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _of(endpoint: Endpoint, champions: Mapping[str, Loaded | None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """One endpoint's operation, and the schemas it refers to."""
    names = (*endpoint.needs, *endpoint.uses)
    present = {name: loaded for name in names if (loaded := champions.get(name))}
    missing = any(name not in present for name in endpoint.needs)
    models: list[Any] = [(endpoint.response, "serialization")]
    asked = None if missing else endpoint.request(present)
    if asked is not None:
        models.append((asked, "validation"))
    found, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    request = {"type": "object"} if asked is None else found[(asked, "validation")]
    example = None if missing else endpoint.example(present)
    operation = _operation(endpoint.summary, request, found[(endpoint.response, "serialization")], example)
    del operation["parameters"]
    return operation, definitions.get("$defs", {})


def _told(description: str, content: Any = None) -> dict[str, Any]:
    return {"description": description} | ({"content": content} if content else {})


def _operation(
    summary: Mapping[str, str], request: Any, answer: Any, example: Any, *, explains: bool = True
) -> dict[str, Any]:
    body: dict[str, Any] = {"schema": request} | ({"example": example} if example is not None else {})
    refusal = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    explain = {
        "name": "explain",
        "in": "query",
        "schema": {"type": "boolean", "default": explains},
        "description": "Whether to give reasons",
    }
    return {
        "summary": summary["en"],
        "description": summary["zh"],
        "parameters": [explain],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}},
            **{status: {"description": told, **refusal} for status, told in REFUSALS.items()},
        },
    }
