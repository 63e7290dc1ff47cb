"""Rounding compared with exact fractions, ties and amounts near the limits included."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml.domain.loans.calendar import DENOMINATORS
from ml.domain.loans.rounding import MAX_AMOUNT, MILLION, interest_on, quotient_of

denominators = st.sampled_from([12, *DENOMINATORS.values()])


def rounded(value: Fraction, half_up: int) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator) if half_up else round(value)


@given(
    balance=st.integers(0, MAX_AMOUNT),
    rate=st.integers(0, MILLION),
    years=st.fractions(0, Fraction(5, 2)),
    denominator=denominators,
    half_up=st.integers(0, 1),
)
@example(balance=MAX_AMOUNT, rate=MILLION, years=Fraction(5, 2), denominator=365 * 366, half_up=1)
def test_interest_is_that_of_exact_fractions(
    balance: int, rate: int, years: Fraction, denominator: int, half_up: int
) -> None:
    numerator = int(years * denominator)
    expected = rounded(Fraction(balance * rate * numerator, denominator * MILLION), half_up)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert interest_on(balance, rate, numerator, denominator=denominator, half_up=half_up) == expected
        columns = np.array([[balance] * 3])
        result = interest_on(columns, rate, numerator, denominator=np.full(3, denominator), half_up=np.full(3, half_up))
    assert result.tolist() == [[expected] * 3]


@given(whole=st.integers(0, 10**9), denominator=denominators, half_up=st.integers(0, 1), shift=st.integers(-1, 1))
def test_halves_follow_the_rule_and_their_neighbours_do_not(
    whole: int, denominator: int, half_up: int, shift: int
) -> None:
    # balance x numerator x rate is half a fen above `whole`, or next to it: rate in millionths, one period of a year
    rate, balance = 500_000 + shift, 2 * whole + 1
    expected = rounded(Fraction(balance * rate, MILLION), half_up)
    assert interest_on(balance, rate, denominator, denominator=denominator, half_up=half_up) == expected


def test_loans_of_several_rules_are_rounded_by_their_own() -> None:
    half_up, denominator = np.array([1, 0, 1, 0]), np.array([360, 360, 365, 365 * 366])
    balance = np.array([1, 1, 3, 3])
    interest = interest_on(balance, 500_000, denominator, denominator=denominator, half_up=half_up)
    assert interest.tolist() == [1, 0, 2, 2]


@given(numerator=st.integers(0, 10**16), denominator=st.integers(1, 10**6), half_up=st.integers(0, 1))
def test_quotients_are_those_of_exact_fractions(numerator: int, denominator: int, half_up: int) -> None:
    assert quotient_of(numerator, denominator, half_up) == rounded(Fraction(numerator, denominator), half_up)


@pytest.mark.parametrize(("half_up", "expected"), [(1, [2, 3, 3, 4]), (0, [2, 2, 3, 4])])
def test_quotients_by_hand(half_up: int, expected: list[int]) -> None:
    assert quotient_of(np.array([24, 25, 26, 35]), 10, half_up).tolist() == expected
