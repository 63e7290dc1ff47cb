"""Texts of a request that are printed on a form for the customer."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_REFUSED_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})  # controls, line separator, paragraph separator
# Embeddings, overrides and isolates change the order in which the characters after them are printed (Unicode Standard
# Annex 9, section 2). The marks U+200E and U+200F, which names in Arabic script may need, do not.
_REFUSED_DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def one_line(text: str) -> str:
    """Return a text unchanged if it prints as one line in the order in which it is written.

    Parameters
    ----------
    text : str
        Entry of a form.

    Raises
    ------
    PydanticCustomError
        It has a control character, such as a line break, or a character that changes the direction of the text.

    Examples
    --------
    >>> one_line("买买提·艾力")
    '买买提·艾力'
    >>> one_line("LSVA\\u202e4321")
    Traceback (most recent call last):
    pydantic_core._pydantic_core.PydanticCustomError: ... got the control character U+202E at position 5: remove it
    """
    for i, character in enumerate(text):
        is_control = unicodedata.category(character) in _REFUSED_CATEGORIES
        if is_control or unicodedata.bidirectional(character) in _REFUSED_DIRECTIONS:
            # A message of this class reaches the caller; that of a ValueError could quote the text and does not.
            raise PydanticCustomError(
                "one_line",
                "must be one line of plain text, got the control character {character} at position {position}: "
                "remove it",
                {"character": f"U+{ord(character):04X}", "position": i + 1},
            )
    return text


PrintedText = Annotated[str, AfterValidator(one_line)]
"""A text that prints as one line in the order in which it is written."""
