"""Repayment schedule of one loan, instalment by instalment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.domain.loans.amortisation import CashFlows, amortise
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.product import Fee, Subsidy


@dataclass(frozen=True)
class Row:
    """One month of a schedule; money in fen. An element of `Schedule.rows`.

    Attributes
    ----------
    number : int
        Month of the term, from 1.
    due : date
        Due date.
    days : int
        Calendar days of the period.
    principal, interest, fee : int
        Parts of the borrower's payment.
    subsidies : tuple of int
        Interest paid under each of the product's subsidies, in their order.
    deferred_interest : int
        Interest accrued in a deferral and not yet due.
    balance : int
        Principal outstanding after the payment.
    deposit : int
        Part of a lease's deposit that comes back with the payment.
    """

    number: int
    due: date
    days: int
    principal: int
    interest: int
    fee: int
    subsidies: tuple[int, ...]
    deferred_interest: int
    balance: int
    deposit: int = 0

    @property
    def payment(self) -> int:
        """Payment of the borrower: principal, interest and fee, less the deposit that comes back, fen."""
        return self.principal + self.interest + self.fee - self.deposit


@dataclass(frozen=True)
class FeeTotal:
    """Amounts of one fee, an element of `Schedule.fees`.

    Attributes
    ----------
    fee : Fee
        The fee of the product.
    up_front : int
        Fen at disbursement.
    rows : tuple of int
        Fen with each instalment, in the order of `Schedule.rows`.
    """

    fee: Fee
    up_front: int
    rows: tuple[int, ...]

    @property
    def total(self) -> int:
        """Amount over the whole loan, fen."""
        return self.up_front + sum(self.rows)


@dataclass(frozen=True)
class Schedule:
    """Repayment schedule of a loan, as returned by `schedule`.

    Attributes
    ----------
    loan : Loan
        The loan.
    start : date
        Day of disbursement.
    rows : tuple of Row
        One per month of the term, deferred months included.
    fees : tuple of FeeTotal
        In the order of the product's fees.
    """

    loan: Loan
    start: date
    rows: tuple[Row, ...]
    fees: tuple[FeeTotal, ...]

    @property
    def up_front(self) -> int:
        """Fees at disbursement, fen."""
        return sum(f.up_front for f in self.fees)

    @property
    def deposit(self) -> int:
        """Deposit of a lease at disbursement, fen; it comes back with the rows."""
        return sum(row.deposit for row in self.rows)

    @property
    def total_interest(self) -> int:
        """Interest that the borrower pays over the whole loan, fen."""
        return sum(row.interest for row in self.rows)

    @property
    def total_fees(self) -> int:
        """Fees over the whole loan, fen."""
        return sum(f.total for f in self.fees)

    @property
    def total_cost(self) -> int:
        """Interest and fees over the whole loan, fen (息费合计)."""
        return self.total_interest + self.total_fees

    @property
    def total_payment(self) -> int:
        """Principal, interest and fees, fen."""
        return self.loan.amount + self.total_cost

    @property
    def subsidy_totals(self) -> tuple[tuple[Subsidy, int], ...]:
        """Each subsidy of the product with the interest paid under it over the whole loan, fen."""
        totals = np.array([row.subsidies for row in self.rows], dtype=np.int64).sum(axis=0)
        return tuple((s, int(t)) for s, t in zip(self.loan.product.subsidies, totals, strict=True))


def schedule(loan: Loan, start: date) -> Schedule:
    """Return the repayment schedule of one loan.

    Parameters
    ----------
    loan : Loan
        `ml.domain.loans.loan.Loan(...)`.
    start : date
        Day of disbursement.

    Returns
    -------
    Schedule
        One row per month of the term, amounts in fen.

    Raises
    ------
    LoanError
        The first due date of the product's calendar is not after disbursement.

    Examples
    --------
    100,000 yuan at 6% over 36 months, amounts in fen:

    >>> from datetime import date
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule
    >>> plan = schedule(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 31))
    >>> first = plan.rows[0]
    >>> str(first.due), first.principal, first.interest, first.payment
    ('2026-02-28', 254219, 50000, 304219)
    >>> plan.rows[-1].balance, plan.total_interest
    (0, 951901)
    """
    flows = amortise(LoanBatch.of([loan]), start)
    (periods,) = flows.periods.calendars
    opening, principal = flows.opening[:, 0].tolist(), flows.principal[:, 0].tolist()
    interest, fee, deferred_interest = (
        flows.interest[:, 0].tolist(),
        flows.fee[:, 0].tolist(),
        flows.deferred_interest[:, 0].tolist(),
    )
    days, deposit = periods.days.tolist(), flows.deposit_returns[:, 0].tolist()
    rows = tuple(
        Row(
            number=k + 1,
            due=periods.due[k],
            days=days[k],
            principal=principal[k],
            interest=interest[k],
            fee=fee[k],
            subsidies=tuple(int(paid[k, 0]) for paid in flows.subsidies),
            deferred_interest=deferred_interest[k],
            balance=opening[k] - principal[k],
            deposit=deposit[k],
        )
        for k in range(loan.term_months)
    )
    return Schedule(loan, start, rows, _fees(flows))


def _fees(flows: CashFlows) -> tuple[FeeTotal, ...]:
    (product,) = flows.batch.products
    columns = zip(product.fees, flows.up_front_fees, flows.fees, strict=True)
    return tuple(FeeTotal(fee, int(up_front[0]), tuple(rows[:, 0].tolist())) for fee, up_front, rows in columns)
