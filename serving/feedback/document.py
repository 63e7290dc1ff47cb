"""The part of the OpenAPI document on events and stock."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.feedback.events import EventAnswer, EventBatch
from serving.feedback.stock_requests import StockAnswer, StockChanges, StockPush

Schema = dict[str, Any]
FEEDBACK_TAG = {"name": "feedback", "description": "Events and stock that the dealership sends 反馈事件与库存推送"}
EVENT_EXAMPLE = {
    "type": "view",
    "event_id": "e-20260301-000017",
    "at": "2026-03-01T09:00:05+08:00",
    "visitor_id": "w-81",
    "vehicle_id": "U01",
    "request_id": "page-4711",
    "position": 1,
}


class _Route(NamedTuple):
    path: str
    method: str
    operation: str
    summary: str
    description: str
    body: type[BaseModel]
    answer: type[BaseModel]
    example: Schema


ROUTES = (
    _Route(
        "/v1/events",
        "post",
        "events",
        "Send what was shown, what people did, and how leads and loans ended",
        "上报展示、浏览、线索跟进与贷款结果等事件",
        EventBatch,
        EventAnswer,
        {"events": [EVENT_EXAMPLE]},
    ),
    _Route(
        "/v1/stock",
        "put",
        "stock",
        "Replace the whole stock, or that of one store",
        "推送全部库存，或某一门店的库存",
        StockPush,
        StockAnswer,
        {"vehicles": [{"vehicle_id": "U01", "kind": "unit", "condition": "used", "model": "澄舟A3", "price": 86000.0}]},
    ),
    _Route(
        "/v1/stock/changes",
        "post",
        "stock_changes",
        "Take vehicles off offer or put them back, change prices, list vehicles",
        "推送库存变动：售出、预订、下架、恢复、改价、上架",
        StockChanges,
        StockAnswer,
        {"changes": [{"type": "sold", "vehicle_id": "U01"}]},
    ),
)
REFUSALS = {
    "403": "The key is not for this store",
    "409": "The vehicles are read from another source",
    "422": "The body is invalid; `details` lists fields and rules",
    "503": "The feedback store cannot be written; nothing was stored",
}


def feedback_paths() -> tuple[Schema, Schema]:
    """Return the operations by path, and the definitions of their schemas by name.

    >>> paths, definitions = feedback_paths()
    >>> list(paths), "Shown" in definitions
    (['/v1/events', '/v1/stock', '/v1/stock/changes'], True)
    """
    models: list[Any] = [(route.body, "validation") for route in ROUTES]
    models += [(route.answer, "serialization") for route in ROUTES]
    references, document = models_json_schema(list(dict.fromkeys(models)), ref_template="#/components/schemas/{model}")
    schemas = {model: schema for (model, _), schema in references.items()}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refusals = {status: {"description": text, "content": error} for status, text in REFUSALS.items()}
    paths: Schema = {}
    for route in ROUTES:
        body = {"application/json": {"schema": schemas[route.body], "example": route.example}}
        answer = {"application/json": {"schema": schemas[route.answer]}}
        paths[route.path] = {
            route.method: {
                "operationId": route.operation,
                "tags": ["feedback"],
                "summary": route.summary,
                "description": route.description,
                "requestBody": {"required": True, "content": body},
                "responses": {"200": {"description": "What was stored", "content": answer}, **refusals},
            }
        }
    return paths, document.get("$defs", {})
