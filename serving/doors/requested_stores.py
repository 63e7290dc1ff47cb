"""Keys that are limited to some stores: each request must name one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from serving.asgi import Problem

FIELDS = ("store_id", "stores")


def check_stores(stores: frozenset[str], requests: Iterable[BaseModel]) -> None:
    """Raise an error if a request names no store of the key, or another one.

    A request whose model has no field `store_id` or `stores`, on its own or in a part, is not restricted. Each row of a
    list in a request, such as each lead of a queue, is a request of its own.

    Parameters
    ----------
    stores : frozenset of str
        Stores of the key, ``caller.stores`` if it is not None.
    requests : iterable of BaseModel
        Parsed requests; one, or the rows of a batch.

    Raises
    ------
    Problem
        Status 403, with the field but not its value.

    Examples
    --------
    >>> from pydantic import create_model
    >>> Lead = create_model("Lead", store_id=(str | None, None))
    >>> check_stores(frozenset({"S1"}), [Lead(store_id="S1")])
    >>> for lead in (Lead(store_id="S2"), Lead()):
    ...     try:
    ...         check_stores(frozenset({"S1"}), [lead])
    ...     except Problem as problem:
    ...         print(problem.status, problem.message)
    403 store_id: this key does not hold for this store; its stores are: S1
    403 store_id: this key holds for some stores only, name one of them: S1
    """
    for request in requests:
        _check(stores, request)


def _check(stores: frozenset[str], request: BaseModel) -> None:
    if (field := _store_field(type(request))) and not _names_a_store(stores, request):
        raise _problem(field, "store_required", "this key holds for some stores only, name one of them", stores)


def _names_a_store(stores: frozenset[str], request: BaseModel) -> bool:
    own, parts = _fields(type(request))
    has_store = False
    for field in own:
        value = getattr(request, field)
        for name in [value] if isinstance(value, str) else value or ():
            if name not in stores:
                raise _problem(field, "wrong_store", "this key does not hold for this store; its stores are", stores)
            has_store = True
    for part in parts:
        value = getattr(request, part)
        if isinstance(value, BaseModel):
            has_store |= _names_a_store(stores, value)
        elif isinstance(value, list | tuple):
            for row in value:
                _check(stores, row)
            has_store |= len(value) > 0  # each row names a store, such as the stock that orders are planned for
    return has_store


@lru_cache(maxsize=256)
def _fields(model: type[BaseModel]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields with stores, and those with parts that have such fields."""
    own = tuple(name for name in FIELDS if name in model.model_fields)
    parts = (
        name
        for name, field in model.model_fields.items()
        if name not in own and any(_store_field(part) for part in _models_in(field.annotation))
    )
    return own, tuple(parts)


def _store_field(model: type[BaseModel]) -> str | None:
    """Return the name of the first field with a store, in a part if it has none of its own; None without any."""
    own, parts = _fields(model)
    return (*own, *parts, None)[0]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _problem(field: str, rule: str, text: str, stores: frozenset[str]) -> Problem:
    message = f"{text}: {', '.join(sorted(stores)[:20])}"
    return Problem(403, rule, f"{field}: {message}", [{"field": field, "rule": rule, "message": message}])
