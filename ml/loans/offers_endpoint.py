"""`POST /v1/loans/offers`: loan offers for an application, or the smallest changes with which it passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, Field, create_model

from features.errors import DataError
from ml.bilingual import Text
from ml.credit_risk.answer import CreditRiskAnswer, answers
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.domain.loans.application import Application
from ml.domain.loans.changes import Change
from ml.domain.loans.offers import Offer, Offers
from ml.domain.loans.rounding import LoanError
from ml.endpoint import Champions
from ml.loans.applicant_risk import Borrower, borrower_model
from ml.loans.catalogue.files import Lending
from ml.loans.collateral_value import TradeInQuote, resale_values, trade_in_quote, used_car_fields
from ml.loans.eligibility import PricingBasis, obstacles
from ml.loans.extras import Extra
from ml.loans.price_conduct import FeeService, Notice, fee_services, price_and_fee_notices
from ml.loans.quotes import changes_for, grid_for, offers_for
from ml.loans.request import Amount, Car, LoanRequest, fen
from ml.signature import RequestPart

BEST_AT: Mapping[str, Text] = {
    "as_requested": Text(zh="按您的方案", en="as requested"),
    "lowest_payment": Text(zh="月供最低", en="lowest monthly payment"),
    "lowest_payment_balloon": Text(
        zh="月供最低（到期付尾款）", en="lowest monthly payment, with an amount due at maturity"
    ),
    "lowest_total_cost": Text(zh="息费合计最低", en="lowest interest and fees"),
    "lowest_down_payment": Text(zh="首付最低", en="lowest down payment"),
    "fastest_equity": Text(zh="还本最快", en="fastest repayment of principal"),
    "balanced": Text(zh="最均衡", en="most balanced"),
}


class PaymentGridRequest(RequestPart):
    """Request for a table of one product's payments by term and down payment."""

    product: str = Field(max_length=200, description="key in the catalogue")
    down_payments: list[Amount] = Field(min_length=1, max_length=20, description="yuan")


class OfferAnswer(BaseModel):
    """One loan offer; money in yuan, rates as yearly fractions."""

    best_at: list[str] = Field(description="measures in which this offer is the best, and balanced")
    best_at_text: list[Text] = Field(description="the same as texts for the customer")
    product: str
    product_name: Text
    lender: Text
    form: str
    down_payment: float
    amount: float
    term_months: int
    annual_rate: float = Field(description="contract rate")
    balloon_share: float | None
    balloon: float
    monthly_payment: float
    final_payment: float = Field(description="last payment, with the balloon or principal due at maturity")
    up_front: float = Field(description="fees at disbursement")
    total_interest: float
    total_fees: float
    total_cost: float = Field(description="interest and fees")
    fees: list[FeeService] = Field(description="fees of the product, each with the service rendered for it")
    forgone_discount: float = Field(description="cash discount that the customer loses with this loan")
    nominal_rate: float = Field(description="annualised cost with all fees: 12 x monthly internal rate")
    effective_rate: float = Field(description="annualised cost with all fees, with compounding")
    implied_rate: float = Field(description="nominal annualised cost with the forgone discount as a further cost")
    loan_to_value: float
    payment_to_income: float = Field(description="this loan and all other debts, as a share of income")
    probability_of_default: float = Field(description="predicted for this loan")
    band: str = Field(description="pre-assessment of this loan: approve, refer or decline")
    expected_profit: float | None = Field(None, description="of the lender; null without lender_view")
    expected_loss: float | None = Field(None, description="of the lender; null without lender_view")


class ChangeAnswer(BaseModel):
    """A changed application that model and lending rules allow; money in yuan."""

    changed: list[str] = Field(description="changed fields: down_payment, term_months, vehicle")
    vehicle_id: str
    vehicle_price: float
    down_payment: float
    term_months: int
    probability_of_default: float
    offer: OfferAnswer


class GridCell(BaseModel):
    """One combination of term and down payment; `violations` lists the rules that exclude it."""

    term_months: int
    down_payment: float
    monthly_payment: float
    nominal_rate: float = Field(description="annualised cost with all fees")
    violations: list[str]


class LoanOffersAnswer(BaseModel):
    """Credit decision, loan offers and smallest changes for one application."""

    credit: CreditRiskAnswer
    risk_band: str | None = Field(description="band that sets the rate; null if the risk is above the last band")
    offers: list[OfferAnswer]
    n_candidates: int = Field(description="number of combinations of product, term, balloon and down payment")
    n_feasible: int = Field(description="number of combinations that violate no rule")
    violations: dict[str, int] = Field(description="rule to the number of combinations that violate it")
    unavailable_products: dict[str, str] = Field(description="product to the first rule that excludes the application")
    changes: list[ChangeAnswer] = Field(description="smallest changes with which the application passes")
    grid: list[GridCell] = Field(description="payments of the product in the request's grid; empty without it")
    trade_in: TradeInQuote | None
    notices: list[Notice] = Field(description="breaches of the rules on prices and fees, each with its remedy")


