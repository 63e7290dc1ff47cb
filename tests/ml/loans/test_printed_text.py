"""Texts on forms: one line, in the order in which it is written."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from ml.loans.printed_text import one_line


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069"])
def test_control_characters_are_refused(character: str) -> None:
    with pytest.raises(
        PydanticCustomError, match=rf"control character U\+{ord(character):04X} at position 2: remove it"
    ):
        one_line(f"王{character}小明")


@pytest.mark.parametrize("text", ["王　小明", "买买提·艾力", "محمد\u200f", "𰻞", "\ue000", "<b>", "😀"])
def test_other_texts_are_unchanged(text: str) -> None:
    assert one_line(text) == text
