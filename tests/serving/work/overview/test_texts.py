"""Definitions in both languages."""

from __future__ import annotations

import re

import pytest

from serving.work.overview.key_figures import COMPUTATIONS
from serving.work.overview.texts import DEFINITIONS, PROBLEMS, definition


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_has_all_its_numbers(name: str) -> None:
    """In both languages."""
    text = definition(name, days=30, version=7)
    assert not re.search(r"[{}]", text.zh + text.en)


def test_every_key_figure_has_a_definition() -> None:
    """A page shows no code."""
    assert set(COMPUTATIONS) <= set(DEFINITIONS)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_missing_figure_has_a_remedy(name: str) -> None:
    """A verb says what to do, or the text until when there are data."""
    text = PROBLEMS[name]
    assert re.search("请|保留", text.zh)
    assert re.search("map|choose|run|check|set|kept", text.en)
