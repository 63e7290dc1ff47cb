"""`POST /v1/loans/schedule`: repayment schedule of a loan, and quote for early settlement.

A request names product, amount, rate, term and balloon as an offer states them. They are checked against the catalogue
of the request's date; a rate outside the product's grid is rejected. No model is used.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.domain.loans.cost import cost
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import product_by_name
from ml.loans.loan_limits import unchecked_limits
from ml.loans.loan_terms import LoanTerms, build_loan
from ml.loans.repayment import schedule_for, settlement_for


class ScheduleRequest(LoanTerms):
    """Terms of a loan, and optionally a day of early settlement."""

    settle_on: Annotated[date | None, Field(strict=False, description="day of early settlement")] = None


class RowAnswer(BaseModel):
    """One instalment; money in yuan."""

    number: int = Field(description="month of the term, from 1")
    due: date
    principal: float
    interest: float
    fee: float
    payment: float = Field(description="principal, interest and fee")
    balance: float = Field(description="outstanding principal after the instalment")


class SettlementAnswer(BaseModel):
    """Quote for early settlement; money in yuan."""

    on: date
    outstanding: float = Field(description="outstanding principal")
    accrued_interest: float = Field(description="interest since the last due date, and deferred interest not yet paid")
    accrued_fees: float = Field(description="fees of the period since the last due date")
    penalty: float
    rebate: float = Field(description="refund of unearned up-front fees")
    total: float = Field(description="amount to pay: outstanding, accrued interest and fees, and penalty, less rebate")
    interest_saved: float = Field(description="scheduled interest that is no longer due; it counts no fees")
    cost_saved: float = Field(description="scheduled interest and fees no longer due, plus rebate, less penalty")


class ScheduleAnswer(BaseModel):
    """Repayment schedule; money in yuan, annualised costs as yearly fractions."""

    rows: list[RowAnswer]
    up_front: float = Field(description="fees at disbursement")
    total_interest: float
    total_fees: float
    total_cost: float = Field(description="interest and fees")
    total_payment: float = Field(description="principal, interest and fees")
    nominal_rate: float = Field(description="annualised cost with all fees: 12 x monthly internal rate")
    effective_rate: float = Field(description="annualised cost with all fees, with compounding")
    subsidies: dict[str, float] = Field(description="payer (maker, dealer, state) to the interest that it pays")
    settlement: SettlementAnswer | None
    unchecked: list[Text] = Field(description="limits that the request does not allow to check, in words")


def answer_schedule(lending: Lending, request: ScheduleRequest) -> ScheduleAnswer:
    """Return the repayment schedule of a loan in yuan, with a quote for early settlement if `settle_on` is set.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    request : ScheduleRequest
        Terms of the loan, amounts in yuan; `settle_on` is the day of early settlement, or None. Such as
        ``ml.loans.schedule_endpoint.ScheduleRequest(**ml.loans.endpoints.EXAMPLE_LOAN)``.

    Returns
    -------
    ScheduleAnswer
        `rows` (one per month), totals and `settlement` in yuan; `nominal_rate` and `effective_rate`, yearly fractions.

    Raises
    ------
    DataError
        The product is unknown, the loan does not agree with its terms in the catalogue, or `settle_on` is before
        disbursement or after maturity.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.schedule_endpoint import ScheduleRequest
    >>> lending = read_lending(Path("configs"))
    >>> request = ScheduleRequest(
    ...     product="bank_standard", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.035, term_months=36,
    ...     settle_on=date(2027, 9, 10),
    ... )
    >>> schedule = answer_schedule(lending, request)
    >>> schedule.rows[0].payment, schedule.total_interest, schedule.nominal_rate, schedule.settlement.total
    (2846.87, 5244.05, 0.033401, 67883.93)
    """
    schedule = schedule_for(build_loan(lending, request), request.on)
    rates = cost(schedule)
    return ScheduleAnswer(
        rows=[
            RowAnswer(
                number=r.number,
                due=r.due,
                principal=r.principal / 100,
                interest=r.interest / 100,
                fee=r.fee / 100,
                payment=r.payment / 100,
                balance=r.balance / 100,
            )
            for r in schedule.rows
        ],
        up_front=schedule.up_front / 100,
        total_interest=schedule.total_interest / 100,
        total_fees=schedule.total_fees / 100,
        total_cost=schedule.total_cost / 100,
        total_payment=schedule.total_payment / 100,
        nominal_rate=round(rates.nominal, 6),
        effective_rate=round(rates.effective, 6),
        subsidies=_by_payer(schedule),
        settlement=_settlement(lending, request.product, schedule, request.settle_on),
        unchecked=unchecked_limits(lending, product_by_name(lending, request.product), request.stated_loan),
    )


def _by_payer(schedule: Schedule) -> dict[str, float]:
    paid: dict[str, int] = {}
    for subsidy, amount in schedule.subsidy_totals:
        paid[subsidy.payer] = paid.get(subsidy.payer, 0) + amount
    return {payer: amount / 100 for payer, amount in paid.items()}


def _settlement(lending: Lending, product: str, schedule: Schedule, on: date | None) -> SettlementAnswer | None:
    if on is None:
        return None
    quote = settlement_for(lending, product, schedule, on)
    return SettlementAnswer(
        on=quote.on,
        outstanding=quote.outstanding / 100,
        accrued_interest=quote.accrued_interest / 100,
        accrued_fees=quote.accrued_fees / 100,
        penalty=quote.penalty / 100,
        rebate=quote.rebate / 100,
        total=quote.total / 100,
        interest_saved=quote.interest_saved / 100,
        cost_saved=quote.cost_saved / 100,
    )
