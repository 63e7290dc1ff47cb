"""Requests at each maximum that the OpenAPI document of the service states: lengths of lists and largest numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
INSTANT = "2026-01-01T00:00:00+08:00"
MISSING = object()


@dataclass(frozen=True)
class Maximum:
    """A documented maximum and a request at it.

    Attributes
    ----------
    path, field : str
        Path of the service, and names from the request to the field with dots between.
    kind : str
        `items` (length of a list), `fields` (of an object) or `number`.
    limit : float
        The maximum.
    size : float
        Length or number in the request: below `limit` where the model has fewer keys (stores, series).
    body : dict
        The request.
    """

    path: str
    field: str
    kind: str
    limit: float
    size: float
    body: Any


def documented_maxima(document: Schema, examples: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Maximum]:
    """Yield a request for each maximum of each path.

    Parameters
    ----------
    document : mapping
        `/openapi.json`.
    examples : mapping
        Body of a valid request by path; of a batch path, the batch of one request.
    values : mapping
        Value of a list at its maximum by "path field", where elements cannot be made from the schema alone, such as
        names of stores; or a function that changes the whole body.

    Examples
    --------
    >>> schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}
    >>> content = {"application/json": {"schema": schema}}
    >>> document = {"paths": {"/v1/x": {"post": {"requestBody": {"content": content}}}}}
    >>> [(m.field, m.kind, m.limit, m.body) for m in documented_maxima(document, {"/v1/x": {"n": 1}}, {})]
    [('n', 'number', 9, {'n': 9})]
    """
    schemas = document.get("components", {}).get("schemas", {})
    for path, operations in document["paths"].items():
        if "post" not in operations or path not in examples:
            continue
        schema = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
        for names, part in _limited(schema, schemas, (), frozenset()):
            field = ".".join(names)
            kind, limit = _limit(part)
            body = copy.deepcopy(examples[path])
            own = values.get(f"{path} {field}", MISSING)
            if callable(own):
                body = own(body)
                size = len(_value(body, names)) if kind != "number" else _value(body, names)
            else:
                value = own if own is not MISSING else _largest(part, schemas, _value(body, names))
                size = value if kind == "number" else len(value)
                _set(body, names, value, schema, schemas)
            yield Maximum(path, field, kind, limit, size, body)


def _limited(
    schema: Schema, schemas: Schema, names: tuple[str, ...], passed: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yield names and schema of each field with a maximum, through references, alternatives and elements of lists."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        if name not in passed:
            yield from _limited(schemas[name], schemas, names, passed | {name})
        return
    if names and _limit(schema) is not None:
        yield names, schema
    for alternative in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _limited(alternative, schemas, names, passed)
    for name, part in schema.get("properties", {}).items():
        yield from _limited(part, schemas, (*names, name), passed)
    if isinstance(schema.get("items"), Mapping):
        yield from _limited(schema["items"], schemas, (*names, "0"), passed)


def _limit(schema: Schema) -> tuple[str, float] | None:
    for key, kind in (("maxItems", "items"), ("maxProperties", "fields"), ("maximum", "number")):
        if key in schema:
            return kind, schema[key]
    return None


def _largest(schema: Schema, schemas: Schema, present: Any) -> Any:
    kind, limit = _limit(schema)  # type: ignore[misc]
    if kind == "number":
        return int(limit) if schema.get("type") == "integer" else float(limit)
    if kind == "fields":
        return {f"name{i}": "value" for i in range(int(limit))}
    elements = present if isinstance(present, list) and present else [_minimal(schema.get("items", {}), schemas)]
    return [_distinct(copy.deepcopy(elements[i % len(elements)]), i) for i in range(int(limit))]


def _distinct(element: Any, position: int) -> Any:
    """Return an element whose own identifier, if it has one, is that of no other element."""
    if isinstance(element, dict):
        for name in element:
            if name in ("lead_id", "application_id", "vehicle_id", "event_id"):
                element[name] = f"{name}-{position}"
    return element


def _minimal(schema: Schema, schemas: Schema) -> Any:
    """Return the simplest value of a schema: required fields only, first choices, lowest numbers."""
    if "$ref" in schema:
        return _minimal(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return _minimal(schema["anyOf"][0], schemas)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        return {name: _minimal(schema["properties"][name], schemas) for name in schema.get("required", ())}
    if kind == "array":
        return [_minimal(schema["items"], schemas)] * schema.get("minItems", 0)
    if kind in ("number", "integer"):
        low = max(schema.get("minimum", 0), schema.get("exclusiveMinimum", -1) + 1)
        return int(low) if kind == "integer" else float(low)
    if kind == "boolean":
        return True
    instants = {"date-time": INSTANT, "date": INSTANT[:10]}
    return instants.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))


def _value(body: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if isinstance(body, list):
            body = body[0] if body else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return body


def _set(body: Any, names: tuple[str, ...], value: Any, schema: Schema, schemas: Schema) -> None:
    """Set a field; objects and lists on the way to it that the body lacks get their required fields."""
    for name in names[:-1]:
        schema = _inner(schema, schemas, name)
        if isinstance(body, list):
            body = body[0]
            continue
        if body.get(name) in (None, []):
            minimal = _minimal(_plain(schema, schemas), schemas)
            body[name] = [_minimal(_inner(schema, schemas, "0"), schemas)] if minimal == [] else minimal
        body = body[name]
    if isinstance(body, list):
        body[0] = value
    else:
        body[names[-1]] = value


def _plain(schema: Schema, schemas: Schema) -> Schema:
    """Return a schema without references and without the alternative null."""
    while "$ref" in schema or "anyOf" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else _first(schema["anyOf"])
    return schema


def _first(alternatives: Sequence[Schema]) -> Schema:
    return next((a for a in alternatives if a.get("type") in ("array", "object") or "$ref" in a), alternatives[0])


def _inner(schema: Schema, schemas: Schema, name: str) -> Schema:
    plain = _plain(schema, schemas)
    return plain["items"] if plain.get("type") == "array" else plain["properties"][name]
