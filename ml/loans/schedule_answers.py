"""Parts of the answer of `POST /v1/loans/schedule`, in yuan, made from the domain's amounts in fen."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import BaseModel, Field

from ml.domain.loans.leaving import Leaving
from ml.domain.loans.prepayment import Prepayment, Treatment
from ml.domain.loans.schedule import Row
from ml.domain.loans.settlement import Settlement


class RowAnswer(BaseModel):
    """One instalment; money in yuan."""

    number: int = Field(description="month of the term, from 1")
    due: date
    principal: float
    interest: float = Field(description="after all subsidies")
    fee: float = Field(description="fees of this instalment; those at disbursement are `up_front`")
    deposit: float = Field(description="part of a lease's deposit that comes back")
    payment: float = Field(description="principal, interest and fee, less deposit; negative if more comes back")
    balance: float = Field(description="outstanding principal after the instalment")

    @classmethod
    def of(cls, row: Row, *, n_paid: int = 0) -> Self:
        """Return the answer for one row of a schedule that begins after `n_paid` instalments.

        Examples
        --------
        >>> from datetime import date
        >>> from ml.domain.loans.loan import Loan
        >>> from ml.domain.loans.product import LoanProduct
        >>> from ml.domain.loans.schedule import schedule
        >>> plan = schedule(Loan(LoanProduct(), amount=10_000_000, annual_rate=0.06, term_months=36), date(2026, 1, 15))
        >>> RowAnswer.of(plan.rows[0]).payment
        3042.19
        """
        return cls(
            number=row.number + n_paid,
            due=row.due,
            principal=row.principal / 100,
            interest=row.interest / 100,
            fee=row.fee / 100,
            deposit=row.deposit / 100,
            payment=row.payment / 100,
            balance=row.balance / 100,
        )


class SettlementAnswer(BaseModel):
    """Quote for early settlement; money in yuan."""

    on: date
    outstanding: float = Field(description="outstanding principal after the instalments due until that day")
    accrued_interest: float = Field(description="interest since the last due date, and deferred interest not yet paid")
    accrued_fees: float = Field(description="fees of the period since the last due date")
    penalty: float = Field(description="charge for settling early, by the lender's terms; 0 from the free month on")
    rebate: float = Field(description="refund of unearned up-front fees")
    fees_at_maturity: float = Field(description="such as a lease's purchase option, which settling makes due")
    deposit: float = Field(description="deposit of a lease that is set off")
    total: float = Field(
        description="amount to pay: outstanding, accrued interest and fees, penalty and fees at maturity, less rebate "
        "and deposit"
    )
    interest_saved: float = Field(description="scheduled interest that is no longer due; it counts no fees")
    cost_saved: float = Field(description="scheduled interest and fees no longer due, plus rebate, less penalty")

    @classmethod
    def of(cls, quote: Settlement) -> Self:
        """Return the answer for a quote of `ml.domain.loans.settlement.settle`."""
        return cls(
            on=quote.on,
            outstanding=quote.outstanding / 100,
            accrued_interest=quote.accrued_interest / 100,
            accrued_fees=quote.accrued_fees / 100,
            penalty=quote.penalty / 100,
            rebate=quote.rebate / 100,
            fees_at_maturity=quote.fees_at_maturity / 100,
            deposit=quote.deposit / 100,
            total=quote.total / 100,
            interest_saved=quote.interest_saved / 100,
            cost_saved=quote.cost_saved / 100,
        )


class PrepaymentAnswer(BaseModel):
    """Quote for a partial prepayment, and the instalments after it; money in yuan."""

    on: date
    amount: float = Field(description="principal repaid on the day")
    treatment: Treatment
    accrued_interest: float = Field(description="interest since the last due date on the whole balance, due on the day")
    accrued_fees: float = Field(description="yearly fees on the balance since the last due date, due on the day")
    penalty: float = Field(description="penalty on the prepaid amount")
    total: float = Field(description="amount to pay on the day: prepaid principal, accrued interest and fees, penalty")
    interest_saved: float = Field(description="scheduled interest that is no longer due; it counts no fees")
    cost_saved: float = Field(description="scheduled interest and fees no longer due, less penalty")
    rows: list[RowAnswer] = Field(description="instalments after the day, numbered as in the schedule")

    @classmethod
    def of(cls, quote: Prepayment) -> Self:
        """Return the answer for a quote of `ml.domain.loans.prepayment.prepay`."""
        return cls(
            on=quote.on,
            amount=quote.amount / 100,
            treatment=quote.treatment,
            accrued_interest=quote.accrued_interest / 100,
            accrued_fees=quote.accrued_fees / 100,
            penalty=quote.penalty / 100,
            total=quote.total / 100,
            interest_saved=quote.interest_saved / 100,
            cost_saved=quote.cost_saved / 100,
            rows=[RowAnswer.of(row, n_paid=quote.n_paid) for row in quote.schedule.rows],
        )


class LeavingAnswer(BaseModel):
    """Cost of having had the loan for some months; money in yuan, annualised costs as yearly fractions."""

    months: int = Field(description="months after disbursement; the settlement's date is that day")
    settlement: SettlementAnswer
    interest: float = Field(description="interest paid until then, accrued interest included")
    fees: float = Field(description="fees paid until then, at disbursement and accrued fees included")
    total_cost: float = Field(description="interest, fees and penalty until then, less rebate")
    nominal_rate: float = Field(description="annualised cost of the amounts actually paid: 12 x monthly internal rate")
    effective_rate: float = Field(description="annualised cost of the amounts actually paid, with compounding")
    resale_value: float | None = Field(description="as requested")
    equity: float | None = Field(description="resale value less the settlement's total; negative if it does not pay it")

    @classmethod
    def of(cls, quote: Leaving) -> Self:
        """Return the answer for a cost of `ml.domain.loans.leaving.leave`."""
        return cls(
            months=quote.months,
            settlement=SettlementAnswer.of(quote.settlement),
            interest=quote.interest / 100,
            fees=quote.fees / 100,
            total_cost=quote.total_cost / 100,
            nominal_rate=round(quote.cost.nominal, 6),
            effective_rate=round(quote.cost.effective, 6),
            resale_value=None if quote.resale_value is None else quote.resale_value / 100,
            equity=None if quote.equity is None else quote.equity / 100,
        )
