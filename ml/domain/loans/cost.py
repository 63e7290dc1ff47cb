"""Annualised cost of a loan: the internal rate of return of all amounts that the borrower receives and pays.

All costs count, in relation to the principal actually outstanding (People's Bank of China, announcement 2021 no. 3).
Nominal annualised cost = 12 x monthly rate; effective annualised cost = (1 + monthly rate)^12 - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyxirr

from ml.domain.loans.calendar import periods
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule


class NoInternalRate(LoanError):
    """No interest rate makes the present value of the payments equal to the amount received."""


@dataclass(frozen=True)
class Cost:
    """Annualised cost, fractions per year. Returned by `cost` and `item_cost`.

    Attributes
    ----------
    nominal : float
        12 x monthly rate.
    effective : float
        (1 + monthly rate)^12 - 1.

    Examples
    --------
    >>> from ml.domain.loans.cost import Cost
    >>> Cost.of_monthly(0.005)
    Cost(nominal=0.06, effective=0.06167781186449828)
    """

    nominal: float
    effective: float

    @classmethod
    def of_monthly(cls, rate: float) -> Cost:
        """Return both costs from a monthly rate, a fraction (0.005 is 0.5% per month)."""
        return cls(12 * rate, (1 + rate) ** 12 - 1)


def monthly_rate(flows: Sequence[float]) -> float:
    """Return the internal rate of return of monthly cash flows, as a monthly fraction.

    Parameters
    ----------
    flows : sequence of float
        Amounts that the borrower receives (positive) and pays (negative), one per month from disbursement on,
        at least one.

    Raises
    ------
    NoInternalRate
        No flow is positive, no flow is negative, or the search does not converge.

    Examples
    --------
    >>> from ml.domain.loans.cost import monthly_rate
    >>> round(monthly_rate([1000, -1010]), 6)
    0.01
    """
    return _internal_rate(flows, pyxirr.irr, list(flows))


def cost(schedule: Schedule, *, forgone_discount: int = 0) -> Cost:
    """Return the annualised cost of a loan with all interest and fees; a deposit counts, because it cannot be used.

    If the first period is a whole month, every period counts as one month; otherwise dates count (XIRR, days / 365).

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`.
    forgone_discount : int
        Cash discount that the borrower loses by taking this loan, fen. It counts as a cost at disbursement, because a
        cash buyer receives it at once.

    Raises
    ------
    NoInternalRate
        Up-front fees and the discount are as large as the loan or larger.

    Examples
    --------
    0% over 36 months without a cash discount of 5,000 yuan on 100,000 yuan costs 3.36% per year:

    >>> from datetime import date
    >>> from ml.domain.loans.cost import cost
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> zero_rate = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.0, term_months=36), date(2026, 1, 15))
    >>> round(cost(zero_rate, forgone_discount=500_000).nominal, 4)
    0.0336
    """
    payments = [row.interest + row.fee - row.deposit for row in schedule.rows]
    return item_cost(schedule, payments, up_front=schedule.up_front + schedule.deposit + forgone_discount)


def item_cost(schedule: Schedule, rows: Sequence[int], *, up_front: int = 0) -> Cost:
    """Return the annualised cost of a loan as if one cost item were its only cost.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`.
    rows : sequence of int
        Amount of the item in each row of the schedule, fen.
    up_front : int
        Amount of the item at disbursement, fen.

    Raises
    ------
    NoInternalRate
        The amount at disbursement is as large as the loan or larger.

    Examples
    --------
    The annualised cost of the interest alone is the contract rate, up to the rounding of instalments:

    >>> from datetime import date
    >>> from ml.domain.loans.cost import item_cost
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import Fee, LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> product = LoanProduct(fees=(Fee(name="service", charged="up_front", share=0.01),))
    >>> plan = make(Loan(product, amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 15))
    >>> round(item_cost(plan, [row.interest for row in plan.rows]).nominal, 5)
    0.06
    """
    payments = [row.principal + extra for row, extra in zip(schedule.rows, rows, strict=True)]
    return cost_of_payments(schedule, [(row.due, p) for row, p in zip(schedule.rows, payments, strict=True)], up_front)


def cost_of_payments(schedule: Schedule, payments: Sequence[tuple[date, int]], up_front: int) -> Cost:
    """Return the annualised cost of a loan that is repaid by payments other than the scheduled ones.

    If every payment falls on a due date and the first period is a whole month, every period counts as one month;
    otherwise dates count (XIRR, days / 365).

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`: amount, disbursement and due dates.
    payments : sequence of (date, int)
        Day and amount in fen, in order of time; at least one.
    up_front : int
        Amount paid at disbursement, fen.

    Raises
    ------
    NoInternalRate
        The amount at disbursement is as large as the loan or larger, or nothing is repaid.

    Examples
    --------
    100,000 yuan repaid after a month with 500 yuan of interest:

    >>> from datetime import date
    >>> from ml.domain.loans.cost import cost_of_payments
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> plan = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 15))
    >>> round(cost_of_payments(plan, [(date(2026, 2, 15), 10_050_000)], up_front=0).nominal, 6)
    0.06
    """
    received = schedule.loan.amount - up_front
    if received <= 0:
        raise NoInternalRate(
            f"costs at disbursement of {up_front / 100:.2f} yuan leave {received / 100:.2f} yuan of a loan of "
            f"{schedule.loan.amount / 100:.2f} yuan, so "
            "no annualised cost exists; the loan must be larger than its costs at disbursement"
        )
    due = periods(schedule.loan.product.calendar, schedule.start, schedule.loan.term_months)
    month = {day: k for k, day in enumerate(due.due, 1)}
    if due.months[0] == 1 and all(day in month for day, _ in payments):
        by_month = [float(received), *(0.0 for _ in range(month[payments[-1][0]]))]
        for day, amount in payments:
            by_month[month[day]] -= amount
        return Cost.of_monthly(monthly_rate(by_month))
    flows = [float(received), *(-float(amount) for _, amount in payments)]
    effective = _internal_rate(flows, pyxirr.xirr, [schedule.start, *(day for day, _ in payments)], flows)
    return Cost(12 * ((1 + effective) ** (1 / 12) - 1), effective)


def _internal_rate(flows: Sequence[float], method: object, *arguments: Sequence[float] | Sequence[date]) -> float:
    if not (any(f > 0 for f in flows) and any(f < 0 for f in flows)):
        raise NoInternalRate(
            f"an internal rate needs positive and negative flows, got flows from {min(flows)} to {max(flows)}"
        )
    # A deposit that comes back at the end makes a second, negative rate possible; the search from 0 has the cost.
    rate = method(*arguments, guess=0.0)  # type: ignore[operator]
    if rate is None or rate != rate:
        raise NoInternalRate("the search for an internal rate did not converge: check amounts and dates")
    return float(rate)
