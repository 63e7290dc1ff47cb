"""Find the elements of a long list in a JSON text without parsing it, so that they can be parsed one by one.

A parser holds the interpreter's lock until it has parsed all of its text, and everything else in the process waits.
NumPy releases the lock while it scans the text for brackets, commas and quotes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
_QUOTE, _BACKSLASH, _COLON, _COMMA = b'"\\:,'
_STEP = np.zeros(256, np.int8)  # change of depth at each byte
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1
_IS_MARK = _STEP != 0
_IS_MARK[[_COLON, _COMMA]] = True


class ListElements(NamedTuple):
    """Elements of a list in a JSON text, as returned by `list_elements`.

    Attributes
    ----------
    starts, ends : list of int
        Position of each element's first byte and after its last byte; blanks around an element belong to it.
    values : list of int
        Number of values in each element (commas and opening brackets, plus 1).
    rest : bytes
        The text with an empty list in place of the elements.
    """

    starts: list[int]
    ends: list[int]
    values: list[int]
    rest: bytes


def list_elements(body: bytes, field: str) -> ListElements | None:
    """Return the elements of the list in one field of a JSON object.

    The text is valid JSON if and only if `rest` and each element are valid JSON.

    Parameters
    ----------
    body : bytes
        JSON text; it need not be valid.
    field : str
        Name of the field, which the text writes without escapes.

    Returns
    -------
    ListElements or None
        None if the text is not an object with exactly one such field, or if its value is not a list.

    Examples
    --------
    >>> body = b'{"items": [{"a": "],"}, 7], "b": 1}'
    >>> elements = list_elements(body, "items")
    >>> [body[start:end] for start, end in zip(elements.starts, elements.ends)], elements.values, elements.rest
    ([b'{"a": "],"}', b' 7'], [2, 1], b'{"items": [], "b": 1}')
    >>> list_elements(b'{"items": {}}', "items") is None
    True
    """
    text = np.frombuffer(body, np.uint8)
    quotes = _quotes(text, body)
    marks = np.flatnonzero(_IS_MARK[text])
    before = np.searchsorted(quotes, marks)  # quotes before each mark: an odd number means that it is inside a text
    marks, before = marks[before % 2 == 0], before[before % 2 == 0]
    if len(quotes) % 2 or not len(marks) or body[marks[0]] != ord("{") or body[: marks[0]].strip(b" \t\r\n"):
        return None
    kinds = text[marks]
    steps = _STEP[kinds]
    depth = np.cumsum(steps, dtype=np.int64)
    colons = np.flatnonzero((kinds == _COLON) & (depth == 1))
    name, places = field.encode(), []
    is_long_enough = before[colons] >= 2
    for place in colons[is_long_enough].tolist():
        start, end = quotes[before[place] - 2 : before[place]].tolist()
        if end - start - 1 == len(name) and body[start + 1 : end] == name:
            places.append(place)
    if len(places) != 1:
        return None
    opening = places[0] + 1
    if opening >= len(marks) or body[marks[places[0]] + 1 : marks[opening] + 1].strip(b" \t\r\n") != b"[":
        return None
    closings = np.flatnonzero(depth[opening:] == 1)
    if not len(closings):
        return None
    return _elements(body, marks, kinds, steps, depth, opening, opening + int(closings[0]))


def _quotes(text: NDArray[np.uint8], body: bytes) -> Positions:
    """Return the positions of the quotes that begin and end texts, which no backslash escapes."""
    is_quote = text == _QUOTE
    if b"\\" in body:
        backslashes = np.flatnonzero(text == _BACKSLASH)
        is_last = np.append(np.diff(backslashes) != 1, True)
        last = np.flatnonzero(is_last)
        lengths = np.diff(last, prepend=-1)  # of runs of backslashes: the last of an odd number escapes what follows
        escaped = backslashes[last[lengths % 2 == 1]] + 1
        is_quote[escaped[escaped < len(text)]] = False
    return np.flatnonzero(is_quote)


def _elements(
    body: bytes, marks: Positions, kinds: Any, steps: Any, depth: Positions, opening: int, closing: int
) -> ListElements:
    first, last = int(marks[opening]), int(marks[closing])
    rest = body[: first + 1] + body[last:]
    inside = slice(opening + 1, closing)
    commas = opening + 1 + np.flatnonzero((kinds[inside] == _COMMA) & (depth[inside] == 2))
    if not len(commas) and not body[first + 1 : last].strip(b" \t\r\n"):
        return ListElements([], [], [], rest)
    bounds = np.concatenate([[opening], commas, [closing]])
    is_value = np.cumsum((kinds == _COMMA) | (steps == 1), dtype=np.int64)
    positions = marks[bounds]
    values = is_value[bounds[1:] - 1] - is_value[bounds[:-1]] + 1
    return ListElements((positions[:-1] + 1).tolist(), positions[1:].tolist(), values.tolist(), rest)
