"""Parse request bodies into validated requests; a `Problem` names each invalid field and the rule it breaks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from features.errors import FeatureError
from serving.asgi import Problem

MAX_DETAILS = 20
MAX_NAME_LENGTH = 100


def parse_request(model: type[BaseModel], body: bytes) -> BaseModel:
    """Parse the body of a single request.

    Parameters
    ----------
    model : type of BaseModel
        Pydantic model of a request with scalar fields, such as ``model.request()`` of an `ml.model.Model`, which
        forbids unknown fields; they are ignored if the model does not have `extra="forbid"`.
    body : bytes
        JSON object.

    Returns
    -------
    BaseModel
        The request as an instance of `model`.

    Raises
    ------
    Problem
        Status 422: the body is not JSON, or a field is missing, unknown (if the model forbids it), repeated or
        invalid; `details` name each field and rule.

    Examples
    --------
    >>> from pydantic import ConfigDict, create_model
    >>> from serving.asgi import Problem
    >>> from serving.bodies import parse_request
    >>> Loan = create_model("Loan", __config__=ConfigDict(extra="forbid"), term_months=(int, ...))
    >>> parse_request(Loan, b'{"term_months": 36}').term_months
    36
    >>> for body in (b'{"term_months": 36, "colour": 1}', b'{"term_months": 36, "term_months": 12}'):
    ...     try:
    ...         parse_request(Loan, body)
    ...     except Problem as problem:
    ...         print(problem.status, problem.message)
    422 colour: Extra inputs are not permitted
    422 term_months: the field is given more than once; send it once
    """
    try:
        request = model.model_validate_json(body)
    except ValidationError as e:
        raise invalid_request(e) from None
    _check_repetition(body, [request])
    return request


def parse_batch(model: type[BaseModel], body: bytes, *, max_rows: int) -> Sequence[BaseModel]:
    """Parse the body of a batch, `{"items": [...]}` with 1 to `max_rows` requests.

    Parameters
    ----------
    model : type of BaseModel
        Pydantic model of a request with scalar fields, such as ``model.request()`` of an `ml.model.Model`.
    body : bytes
        JSON object.
    max_rows : int
        Largest number of requests.

    Returns
    -------
    sequence of BaseModel
        The requests as instances of `model`, in the order of the body.

    Raises
    ------
    Problem
        Status 422: the body is not JSON, the batch is empty or too long, or a request is invalid; `details` name a
        field by position and name, such as `items.0.term_months`.

    Examples
    --------
    >>> from pydantic import create_model
    >>> Loan = create_model("Loan", term_months=(int, ...))
    >>> parse_batch(Loan, b'{"items": [{"term_months": 36}, {"term_months": 12}]}', max_rows=9)[1].term_months
    12
    """
    try:
        batch = _batch_model(model, max_rows).model_validate_json(body)
    except ValidationError as e:
        raise invalid_request(e) from None
    requests: Sequence[BaseModel] = batch.items  # type: ignore[attr-defined]
    _check_repetition(body, requests)
    return requests


@lru_cache(maxsize=64)
def _batch_model(model: type[BaseModel], max_rows: int) -> type[BaseModel]:
    items: Any = Annotated[list[model], Field(min_length=1, max_length=max_rows)]  # type: ignore[valid-type]
    return create_model("Batch", __config__=ConfigDict(extra="forbid"), items=(items, ...))


def _check_repetition(body: bytes, requests: Sequence[BaseModel]) -> None:
    """Refuse a repeated field: JSON parsers disagree on which value counts, and a decision must not depend on that.

    Requests contain no lists or objects, so commas outside texts only separate fields and requests. If there are as
    many fields as the commas allow, none is repeated. Otherwise (commas in texts, or a repetition) the body is parsed
    once more.
    """
    if body.count(b",") + 1 != sum(len(r.model_fields_set) for r in requests):
        json.loads(body, object_pairs_hook=_without_repetition)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise invalid_field(name, "repeated", "the field is given more than once; send it once")
        fields[name] = value
    return fields


def invalid_request(error: ValidationError) -> Problem:
    """Return a `Problem` of status 422 with every invalid field and the rule it breaks, at most 20 of them.

    `error` is what ``model_validate_json`` of a pydantic model raises. Pydantic's messages contain the rule only;
    messages of a validator's own exception may quote a value and are replaced.

    Examples
    --------
    >>> from pydantic import ValidationError, create_model
    >>> Loan = create_model("Loan", term_months=(int, ...))
    >>> try:
    ...     Loan.model_validate_json("{}")
    ... except ValidationError as error:
    ...     print(invalid_request(error).message)
    term_months: Field required
    """
    details = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False)[:MAX_DETAILS]:
        field = ".".join(str(p)[:MAX_NAME_LENGTH] for p in detail["loc"]) or "body"
        may_quote = detail["type"] in ("value_error", "assertion_error")
        message = "the value is not valid; see /docs" if may_quote else detail["msg"]
        details.append({"field": field, "rule": detail["type"], "message": message})
    return Problem(422, "invalid", f"{details[0]['field']}: {details[0]['message']}", details)


def not_computable(error: Exception) -> Problem:
    """Return a `Problem` of status 422 for a valid request for which the model cannot compute an answer.

    `error` is what the endpoint's `respond` raises. Only a `FeatureError` is quoted, because the text of other errors
    may contain values of the request.

    Examples
    --------
    >>> from features.errors import FeatureError
    >>> not_computable(FeatureError("loan_amount", "must be a number")).message
    'loan_amount: must be a number'
    """
    if isinstance(error, FeatureError):
        return invalid_field(error.feature, "not_computable", error.rule)
    return Problem(422, "invalid", "the model cannot compute with these values; /docs has the range of each field")


def invalid_field(field: str, rule: str, message: str) -> Problem:
    """Return a `Problem` of status 422 for one field.

    `field` is its name (at most 100 characters are shown), `rule` the code of the rule it breaks, and `message` the
    rule for people, without the value.

    Examples
    --------
    >>> invalid_field("explain", "bool", "must be true or false").details
    [{'field': 'explain', 'rule': 'bool', 'message': 'must be true or false'}]
    """
    field = field[:MAX_NAME_LENGTH]
    return Problem(422, "invalid", f"{field}: {message}", [{"field": field, "rule": rule, "message": message}])
