"""The elements of a list that are located equal those that a parser returns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.limits.elements import list_elements

TEXTS = st.text(st.sampled_from('ab,:[]{}"\\\n车é '), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.lists(VALUES, max_size=5)
OTHERS = st.dictionaries(TEXTS.filter(lambda name: name != "items"), VALUES, max_size=3)


@given(ITEMS, OTHERS, OTHERS, st.booleans(), st.sampled_from([None, 1]))
def test_elements_are_those_of_a_parser(
    items: list[Any], first: dict[str, Any], last: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    content = {**first, "items": items, **{name: v for name, v in last.items() if name not in first}}
    body = json.dumps(content, ensure_ascii=ascii_only, indent=indent).encode()
    elements = list_elements(body, "items")
    assert elements is not None
    parts = [body[start:end] for start, end in zip(elements.starts, elements.ends, strict=True)]
    assert [json.loads(part) for part in parts] == items
    assert json.loads(elements.rest) == {**content, "items": []}
    assert elements.values == [_values(json.dumps(item)) for item in items]


def _values(text: str) -> int:
    """Return commas and opening brackets outside texts, plus 1."""
    decoded, count, is_inside, is_escaped = text, 1, False, False
    for mark in decoded:
        if is_escaped:
            is_escaped = False
        elif is_inside and mark == "\\":
            is_escaped = True
        elif mark == '"':
            is_inside = not is_inside
        elif not is_inside and mark in ",[{":
            count += 1
    return count


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"items"',
        b"{}",
        b'{"items": {}}',
        b'{"items": 7}',
        b'{"items": "[]"}',
        b'{"items": 1 []}',
        b'{"items": [1',
        b'{"items": ["]}',
        b'{"items": [1], "items": [2]}',
        b'{"more": {"items": [1]}}',
        b'{"more": "items", "x": [1]}',
        b'x{"items": [1]}',
        b'[{"items": [1]}]',
        b"{:[1]}",
        b'{"it\\u0065ms": [1]}',
    ],
)
def test_texts_without_exactly_one_such_list_have_no_elements(body: bytes) -> None:
    assert list_elements(body, "items") is None


@pytest.mark.parametrize(
    "body", [b'{"items": [1,]}', b'{"items": [,1]}', b'{"items": [{]}', b'{"items": [1}}', b'{"items": [1] 2}']
)
def test_a_part_of_invalid_json_is_invalid(body: bytes) -> None:
    elements = list_elements(body, "items")
    if elements is None:
        return
    parts = [body[start:end] for start, end in zip(elements.starts, elements.ends, strict=True)]
    with pytest.raises(json.JSONDecodeError):
        for part in (*parts, elements.rest):
            json.loads(part)
