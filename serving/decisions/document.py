"""The part of the OpenAPI document about decisions: previews, references, ids, and the routes of the log."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from serving.decisions.overrides import OverrideRequest
from serving.decisions.routes import MAX_LIMIT

Schema = dict[str, Any]
DECISIONS_TAG = {
    "name": "decisions",
    "description": "Logged decisions, explained and reviewed 决策记录、说明与人工复核",
}
PREVIEW: Schema = {
    "name": "preview",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Answer without a decision: `binding` is false, nothing is logged, and offers have no ids",
}
REFERENCE: Schema = {
    "name": "X-Reference",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "description": "The caller's own reference, such as an application number; stored encrypted",
}
DECISION_ID: Schema = {"type": "string", "description": "id in the decision log; absent in a preview"}
BINDING: Schema = {"type": "boolean", "description": "false in a preview, absent otherwise"}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_LIST = {
    "from": ("string", "decided at or after this time, such as 2026-09-01T00:00:00Z"),
    "until": ("string", "decided before this time"),
    "outcome": ("string", "approve, refer, decline, offers or no_offers"),
    "store_id": ("string", "store"),
    "model": ("string", "name of a model, such as credit_risk.north"),
    "version": ("integer", "version of the model"),
    "key_id": ("string", "key that asked for the decision"),
    "limit": ("integer", f"entries of a page, 1 to {MAX_LIMIT}"),
    "before": ("integer", "`next_before` of the page before"),
}
_TEXT = {"type": "string"}
_EXPLANATION: Schema = {
    "type": "object",
    "required": ["decision_id", "decided_at", "outcome", "explanation", "decision", "overrides", "inputs_state"],
    "properties": {
        "decision_id": _TEXT,
        "decided_at": {"type": "string", "format": "date-time"},
        "outcome": {**_TEXT, "description": "after all overrides"},
        "explanation": {
            "type": "object",
            "description": "sentences for the person concerned",
            "properties": {language: {"type": "array", "items": _TEXT} for language in ("zh", "en")},
        },
        "decision": {"type": "object", "description": "what the log has: models, figures, cut-offs, reasons, offers"},
        "reasons_from": {"enum": ["log", "computed again", None]},
        "overrides": {"type": "array", "items": {"type": "object"}},
        "inputs_state": {"enum": ["stored", "purged", "not stored"]},
        "inputs": {"type": ["object", "null"], "description": "with inputs=true"},
        "reference": {"type": ["string", "null"], "description": "with inputs=true"},
    },
}


def decision_paths() -> tuple[Schema, Schema]:
    """Return the operations by path, and the definitions that they refer to.

    >>> paths, definitions = decision_paths()
    >>> sorted(paths)[0], "OverrideRequest" in definitions
    ('/v1/decisions', True)
    """
    references, document = models_json_schema(
        [(OverrideRequest, "validation")], ref_template="#/components/schemas/{model}"
    )
    page: Schema = {
        "type": "object",
        "required": ["items", "next_before"],
        "properties": {
            "items": {"type": "array", "items": {"type": "object"}},
            "next_before": {"type": ["integer", "null"]},
        },
    }
    override: Schema = {
        "type": "object",
        "properties": {
            "decision_id": _TEXT,
            "outcome": _TEXT,
            "previous_outcome": _TEXT,
            "number": {"type": "integer", "description": "1 for the first override, 2 for one of an override, ..."},
            "reason_code": {"type": ["string", "null"]},
        },
    }
    identity = {"name": "decision_id", "in": "path", "required": True, "schema": _TEXT}
    inputs = {
        "name": "inputs",
        "in": "query",
        "schema": {"type": "boolean", "default": False},
        "description": "Add the inputs; needs the scope personal:read, and is an entry of the log",
    }
    filters = [
        {"name": name, "in": "query", "schema": {"type": kind}, "description": text}
        for name, (kind, text) in _LIST.items()
    ]
    body = {"required": True, "content": {"application/json": {"schema": references[OverrideRequest, "validation"]}}}
    one, several = "/v1/decisions/{decision_id}", "List decisions, the latest first"
    paths = {
        "/v1/decisions": {"get": _operation("decisions", several, page, [*filters, REFERENCE], "422")},
        one: {"get": _operation("decision", "Explain a decision", _EXPLANATION, [identity, inputs], "403", "404")},
        f"{one}/override": {
            "post": _operation("override", "Review a decision", override, [identity], "404", "409", "415", "422")
            | {"requestBody": body}
        },
    }
    return paths, document.get("$defs", {})


_REFUSALS = {
    "403": "The inputs need the scope personal:read",
    "404": "There is no such decision, or it is one of another store",
    "409": "The inputs were deleted at the end of their retention",
    "415": "The content type is not application/json",
    "422": "A parameter or field is invalid",
    "503": "The decision log cannot be read or written; try again",
}


def _operation(name: str, summary: str, answer: Schema, parameters: list[Schema], *refusals: str) -> Schema:
    return {
        "operationId": name,
        "tags": ["decisions"],
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}},
            **{status: {"description": _REFUSALS[status], "content": _ERROR} for status in (*refusals, "503")},
        },
    }
