"""The one amortisation, vectorised over loans: a schedule is a batch of one, pricing is a batch of many.

First the plan of principal, period by period, in integers; then, all at once, the interest that falls due on it, how
payers share that interest, and the fees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.domain.arrays import BoolArray, IntArray
from ml.domain.loans.calendar import Periods, periods
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.plan import PrincipalPlan, plan, subsidised_rate
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import interest_on, millionths, share_of


@dataclass(frozen=True)
class ProductFlows:
    """The loans of one product in a batch: what falls due beside principal, fen by period and loan.

    Attributes
    ----------
    product : LoanProduct
    columns : slice
        Their place in the batch.
    periods : Periods
        Due dates up to the longest term of the batch.
    interest : array of int, shape (n_periods, n)
        Interest the borrower pays.
    deferred_interest : array of int, shape (n_periods, n)
        Interest accrued but not yet due.
    subsidies : tuple of array of int, shape (n_periods, n)
        What each of the product's subsidies pays.
    up_front : tuple of array of int, shape (n,)
        Each of the product's fees at disbursement.
    fees : tuple of array of int, shape (n_periods, n)
        Each of the product's fees in the rows.
    """

    product: LoanProduct
    columns: slice
    periods: Periods
    interest: IntArray
    deferred_interest: IntArray
    subsidies: tuple[IntArray, ...]
    up_front: tuple[IntArray, ...]
    fees: tuple[IntArray, ...]


@dataclass(frozen=True)
class CashFlows:
    """What falls due, fen for every period and loan; rows after maturity are 0.

    Attributes
    ----------
    batch : LoanBatch
    start : date
        Day of disbursement.
    principal, interest, fee, opening : array of int, shape (n_periods, n)
        Principal, interest the borrower pays, fees of the row, and balance before the row.
    up_front : array of int, shape (n,)
        Fees at disbursement.
    parts : tuple of ProductFlows
    """

    batch: LoanBatch
    start: date
    principal: IntArray
    interest: IntArray
    fee: IntArray
    opening: IntArray
    up_front: IntArray
    parts: tuple[ProductFlows, ...]

    @property
    def payment(self) -> IntArray:
        """What the borrower pays in each row."""
        return self.principal + self.interest + self.fee

    @property
    def balance(self) -> IntArray:
        """Balance after each row."""
        return self.opening - self.principal


def amortise(batch: LoanBatch, start: date) -> CashFlows:
    """Amortise every loan of a batch.

    Parameters
    ----------
    batch : LoanBatch
    start : date
        Day of disbursement.

    Raises
    ------
    LoanError
        A first due date is not after disbursement.

    Examples
    --------
    >>> batch = LoanBatch.build((LoanProduct(),), [0], amount=10_000_000, annual_rate=0.06, term_months=36)
    >>> flows = amortise(batch, date(2026, 1, 15))
    >>> [int(x) for x in (flows.payment[0, 0], flows.payment[-1, 0], flows.principal.sum())]
    [304219, 304236, 10000000]
    """
    count = int(batch.term.max())
    groups = [(product, part, periods(product.calendar, start, count)) for product, part in batch.slices()]
    planned = plan(batch, groups)
    parts = tuple(_part(product, columns, of, batch, planned) for product, columns, of in groups)
    nothing = [np.zeros_like(p.interest) for p in parts]
    return CashFlows(
        batch=batch,
        start=start,
        principal=planned.principal,
        interest=np.concatenate([p.interest for p in parts], axis=1),
        fee=np.concatenate([sum(p.fees, zero) for p, zero in zip(parts, nothing, strict=True)], axis=1),
        opening=planned.opening,
        up_front=np.concatenate([sum(p.up_front, zero[0]) for p, zero in zip(parts, nothing, strict=True)]),
        parts=parts,
    )


def _part(product: LoanProduct, columns: slice, of: Periods, batch: LoanBatch, planned: PrincipalPlan) -> ProductFlows:
    amount, opening = batch.amount[columns], planned.opening[:, columns]
    active, paying = planned.active[:, columns], planned.paying[:, columns]
    free = product.deferral == "interest_free"
    numerator = np.where(paying if free else active, of.numerator[:, None], 0)
    base = np.broadcast_to(amount, opening.shape) if product.form == "flat_rate" else opening
    interest, subsidies = divide_interest(product, base, batch.rate[columns], numerator, of)
    deferred_interest = np.zeros_like(interest)
    if product.deferral == "with_first_instalment" and product.deferred_months:
        m = product.deferred_months
        deferred_interest[:m] = np.cumsum(interest[:m], axis=0)
        interest[m] += deferred_interest[m - 1]
        interest[:m] = 0
    rows = active if product.deferral == "interest_only" else paying
    once = tuple(_up_front(fee, amount, product) for fee in product.fees)
    fees = tuple(_in_rows(fee, amount, opening, rows, numerator, product) for fee in product.fees)
    return ProductFlows(product, columns, of, interest, deferred_interest, subsidies, once, fees)


def divide_interest(
    product: LoanProduct, base: IntArray, rate: IntArray, numerator: IntArray, of: Periods
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Divide the contract's interest between the borrower and those who pay for them.

    A subsidy pays the difference between the interest before and after it, so that the shares of all add up to the
    contract's interest exactly, whatever the rounding.

    Parameters
    ----------
    product : LoanProduct
    base : array of int, shape (n_periods, n)
        Principal that bears interest, fen.
    rate : array of int, shape (n,)
        Contract rate in millionths.
    numerator : array of int, shape (n_periods, n)
        Year fraction of the period; 0 where none accrues.
    of : Periods

    Returns
    -------
    (ndarray, tuple of ndarray)
        Interest left to the borrower, and what each subsidy pays.
    """

    def interest(on: IntArray, at: IntArray) -> IntArray:
        return interest_on(on, at, numerator, denominator=product.calendar.denominator, half_up=product.half_up)

    left = interest(base, rate)
    paid: list[IntArray] = []
    for subsidy in product.subsidies:
        after = subsidised_rate(subsidy, rate, product.half_up)
        on = base if subsidy.principal is None else np.minimum(base, subsidy.principal)
        full = left if on is base and not paid else interest(on, rate)
        amount = np.minimum(_capped(full - interest(on, after), subsidy, of), left)
        paid.append(amount)
        left, rate = left - amount, after
    return left, tuple(paid)


