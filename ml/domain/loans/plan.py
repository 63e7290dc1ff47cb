"""Repayment of principal, period by period, for many loans at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.loans.conditions import SubsidyColumns
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.rounding import MILLION, interest_on, quotient_of, share_of


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


def subsidised_rate(subsidy: SubsidyColumns, rate: IntArray, half_up: IntArray) -> IntArray:
    """Return the rate that the borrower still pays under a subsidy of each loan, in millionths.

    Parameters
    ----------
    subsidy : SubsidyColumns
        Of m loans.
    rate : array of int, shape (m,)
        Rate before the subsidy, in millionths.
    half_up : array of int, shape (m,)
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour (`LoanProduct.half_up`).

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.conditions import SubsidyColumns
    >>> from ml.domain.loans.plan import subsidised_rate
    >>> from ml.domain.loans.product import Subsidy
    >>> state = Subsidy(payer="state", rate=0.01, share_of_rate=0.5)
    >>> columns = SubsidyColumns.of(np.array([0, 1]), [state], np.array([0, 0]))
    >>> subsidised_rate(columns, np.array([39_900, 15_000]), np.array([1, 1])).tolist()
    [29900, 7500]
    """
    return np.asarray(rate - np.minimum(share_of(rate, subsidy.share_of_rate, half_up), subsidy.rate))


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
    conditions = batch.conditions
    denominator, half_up = conditions.denominator, conditions.half_up
    month = np.arange(1, len(numerator) + 1)[:, None]
    active = month <= batch.term
    paying = active & (month > conditions.deferred_months)
    level = np.flatnonzero(np.isin(conditions.form, ("equal_instalment", "balloon", "finance_lease")))
    stepped = np.flatnonzero(np.isin(conditions.form, ("equal_principal", "flat_rate")))
    instalment, rate = np.zeros_like(batch.amount), np.zeros_like(batch.rate)  # interest reduces level instalments only
    if len(level):
        rate[level] = instalment_rate(batch)[level]
        rates = rate[level] * (numerator[:, level] / denominator[level]) / MILLION
        instalment[level] = level_instalment(
            batch.amount[level], batch.balloon[level], rates, paying[:, level], half_up[level]
        )
    if len(stepped):
        instalments = paying[:, stepped].sum(axis=0)
        instalment[stepped] = quotient_of(batch.amount[stepped], instalments, half_up[stepped])

    opening = np.empty_like(numerator)
    opening[0] = batch.amount
    for k in range(len(numerator) - 1):
        interest = interest_on(opening[k], rate, numerator[k], denominator=denominator, half_up=half_up)
        due = np.minimum(np.maximum(instalment - interest, 0), opening[k] - batch.balloon)
        opening[k + 1] = opening[k] - due * paying[k]
    opening *= active
    principal = opening.copy()
    principal[:-1] -= opening[1:]  # the last instalment of a loan repays the whole balance
    return PrincipalPlan(principal, opening, active, paying)


def level_instalment(
    amount: IntArray, balloon: IntArray, rate: FloatArray, paying: BoolArray, half_up: IntArray
) -> IntArray:
    """Return the level instalment in fen: ``(P - B d_n) / sum(d_k)``, ``d_k`` the discount factors of paying periods.

    Parameters
    ----------
    amount, balloon : array of int, shape (n,)
        Amounts P and balloons B, fen.
    rate : array of float, shape (n_periods, n)
        Interest rate of each period, a fraction.
    paying : array of bool, shape (n_periods, n)
        Periods with an instalment.
    half_up : array of int, shape (n,)
        Rule for an exact half: 1 rounds it up, 0 rounds it to the even neighbour (`LoanProduct.half_up`).

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.plan import level_instalment
    >>> amount, balloon, half_up = np.array([10_000_000]), np.array([0]), np.array([1])
    >>> level_instalment(amount, balloon, np.full((36, 1), 0.005), np.full((36, 1), True), half_up)
    array([304219])
    """
    discount = 1 / np.cumprod(1 + rate * paying, axis=0)
    exact = (amount - balloon * discount[-1]) / (discount * paying).sum(axis=0)
    return np.asarray(np.where(half_up, np.floor(exact + 0.5), np.rint(exact)), dtype=np.int64)


def instalment_rate(batch: LoanBatch) -> IntArray:
    """Return the rate of each loan's level instalment in millionths: the contract's less subsidies that lower it.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.

    Returns
    -------
    array of int, shape (n,)

    Examples
    --------
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.plan import instalment_rate
    >>> from ml.domain.loans.product import LoanProduct, Subsidy
    >>> product = LoanProduct(subsidies=(Subsidy(payer="dealer", rate=0.02),))
    >>> instalment_rate(LoanBatch.build((product,), [0], amount=10_000_000, annual_rate=0.06, term_months=36)).tolist()
    [40000]
    """
    rate = batch.rate.copy()
    for subsidy in batch.conditions.subsidies:
        loans = subsidy.loans
        lower_rate = subsidised_rate(subsidy, rate[loans], batch.conditions.half_up[loans])
        rate[loans] = np.where(subsidy.lowers_instalment, lower_rate, rate[loans])
    return rate
