"""Cost of having a loan for some months and settling it then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ml.domain.loans.calendar import payment_date
from ml.domain.loans.cost import Cost, cost_of_payments
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule
from ml.domain.loans.settlement import Settlement, SettlementRule, settle


@dataclass(frozen=True)
class Leaving:
    """Cost of a loan up to its early settlement, as returned by `leave`; money in fen.

    Attributes
    ----------
    months : int
        Months after disbursement.
    settlement : Settlement
        Quote for settling on that day.
    interest : int
        Interest paid until then, accrued interest of the settlement included.
    fees : int
        Fees paid until then: at disbursement, with instalments, accrued, and at maturity.
    cost : Cost
        Annualised cost of all amounts received and paid until then.
    resale_value : int or None
        Value of the vehicle on the day, if known.
    """

    months: int
    settlement: Settlement
    interest: int
    fees: int
    cost: Cost
    resale_value: int | None

    @property
    def total_cost(self) -> int:
        """Interest, fees and penalty until then, less the rebate, fen."""
        return self.interest + self.fees + self.settlement.penalty - self.settlement.rebate

    @property
    def equity(self) -> int | None:
        """Resale value less the amount that settles the loan, fen; negative if the sale does not pay the loan off."""
        return None if self.resale_value is None else self.resale_value - self.settlement.total


def leave(schedule: Schedule, months: int, *, rule: SettlementRule, resale_value: int | None = None) -> Leaving:
    """Return the cost of settling a loan some months after disbursement.

    Parameters
    ----------
    schedule : Schedule
        As returned by `ml.domain.loans.schedule.schedule`.
    months : int
        Months after disbursement, from 1 to the number of instalments; the last means maturity.
    rule : SettlementRule
        Terms of the lender.
    resale_value : int, optional
        Value of the vehicle on that day, fen.

    Returns
    -------
    Leaving
        `settlement` with the day, `total_cost` until then with its parts, and `cost`, the annualised cost of the
        amounts that are actually paid.

    Raises
    ------
    LoanError
        `months` is out of range.
    NoInternalRate
        Fees at disbursement are as large as the loan or larger.

    Examples
    --------
    A service fee of 1% that is not refunded, and a penalty of 3%, make two years dearer than three:

    >>> from datetime import date
    >>> from ml.domain.loans.leaving import leave
    >>> from ml.domain.loans.loan import Loan
    >>> from ml.domain.loans.product import Fee, LoanProduct
    >>> from ml.domain.loans.schedule import schedule as make
    >>> from ml.domain.loans.settlement import SettlementRule
    >>> product = LoanProduct(fees=(Fee(name="service", charged="up_front", share=0.01),))
    >>> plan = make(Loan(product, amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 15))
    >>> rule = SettlementRule(share_of_outstanding=0.03)
    >>> early, late = leave(plan, 24, rule=rule), leave(plan, 36, rule=rule)
    >>> str(early.settlement.on), early.total_cost, round(early.cost.nominal, 4), round(late.cost.nominal, 4)
    ('2028-01-15', 1042011, 0.0747, 0.0668)
    """
    term = len(schedule.rows)
    if type(months) is not int or not 1 <= months <= term:
        raise LoanError(f"months after disbursement must be a whole number from 1 to {term} (maturity), got {months!r}")
    settlement = settle(schedule, _day(schedule, months), rule=rule)
    paid = [row for row in schedule.rows if row.due <= settlement.on]
    payments = [(row.due, row.payment) for row in paid]
    if settlement.total:
        payments.append((settlement.on, settlement.total))
    return Leaving(
        months=months,
        settlement=settlement,
        interest=sum(row.interest for row in paid) + settlement.accrued_interest,
        fees=schedule.up_front + sum(row.fee for row in paid) + settlement.accrued_fees + settlement.fees_at_maturity,
        cost=cost_of_payments(schedule, payments, schedule.up_front + schedule.deposit),
        resale_value=resale_value,
    )


def _day(schedule: Schedule, months: int) -> date:
    if months == len(schedule.rows):
        return schedule.rows[-1].due
    start = schedule.start
    ends_month = payment_date(start, 0, payment_day=31) == start
    if ends_month and schedule.loan.product.calendar.payment_day == "end_of_month":
        return payment_date(start, months, payment_day=31)
    return payment_date(start, months, payment_day=start.day)