def _capped(amount: IntArray, subsidy: Subsidy, of: Periods) -> IntArray:
    if subsidy.months is not None:
        amount[subsidy.months :] = 0
    if subsidy.until is not None:
        amount[[k for k, due in enumerate(of.due) if due > subsidy.until]] = 0
    if subsidy.per_year is not None:
        for year in np.unique(of.year):
            rows = of.year == year
            limit = subsidy.per_year - (subsidy.used_this_year if year == of.first_year else 0)
            amount[rows] = _up_to(amount[rows], max(limit, 0))
    return amount if subsidy.total is None else _up_to(amount, subsidy.total)


def _up_to(amount: IntArray, limit: int) -> IntArray:
    """The amounts in their order until the limit is used up.

    >>> _up_to(np.array([[30], [30], [30]]), 50).ravel().tolist()
    [30, 20, 0]
    """
    return np.diff(np.minimum(np.cumsum(amount, axis=0), limit), axis=0, prepend=0)


def _up_front(fee: Fee, amount: IntArray, product: LoanProduct) -> IntArray:
    if fee.charged != "up_front":
        return np.zeros_like(amount)
    return fee.amount + share_of(amount, millionths(fee.share, fee.name), product.half_up)


def _in_rows(
    fee: Fee, amount: IntArray, opening: IntArray, rows: BoolArray, numerator: IntArray, product: LoanProduct
) -> IntArray:
    if fee.charged != "per_instalment":
        return np.zeros_like(opening)
    if not fee.yearly_share_of_balance:
        return rows * (fee.amount + share_of(amount, millionths(fee.share, fee.name), product.half_up))
    parts = millionths(fee.yearly_share_of_balance, fee.name)
    return interest_on(
        opening, parts, numerator * rows, denominator=product.calendar.denominator, half_up=product.half_up
    )
