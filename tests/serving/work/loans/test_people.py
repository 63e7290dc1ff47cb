"""Names are masked, and vehicles have names."""

from __future__ import annotations

import pytest

from serving.work.loans.people import masked, vehicle_text


@pytest.mark.parametrize(
    ("name", "text"), [("陈", "陈*"), ("欧阳明月", "欧***"), ("A very long name indeed", "A****"), ("", None)]
)
def test_only_the_first_character_of_a_name_is_legible(name: str, text: str | None) -> None:
    assert masked(name) == text


def test_the_brand_is_not_repeated() -> None:
    assert vehicle_text({"brand": "澄舟", "model": "A3", "trim": "Pro"}) == "澄舟 A3 Pro"
    assert vehicle_text({"brand": "澄舟", "model": "澄舟A3"}) == "澄舟A3"
    assert vehicle_text({"brand": None, "model": None}) is None
