"""Changes of spelling that give keys a partner: the smallest change, the number of keys, and an example."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.sources.key_spellings import Spelling, matching_spelling

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def spelling(keys: list[str], others: list[str]) -> Spelling | None:
    return matching_spelling(pl.Series(keys, dtype=pl.String), pl.Series(others, dtype=pl.String))


@pytest.mark.parametrize(
    ("keys", "others", "change", "n", "example"),
    [
        (["007", "012"], ["7", "12"], "without leading zeros", 2, ("007", "7")),
        (["2024-7"], ["2024-0007", "2024-0008"], "without leading zeros", 1, ("2024-7", "2024-0007")),
        (["a1", "b2", "c9"], ["A1", "B2"], "in upper case", 2, ("a1", "A1")),
        (["７", "１２"], ["7", "12"], "in half-width characters", 2, ("７", "7")),
        (["'7", "12 "], ["7", "12"], "without punctuation and blanks", 2, ("'7", "7")),
        (["1,038"], ["1038"], "without punctuation and blanks", 1, ("1,038", "1038")),
        (["{" + GUID + "}"], [GUID.upper()], "in upper case and without punctuation and blanks", 1, None),
        (["APP-7", "APP-12"], ["7", "12", "3"], "without the prefix 'APP-'", 2, ("APP-7", "7")),
        (["7", "12"], ["C7", "C12"], "with the prefix 'C'", 2, ("7", "C7")),
        (["V7", "V12"], ["C7", "C12"], "with the prefix 'C' in place of 'V'", 2, ("V7", "C7")),
        (["12345678"], ["LSVAA49J112345678", "LSVAA49J187654321"], "by the last 8 characters", 1, None),
    ],
)  # fmt: skip
def test_the_smallest_change_is_named(keys, others, change, n, example):
    result = spelling(keys, others)
    assert result is not None
    assert (result.change, result.keys) == (change, n)
    assert example is None or result.example == example


def test_keys_that_are_equal_in_their_digits_only_are_weak_evidence():
    assert spelling(["V7", "V12"], ["C7", "C12"]).is_weak
    assert not spelling(["APP-7", "APP-12"], ["7", "12"]).is_weak


@pytest.mark.parametrize(
    ("keys", "others"),
    [
        (["x", "y"], ["a", "b"]),
        (["1", "2"], ["A1", "B1", "A2", "B2"]),  # without their letters, two keys of the other table are one
        (["-", "?"], ["!", "."]),  # nothing is left of either
        (["12"], ["LSVAA49J112345612"]),  # short ends are equal by chance
        ([], ["1"]),
        (["1"], []),
    ],
)
def test_no_change_is_named_that_proves_nothing(keys, others):
    assert spelling(keys, others) is None


@settings(deadline=None)
@given(st.sets(st.integers(1, 10**6), min_size=1, max_size=30))
def test_zeros_in_front_are_recognised_for_any_numbers(numbers):
    others = [str(n) for n in numbers]
    result = spelling([f"{n:08d}" for n in numbers], others)
    assert result is not None
    assert (result.change, result.keys) == ("without leading zeros", len(numbers))
