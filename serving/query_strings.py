"""Query parameters of the routes; a `Problem` names each parameter that is unknown, repeated or invalid."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
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


@lru_cache(maxsize=256)
def parse_explain(query: bytes, *, default: bool | None = True) -> bool:
    """Return the query parameter `explain`, which requests reasons, or `default` if it is not set.

    Parameters
    ----------
    query : bytes
        Query string of the URL, without the question mark: ``scope["query_string"]`` of an ASGI scope.
    default : bool or None
        Value without the parameter; `ml.endpoint.Endpoint.explains` of the endpoint. None: the endpoint has no
        parameter.

    Returns
    -------
    bool
        Whether the answer has reasons.

    Raises
    ------
    Problem
        Status 422: the parameter is neither true (1) nor false (0), or there is another one.

    Examples
    --------
    >>> parse_explain(b""), parse_explain(b"explain=false"), parse_explain(b"", default=None)
    (True, False, False)
    """
    value = parse_parameters(query, () if default is None else ("explain",)).get("explain", str(bool(default))).lower()
    if value not in ("true", "1", "false", "0"):
        raise invalid_field("explain", "bool", "must be true or false")
    return value in ("true", "1")
