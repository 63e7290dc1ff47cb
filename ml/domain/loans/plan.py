"""Repayment of principal, period by period, for many loans at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.loans.calendar import Periods
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.product import LoanProduct, Subsidy
from ml.domain.loans.rounding import MILLION, interest_on, millionths, quotient_of, share_of

Group = tuple[LoanProduct, slice, Periods]


@dataclass(frozen=True)
class PrincipalPlan:
    """Repayment of principal, as returned by `plan`.

    Attributes
    ----------
    principal, opening : array of int, shape (n_periods, n)
        Principal repaid in each period, and balance at its start, fen.
    active, paying : array of bool, shape (n_periods, n)
        Whether the period is within the term, and whether it has an instalment (within the term, not deferred).
    """

    principal: IntArray
    opening: IntArray
    active: BoolArray
    paying: BoolArray


def subsidised_rate(subsidy: Subsidy, rate: IntArray, half_up: int) -> IntArray:
    """Return the rate that the borrower still pays under a subsidy, in millionths.

    Parameters
    ----------
    subsidy : Subsidy
        `ml.domain.loans.product.Subsidy(...)`.
    rate : array of int, shape (n,)
        Rate before the subsidy, in millionths.
    half_up : int
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour (`LoanProduct.half_up`).

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.plan import subsidised_rate
    >>> from ml.domain.loans.product import Subsidy
    >>> subsidised_rate(Subsidy(payer="state", rate=0.01, share_of_rate=0.5), np.array([39_900, 15_000]), 1).tolist()
    [29900, 7500]
    """
    maximum = share_of(rate, millionths(subsidy.share_of_rate, "share_of_rate"), half_up)
    return np.asarray(rate - np.minimum(maximum, millionths(subsidy.rate, "rate")))


def plan(batch: LoanBatch, groups: Sequence[Group]) -> PrincipalPlan:
    """Return the repayment of principal of every loan, in whole fen; the last instalment absorbs the remainder.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.
    groups : sequence of (LoanProduct, slice, Periods)
        Products of the batch with the slice of their loans (`LoanBatch.slices`) and their periods, as returned by
        `ml.domain.loans.calendar.periods`, up to the longest term of the batch.

    Returns
    -------
    PrincipalPlan
        Each column of `principal` sums to the loan's amount.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.calendar import periods
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.plan import plan
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> dates = periods(LoanProduct().calendar, date(2026, 1, 15), 36)
    >>> [int(x) for x in plan(batch, [(LoanProduct(), slice(0, 1), dates)]).principal[:2, 0]]
    [254219, 255490]
    """
    count = len(groups[0][2].days)
    month = np.arange(1, count + 1)[:, None]
    active = month <= batch.term
    paying = active & (month > _per_loan(groups, lambda p: p.deferred_months))
    denominator = _single(_per_loan(groups, lambda p: p.calendar.denominator))
    half_up = _single(_per_loan(groups, lambda p: p.half_up))
    level = _per_loan(groups, lambda p: p.form in ("equal_instalment", "balloon")).astype(bool)
    stepped = _per_loan(groups, lambda p: p.form in ("equal_principal", "flat_rate"))
    rate = np.concatenate([_instalment_rate(product, batch.rate[part]) for product, part, _ in groups])
    numerator = np.concatenate([_spread(periods.numerator, part) for _, part, periods in groups], axis=1)
    step = stepped * quotient_of(batch.amount, paying.sum(axis=0), half_up)
    instalment = level_instalment(batch, rate * (numerator / denominator) / MILLION, paying, half_up)

    principal, opening = np.empty_like(numerator), np.empty_like(numerator)
    balance = batch.amount
    for k in range(count):
        opening[k] = balance
        interest = interest_on(balance, rate, numerator[k], denominator=denominator, half_up=half_up)
        due = np.where(level, instalment - interest, step)
        due = np.minimum(np.maximum(due, 0), balance - batch.balloon)
        due = np.where(batch.term == k + 1, balance, due * paying[k])
        principal[k] = due
        balance = balance - due
    return PrincipalPlan(principal, opening, active, paying)


def level_instalment(batch: LoanBatch, rate: FloatArray, paying: BoolArray, half_up: Any) -> IntArray:
    """Return the level instalment in fen: ``(P - B d_n) / sum(d_k)``, ``d_k`` the discount factors of paying periods.

    Parameters
    ----------
    batch : LoanBatch
        Amounts P and balloons B.
    rate : array of float, shape (n_periods, n)
        Interest rate of each period, a fraction.
    paying : array of bool, shape (n_periods, n)
        Periods with an instalment.
    half_up : int or array of int
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour (`LoanProduct.half_up`).

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.plan import level_instalment
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> level_instalment(batch, np.full((36, 1), 0.005), np.full((36, 1), True), 1)
    array([304219])
    """
    discount = 1 / np.cumprod(np.where(paying, 1 + rate, 1.0), axis=0)
    exact = (batch.amount - batch.balloon * discount[-1]) / (discount * paying).sum(axis=0)
    return np.asarray(np.where(half_up, np.floor(exact + 0.5), np.rint(exact)), dtype=np.int64)


def _instalment_rate(product: LoanProduct, rate: IntArray) -> IntArray:
    for subsidy in product.subsidies:
        if subsidy.lowers_instalment:
            rate = subsidised_rate(subsidy, rate, product.half_up)
    return rate


def _per_loan(groups: Sequence[Group], value: Any) -> IntArray:
    return np.repeat([int(value(p)) for p, _, _ in groups], [part.stop - part.start for _, part, _ in groups])


def _single(values: IntArray) -> Any:
    """Return one number if all are equal: NumPy divides by a scalar several times faster."""
    return int(values[0]) if (values == values[0]).all() else values


def _spread(values: IntArray, part: slice) -> IntArray:
    return np.repeat(values[:, None], part.stop - part.start, axis=1)