def request(champions: Champions) -> type[BaseModel]:
    """Return the request model: requested loan, remaining fields of the credit model, and vehicles in stock.

    Parameters
    ----------
    champions : Champions
        Models by task: ``{"credit_risk": ml.champions.load(ml.champions.version_or_champion("credit_risk"))}``;
        optionally also `residual_value`, loaded alike, for used cars and trade-ins.

    Returns
    -------
    type
        Pydantic model `LoanOffersRequest`: the fields of `ml.loans.request.LoanRequest`, and `borrower`, `offers`,
        `stock`, `grid`, `extras`, `lender_view` and `explain`; with `residual_value` also those of `used_car_fields`.
        Amounts in yuan.
    """
    credit = champions["credit_risk"].estimator
    used_car = used_car_fields(champions)
    return create_model(
        "LoanOffersRequest",
        __base__=LoanRequest,
        borrower=(borrower_model(credit.signature), Field(description="further fields of the credit model")),
        offers=(int, Field(4, ge=1, le=8, description="maximum number of offers")),
        stock=(list[Car], Field(default=[], max_length=50, description="alternative vehicles for smaller changes")),
        grid=(PaymentGridRequest | None, None),
        extras=(list[Extra], Field(default=[], max_length=30, description="insurance, tax, plates and services")),
        lender_view=(bool, Field(False, description="include expected profit and loss; internal, not for customers")),
        explain=(bool, Field(True, description="include the reasons of the credit decision")),
        **used_car,
    )


def answer(lending: Lending, champions: Champions, request: Any) -> LoanOffersAnswer:
    """Return credit decision, offers and changes for one application.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    champions : Champions
        Models by task: ``{"credit_risk": ml.champions.load(ml.champions.version_or_champion("credit_risk"))}``;
        optionally also `residual_value`, loaded alike, for used cars and trade-ins.
    request : model
        Instance of the class that `ml.loans.offers_endpoint.request` returns, amounts in yuan; a valid one is
        ``request(champions).model_validate_json(json.dumps(ml.loans.endpoints.ENDPOINTS[0].example(champions)))``.

    Returns
    -------
    LoanOffersAnswer
        `credit` (probability, score and band), `offers` (empty if declined or none is feasible), `changes` (smallest
        changes with which the application passes), `grid` and `trade_in`; amounts in yuan, rates as yearly fractions.

    Raises
    ------
    DataError
        A field of the request violates a rule; the message names field, rule and remedy.
    """
    try:
        return _Quotation(lending, champions, request).answer()
    except LoanError as e:
        raise DataError(str(e)) from None


