"""What a loan really costs a year: the internal rate of everything the borrower receives and pays.

All costs of the borrower count, on the principal actually outstanding (People's Bank of China, announcement 2021
no. 3): nominal annualised = 12 x monthly rate, effective = (1 + monthly rate)^12 - 1.
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
    """No rate makes what is received equal to what is paid."""


@dataclass(frozen=True)
class Cost:
    """Annualised cost, yearly fractions.

    Attributes
    ----------
    nominal : float
        12 x the monthly rate.
    effective : float
        With compounding.

    Examples
    --------
    >>> Cost.of_monthly(0.005)
    Cost(nominal=0.06, effective=0.06167781186449828)
    """

    nominal: float
    effective: float

    @classmethod
    def of_monthly(cls, rate: float) -> Cost:
        """Both from a monthly rate."""
        return cls(12 * rate, (1 + rate) ** 12 - 1)


def monthly_rate(flows: Sequence[float]) -> float:
    """The internal rate of monthly flows, as a monthly fraction.

    Parameters
    ----------
    flows : sequence of float
        What the borrower receives (positive) and pays (negative), month by month from disbursement.

    Raises
    ------
    NoInternalRate
        Nothing is received, nothing is paid, or no rate was found.

    Examples
    --------
    >>> round(monthly_rate([1000, -1010]), 6)
    0.01
    """
    return _found(flows, pyxirr.irr, list(flows))


def cost(schedule: Schedule, *, forgone_discount: int = 0) -> Cost:
    """The annualised cost of a loan.

    Where the first period is a whole month, periods are months; otherwise dates count (XIRR, days / 365).

    Parameters
    ----------
    schedule : Schedule
    forgone_discount : int
        Fen of cash discount that taking this loan gives up. It is a cost of borrowing: who pays cash would have had
        it at once.

    Raises
    ------
    NoInternalRate
        Fees (and the discount) take all that is lent.

    Examples
    --------
    A "0 %" over 36 months that forgoes a cash discount of 5,000 yuan on 100,000:

    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> free = make(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.0, term_months=36), date(2026, 1, 15))
    >>> round(cost(free, forgone_discount=500_000).nominal, 4)
    0.0336
    """
    payments = [row.interest + row.fee for row in schedule.rows]
    return item_cost(schedule, payments, up_front=schedule.up_front + forgone_discount)


def item_cost(schedule: Schedule, rows: Sequence[int], *, up_front: int = 0) -> Cost:
    """The annualised cost of a loan if some of its costs were its only ones.

    Parameters
    ----------
    schedule : Schedule
    rows : sequence of int
        Fen that the cost takes in each row, beside principal.
    up_front : int
        Fen that it takes at disbursement.

    Raises
    ------
    NoInternalRate
        The cost takes all that is lent.

    Examples
    --------
    The interest of a loan alone costs its contract rate, to the rounding of instalments:

    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import Fee, LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> product = LoanProduct(fees=(Fee(name="service", charged="up_front", share=0.01),))
    >>> made = make(Loan(product, amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 15))
    >>> round(item_cost(made, [row.interest for row in made.rows]).nominal, 5)
    0.06
    """
    received = schedule.loan.amount - up_front
    if received <= 0:
        raise NoInternalRate(
            f"the loan of {schedule.loan.amount} fen leaves {received} after {up_front} at disbursement: "
            "no rate can be stated; the amount must exceed it"
        )
    payments = [float(row.principal + extra) for row, extra in zip(schedule.rows, rows, strict=True)]
    flows = [float(received), *(-payment for payment in payments)]
    due = periods(schedule.loan.product.calendar, schedule.start, schedule.loan.term_months)
    if due.months[0] == 1:
        return Cost.of_monthly(monthly_rate(flows))
    effective = _found(flows, pyxirr.xirr, [schedule.start, *due.due], flows)
    return Cost(12 * ((1 + effective) ** (1 / 12) - 1), effective)


def _found(flows: Sequence[float], method: object, *arguments: Sequence[float] | Sequence[date]) -> float:
    if not (any(f > 0 for f in flows) and any(f < 0 for f in flows)):
        raise NoInternalRate(
            f"an internal rate needs money received and money paid, got flows from {min(flows)} to {max(flows)}"
        )
    rate = method(*arguments)  # type: ignore[operator]
    if rate is None or rate != rate:
        raise NoInternalRate("no internal rate was found for these flows: check amounts and dates")
    return float(rate)
