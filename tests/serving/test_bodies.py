"""Bodies with many values are refused before they are parsed."""

from __future__ import annotations

import pytest

from serving.asgi import Problem
from serving.bodies import MAX_VALUES, check_complexity

KEYS = b",".join(b'"a%d":1' % i for i in range(600_000))


@pytest.mark.parametrize(
    "body",
    [
        b"{%b}" % KEYS,
        b'{"a": [%b]}' % b",".join([b"[]"] * 20_000),
        b"[" * 20_000,
        b'{"a":' * 20_000,
        b"[%b]" % b",".join([b"[[[[[[[[[[[]]]]]]]]]]]"] * 1_000),
    ],
    ids=["keys", "lists", "deep lists", "deep objects", "few commas"],
)
def test_many_values_are_refused(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        check_complexity(body)
    assert (caught.value.status, caught.value.code) == (413, "too_complex")
    assert "10,000" in caught.value.message


def test_as_many_values_as_the_limit_are_accepted() -> None:
    row = b"[%b]" % b",".join([b"1"] * MAX_VALUES)  # one bracket, and a comma less than values
    check_complexity(row)
    with pytest.raises(Problem):
        check_complexity(row + b",")


def test_long_texts_and_numbers_are_no_structure() -> None:
    for value in (b'"%b"' % (b"x" * 900_000), b'"%b"' % (b"\\u0041" * 150_000), b"1" * 900_000):
        check_complexity(b'{"a": %b}' % value)
