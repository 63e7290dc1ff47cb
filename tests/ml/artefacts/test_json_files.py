"""JSON files of fitted estimators: round trip and damaged files."""

from __future__ import annotations

import pytest

from features.errors import DataError, ModelNotFound
from ml.artefacts.json_files import content_of, damaged, from_json, to_json

KEYS = frozenset({"a"})


def test_numbers_and_texts_come_back_as_they_were() -> None:
    content = {"a": [0.1 + 0.2, 1e-300, "车", None]}
    assert from_json({"x.json": to_json(content)}, "x.json", keys=KEYS) == content


def test_what_json_does_not_have_is_not_written() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            to_json({"a": value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "'x.json' is damaged: it is not JSON"),
        (b"\xff", "'x.json' is damaged: it is not JSON"),
        (b"[1]", r"it must have the keys \['a'\], got list"),
        (b'{"b": 1}', r"it must have the keys \['a'\], got \['b'\]"),
    ],
)
def test_a_damaged_file_is_named(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_json({"x.json": content}, "x.json", keys=KEYS)


def test_a_missing_file_is_named_beside_those_there_are() -> None:
    with pytest.raises(ModelNotFound, match=r"lacks the file 'x.json'; it has \['y.json'\]"):
        content_of({"y.json": b""}, "x.json")
    assert "restore it or train again" in str(damaged("x.json", "it is empty"))
