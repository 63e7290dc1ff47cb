"""Query parameters of the routes; a `Problem` names each parameter that is unknown, repeated or invalid."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from serving.asgi import Problem
from serving.bodies import MAX_NAME_LENGTH, invalid_field


def parse_parameters(query: bytes, names: Sequence[str] = ()) -> dict[str, str]:
    """Return the values of a query string by parameter.

    Parameters
    ----------
    query : bytes
        Query string of the URL, without the question mark: ``scope["query_string"]`` of an ASGI scope.
    names : sequence of str
        Parameters of the route; none by default.

    Returns
    -------
    dict of str to str
        Decoded values; a parameter without a value has an empty text.

    Raises
    ------
    Problem
        Status 422: a parameter is not one of `names`, or it is repeated; `details` name it and the rule.

    Examples
    --------
    >>> parse_parameters(b"explain=true", ["explain"])
    {'explain': 'true'}
    >>> try:
    ...     parse_parameters(b"explian=true", ["explain"])
    ... except Problem as problem:
    ...     print(problem.status, problem.message)
    422 unknown query parameter "explian"; did you mean "explain"?
    """
    values: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in names:
            raise _refusal(name, "unknown_parameter", "unknown query parameter", _remedy(name, names))
        if name in values:
            raise _refusal(name, "repeated", "repeated query parameter", "send it once")
        values[name] = value
    return values


def _remedy(name: str, names: Sequence[str]) -> str:
    if not names:
        return "this path has no query parameters: leave it out"
    similar = difflib.get_close_matches(name.lower(), names, n=1)
    return f'did you mean "{similar[0]}"?' if similar else f"this path has: {', '.join(names)}"


def _refusal(name: str, rule: str, message: str, remedy: str) -> Problem:
    name = name[:MAX_NAME_LENGTH]
    text = f'{message} "{name}"; {remedy}'
    return Problem(422, "invalid", text, [{"field": name, "rule": rule, "message": text}])


class AnswerOptions(NamedTuple):
    """Options of an answer in a query string, as returned by `parse_options`.

    Attributes
    ----------
    explain : bool
        Whether the answer has reasons.
    preview : bool
        Whether the answer is not binding: it is not logged, and offers have no ids.
    """

    explain: bool
    preview: bool


@lru_cache(maxsize=256)
def parse_options(query: bytes, *, explains: bool | None = True, decides: bool = False) -> AnswerOptions:
    """Return the query parameters `explain`, which requests reasons, and `preview`, which asks without a decision.

    Parameters
    ----------
    query : bytes
        Query string of the URL, without the question mark: ``scope["query_string"]`` of an ASGI scope.
    explains : bool or None
        Value of `explain` without the parameter; `ml.endpoint.Endpoint.explains` of the endpoint. None: the endpoint
        has no such parameter.
    decides : bool
        Whether the endpoint decides about persons; only such an endpoint has the parameter `preview`.

    Returns
    -------
    AnswerOptions
        `explain` and `preview`.

    Raises
    ------
    Problem
        Status 422: a value is neither true (1) nor false (0), or there is another parameter.

    Examples
    --------
    >>> parse_options(b"").explain, parse_options(b"explain=false").explain, parse_options(b"", explains=None).explain
    (True, False, False)
    >>> parse_options(b"preview=1", decides=True)
    AnswerOptions(explain=True, preview=True)
    """
    names = [*(("explain",) if explains is not None else ()), *(("preview",) if decides else ())]
    values = parse_parameters(query, names)
    return AnswerOptions(_flag(values, "explain", bool(explains)), _flag(values, "preview", False))


def _flag(values: Mapping[str, str], name: str, default: bool) -> bool:
    value = values.get(name, str(default)).lower()
    if value not in ("true", "1", "false", "0"):
        raise invalid_field(name, "bool", "must be true or false")
    return value in ("true", "1")
