"""The hash of an entry can be recomputed with any JSON and SHA-256 library."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from serving.decisions.entries import START, Head, hash_of

COLUMNS: tuple[Any, ...] = (3, 1_790_000_000_000_000, "decision", "d3", '{"a":"“决定”\\n"}', "5a" * 32, START)


def test_the_hash_is_the_sha256_of_the_columns_as_json() -> None:
    text = json.dumps(list(COLUMNS), ensure_ascii=False, separators=(",", ":"))
    assert hash_of(*COLUMNS) == hashlib.sha256(text.encode("utf-8")).hexdigest()
    by_hand = (
        '[3,1790000000000000,"decision","d3","{\\"a\\":\\"“决定”\\\\n\\"}","' + "5a" * 32 + '","' + "0" * 64 + '"]'
    )
    assert text == by_hand


@pytest.mark.parametrize("place", range(len(COLUMNS)))
def test_every_column_is_part_of_the_hash(place: int) -> None:
    changed = list(COLUMNS)
    changed[place] = 4 if isinstance(changed[place], int) else f"{changed[place]} "
    assert hash_of(*changed) != hash_of(*COLUMNS)


def test_a_missing_column_is_not_an_empty_text() -> None:
    assert hash_of(1, 2, "purge", None, "{}", None, START) != hash_of(1, 2, "purge", "", "{}", "", START)


def test_a_head_is_written_as_sequence_and_hash() -> None:
    assert str(Head(12, "ab")) == "12:ab"
