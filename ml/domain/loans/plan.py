"""Repayment of principal, period by period, for many loans at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.loans.loan import LoanBatch, PerLoan
from ml.domain.loans.product import Subsidy
from ml.domain.loans.rounding import MILLION, interest_on, millionths, quotient_of, share_of


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


def subsidised_rate(subsidies: PerLoan[Subsidy], rate: IntArray, half_up: IntArray) -> IntArray:
    """Return the rate that the borrower still pays under a subsidy of each loan, in millionths.

    Parameters
    ----------
    subsidies : PerLoan of Subsidy
        The subsidy of each loan, as returned by `ml.domain.loans.loan.LoanBatch.items_per_loan`.
    rate : array of int, shape (n,)
        Rate before the subsidy, in millionths.
    half_up : array of int, shape (n,)
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour (`LoanProduct.half_up`).

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.loan import PerLoan
    >>> from ml.domain.loans.plan import subsidised_rate
    >>> from ml.domain.loans.product import Subsidy
    >>> state = PerLoan((Subsidy(payer="state", rate=0.01, share_of_rate=0.5),), np.array([0, 0]), np.array([0, 1]))
    >>> subsidised_rate(state, np.array([39_900, 15_000]), np.array([1, 1])).tolist()
    [29900, 7500]
    """
    maximum = share_of(rate, subsidies.values(lambda s: millionths(s.share_of_rate, "share_of_rate")), half_up)
    return np.asarray(rate - np.minimum(maximum, subsidies.values(lambda s: millionths(s.rate, "rate"))))


def plan(batch: LoanBatch, numerator: IntArray) -> PrincipalPlan:
    """Return the repayment of principal of every loan, in whole fen; the last instalment absorbs the remainder.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.
    numerator : array of int, shape (n_periods, n)
        Length of each period in years, as the numerator over the denominator of the loan's calendar
        (`ml.domain.loans.calendar.Periods.numerator`), up to the longest term of the batch.

    Returns
    -------
    PrincipalPlan
        Each column of `principal` sums to the loan's amount.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.plan import plan
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> plan(batch, np.full((36, 1), 30)).principal[:2, 0].tolist()  # 30 of 360 days
    [254219, 255490]
    """
    per_loan = batch.per_loan
    month = np.arange(1, len(numerator) + 1)[:, None]
    active, last = month <= batch.term, month == batch.term
    paying = active & (month > per_loan.values(lambda p: p.deferred_months))
    half_up = per_loan.values(lambda p: p.half_up)
    denominator = per_loan.values(lambda p: p.calendar.denominator)
    level = np.flatnonzero(per_loan.values(lambda p: p.form in ("equal_instalment", "balloon")))
    stepped = np.flatnonzero(per_loan.values(lambda p: p.form in ("equal_principal", "flat_rate")))
    instalment, rate = np.zeros_like(batch.amount), np.zeros_like(batch.rate)  # interest reduces level instalments only
    rate[level] = _instalment_rate(batch, half_up)[level]
    if len(level):
        rates = rate[level] * (numerator[:, level] / denominator[level]) / MILLION
        instalment[level] = level_instalment(batch.at(level), rates, paying[:, level], half_up[level])
    if len(stepped):
        instalments = paying[:, stepped].sum(axis=0)
        instalment[stepped] = quotient_of(batch.amount[stepped], instalments, half_up[stepped])

    principal, opening = np.empty_like(numerator), np.empty_like(numerator)
    balance = batch.amount
    for k in range(len(numerator)):
        opening[k] = balance
        due = instalment - interest_on(balance, rate, numerator[k], denominator=denominator, half_up=half_up)
        due = np.minimum(np.maximum(due, 0), balance - batch.balloon) * paying[k]
        principal[k] = np.maximum(due, balance * last[k])
        balance = balance - principal[k]
    return PrincipalPlan(principal, opening, active, paying)


def level_instalment(batch: LoanBatch, rate: FloatArray, paying: BoolArray, half_up: IntArray) -> IntArray:
    """Return the level instalment in fen: ``(P - B d_n) / sum(d_k)``, ``d_k`` the discount factors of paying periods.

    Parameters
    ----------
    batch : LoanBatch
        Amounts P and balloons B.
    rate : array of float, shape (n_periods, n)
        Interest rate of each period, a fraction.
    paying : array of bool, shape (n_periods, n)
        Periods with an instalment.
    half_up : array of int, shape (n,)
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour (`LoanProduct.half_up`).

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.plan import level_instalment
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> level_instalment(batch, np.full((36, 1), 0.005), np.full((36, 1), True), np.array([1]))
    array([304219])
    """
    discount = 1 / np.cumprod(1 + rate * paying, axis=0)
    exact = (batch.amount - batch.balloon * discount[-1]) / (discount * paying).sum(axis=0)
    return np.asarray(np.where(half_up, np.floor(exact + 0.5), np.rint(exact)), dtype=np.int64)


def _instalment_rate(batch: LoanBatch, half_up: IntArray) -> IntArray:
    rate = batch.rate.copy()
    for subsidies in batch.items_per_loan(lambda p: tuple(s for s in p.subsidies if s.lowers_instalment)):
        loans = subsidies.loans
        rate[loans] = subsidised_rate(subsidies, rate[loans], half_up[loans])
    return rate
