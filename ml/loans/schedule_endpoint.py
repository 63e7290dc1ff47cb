"""`POST /v1/loan_offers/schedule` and `/disclosure`: one loan row by row, and the mandatory form of its cost.

Both take the loan as an offer names it (product, amount, rate, term, balloon) and hold it against the catalogue of its
own date: a rate that is in no band of the grid is refused. No model is asked.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from features.errors import DataError
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.files import Lending
from ml.loans.disclosure import Disclosure, disclose
from ml.loans.eligibility import product_named
from ml.loans.quotes import schedule_for, settlement_for
from ml.loans.request import Amount, Asked, fen


class LoanTerms(Asked):
    """A loan as an offer names it."""

    product: str = Field(max_length=200)
    on: Annotated[date, Field(strict=False, description="date of the application and of disbursement")]
    amount: Amount = Field(gt=0, description="in yuan")
    annual_rate: float = Field(ge=0, le=1, allow_inf_nan=False, description="contract rate, a yearly fraction")
    term_months: int = Field(ge=1, le=120)
    balloon: Amount = Field(0.0, description="in yuan; only with products that have one")
    private: bool = Field(True, description="for private use: the state subsidises private consumption only")
    state_subsidy_used: Amount = Field(0.0, description="state subsidy used this year with the lender, in yuan")


class ScheduleAsked(LoanTerms):
    """A loan, and a day on which it might be settled early."""

    settle_on: Annotated[date | None, Field(strict=False)] = None


class RowAnswer(BaseModel):
    """One instalment, in yuan."""

    number: int
    due: date
    principal: float
    interest: float
    fee: float
    payment: float
    balance: float = Field(description="principal outstanding afterwards")


class SettlementAnswer(BaseModel):
    """What settling early takes, in yuan."""

    on: date
    outstanding: float
    accrued_interest: float
    penalty: float
    rebate: float
    total: float
    interest_saved: float


class ScheduleAnswer(BaseModel):
    """The loan row by row; money in yuan, rates as yearly fractions."""

    rows: list[RowAnswer]
    up_front: float
    total_interest: float
    total_fees: float
    total_cost: float
    total_payment: float
    nominal_rate: float
    effective_rate: float
    subsidised: dict[str, float] = Field(description="interest that others pay, by payer")
    settlement: SettlementAnswer | None


def loan_of(lending: Lending, asked: LoanTerms) -> Loan:
    """The loan, held against the catalogue of its day.

    Raises
    ------
    DataError
        The product is unknown or not sold that day, or amount, term, rate or balloon are not of its grid.
    """
    product = product_named(lending, asked.product)
    grid = product.rates_dated(asked.on)
    if grid is None:
        raise DataError(f"product '{asked.product}' is not sold on {asked.on}; choose another or another date")
    allowed = sorted({rates[asked.term_months] for rates in grid.by_band.values() if asked.term_months in rates})
    if asked.annual_rate not in allowed:
        told = ", ".join(f"{r:g}" for r in allowed) if allowed else f"none for a term of {asked.term_months} months"
        raise DataError(f"annual_rate: must be a rate of product '{asked.product}' on {asked.on}: {told}")
    amount, balloon = fen(asked.amount), fen(asked.balloon)
    if not product.minimum_amount <= amount <= product.maximum_amount:
        limits = f"from {product.minimum_amount / 100:.2f} to {product.maximum_amount / 100:.2f} yuan"
        raise DataError(f"amount: of product '{asked.product}' must be {limits}")
    shares = product.balloon_shares or (0.0,)
    if not any(abs(balloon - amount * share) <= 1 for share in shares):
        told = " or ".join(f"{amount * share / 100:.2f}" for share in shares)
        raise DataError(f"balloon: of product '{asked.product}' must be {told} yuan")
    lender = lending.catalogue.lenders[product.lender]
    state = None
    if asked.private and lender.state_subsidy and product.state_subsidy:
        state = lending.rules.state_subsidy_on(asked.on, used_this_year=fen(asked.state_subsidy_used))
    try:
        return Loan(product.loan_product(lender, state=state), amount, asked.annual_rate, asked.term_months, balloon)
    except LoanError as e:
        raise DataError(str(e)) from None


def answer_schedule(lending: Lending, asked: ScheduleAsked) -> ScheduleAnswer:
    """Every instalment of a loan, and a quote for settling it early."""
    made = schedule_for(loan_of(lending, asked), asked.on)
    found = cost(made)
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
            for r in made.rows
        ],
        up_front=made.up_front / 100,
        total_interest=made.total_interest / 100,
        total_fees=made.total_fees / 100,
        total_cost=made.total_cost / 100,
        total_payment=made.total_payment / 100,
        nominal_rate=round(found.nominal, 6),
        effective_rate=round(found.effective, 6),
        subsidised=_by_payer(made),
        settlement=None if asked.settle_on is None else _settlement(lending, asked.product, made, asked.settle_on),
    )


def answer_disclosure(lending: Lending, asked: LoanTerms) -> Disclosure:
    """The mandatory statement of what a loan costs."""
    return disclose(lending, asked.product, schedule_for(loan_of(lending, asked), asked.on))


def _by_payer(made: Schedule) -> dict[str, float]:
    paid: dict[str, int] = {}
    for subsidy, amount in made.subsidised:
        paid[subsidy.payer] = paid.get(subsidy.payer, 0) + amount
    return {payer: amount / 100 for payer, amount in paid.items()}


def _settlement(lending: Lending, product: str, made: Schedule, on: date) -> SettlementAnswer:
    quote = settlement_for(lending, product, made, on)
    return SettlementAnswer(
        on=quote.on,
        outstanding=quote.outstanding / 100,
        accrued_interest=quote.accrued_interest / 100,
        penalty=quote.penalty / 100,
        rebate=quote.rebate / 100,
        total=quote.total / 100,
        interest_saved=quote.interest_saved / 100,
    )
