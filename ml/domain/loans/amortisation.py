"""Amortisation of loans in integer fen, vectorised: a schedule is a batch of one loan, pricing a batch of many.

The repayment of principal is computed period by period; interest, its division among payers, and fees follow for all
periods at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ml.domain.arrays import BoolArray, IntArray
from ml.domain.loans.conditions import FeeColumns, LoanPeriods
from ml.domain.loans.interest import divide_interest
from ml.domain.loans.lease import deposit_returns
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.plan import plan
from ml.domain.loans.rounding import interest_on, share_of


@dataclass(frozen=True)
class CashFlows:
    """Amounts due in fen by period and loan, as returned by `amortise`; periods after maturity are 0.

    Attributes
    ----------
    batch : LoanBatch
        The loans, in the order of all columns.
    periods : LoanPeriods
        Due dates and interest periods of the loans, up to the longest term.
    principal, interest, opening : array of int, shape (n_periods, n)
        Principal, interest that the borrower pays, and balance before the instalment.
    deferred_interest : array of int, shape (n_periods, n)
        Interest accrued but not yet due.
    subsidies : tuple of array of int, shape (n_periods, m)
        Interest paid under the first, second, ... subsidy of the m loans that have one (`batch.conditions.subsidies`).
    up_front_fees : tuple of array of int, shape (m,)
        The first, second, ... fee of the m loans that have one (`batch.conditions.fees`): the part charged at
        disbursement.
    fees : tuple of array of int, shape (n_periods, m)
        The same fees: the part charged with instalments, or with the last one.
    deposit : array of int, shape (n,)
        Deposit at disbursement (of a finance lease).
    deposit_returns : array of int, shape (n_periods, n)
        Part of the deposit that comes back in each period.
    """

    batch: LoanBatch
    periods: LoanPeriods
    principal: IntArray
    interest: IntArray
    opening: IntArray
    deferred_interest: IntArray
    subsidies: tuple[IntArray, ...]
    up_front_fees: tuple[IntArray, ...]
    fees: tuple[IntArray, ...]
    deposit: IntArray
    deposit_returns: IntArray

    @property
    def up_front(self) -> IntArray:
        """Fees at disbursement, fen, shape (n,)."""
        total = np.zeros_like(self.batch.amount)
        for fee, amount in zip(self.batch.conditions.fees, self.up_front_fees, strict=True):
            total[fee.loans] += amount
        return total

    @property
    def fee(self) -> IntArray:
        """Fees with the instalments, fen, shape (n_periods, n)."""
        total = np.zeros_like(self.principal)
        for fee, amount in zip(self.batch.conditions.fees, self.fees, strict=True):
            total[:, fee.loans] += amount
        return total

    @property
    def total_fees(self) -> IntArray:
        """Fees over the whole loan, fen, shape (n,)."""
        total = self.up_front
        for fee, amount in zip(self.batch.conditions.fees, self.fees, strict=True):
            total[fee.loans] += amount.sum(axis=0)
        return total

    @property
    def payment(self) -> IntArray:
        """Payment of the borrower in each period, fen, shape (n_periods, n): principal, interest and fees, less the
        part of the deposit that comes back; negative if more comes back than is due."""
        payment: IntArray = self.principal + self.interest + self.fee
        if self.deposit.any():
            payment -= self.deposit_returns
        return payment

    @property
    def balance(self) -> IntArray:
        """Balance after each instalment, fen, shape (n_periods, n)."""
        return self.opening - self.principal

    @property
    def exposure(self) -> IntArray:
        """Balance before each instalment less the deposit that the lender still has, fen, shape (n_periods, n)."""
        if not self.deposit.any():
            return self.opening
        returned = np.cumsum(self.deposit_returns, axis=0) - self.deposit_returns
        return np.asarray(self.opening - (self.deposit - returned) * (self.opening > 0))


def amortise(batch: LoanBatch, start: date) -> CashFlows:
    """Return the amounts due of every loan in a batch.

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
    conditions = batch.conditions
    dates = conditions.periods(start, int(batch.term.max()))
    numerator = dates.by_loan("numerator")
    repayment = plan(batch, numerator)
    numerator *= repayment.paying | (repayment.active & (conditions.deferral != "interest_free"))
    base, is_flat = repayment.opening.copy(), conditions.form == "flat_rate"
    base[:, is_flat] = batch.amount[is_flat]
    interest, subsidies = divide_interest(batch, base, numerator, dates)
    deferred_interest = _defer(batch, interest)
    rows = repayment.paying | (repayment.active & (conditions.deferral == "interest_only"))
    fees = [_charge(fee, batch, repayment.opening, rows, numerator) for fee in conditions.fees]
    flows = CashFlows(
        batch=batch,
        periods=dates,
        principal=repayment.principal,
        interest=interest,
        opening=repayment.opening,
        deferred_interest=deferred_interest,
        subsidies=subsidies,
        up_front_fees=tuple(up_front for up_front, _ in fees),
        fees=tuple(instalments for _, instalments in fees),
        deposit=np.zeros_like(batch.amount),
        deposit_returns=np.zeros_like(interest),
    )
    return _with_deposits(flows)


