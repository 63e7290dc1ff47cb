"""Rounding to the fen in integer arithmetic, so that a schedule is the same on every machine."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from ml.domain.arrays import IntArray

Rounding = Literal["half_up", "half_even"]

ROUNDINGS: tuple[Rounding, ...] = ("half_up", "half_even")
MILLION = 1_000_000
MAX_AMOUNT = 10**10  # fen; larger amounts overflow int64 in the products below

_SMALL_DENOMINATOR = 366


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


def rounded_quotient(quotient: Any, remainder: Any, denominator: Any, half_up: Any) -> IntArray:
    """Round ``quotient + remainder / denominator`` to an integer.

    Parameters
    ----------
    quotient, remainder, denominator : int or array of int
        Results of a floor division of non-negative numbers.
    half_up : int or array of int
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.rounding import rounded_quotient
    >>> rounded_quotient(np.array([2, 3]), np.array([5, 5]), 10, 1).tolist()
    [3, 4]
    >>> rounded_quotient(np.array([2, 3]), np.array([5, 5]), 10, 0).tolist()
    [2, 4]
    """
    return np.asarray(quotient + (2 * remainder + ((quotient | half_up) & 1) > denominator), dtype=np.int64)


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
    >>> from ml.domain.loans.rounding import quotient_of
    >>> quotient_of(10_000_000, 36, half_up=1)
    array(277778)
    """
    if np.all(half_up):
        return np.asarray((np.asarray(numerator, dtype=np.int64) + denominator // 2) // denominator)
    quotient, remainder = _divide(np.asarray(numerator, dtype=np.int64), denominator)
    return rounded_quotient(quotient, remainder, denominator, half_up)


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
    denominator = _one_value(denominator)
    product = np.asarray(balance, dtype=np.int64) * rate
    if np.max(denominator) <= _SMALL_DENOMINATOR:
        whole = denominator * MILLION
        return quotient_of(product * numerator, whole, half_up)
    high, low = _divide(product, denominator)  # in two steps: the product of all three overflows int64
    more, rest = _divide(low * numerator, denominator)
    quotient, millionth = _divide(high * numerator + more, MILLION)
    return rounded_quotient(quotient, millionth * denominator + rest, denominator * MILLION, half_up)


def _divide(numerator: IntArray, denominator: Any) -> tuple[IntArray, IntArray]:
    """Return quotient and remainder, several times faster than `numpy.divmod`."""
    quotient = numerator // denominator
    return quotient, numerator - quotient * denominator


def _one_value(values: Any) -> Any:
    """Return one number if all values are equal: NumPy divides by a scalar several times faster than by an array."""
    array = np.ravel(values)
    return int(array[0]) if (array == array[0]).all() else values
