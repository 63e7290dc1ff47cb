"""From the bytes of a body to checked requests, or a `Problem` that names each wrong field and its rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from features.errors import FeatureError
from serving.asgi import Problem

MOST_DETAILS = 20
LONGEST_NAME = 100


def read_one(request: type[BaseModel], body: bytes) -> BaseModel:
    """Check the body of a single request.

    Raises
    ------
    Problem
        422.

    Examples
    --------
    >>> ask = create_model("Ask", term_months=(int, ...))
    >>> read_one(ask, b'{"term_months": 36}').term_months
    36
    >>> read_one(ask, b'{"term_months": 36, "term_months": 12}')
    Traceback (most recent call last):
    serving.asgi.Problem: invalid
    """
    try:
        asked = request.model_validate_json(body)
    except ValidationError as e:
        raise invalid(e) from None
    _each_once(body, [asked])
    return asked


def read_batch(request: type[BaseModel], body: bytes, *, cap: int) -> Sequence[BaseModel]:
    """Check the body of a batch, `{"items": [...]}` with 1 to `cap` requests.

    Raises
    ------
    Problem
        422.
    """
    try:
        items: Sequence[BaseModel] = _batch(request, cap).model_validate_json(body).items  # type: ignore[attr-defined]
    except ValidationError as e:
        raise invalid(e) from None
    _each_once(body, items)
    return items


@lru_cache(maxsize=64)
def _batch(request: type[BaseModel], cap: int) -> type[BaseModel]:
    items: Any = Annotated[list[request], Field(min_length=1, max_length=cap)]  # type: ignore[valid-type]
    return create_model("Batch", __config__=ConfigDict(extra="forbid"), items=(items, ...))


def _each_once(body: bytes, items: Sequence[BaseModel]) -> None:
    """Refuse a field given twice: parsers disagree on which one counts, and a decision must not depend on that.

    Checked requests hold no lists or objects, so commas outside texts stand between fields and between requests
    only. As many fields as commas allow means that none was given twice; texts with commas need the longer look.
    """
    if body.count(b",") + 1 != sum(len(i.model_fields_set) for i in items):
        json.loads(body, object_pairs_hook=_without_repetition)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise refused(name, "repeated", "the field is given more than once")
        found[name] = value
    return found


def invalid(error: ValidationError) -> Problem:
    """Name every wrong field and its rule, at most `MOST_DETAILS` of them.

    Pydantic's messages state the rule; only those of a validator's own exception may quote a value, and are left out.
    """
    details = []
    for found in error.errors(include_url=False, include_input=False, include_context=False)[:MOST_DETAILS]:
        field = ".".join(str(p)[:LONGEST_NAME] for p in found["loc"]) or "body"
        quoting = found["type"] in ("value_error", "assertion_error")
        details.append({"field": field, "rule": found["type"], "message": "not valid" if quoting else found["msg"]})
    return Problem(422, "invalid", f"{details[0]['field']}: {details[0]['message']}", details)


def unusable(error: Exception) -> Problem:
    """A request that passed its checks but that the model cannot compute."""
    if isinstance(error, FeatureError):
        return refused(error.feature, "not_computable", error.rule)
    return Problem(422, "invalid", "the model cannot compute with these values; see /docs for the range of each field")


def refused(field: str, rule: str, message: str) -> Problem:
    """422 on one field."""
    field = field[:LONGEST_NAME]
    return Problem(422, "invalid", f"{field}: {message}", [{"field": field, "rule": rule, "message": message}])


@lru_cache(maxsize=256)
def wants_reasons(query: bytes, *, default: bool = True) -> bool:
    """Whether a query string asks for reasons; `default` where it does not say.

    Raises
    ------
    Problem
        422: it says something else.

    Examples
    --------
    >>> wants_reasons(b""), wants_reasons(b"explain=false")
    (True, False)
    """
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("explain", str(default)).lower()
    if given not in ("true", "1", "false", "0"):
        raise refused("explain", "bool", "must be true or false")
    return given in ("true", "1")
