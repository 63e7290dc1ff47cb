"""OpenAPI document of the service with its current champions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from ml.entry import split_name
from ml.registry import ENTRIES, GROUPS, TASKS
from serving.decisions.document import BINDING, DECISION_ID, DECISIONS_TAG, PREVIEW, REFERENCE, decision_paths
from serving.doors.documentation import add_security
from serving.endpoints import MountedEndpoint
from serving.feedback.document import FEEDBACK_TAG, feedback_paths
from serving.model_store import LoadedChampion
from serving.work.document import WORK_TAG, work_paths
from serving.work.registry import ROUTES

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
    "408": "The body did not arrive within the time limit",
    "413": "The body is larger than the limit",
    "415": "The content type is not application/json",
    "422": "A field or query parameter is missing, unknown, repeated or invalid; `details` lists them and the rules",
    "503": "A required model has no champion, or the rules of the endpoint are invalid; `message` has the remedy",
    "504": "No answer within the time limit",
}
OPERATORS = {
    "healthz": "Check that the process is alive",
    "readyz": "Check that champions are loaded, and list their versions",
    "metrics": "Metrics in the Prometheus text format",
}
INFO = {
    "title": "Chehang",
    "description": "Machine learning for car dealerships: predictions of the promoted models and calculations. "
    "车行机器学习服务：提供已上线模型的预测，以及在此基础上的测算。",
}


def describe(
    champions: Mapping[str, LoadedChampion | None], endpoints: Sequence[MountedEndpoint], *, max_rows: int
) -> Schema:
    """Build the OpenAPI 3.1 document; without its champions, an endpoint's request is described as any object.

    Parameters
    ----------
    champions : mapping of str to LoadedChampion or None
        Champion by task or named model, as returned by `serving.model_store.ModelStore.current`; a task may be absent.
    endpoints : sequence of MountedEndpoint
        For example all of them, as returned by `serving.endpoints.mounted_endpoints`.
    max_rows : int
        Largest number of requests in one batch.

    Returns
    -------
    dict
        Keys `openapi`, `info`, `tags`, `paths` and `components` of the standard; `json.dumps` writes it.

    Examples
    --------
    >>> from serving.endpoints import mounted_endpoints
    >>> describe({}, mounted_endpoints(), max_rows=1_000)["openapi"]
    '3.1.0'
    """
    requests = {mounted.path: _request(mounted, champions) for mounted in endpoints}
    schemas, definitions = _schemas(endpoints, {path: model for path, (model, _) in requests.items()})
    paths: Schema = {}
    for mounted in endpoints:
        model, example = requests[mounted.path]
        schema = {"type": "object"} if model is None else schemas[split_name(mounted.owner).data_set, model]
        body = {"schema": schema} | ({} if example is None else {"example": example})
        paths |= _paths(mounted, body, schemas["", mounted.endpoint.response], max_rows=max_rows)
    feedback, feedback_definitions = feedback_paths()
    decisions, decision_definitions = decision_paths()
    paths |= decisions
    paths |= feedback
    work, work_definitions = work_paths(ROUTES)
    paths |= work
    for name, text in OPERATORS.items():
        paths[f"/{name}"] = {
            "get": {"operationId": name, "tags": ["service"], "summary": text, "responses": {"200": _response(text)}}
        }
    owners = [{"name": e.name, "description": f"{e.summary['en']} {e.summary['zh']}"} for e in _owners(endpoints)]
    document = {
        "openapi": "3.1.0",
        "info": {**INFO, "version": version("chehang")},
        "tags": [
            *owners,
            DECISIONS_TAG,
            FEEDBACK_TAG,
            WORK_TAG,
            {"name": "service", "description": "State of the service 服务状态"},
        ],
        "paths": paths,
        "components": {
            "schemas": {
                "Error": ERROR,
                **definitions,
                **feedback_definitions,
                **decision_definitions,
                **work_definitions,
            }
        },
    }
    return add_security(document)


def _schemas(
    endpoints: Sequence[MountedEndpoint], requests: Mapping[str, type[Any] | None]
) -> tuple[dict[tuple[str, type[Any]], Schema], Schema]:
    """Return the schemas of requests by data set and model, and of answers by "" and model; and their definitions.

    Clients generate classes from the names of definitions. Those of a data set end with it (`CreditRiskRequest.north`),
    so that a new model does not change the names of the others.
    """
    schemas: dict[tuple[str, type[Any]], Schema] = {}
    definitions: Schema = {}
    for data_set in sorted({"", *(split_name(mounted.owner).data_set for mounted in endpoints)}):
        own = [requests[m.path] for m in endpoints if split_name(m.owner).data_set == data_set]
        models: list[Any] = [(model, "validation") for model in own if model is not None]
        if not data_set:
            models += [(mounted.endpoint.response, "serialization") for mounted in endpoints]
        suffix = f".{data_set}" if data_set else ""
        references, document = models_json_schema(models, ref_template="#/components/schemas/{model}" + suffix)
        schemas |= {(data_set, model): schema for (model, _), schema in references.items()}
        definitions |= {f"{name}{suffix}": schema for name, schema in document.get("$defs", {}).items()}
    return schemas, definitions


def _owners(endpoints: Sequence[MountedEndpoint]) -> list[Any]:
    named = {m.owner: TASKS[m.owner].entry for m in endpoints if split_name(m.owner).data_set}
    return [*ENTRIES.values(), *GROUPS.values(), *named.values()]


def _request(mounted: MountedEndpoint, champions: Mapping[str, LoadedChampion | None]) -> tuple[type[Any] | None, Any]:
    """Return the request model and an example request; None and None if a required champion is missing."""
    names = (*mounted.required_tasks, *mounted.endpoint.optional_tasks)
    present = {split_name(name).task: loaded for name in names if (loaded := champions.get(name))}
    if any(split_name(name).task not in present for name in mounted.required_tasks):
        return None, None
    return mounted.endpoint.request(present), mounted.endpoint.example(present)


def _paths(mounted: MountedEndpoint, body: Schema, answer: Schema, *, max_rows: int) -> Schema:
    """Return the operations of one endpoint by path."""
    number = {"type": "integer"}
    versions: Schema = {}
    if mounted.version_field is not None:
        several = {"type": "object", "additionalProperties": number}
        versions = {mounted.version_field: several if mounted.version_field == "model_versions" else number}
    item, identity, binding = answer, {}, {}
    if mounted.endpoint.decision is not None:
        identity, binding = {"decision_id": DECISION_ID}, {"binding": BINDING}
        item = {"allOf": [answer, {"type": "object", "properties": identity}]}
    whole = answer
    if versions:
        fields = {**versions, **identity, **binding}
        whole = {"allOf": [answer, {"type": "object", "properties": fields, "required": list(versions)}]}
    paths = {mounted.path: {"post": _post(mounted, "", body, whole)}}
    if mounted.has_batch:
        max_items = min(max_rows, mounted.endpoint.max_rows or max_rows)
        items = {"type": "array", "items": body["schema"], "minItems": 1, "maxItems": max_items}
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
        fields = {"items": {"type": "array", "items": item}, **versions}
        answers = {"type": "object", "properties": fields | binding, "required": list(fields)}
        paths[f"{mounted.path}/batch"] = {"post": _post(mounted, "batch", batch, answers)}
    text = "A valid example request"
    paths[f"{mounted.path}/example"] = {
        "get": {
            **_named(mounted, "example"),
            "summary": text,
            "responses": {"200": _response(text, body), "503": _refusal("503")},
        }
    }
    return paths


def _named(mounted: MountedEndpoint, suffix: str) -> Schema:
    words = [*mounted.name.split("/"), *([suffix] if suffix else [])]
    return {"operationId": "_".join(words), "tags": [mounted.owner]}


def _post(mounted: MountedEndpoint, suffix: str, body: Schema, answer: Schema) -> Schema:
    operation = {
        **_named(mounted, suffix),
        "summary": mounted.endpoint.summary["en"],
        "description": mounted.endpoint.summary["zh"],
    }
    if mounted.endpoint.explains is not None:
        operation["parameters"] = [
            {
                "name": "explain",
                "in": "query",
                "schema": {"type": "boolean", "default": mounted.endpoint.explains},
                "description": "Whether the answer contains reasons",
            }
        ]
    if mounted.endpoint.decision is not None:
        operation["parameters"] = [*operation.get("parameters", ()), PREVIEW, REFERENCE]
    answers = {"200": _response("The answer", {"schema": answer})}
    if mounted.endpoint.page is not None:
        answers["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return operation | {
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": answers | {status: _refusal(status) for status in REFUSALS},
    }


def _response(description: str, content: Schema | None = None) -> Schema:
    return {"description": description} | ({"content": {"application/json": content}} if content else {})


def _refusal(status: str) -> Schema:
    return _response(REFUSALS[status], {"schema": {"$ref": "#/components/schemas/Error"}})
