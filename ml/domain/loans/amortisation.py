"""Amortisation of loans in integer fen, vectorised: a schedule is a batch of one loan, pricing a batch of many.

The repayment of principal is computed period by period; interest, its division among payers, and fees follow for all
periods at once.
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
    """Interest, subsidies and fees of one product's loans in a batch, fen. An element of `CashFlows.parts`.

    Attributes
    ----------
    product : LoanProduct
        Product of these loans.
    columns : slice
        Columns of these loans in the batch.
    periods : Periods
        Due dates up to the longest term of the batch.
    interest : array of int, shape (n_periods, n)
        Interest that the borrower pays.
    deferred_interest : array of int, shape (n_periods, n)
        Interest accrued but not yet due.
    subsidies : tuple of array of int, shape (n_periods, n)
        Interest paid under each subsidy of the product.
    up_front : tuple of array of int, shape (n,)
        Each fee of the product: the part charged at disbursement.
    fees : tuple of array of int, shape (n_periods, n)
        Each fee of the product: the part charged with instalments.
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
    """Amounts due in fen by period and loan, as returned by `amortise`; periods after maturity are 0.

    Attributes
    ----------
    batch : LoanBatch
        The loans, in the order of all columns.
    start : date
        Day of disbursement.
    principal, interest, fee, opening : array of int, shape (n_periods, n)
        Principal, interest that the borrower pays, fees with the instalment, and balance before the instalment.
    up_front : array of int, shape (n,)
        Fees at disbursement.
    parts : tuple of ProductFlows
        Details by product, in the order of the batch.
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
        """Payment of the borrower in each period: principal, interest and fees, fen, shape (n_periods, n)."""
        return self.principal + self.interest + self.fee

    @property
    def balance(self) -> IntArray:
        """Balance after each instalment, fen, shape (n_periods, n)."""
        return self.opening - self.principal


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
    count = int(batch.term.max())
    groups = [(product, part, periods(product.calendar, start, count)) for product, part in batch.slices()]
    repayment = plan(batch, groups)
    parts = tuple(_product_flows(product, columns, dates, batch, repayment) for product, columns, dates in groups)
    zeros = [np.zeros_like(p.interest) for p in parts]
    return CashFlows(
        batch=batch,
        start=start,
        principal=repayment.principal,
        interest=np.concatenate([p.interest for p in parts], axis=1),
        fee=np.concatenate([sum(p.fees, zero) for p, zero in zip(parts, zeros, strict=True)], axis=1),
        opening=repayment.opening,
        up_front=np.concatenate([sum(p.up_front, zero[0]) for p, zero in zip(parts, zeros, strict=True)]),
        parts=parts,
    )


def _product_flows(
    product: LoanProduct, columns: slice, dates: Periods, batch: LoanBatch, repayment: PrincipalPlan
) -> ProductFlows:
    amount, opening = batch.amount[columns], repayment.opening[:, columns]
    active, paying = repayment.active[:, columns], repayment.paying[:, columns]
    interest_free = product.deferral == "interest_free"
    numerator = np.where(paying if interest_free else active, dates.numerator[:, None], 0)
    base = np.broadcast_to(amount, opening.shape) if product.form == "flat_rate" else opening
    interest, subsidies = divide_interest(product, base, batch.rate[columns], numerator, dates)
    deferred_interest = np.zeros_like(interest)
    if product.deferral == "with_first_instalment" and product.deferred_months:
        m = product.deferred_months
        deferred_interest[:m] = np.cumsum(interest[:m], axis=0)
        interest[m] += deferred_interest[m - 1]
        interest[:m] = 0
    rows = active if product.deferral == "interest_only" else paying
    up_front = tuple(_fee_up_front(fee, amount, product) for fee in product.fees)
    fees = tuple(_fee_per_instalment(fee, amount, opening, rows, numerator, product) for fee in product.fees)
    return ProductFlows(product, columns, dates, interest, deferred_interest, subsidies, up_front, fees)


def divide_interest(
    product: LoanProduct, base: IntArray, rate: IntArray, numerator: IntArray, dates: Periods
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Divide the interest of the contract between the borrower and the payers of subsidies.

    Each subsidy pays the difference between the rounded interest at the rate before it and at the rate after it. The
    shares therefore add up to the interest of the contract exactly.

    Parameters
    ----------
    product : LoanProduct
        `ml.domain.loans.product.LoanProduct(...)`; its subsidies, calendar and rounding are used.
    base : array of int, shape (n_periods, n)
        Principal that bears interest in each period, fen.
    rate : array of int, shape (n,)
        Contract rate in millionths.
    numerator : array of int, shape (n_periods, n)
        Length of the period in years, as the numerator over `product.calendar.denominator`; 0 where no interest
        accrues.
    dates : Periods
        As returned by `ml.domain.loans.calendar.periods`; caps by date and by year read it.

    Returns
    -------
    (array, tuple of array), each of shape (n_periods, n)
        Interest that the borrower pays, and interest paid under each subsidy, fen.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> from ml.domain.loans.amortisation import divide_interest
    >>> from ml.domain.loans.calendar import periods
    >>> from ml.domain.loans.product import LoanProduct, Subsidy
    >>> product = LoanProduct(subsidies=(Subsidy(payer="dealer", rate=0.02),))
    >>> dates, base = periods(product.calendar, date(2026, 1, 15), 1), np.array([[10_000_000]])
    >>> borrower, (dealer,) = divide_interest(product, base, np.array([60_000]), dates.numerator[:, None], dates)
    >>> borrower.tolist(), dealer.tolist()
    ([[33333]], [[16667]])
    """

    def interest(principal: IntArray, rate: IntArray) -> IntArray:
        return interest_on(
            principal, rate, numerator, denominator=product.calendar.denominator, half_up=product.half_up
        )

    left = interest(base, rate)
    paid: list[IntArray] = []
    for subsidy in product.subsidies:
        lower_rate = subsidised_rate(subsidy, rate, product.half_up)
        principal = base if subsidy.principal is None else np.minimum(base, subsidy.principal)
        full = left if principal is base and not paid else interest(principal, rate)
        amount = np.minimum(_apply_caps(full - interest(principal, lower_rate), subsidy, dates), left)
        paid.append(amount)
        left, rate = left - amount, lower_rate
    return left, tuple(paid)