def _with_deposits(flows: CashFlows) -> CashFlows:
    batch, conditions = flows.batch, flows.batch.conditions
    loans = np.flatnonzero(conditions.deposit_share)
    if not len(loans):
        return flows
    deposit, returns = flows.deposit.copy(), flows.deposit_returns.copy()
    deposit[loans] = share_of(batch.amount[loans], conditions.deposit_share[loans], conditions.half_up[loans])
    pays_rents = conditions.deposit_pays_rents[loans]
    returns[:, loans] = deposit_returns(flows.payment[:, loans], deposit[loans], pays_rents, batch.term[loans])
    return replace(flows, deposit=deposit, deposit_returns=returns)


def _defer(batch: LoanBatch, interest: IntArray) -> IntArray:
    """Move interest of deferred months to the first instalment where it is due with it; return the deferred sums."""
    deferred_interest, months = np.zeros_like(interest), batch.conditions.deferred_months
    loans = np.flatnonzero((months > 0) & (batch.conditions.deferral == "with_first_instalment"))
    if len(loans):
        first = months[loans]
        is_deferred = np.arange(len(interest))[:, None] < first
        amounts = interest[:, loans] * is_deferred
        interest[:, loans] -= amounts
        interest[first, loans] += amounts.sum(axis=0)
        deferred_interest[:, loans] = np.cumsum(amounts, axis=0) * is_deferred
    return deferred_interest


def _charge(
    fee: FeeColumns, batch: LoanBatch, opening: IntArray, rows: BoolArray, numerator: IntArray
) -> tuple[IntArray, IntArray]:
    """Return a fee at disbursement, and in each of `rows` or in the last period."""
    conditions, loans = batch.conditions, fee.loans
    amount = fee.amount + share_of(batch.amount[loans], fee.share, conditions.half_up[loans])
    rows_of_fee = rows[:, loans]
    if fee.at_maturity.any():
        is_last = np.arange(1, len(opening) + 1)[:, None] == batch.term[loans]
        rows_of_fee = np.where(fee.at_maturity, is_last, rows_of_fee)
    instalments = rows_of_fee * (amount * ~fee.up_front)
    by_balance = np.flatnonzero(fee.yearly_share_of_balance)
    if len(by_balance):
        loans = loans[by_balance]
        instalments[:, by_balance] = interest_on(
            opening[:, loans],
            fee.yearly_share_of_balance[by_balance],
            numerator[:, loans] * rows[:, loans],
            denominator=conditions.denominator[loans],
            half_up=conditions.half_up[loans],
        )
    return amount * fee.up_front, instalments
