"""Numbers of things in words."""

from __future__ import annotations

from features.plurals import count_text


def test_one_thing_is_singular_and_any_other_number_is_plural() -> None:
    assert [count_text(n, "row") for n in (0, 1, 2, 21, 1_001)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "21 rows",
        "1,001 rows",
    ]
    assert count_text(1, "key has", "keys have") == "1 key has"
    assert count_text(3, "key has", "keys have") == "3 keys have"
