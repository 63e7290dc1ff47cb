"""The OpenAPI document: what the service accepts and answers with the present champions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from ml.registry import ENTRIES, GROUPS
from serving.endpoints import Mounted
from serving.model_store import Loaded

Schema = dict[str, Any]
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
    "503": "No champion, or the rules of the endpoint cannot be read; the message says what to do",
    "504": "The answer took too long",
}
OPERATORS = {"healthz": "Alive", "readyz": "Ready", "metrics": "Prometheus metrics"}
INFO = {
    "title": "Chehang",
    "description": "Machine learning for car dealerships: the promoted models and what is computed from them. "
    "车行机器学习服务：正式模型及由其推算的结果。",
}


def describe(champions: Mapping[str, Loaded | None], places: Sequence[Mounted], *, max_rows: int) -> Schema:
    """Build the OpenAPI 3.1 document; a request whose champion is missing is any object.

    Parameters
    ----------
    champions : mapping of str to Loaded or None
        By task.
    places : sequence of Mounted
        The endpoints.
    max_rows : int
        Most requests of one batch of any endpoint.
    """
    asked = {place.path: _request(place, champions) for place in places}
    models: list[Any] = [(place.endpoint.response, "serialization") for place in places]
    models += [(request, "validation") for request, _ in asked.values() if request is not None]
    schemas, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    paths: Schema = {}
    for place in places:
        request, example = asked[place.path]
        schema = {"type": "object"} if request is None else schemas[request, "validation"]
        body = {"schema": schema} | ({} if example is None else {"example": example})
        paths |= _paths(place, body, schemas[place.endpoint.response, "serialization"], max_rows=max_rows)
    for name, text in OPERATORS.items():
        paths[f"/{name}"] = {
            "get": {"operationId": name, "tags": ["service"], "summary": text, "responses": {"200": _response(text)}}
        }
    owners = [{"name": e.name, "description": f"{e.summary['en']} {e.summary['zh']}"} for e in _owners()]
    return {
        "openapi": "3.1.0",
        "info": {**INFO, "version": version("chehang")},
        "tags": [*owners, {"name": "service", "description": "State of the service 服务状态"}],
        "paths": paths,
        "components": {"schemas": {"Error": ERROR, **definitions.get("$defs", {})}},
    }


def _owners() -> list[Any]:
    return [*ENTRIES.values(), *GROUPS.values()]


def _request(place: Mounted, champions: Mapping[str, Loaded | None]) -> tuple[type[Any] | None, Any]:
    """Return the request model and an example; None where a champion is missing."""
    names = (*place.required_tasks, *place.endpoint.optional_tasks)
    present = {name: loaded for name in names if (loaded := champions.get(name))}
    if any(name not in present for name in place.required_tasks):
        return None, None
    return place.endpoint.request(present), place.endpoint.example(present)


def _paths(place: Mounted, body: Schema, answer: Schema, *, max_rows: int) -> Schema:
    """Return the operations of one endpoint by path."""
    number = {"type": "integer"}
    versions: Schema = {}
    if place.version_field is not None:
        several = {"type": "object", "additionalProperties": number}
        versions = {place.version_field: several if place.version_field == "model_versions" else number}
    whole = answer
    if versions:
        whole = {"allOf": [answer, {"type": "object", "properties": versions, "required": list(versions)}]}
    paths = {place.path: {"post": _post(place, "", body, whole)}}
    if place.has_batch:
        most = min(max_rows, place.endpoint.max_rows or max_rows)
        items = {"type": "array", "items": body["schema"], "minItems": 1, "maxItems": most}
        batch: Schema = {
            "schema": {
                "type": "object",
                "required": ["items"],
                "properties": {"items": items},
                "additionalProperties": False,
            }
        }
        if "example" in body:
            batch["example"] = {"items": [body["example"]]}
        fields = {"items": {"type": "array", "items": answer}, **versions}
        answers = {"type": "object", "properties": fields, "required": list(fields)}
        paths[f"{place.path}/batch"] = {"post": _post(place, "batch", batch, answers)}
    text = "A request that is answered"
    paths[f"{place.path}/example"] = {
        "get": {
            **_named(place, "example"),
            "summary": text,
            "responses": {"200": _response(text, body), "503": _refusal("503")},
        }
    }
    return paths


def _named(place: Mounted, suffix: str) -> Schema:
    words = [*place.name.split("/"), *([suffix] if suffix else [])]
    return {"operationId": "_".join(words), "tags": [place.owner]}


def _post(place: Mounted, suffix: str, body: Schema, answer: Schema) -> Schema:
    operation = {
        **_named(place, suffix),
        "summary": place.endpoint.summary["en"],
        "description": place.endpoint.summary["zh"],
    }
    if place.endpoint.explains is not None:
        operation["parameters"] = [
            {
                "name": "explain",
                "in": "query",
                "schema": {"type": "boolean", "default": place.endpoint.explains},
                "description": "Whether to give reasons",
            }
        ]
    answers = {"200": _response("The answer", {"schema": answer})}
    if place.endpoint.page is not None:
        answers["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return operation | {
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": answers | {status: _refusal(status) for status in REFUSALS},
    }


def _response(description: str, content: Schema | None = None) -> Schema:
    return {"description": description} | ({"content": {"application/json": content}} if content else {})


def _refusal(status: str) -> Schema:
    return _response(REFUSALS[status], {"schema": {"$ref": "#/components/schemas/Error"}})
