"""Rounding to the fen in integer arithmetic, so that a schedule is the same on every machine."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from ml.domain.arrays import IntArray

Rounding = Literal["half_up", "half_even"]

ROUNDINGS: tuple[Rounding, ...] = ("half_up", "half_even")
MILLION = 1_000_000
MAX_AMOUNT = 10**10  # fen; the product of larger amounts and a rate in millionths has errors above _MAX_ERROR

_MAX_ERROR = 2e-5  # fen, of the interest in floating point: four roundings of at most 2.5e10 fen, 2^-53 each


class LoanError(ValueError):
    """A loan, product or date violates a rule. The message names the field, the rule and the value received."""


def millionths(rate: float, name: str) -> int:
    """Return a rate or fraction as a whole number of millionths; contracts state rates to 0.0001%.

    Parameters
    ----------
    rate : float
        A fraction from 0 to 1 with at most six decimals.
    name : str
        Name of the field, for the error message.

    Raises
    ------
    LoanError
        The rate is not finite, not from 0 to 1, or has more than six decimals.

    Examples
    --------
    >>> from ml.domain.loans.rounding import millionths
    >>> millionths(0.0399, "annual_rate")
    39900
    >>> millionths(float("nan"), "annual_rate")
    Traceback (most recent call last):
    ml.domain.loans.rounding.LoanError: annual_rate must be a finite number from 0 to 1, got nan
    """
    if not (math.isfinite(rate) and 0 <= rate <= 1):
        raise LoanError(f"{name} must be a finite number from 0 to 1, got {rate}")
    parts = round(rate * MILLION)
    if abs(rate * MILLION - parts) > 1e-4:
        raise LoanError(f"{name} must be a multiple of 0.000001 (0.0001 %), got {rate!r}; round it")
    return parts


def quotient_of(numerator: Any, denominator: Any, half_up: Any) -> IntArray:
    """Return the quotient of two non-negative integers, rounded to an integer.

    Parameters
    ----------
    numerator : int or array of int
        At least 0.
    denominator : int or array of int
        Above 0.
    half_up : int or array of int
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.rounding import quotient_of
    >>> quotient_of(np.array([24, 25, 26, 35]), 10, half_up=1).tolist()
    [2, 3, 3, 4]
    >>> quotient_of(np.array([24, 25, 26, 35]), 10, half_up=0).tolist()
    [2, 2, 3, 4]
    """
    quotient = np.asarray(numerator, dtype=np.int64) // denominator
    return _round(quotient, numerator - quotient * denominator, denominator, half_up)


def share_of(amount: Any, parts: Any, half_up: Any) -> IntArray:
    """Return a fraction of an amount, in fen, rounded to the fen.

    Parameters
    ----------
    amount : int or array of int
        Fen, up to `MAX_AMOUNT`.
    parts : int or array of int
        The fraction in millionths, as returned by `millionths`.
    half_up : int or array of int
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour.

    Examples
    --------
    >>> from ml.domain.loans.rounding import share_of
    >>> int(share_of(amount=10_000_050, parts=15_000, half_up=1))
    150001
    """
    return quotient_of(np.asarray(amount, dtype=np.int64) * parts, MILLION, half_up)


def interest_on(balance: Any, rate: Any, numerator: Any, *, denominator: Any, half_up: Any) -> IntArray:
    """Return the interest of one period in fen: ``balance * rate * numerator / denominator``, rounded once.

    The quotient is estimated in floating point, at most one fen too low. The remainder of that estimate is exact in
    64-bit integers, which wrap around, although the product of all three overflows them: it decides the last fen.

    Parameters
    ----------
    balance : int or array of int
        Fen, up to `MAX_AMOUNT`.
    rate : int or array of int
        Rate per year in millionths, as returned by `millionths`.
    numerator, denominator : int or array of int
        Length of the period in years, as a fraction; at most two and a half years.
    half_up : int or array of int
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour.

    Examples
    --------
    >>> from ml.domain.loans.rounding import interest_on
    >>> int(interest_on(balance=10_000_000, rate=60_000, numerator=30, denominator=360, half_up=1))
    50000
    """
    product = np.asarray(balance, dtype=np.int64) * rate
    whole = np.asarray(denominator, dtype=np.int64) * MILLION
    estimate = product * (numerator / whole)
    estimate += 0.5 - _MAX_ERROR
    quotient = np.asarray(estimate, dtype=np.int64)
    with np.errstate(over="ignore"):
        remainder = product * numerator
        remainder -= quotient * whole
    return _round(quotient, remainder, whole, half_up)


def _round(quotient: IntArray, remainder: Any, denominator: Any, half_up: Any) -> IntArray:
    """Round ``quotient + remainder / denominator``, which is at least ``quotient - 1 / 2``, to an integer."""
    twice = 2 * remainder
    result = np.asarray(quotient + (twice >= denominator))
    if np.all(half_up):
        return result
    is_half = (twice == denominator) & (np.asarray(half_up) == 0)
    if is_half.any():
        result[is_half] -= np.asarray(quotient)[is_half] % 2 == 0
    return result
