"""`POST /v1/loans/schedule`: repayment schedule of a loan, and quotes for settling it, prepaying a part, or leaving it.

A request names product, amount, rate, term and balloon as an offer states them. They are checked against the catalogue
of the request's date; a rate outside the product's grid is rejected. No model is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import BaseModel, Field

from features.errors import DataError
from ml.bilingual import Text
from ml.domain.loans.cost import cost
from ml.domain.loans.prepayment import Treatment
from ml.domain.loans.schedule import Schedule
from ml.loans.amounts import Amount, fen
from ml.loans.catalogue.files import Lending
from ml.loans.days import Day
from ml.loans.eligibility import product_by_name
from ml.loans.lease_answer import LeaseAnswer, lease_answer
from ml.loans.loan_limits import unchecked_limits
from ml.loans.loan_terms import LoanTerms, build_loan, may_have_state_subsidy
from ml.loans.repayment import leaving_for, prepayment_for, schedule_for, settlement_for, subsidies_by_payer
from ml.loans.schedule_answers import LeavingAnswer, PrepaymentAnswer, RowAnswer, SettlementAnswer
from ml.signature import RequestPart


class PrepayRequest(RequestPart):
    """A partial prepayment."""

    on: Annotated[Day, Field(description="day of the prepayment")]
    amount: Amount = Field(gt=0, description="principal to repay, yuan")
    treatment: Treatment = Field(
        description="shorter_term: fewer instalments, none larger than before; lower_instalment: the same maturity"
    )


class LeaveRequest(RequestPart):
    """Settlement of the loan some months after disbursement."""

    after_months: int = Field(ge=1, le=120, description="months after disbursement; the term means maturity")
    resale_value: Amount | None = Field(None, description="value of the vehicle on that day, yuan")


class ScheduleRequest(LoanTerms):
    """Terms of a loan, and optional quotes; each is for the loan as scheduled, without the others."""

    settle_on: Annotated[Day | None, Field(description="day of early settlement")] = None
    prepay: PrepayRequest | None = Field(None, description="partial prepayment")
    leave: LeaveRequest | None = Field(None, description="settlement after some months, to see the cost by then")


class ScheduleAnswer(BaseModel):
    """Repayment schedule; money in yuan, annualised costs as yearly fractions."""

    rows: list[RowAnswer]
    up_front: float = Field(description="fees at disbursement")
    total_interest: float = Field(description="after all subsidies")
    total_fees: float = Field(description="with those at disbursement")
    total_cost: float = Field(description="interest and fees")
    total_payment: float = Field(description="principal, interest and fees")
    nominal_rate: float = Field(description="annualised cost with all fees: 12 x monthly internal rate")
    effective_rate: float = Field(description="annualised cost with all fees, with compounding")
    subsidies: dict[str, float] = Field(description="payer (maker, dealer, state) to the interest that it pays")
    lease: LeaseAnswer | None = Field(description="owner, deposit and purchase option of a finance lease")
    settlement: SettlementAnswer | None = Field(description="answer to settle_on")
    prepayment: PrepaymentAnswer | None = Field(description="answer to prepay")
    leaving: LeavingAnswer | None = Field(description="answer to leave")
    notes: list[Text] = Field(description="in words: a state subsidy that has ended, ends soon or has not begun")
    unchecked: list[Text] = Field(description="limits that the request does not allow to check, in words")


def answer_schedule(lending: Lending, request: ScheduleRequest) -> ScheduleAnswer:
    """Return the repayment schedule of a loan in yuan, with the quotes that the request asks for.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    request : ScheduleRequest
        Terms of the loan, amounts in yuan; `settle_on`, `prepay` and `leave` are None or ask for a quote.
        Such as
        ``ml.loans.schedule_endpoint.ScheduleRequest(**ml.loans.endpoints.EXAMPLE_LOAN)``.

    Returns
    -------
    ScheduleAnswer
        `rows` (one per month), totals, `settlement`, `prepayment` and `leaving` in yuan; `nominal_rate` and
        `effective_rate`, yearly fractions.

    Raises
    ------
    DataError
        The product is unknown, the loan does not agree with its terms in the catalogue, a day is outside the loan, or
        the prepayment is out of range.

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
        rows=[RowAnswer.of(row) for row in schedule.rows],
        up_front=schedule.up_front / 100,
        total_interest=schedule.total_interest / 100,
        total_fees=schedule.total_fees / 100,
        total_cost=schedule.total_cost / 100,
        total_payment=schedule.total_payment / 100,
        nominal_rate=round(rates.nominal, 6),
        effective_rate=round(rates.effective, 6),
        subsidies=subsidies_by_payer(schedule),
        lease=lease_answer(schedule.loan),
        settlement=_settlement(lending, request, schedule),
        prepayment=_prepayment(lending, request, schedule),
        leaving=_leaving(lending, request, schedule),
        notes=lending.rules.notes_on(request.on) if may_have_state_subsidy(lending, request) else [],
        unchecked=unchecked_limits(lending, product_by_name(lending, request.product), request.stated_loan),
    )


def _settlement(lending: Lending, request: ScheduleRequest, schedule: Schedule) -> SettlementAnswer | None:
    if request.settle_on is None:
        return None
    with _errors_of("settle_on"):
        return SettlementAnswer.of(settlement_for(lending, request.product, schedule, request.settle_on))


def _prepayment(lending: Lending, request: ScheduleRequest, schedule: Schedule) -> PrepaymentAnswer | None:
    if (prepay := request.prepay) is None:
        return None
    with _errors_of("prepay"):
        amount, treatment = fen(prepay.amount), prepay.treatment
        return PrepaymentAnswer.of(
            prepayment_for(lending, request.product, schedule, prepay.on, amount=amount, treatment=treatment)
        )


def _leaving(lending: Lending, request: ScheduleRequest, schedule: Schedule) -> LeavingAnswer | None:
    if (leave := request.leave) is None:
        return None
    resale_value = None if leave.resale_value is None else fen(leave.resale_value)
    with _errors_of("leave"):
        return LeavingAnswer.of(
            leaving_for(lending, request.product, schedule, leave.after_months, resale_value=resale_value)
        )


@contextmanager
def _errors_of(field: str) -> Iterator[None]:
    """Name the field of the request in the errors of the block."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{field}: {error}") from None
