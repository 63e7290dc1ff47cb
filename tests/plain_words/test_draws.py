"""A draw is the same for the same seed, and has the size that it promises."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.plain_words import functions, lines


@pytest.mark.parametrize(("draw", "size"), [(functions.draw, 50), (lines.draw, 30)])
def test_a_seed_draws_the_same_texts_of_different_places(draw: Callable[[random.Random], list[str]], size: int) -> None:
    texts = draw(random.Random(1))
    assert len(set(texts)) == size
    assert draw(random.Random(1)) == texts
    assert draw(random.Random(2)) != texts


def test_a_function_is_shown_by_its_import_its_signature_and_its_docstring_alone() -> None:
    source = """class Area:
    "Area in square metres."
    width: float
    @property
    def unit(self): return "m2"
    def of(self, height: float = 1.0) -> float:
        "Return the area."
        return self.width * height
def _hidden(): pass"""
    (text,) = functions.texts_of(source, module="shapes")
    assert text.splitlines() == [
        *("from shapes import Area", "", "class Area:", "    Area in square metres.", "    width: float", ""),
        *("    The method:", "", "    def of(self, height: float=1.0) -> float:", "        Return the area."),
    ]
