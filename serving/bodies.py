"""Parse request bodies into validated requests; a `Problem` names each invalid field and the rule it breaks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from features.errors import FeatureError
from serving.asgi import Problem

MAX_DETAILS = 20
MAX_NAME_LENGTH = 100
MAX_DESCRIBED = 1_000  # invalid fields of one request
# A parser holds the interpreter's lock until its end, and needs up to 3 microseconds for a value: 30 ms for this many.
# The largest single requests, a lead with all its events, have nearly as many.
MAX_VALUES = 10_000
LONG_BODY = 100_000
_MARKS = (b",", b"[", b"{")  # before each value of a JSON text but the first of a list or object is one of these


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
        invalid; `details` name each field and rule. Status 413: it has more than 10,000 values.

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
    check_complexity(body)
    try:
        request = model.model_validate_json(body)
    except ValidationError as e:
        raise invalid_request(e) from None
    check_repetition(body, [request])
    return request


def check_complexity(body: bytes, *, max_values: int = MAX_VALUES) -> None:
    """Raise an error if a JSON text may have more values than the limit; return None if it has not.

    Commas and opening brackets are counted, which takes a millisecond for a megabyte and is not more than the number of
    values in valid JSON, unless texts contain many of them. A text that is shorter than the limit is not counted.

    Parameters
    ----------
    body : bytes
        JSON text; it need not be valid.
    max_values : int
        Largest number of values.

    Raises
    ------
    Problem
        Status 413, code `too_complex`.

    Examples
    --------
    >>> check_complexity(b'{"term_months": 36}')
    >>> try:
    ...     check_complexity(b"[[[[1, 2], 3]]]", max_values=5)
    ... except Problem as problem:
    ...     print(problem.status, problem.code)
    413 too_complex
    """
    if len(body) > max_values and _count_marks(body) > max_values:
        raise too_complex(max_values)


def _count_marks(body: bytes) -> int:
    if len(body) < LONG_BODY:
        return sum(body.count(mark) for mark in _MARKS)
    text = np.frombuffer(body, np.uint8)  # faster, and NumPy leaves the interpreter to others meanwhile
    return sum(int(np.count_nonzero(text == ord(mark))) for mark in _MARKS)


def too_complex(max_values: int, place: str = "the body") -> Problem:
    """Return the `Problem` of a JSON text with more values than the limit.

    >>> too_complex(10_000, "items.3").message
    'items.3 has more than 10,000 values (fields and elements of lists); send less in one request'
    """
    text = f"{place} has more than {max_values:,} values (fields and elements of lists); send less in one request"
    return Problem(413, "too_complex", text)


def check_repetition(body: bytes, requests: Sequence[BaseModel]) -> None:
    """Raise an error if a field is repeated; return None if not.

    JSON parsers disagree on which value of a repeated field counts, and a decision must not depend on that. In requests
    without lists and objects, commas outside texts only separate fields. If there are as many fields as the commas
    allow, none is repeated. Otherwise (lists, commas in texts, or a repetition) the body is parsed once more.

    Parameters
    ----------
    body : bytes
        JSON text of the requests.
    requests : sequence of BaseModel
        The requests as parsed from it.

    Raises
    ------
    Problem
        Status 422: `details` name the field.

    Examples
    --------
    >>> from pydantic import create_model
    >>> Loan = create_model("Loan", term_months=(int, ...))
    >>> check_repetition(b'{"term_months": 36}', [Loan(term_months=36)])
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
    return invalid_fields(error_details(error))


def error_details(error: ValidationError, *, prefix: Sequence[str | int] = ()) -> list[dict[str, str]]:
    """Return the `details` of a `Problem`: field, rule and message of each invalid field, at most 20 of them.

    Parameters
    ----------
    error : ValidationError
        As raised by ``model_validate_json`` of a pydantic model.
    prefix : sequence of str or int
        Names and positions before those of the error, such as ``("items", 3)``.

    Returns
    -------
    list of dict
        Texts `field`, `rule` and `message`. If the error has more than 1,000 fields, one entry has their number,
        because pydantic can only describe all of them, which would take long.

    Examples
    --------
    >>> from pydantic import ValidationError, create_model
    >>> Loan = create_model("Loan", term_months=(int, ...))
    >>> try:
    ...     Loan.model_validate_json("{}")
    ... except ValidationError as error:
    ...     print(error_details(error, prefix=("items", 3)))
    [{'field': 'items.3.term_months', 'rule': 'missing', 'message': 'Field required'}]
    """
    if error.error_count() > MAX_DESCRIBED:
        place = ".".join(map(str, prefix)) or "body"
        text = f"{error.error_count():,} fields or elements are unknown or invalid; /docs describes valid requests"
        return [{"field": place, "rule": "too_many_errors", "message": text}]
    details = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False)[:MAX_DETAILS]:
        field = ".".join(str(p)[:MAX_NAME_LENGTH] for p in (*prefix, *detail["loc"])) or "body"
        may_quote = detail["type"] in ("value_error", "assertion_error")
        message = "the value is not valid; see /docs" if may_quote else detail["msg"]
        details.append({"field": field, "rule": detail["type"], "message": message})
    return details


def invalid_fields(details: Sequence[dict[str, str]]) -> Problem:
    """Return a `Problem` of status 422 with the first 20 of these invalid fields, as `error_details` returns them.

    >>> invalid_fields([{"field": "explain", "rule": "bool", "message": "must be true or false"}]).message
    'explain: must be true or false'
    """
    return Problem(422, "invalid", f"{details[0]['field']}: {details[0]['message']}", details[:MAX_DETAILS])


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
