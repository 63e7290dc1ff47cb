"""Amortisation of loans in integer fen, vectorised: a schedule is a batch of one loan, pricing a batch of many.

The repayment of principal is computed period by period; interest, its division among payers, and fees follow for all
periods at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.domain.arrays import IntArray
from ml.domain.loans.calendar import Periods
from ml.domain.loans.interest import divide_interest, loan_periods
from ml.domain.loans.loan import LoanBatch, PerLoan
from ml.domain.loans.plan import PrincipalPlan, plan
from ml.domain.loans.rounding import interest_on, millionths, share_of


@dataclass(frozen=True)
class CashFlows:
    """Amounts due in fen by period and loan, as returned by `amortise`; periods after maturity are 0.

    Attributes
    ----------
    batch : LoanBatch
        The loans, in the order of all columns.
    periods : PerLoan of Periods
        Due dates and interest periods of the loans, up to the longest term.
    principal, interest, opening : array of int, shape (n_periods, n)
        Principal, interest that the borrower pays, and balance before the instalment.
    deferred_interest : array of int, shape (n_periods, n)
        Interest accrued but not yet due.
    subsidies : tuple of array of int, shape (n_periods, n)
        Interest paid under the first, second, ... subsidy of each loan's product; 0 for a loan without one.
    up_front_fees : tuple of array of int, shape (n,)
        The first, second, ... fee of each loan's product: the part charged at disbursement.
    fees : tuple of array of int, shape (n_periods, n)
        The same fees: the part charged with instalments.
    """

    batch: LoanBatch
    periods: PerLoan[Periods]
    principal: IntArray
    interest: IntArray
    opening: IntArray
    deferred_interest: IntArray
    subsidies: tuple[IntArray, ...]
    up_front_fees: tuple[IntArray, ...]
    fees: tuple[IntArray, ...]

    @property
    def up_front(self) -> IntArray:
        """Fees at disbursement, fen, shape (n,)."""
        return sum(self.up_front_fees, np.zeros_like(self.batch.amount))

    @property
    def fee(self) -> IntArray:
        """Fees with the instalments, fen, shape (n_periods, n)."""
        return sum(self.fees, np.zeros_like(self.principal))

    @property
    def payment(self) -> IntArray:
        """Payment of the borrower in each period: principal, interest and fees, fen, shape (n_periods, n)."""
        return self.principal + self.interest + self.fee

    @property
    def balance(self) -> IntArray:
        """Balance after each instalment, fen, shape (n_periods, n)."""
        return self.opening - self.principal


def amortise(batch: LoanBatch, start: date) -> CashFlows:
    """Return the amounts due of every loan in a batch.

    Loans of one day count are computed several times faster than loans of several.

    Parameters
    ----------
    batch : LoanBatch
        As built by `ml.domain.loans.loan.LoanBatch.build`.
    start : date
        Day of disbursement of all loans.

    Returns
    -------
    CashFlows
        Amounts in fen by period (rows) and loan (columns, in the order of the batch).

    Raises
    ------
    LoanError
        The first due date of a product is not after disbursement.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.amortisation import amortise
    >>> from ml.domain.loans.loan import LoanBatch
    >>> from ml.domain.loans.product import LoanProduct
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> flows = amortise(batch, date(2026, 1, 15))
    >>> [int(x) for x in (flows.payment[0, 0], flows.payment[-1, 0], flows.principal.sum())]
    [304219, 304236, 10000000]
    """
    dates = loan_periods(batch, start, int(batch.term.max()))
    numerator = dates.by_period(lambda periods: periods.numerator)
    repayment = plan(batch, numerator)
    is_interest_free = batch.per_loan.values(lambda p: p.deferral == "interest_free")
    numerator *= repayment.paying | (repayment.active & ~is_interest_free)
    base = repayment.opening.copy()
    is_flat = batch.per_loan.values(lambda p: p.form == "flat_rate")
    base[:, is_flat] = batch.amount[is_flat]
    interest, subsidies = divide_interest(batch, base, numerator, dates)
    deferred_interest = _defer(batch, interest)
    up_front_fees, fees = _fees(batch, repayment, numerator)
    return CashFlows(
        batch,
        dates,
        repayment.principal,
        interest,
        repayment.opening,
        deferred_interest,
        subsidies,
        up_front_fees,
        fees,
    )


def _defer(batch: LoanBatch, interest: IntArray) -> IntArray:
    """Move interest of deferred months to the first instalment where it is due with it; return the deferred sums."""
    deferred_interest = np.zeros_like(interest)
    months = batch.per_loan.values(lambda p: p.deferred_months * (p.deferral == "with_first_instalment"))
    loans = np.flatnonzero(months)
    if len(loans):
        first = months[loans]
        is_deferred = np.arange(len(interest))[:, None] < first
        amounts = interest[:, loans] * is_deferred
        interest[:, loans] -= amounts
        interest[first, loans] += amounts.sum(axis=0)
        deferred_interest[:, loans] = np.cumsum(amounts, axis=0) * is_deferred
    return deferred_interest


def _fees(
    batch: LoanBatch, repayment: PrincipalPlan, numerator: IntArray
) -> tuple[tuple[IntArray, ...], tuple[IntArray, ...]]:
    """Return each fee at disbursement, and with the instalments."""
    pays_interest_only = batch.per_loan.values(lambda p: p.deferral == "interest_only")
    rows = repayment.paying | (repayment.active & pays_interest_only)
    half_up = batch.per_loan.values(lambda p: p.half_up)
    denominator = batch.per_loan.values(lambda p: p.calendar.denominator)
    at_start, with_instalments = [], []
    for fees in batch.items_per_loan(lambda p: p.fees):
        loans = fees.loans
        share = share_of(batch.amount[loans], fees.values(lambda f: millionths(f.share, f.name)), half_up[loans])
        amount = fees.values(lambda f: f.amount) + share
        is_up_front = fees.values(lambda f: f.charged == "up_front")
        up_front, instalments = np.zeros_like(batch.amount), np.zeros_like(numerator)
        up_front[loans] = amount * is_up_front
        instalments[:, loans] = rows[:, loans] * (amount * ~is_up_front)
        yearly = fees.values(lambda f: millionths(f.yearly_share_of_balance, f.name))
        loans, yearly = loans[yearly > 0], yearly[yearly > 0]
        if len(loans):
            instalments[:, loans] = interest_on(
                repayment.opening[:, loans],
                yearly,
                numerator[:, loans] * rows[:, loans],
                denominator=denominator[loans],
                half_up=half_up[loans],
            )
        at_start.append(up_front)
        with_instalments.append(instalments)
    return tuple(at_start), tuple(with_instalments)