class _Quotation:
    """Computes the answer for one application."""

    def __init__(self, lending: Lending, champions: Champions, request: Any) -> None:
        self.lending, self.champions, self.request = lending, champions, request
        self.estimator = cast("CreditRiskEstimator", champions["credit_risk"].estimator)
        stock = {car.vehicle_id: car for car in request.stock}
        if len(stock) < len(request.stock) or request.vehicle.vehicle_id in stock:
            raise DataError("stock: every vehicle_id must be unique and differ from the requested vehicle's")
        self.borrower = Borrower(self.estimator, request, request.borrower, stock)
        resale = resale_values(
            champions, getattr(request, "vehicle_details", None), getattr(request, "km_per_month", None)
        )
        self.application = request.application(request.term_months, resale=resale)
        self.credit = answers(
            self.estimator, self.borrower.columns([self.application]), ids=[None], explain=request.explain
        )[0]
        self.state_subsidy_used = fen(request.state_subsidy_used)

    def answer(self) -> LoanOffersAnswer:
        request, credit = self.request, self.credit
        offers = self.offers(self.application, credit.probability_of_default, count=request.offers)
        declined = credit.band == "decline"
        by_product = obstacles(
            self.lending,
            self.application.applicant,
            self.application.vehicle,
            basis=self.basis(credit.probability_of_default),
        )
        return LoanOffersAnswer(
            credit=credit,
            risk_band=self.lending.rules.risk_band(request.on, credit.probability_of_default),
            offers=[] if declined else self.offer_answers(self.application, offers),
            n_candidates=offers.n_candidates,
            n_feasible=offers.n_feasible,
            violations={rule: n for rule, n in offers.violations.items() if n},
            unavailable_products={name: rule for name, rule in by_product.items() if rule},
            changes=[] if credit.band == "approve" and offers.offers else self.changes(),
            grid=self.grid(),
            trade_in=trade_in_quote(self.champions, getattr(request, "trade_in", None)),
            notices=price_and_fee_notices(
                request.extras,
                {o.name: self.lending.catalogue.products[o.name] for o in offers.offers},
                on=request.on,
                condition=request.vehicle.condition,
            ),
        )

    def basis(self, probability: float) -> PricingBasis:
        return PricingBasis(
            on=self.request.on, probability_of_default=probability, state_subsidy_used=self.state_subsidy_used
        )

    def offers(self, application: Application, probability: float, *, count: int) -> Offers:
        """Return offers of all terms; the requested term is only an input of the credit model."""
        open_term = Application(application.applicant, application.vehicle, application.down_payment)
        return offers_for(self.lending, open_term, basis=self.basis(probability), count=count)

    def offer_answers(self, application: Application, offers: Offers) -> list[OfferAnswer]:
        """Return the offers with the probability of default predicted for each."""
        loans = [
            Application(application.applicant, application.vehicle, o.down_payment, o.loan.term_months)
            for o in offers.offers
        ]
        probabilities = self.borrower.probabilities(loans) if loans else []
        return [self.offer_answer(o, p) for o, p in zip(offers.offers, probabilities, strict=True)]

    def offer_answer(self, offer: Offer, probability: float) -> OfferAnswer:
        product = self.lending.catalogue.products[offer.name]
        loan, view = offer.loan, self.request.lender_view
        return OfferAnswer(
            best_at=list(offer.best_at),
            best_at_text=[BEST_AT[name] for name in offer.best_at],
            product=offer.name,
            product_name=product.name,
            lender=self.lending.catalogue.lenders[offer.lender].name,
            form=product.form,
            down_payment=offer.down_payment / 100,
            amount=loan.amount / 100,
            term_months=loan.term_months,
            annual_rate=loan.annual_rate,
            balloon_share=round(loan.balloon / loan.amount, 6) if loan.balloon else None,
            balloon=loan.balloon / 100,
            monthly_payment=offer.monthly_payment / 100,
            final_payment=offer.final_payment / 100,
            up_front=offer.up_front / 100,
            total_interest=offer.total_interest / 100,
            total_fees=offer.total_fees / 100,
            total_cost=offer.total_cost / 100,
            fees=fee_services(self.lending.catalogue, offer.name),
            forgone_discount=offer.forgone_discount / 100,
            nominal_rate=round(offer.nominal_rate, 6),
            effective_rate=round(offer.effective_rate, 6),
            implied_rate=round(offer.implied_rate, 6),
            loan_to_value=round(offer.loan_to_value, 6),
            payment_to_income=round(offer.payment_to_income, 6),
            probability_of_default=round(probability, 6),
            band=str(self.estimator.bands(np.array([probability]))[0]),
            expected_profit=offer.expected_profit / 100 if view else None,
            expected_loss=offer.expected_loss / 100 if view else None,
        )

    def changes(self) -> list[ChangeAnswer]:
        if self.application.term_months is None:
            return []
        changes = changes_for(
            self.lending,
            self.application,
            on=self.request.on,
            probability_of_default=self.borrower.probability_of_default,
            approve_at_most=self.estimator.policy_["approve"],
            vehicles=[car.vehicle() for car in self.request.stock],
            state_subsidy_used=self.state_subsidy_used,
        )
        return [self.change_answer(c) for c in changes]

    def change_answer(self, change: Change) -> ChangeAnswer:
        application = change.application
        offers = offers_for(self.lending, application, basis=self.basis(change.probability_of_default), count=1)
        return ChangeAnswer(
            changed=list(change.changed),
            vehicle_id=application.vehicle.vehicle_id,
            vehicle_price=application.vehicle.price / 100,
            down_payment=application.down_payment / 100,
            term_months=int(application.term_months or 0),
            probability_of_default=round(change.probability_of_default, 6),
            offer=self.offer_answers(application, offers)[0],
        )

    def grid(self) -> list[GridCell]:
        if self.request.grid is None:
            return []
        grid_request = self.request.grid
        grid = grid_for(
            self.lending,
            grid_request.product,
            self.application,
            [fen(d) for d in grid_request.down_payments],
            basis=self.basis(self.credit.probability_of_default),
        )
        return [
            GridCell(
                term_months=term,
                down_payment=down / 100,
                monthly_payment=cell.monthly_payment / 100,
                nominal_rate=round(cell.nominal_rate, 6),
                violations=list(cell.violations),
            )
            for term, row in zip(grid.terms, grid.cells, strict=True)
            for down, cell in zip(grid.down_payments, row, strict=True)
        ]