def _apply_caps(amount: IntArray, subsidy: Subsidy, dates: Periods) -> IntArray:
    if subsidy.months is not None:
        amount[subsidy.months :] = 0
    if subsidy.until is not None:
        amount[[k for k, due in enumerate(dates.due) if due > subsidy.until]] = 0
    if subsidy.per_year is not None:
        for year in np.unique(dates.year):
            rows = dates.year == year
            limit = subsidy.per_year - (subsidy.used_this_year if year == dates.first_year else 0)
            amount[rows] = _limit_sum(amount[rows], max(limit, 0))
    return amount if subsidy.total is None else _limit_sum(amount, subsidy.total)


def _limit_sum(amount: IntArray, limit: int) -> IntArray:
    """Cut the amounts, from the first row on, so that each column's sum is at most `limit`.

    >>> import numpy as np
    >>> from ml.domain.loans.amortisation import _limit_sum
    >>> _limit_sum(np.array([[30], [30], [30]]), 50).ravel().tolist()
    [30, 20, 0]
    """
    return np.diff(np.minimum(np.cumsum(amount, axis=0), limit), axis=0, prepend=0)


def _fee_up_front(fee: Fee, amount: IntArray, product: LoanProduct) -> IntArray:
    if fee.charged != "up_front":
        return np.zeros_like(amount)
    return fee.amount + share_of(amount, millionths(fee.share, fee.name), product.half_up)


def _fee_per_instalment(
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
