"""Loans that a wished monthly payment affords (按月供反算): request, answer and its computation."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from pydantic import BaseModel, Field

from ml.domain.loans.affordability import AffordableLoan
from ml.domain.loans.application import Application
from ml.domain.loans.loan_grid import Unknown
from ml.domain.loans.offers import Offer
from ml.loans.amounts import Amount, fen
from ml.loans.catalogue.files import Lending
from ml.loans.offer_answer import OfferAnswer
from ml.loans.pricing_basis import PricingBasis
from ml.loans.quotes import affordable_for
from ml.signature import RequestPart


class ForPaymentRequest(RequestPart):
    """Wished monthly payment, and what to solve for."""

    monthly_payment: Amount = Field(gt=0, description="highest monthly payment, yuan")
    solve: Unknown = Field(
        description="lowest down_payment at the requested term, shortest term_months at the requested down payment, or "
        "highest price at both; without a requested term every term"
    )


class AffordableLoanAnswer(BaseModel):
    """A loan within the wish; a request with this price, cash and term has the same offer. Money in yuan."""

    vehicle_price: float
    down_payment: float = Field(description="in cash and by trade-in; may be more than the request's")
    cash: float = Field(description="down payment less the trade-in's net value: the request's down_payment")
    term_months: int
    offer: OfferAnswer


class ForPaymentAnswer(BaseModel):
    """Loans within a wished monthly payment; money in yuan."""

    monthly_payment: float = Field(description="the wish")
    solve: Unknown
    loans: list[AffordableLoanAnswer] = Field(
        description="the best of each product and balloon; the first leaves no principal to maturity, if there is such"
    )
    nearest: AffordableLoanAnswer | None = Field(
        description="if there is none: the loan with the lowest payment of all; null if every loan violates a rule"
    )
    violations: dict[str, int] = Field(
        description="rule to the number of products (balloons apart) that it leaves without a loan within the wish; "
        "wished_payment: loans are allowed, but their payments exceed the wish"
    )
    step: float | None = Field(description="distance of the down payments or prices that were tried; null for terms")


def for_payment_answer(
    lending: Lending,
    application: Application,
    request: ForPaymentRequest,
    *,
    basis: PricingBasis,
    step: int,
    count: int,
    products: Collection[str] | None,
    net: int,
    answer_of: Callable[[Application, Offer], OfferAnswer],
) -> ForPaymentAnswer:
    """Return the loans within a wished monthly payment as JSON content.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`.
    application : Application
        Applicant, vehicle, and the requested down payment and term.
    request : ForPaymentRequest
        Wish, and what to solve for.
    basis : PricingBasis
        Date and credit assessment.
    step : int
        Distance of two down payments or prices, fen.
    count : int
        Maximum number of loans.
    products : collection of str or None
        Keys of the products to compare; None for all.
    net : int
        Net value of the car that is traded in, fen; below 0 if its loan is larger.
    answer_of : callable
        ``(application, offer) -> OfferAnswer``: JSON content of an offer for an application with the price of its loan.

    Raises
    ------
    DataError
        The date is before the first rule, or the vehicle class or a product is unknown.
    """
    wish = fen(request.monthly_payment)
    result = affordable_for(
        lending,
        application,
        basis=basis,
        unknown=request.solve,
        wish=wish,
        step=step,
        count=count,
        products=products,
    )

    def content(loan: AffordableLoan) -> AffordableLoanAnswer:
        vehicle = replace(application.vehicle, price=loan.vehicle_price)
        down = loan.offer.down_payment
        solved = replace(application, vehicle=vehicle, down_payment=down, term_months=loan.offer.loan.term_months)
        return AffordableLoanAnswer(
            vehicle_price=loan.vehicle_price / 100,
            down_payment=down / 100,
            cash=(down - net) / 100,
            term_months=loan.offer.loan.term_months,
            offer=answer_of(solved, loan.offer),
        )

    return ForPaymentAnswer(
        monthly_payment=wish / 100,
        solve=request.solve,
        loans=[content(loan) for loan in result.loans],
        nearest=None if result.nearest is None else content(result.nearest),
        violations=result.violations,
        step=None if result.step is None else result.step / 100,
    )
