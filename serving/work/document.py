"""The part of the OpenAPI document on the daily work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from serving.work.routing import WorkRoute

Schema = dict[str, Any]
WORK_TAG = {"name": "work", "description": "Records and entries of the daily work 日常业务记录"}
PREFIX = "work."
_PARAMETER = re.compile(r"\{(\w+)\}")


def work_paths(routes: Sequence[WorkRoute]) -> tuple[Schema, Schema]:
    """Return the paths and the schemas of their bodies and answers.

    Parameters
    ----------
    routes : sequence of WorkRoute
        For example `serving.work.registry.ROUTES`.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Number(BaseModel):
    ...     n: int
    >>> texts = {"zh": "线索", "en": "A lead"}
    >>> route = WorkRoute("GET", "/v1/leads/{lead_id}", texts, lambda request: Number(n=1), Number)
    >>> paths, schemas = work_paths([route])
    >>> paths["/v1/leads/{lead_id}"]["get"]["operationId"], list(schemas)
    ('get_leads_lead_id', ['work.Number'])
    """
    models = [(route.body, "validation") for route in routes if route.body is not None]
    models += [(route.answer, "serialization") for route in routes]
    # A prefix of their own: a model here may have the name of one of a task's endpoint.
    references, document = models_json_schema(models, ref_template=f"#/components/schemas/{PREFIX}{{model}}")  # type: ignore[arg-type]
    paths: Schema = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return paths, {f"{PREFIX}{name}": schema for name, schema in document.get("$defs", {}).items()}


def _operation(route: WorkRoute, references: Any) -> Schema:
    operation: Schema = {
        "operationId": route.operation,
        "tags": ["work"],
        "summary": route.summary["en"],
        "description": route.summary["zh"],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {
            "200": {
                "description": route.summary["en"],
                "content": {"application/json": {"schema": references[route.answer, "serialization"]}},
            }
        },
    }
    if route.body is not None:
        content: Schema = {"schema": references[route.body, "validation"]}
        if route.example is not None:
            content["example"] = dict(route.example)
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _path_parameters(route: WorkRoute) -> list[Schema]:
    names = _PARAMETER.findall(route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: WorkRoute) -> list[Schema]:
    if route.parameters is None:
        return []
    schema = route.parameters.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": content}
        for name, content in schema["properties"].items()
    ]
