"""Parse requests with long lists one element at a time, so that other requests are answered meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from features.plurals import count_text
from ml.deadlines import stop_if_abandoned
from serving.asgi import Problem
from serving.bodies import (
    MAX_DETAILS,
    MAX_VALUES,
    check_complexity,
    check_repetition,
    error_details,
    invalid_field,
    invalid_fields,
    parse_request,
    too_complex,
)
from serving.limits.elements import list_elements

MAX_BULK_VALUES = 500_000  # of a whole body; 1,000 rows of 500 fields
MAX_ELEMENT_BYTES = 1_000_000  # of one element, and of what is not in the list


def parse_batch(model: type[BaseModel], body: bytes, *, max_rows: int) -> Sequence[BaseModel]:
    """Parse the body of a batch, `{"items": [...]}` with 1 to `max_rows` requests.

    Parameters
    ----------
    model : type of BaseModel
        Pydantic model of a request, such as ``model.request()`` of an `ml.model.Model`.
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
        field by position and name, such as `items.0.term_months`. Status 413: it has too many values.

    Examples
    --------
    >>> from pydantic import create_model
    >>> Loan = create_model("Loan", term_months=(int, ...))
    >>> parse_batch(Loan, b'{"items": [{"term_months": 36}, {"term_months": 12}]}', max_rows=9)[1].term_months
    12
    """
    items: Sequence[BaseModel] = parse_list(_batch(model, max_rows), body, field="items").items  # type: ignore[attr-defined]
    return items


@lru_cache(maxsize=64)
def _batch(model: type[BaseModel], max_rows: int) -> type[BaseModel]:
    items = (list[model], Field(min_length=1, max_length=max_rows))  # type: ignore[valid-type]
    return create_model("Batch", __config__=ConfigDict(extra="forbid"), items=items)


def parse_list(model: type[BaseModel], body: bytes, *, field: str) -> BaseModel:
    """Parse the body of a request with a long list. Call it in a thread: it takes as long as the list.

    Parameters
    ----------
    model : type of BaseModel
        Pydantic model of the request.
    body : bytes
        JSON object.
    field : str
        Field of the model whose type is a list or tuple of pydantic models.

    Returns
    -------
    BaseModel
        The request: an instance of `model` or of a class derived from it.

    Raises
    ------
    Problem
        Status 422: the body is not JSON, or a field or an element is invalid; `details` name at most 20 fields, such as
        `items.0.term_months`. Status 413, code `too_complex`: an element has more than 10,000 values, or the body more
        than 500,000. Status 413, code `too_large`: an element, or the body without the list, has more than 1 MB.

    Examples
    --------
    >>> from pydantic import create_model
    >>> Stock = create_model("Stock", model=(str, ...))
    >>> Push = create_model("Push", store_id=(str, ...), vehicles=(list[Stock], ...))
    >>> parse_list(Push, b'{"store_id": "S1", "vehicles": [{"model": "M1"}]}', field="vehicles").vehicles
    [Stock(model='M1')]
    """
    check_complexity(body, max_values=MAX_BULK_VALUES)
    elements = list_elements(body, field)
    if elements is None:
        _check_size("the body without a list in its field", len(body))
        return parse_request(model, body)
    _check_size(f"the body without {field}", len(elements.rest))
    rest, element, limits = _parts(model, field)
    request = parse_request(rest, elements.rest)
    _check_length(field, len(elements.starts), limits)
    if max(elements.values, default=0) > MAX_VALUES:
        raise too_complex(MAX_VALUES, f"{field}.{next(i for i, n in enumerate(elements.values) if n > MAX_VALUES)}")
    lengths = [end - start for start, end in zip(elements.starts, elements.ends, strict=True)]
    if max(lengths, default=0) > MAX_ELEMENT_BYTES:
        _check_size(f"{field}.{lengths.index(max(lengths))}", max(lengths))
    parsed, details = [], []
    for position, (start, end) in enumerate(zip(elements.starts, elements.ends, strict=True)):
        stop_if_abandoned()
        part = body[start:end]
        try:
            instance = element.model_validate_json(part)
        except ValidationError as e:
            details += error_details(e, prefix=(field, position))
            if len(details) >= MAX_DETAILS or len(part) > MAX_VALUES:  # what is invalid and long takes long as well
                break
        else:
            check_repetition(part, [instance])
            parsed.append(instance)
    if details:
        raise invalid_fields(details)
    is_tuple = isinstance(getattr(request, field), tuple)
    return request.model_copy(update={field: tuple(parsed) if is_tuple else parsed})


@lru_cache(maxsize=64)
def _parts(model: type[BaseModel], field: str) -> tuple[type[BaseModel], type[BaseModel], tuple[int, int | None]]:
    """Return the model without the limits of the list's length, the model of an element, and these limits."""
    info = model.model_fields[field]
    element = get_args(info.annotation)[0]
    assert get_origin(info.annotation) in (list, tuple) and issubclass(element, BaseModel)
    low = max((m.min_length for m in info.metadata if hasattr(m, "min_length")), default=0)
    high = min((m.max_length for m in info.metadata if hasattr(m, "max_length")), default=None)
    unlimited: Any = (info.annotation, Field(strict=False) if info.is_required() else Field(info.default, strict=False))
    rest = create_model(model.__name__, __base__=model, **{field: unlimited})
    return rest, element, (low, high)


def _check_size(place: str, size: int) -> None:
    if size > MAX_ELEMENT_BYTES:
        text = f"{place} must have at most {MAX_ELEMENT_BYTES:,} bytes; shorten its texts"
        raise Problem(413, "too_large", text)


def _check_length(field: str, length: int, limits: tuple[int, int | None]) -> None:
    low, high = limits
    if length < low:
        raise invalid_field(field, "too_short", f"must have at least {count_text(low, 'item')}, not {length}")
    if high is not None and length > high:
        raise invalid_field(field, "too_long", f"must have at most {count_text(high, 'item')}, not {length:,}")
