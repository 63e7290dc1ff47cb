"""`POST /v1/loans/offers`: loan offers for an application, or the smallest changes with which it passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from functools import cached_property
from typing import Annotated, Any, cast

import numpy as np
from pydantic import BaseModel, Field, create_model

from features.errors import DataError
from ml.bilingual import Text
from ml.credit_risk.answer import CreditRiskAnswer, answers
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.domain.loans.application import Application
from ml.domain.loans.assessment import ProposedLoans
from ml.domain.loans.changes import Change
from ml.domain.loans.offers import Offer
from ml.domain.loans.rounding import LoanError
from ml.endpoint import Champions
from ml.instants import microseconds
from ml.loans.amounts import MAX_YUAN, Amount, fen
from ml.loans.applicant_risk import Borrower, borrower_model
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Product
from ml.loans.collateral_value import TradeInQuote, resale_values, trade_in_quote, used_car_fields, used_car_gaps
from ml.loans.eligibility import obstacles
from ml.loans.extras import Extra
from ml.loans.for_payment import ForPaymentAnswer, ForPaymentRequest, for_payment_answer
from ml.loans.offer_answer import (
    CashPurchase,
    ChangeAnswer,
    GridCell,
    OfferAnswer,
    cash_purchase,
    grid_cells,
    offer_answer,
)
from ml.loans.offer_identity import offer_id
from ml.loans.plan_products import ProductAnswer, product_answers, products_at
from ml.loans.price_conduct import Notice, price_and_fee_notices
from ml.loans.pricing_basis import PricingBasis
from ml.loans.quotes import changes_for, grid_for, offer_at, offers_for
from ml.loans.request import Car, LoanRequest
from ml.loans.requested_loan import requested_loan_notes
from ml.plausibility import FieldWarning
from ml.signature import Name, RequestPart

# Of two lower limits of a field pydantic applies one: a step cannot be an Amount with a further limit.
Step = Annotated[float, Field(ge=1, le=MAX_YUAN, multiple_of=0.01, allow_inf_nan=False)]

# Fields that ask for something about an offer, and are no inputs of the offer itself.
_QUESTIONS = frozenset(
    {
        "down_payment",
        "term_months",
        "offers",
        "products",
        "stock",
        "grid",
        "for_payment",
        "change_step",
        "lender_view",
        "explain",
        "compare",
        "trade_in",
    }
)
# Details of the requested vehicle; the offer of a change to another vehicle is the offer of a request without them.
_OF_THE_REQUESTED_VEHICLE = frozenset({"vehicle_details", "km_per_month"})


class PaymentGridRequest(RequestPart):
    """Request for a table of one product's payments by term and down payment."""

    product: str | None = Field(
        None, max_length=200, description="key in the catalogue; null for the product of the first offer"
    )
    down_payments: list[Amount] = Field(min_length=1, max_length=20, description="in cash and by trade-in, yuan")
    balloon_share: float | None = Field(None, gt=0, lt=1, description="null for the product's first, or none")


class LoanOffersAnswer(BaseModel):
    """Credit decision, loan offers and smallest changes for one application."""

    credit: CreditRiskAnswer = Field(description="of the requested loan; each offer has its own")
    risk_band: str | None = Field(description="band of the requested loan; null if its risk is above the last band")
    offers: list[OfferAnswer] = Field(description="none that would be declined; band says which would be referred")
    n_candidates: int = Field(description="number of combinations of product, term, balloon and down payment")
    n_feasible: int = Field(description="number of combinations that violate no rule")
    n_approved: int = Field(description="number of these that would be approved; the others are referred")
    violations: dict[str, int] = Field(
        description="rule to the number of combinations that violate it: risk_band (no rate for this risk), "
        "credit_decision (would be declined), amount, loan_to_value (or minimum down payment), extras, "
        "payment_to_income, term, age_at_maturity, balloon, annualised_cost, expected_profit"
    )
    unavailable_products: dict[str, str] = Field(
        description="product to the first rule that excludes it: vehicle_class, brand, date (not sold on that day), "
        "income, age, or risk_band (no rate for the risk of any of its loans)"
    )
    changes: list[ChangeAnswer] = Field(description="smallest changes for an approval; none if n_approved is above 0")
    grid: list[GridCell] = Field(description="payments of the product in the request's grid; empty without it")
    grid_product: str | None = Field(
        description="product of the grid; null without a grid, and without any offer for it"
    )
    products: list[ProductAnswer] = Field(
        description="with `compare`: every product at exactly the requested down payment and term, or why it has none"
    )
    for_payment: ForPaymentAnswer | None = Field(description="loans within the wished monthly payment; null without it")
    cash: CashPurchase = Field(description="purchase without a loan")
    trade_in: TradeInQuote | None
    notices: list[Notice] = Field(description="breaches of the rules on prices and fees, each with its remedy")
    missing: list[str] = Field(
        description="features that vehicle_details and trade_in leave out, such as trade_in.mileage_km; those of the "
        "credit model are in credit"
    )
    warnings: list[FieldWarning] = Field(
        description="numbers of vehicle_details and trade_in that lie far outside the training data, such as wrong "
        "units; those of the credit model are in credit"
    )
    notes: list[Text] = Field(
        description="what the customer should know about these offers: why none is as requested, an ended subsidy"
    )


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
        `products`, `stock`, `change_step`, `grid`, `for_payment`, `extras`, `lender_view` and `explain`; with
        `residual_value` also those of `used_car_fields`. Amounts in yuan.
    """
    credit = champions["credit_risk"].estimator
    used_car = used_car_fields(champions)
    return create_model(
        "LoanOffersRequest",
        __base__=LoanRequest,
        borrower=(borrower_model(credit.signature), Field(description="further fields of the credit model")),
        offers=(int, Field(4, ge=1, le=8, description="maximum number of offers")),
        products=(
            list[Name] | None,
            Field(None, min_length=1, max_length=1000, description="keys of the products to compare; null for all"),
        ),
        stock=(list[Car], Field(default=[], max_length=50, description="alternative vehicles for smaller changes")),
        change_step=(Step, Field(100.0, description="distance of two down payments or prices, yuan")),
        grid=(PaymentGridRequest | None, None),
        for_payment=(ForPaymentRequest | None, Field(None, description="solve for a wished monthly payment")),
        extras=(list[Extra], Field(default=[], max_length=30, description="insurance, tax, plates and services")),
        lender_view=(bool, Field(False, description="include expected profit and loss; internal, not for customers")),
        explain=(bool, Field(True, description="include the reasons of the credit decision")),
        compare=(bool, Field(False, description="include every product at the requested down payment and term")),
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
        `credit` (probability, score and band of the requested loan), `offers` (none that would be declined), `changes`
        (smallest changes with which the application is approved), `grid`, `for_payment` (loans within a wished monthly
        payment), `cash` and `trade_in`; amounts in yuan, rates as yearly fractions.

    Raises
    ------
    DataError
        A field of the request violates a rule; the message names field, rule and remedy.
    """
    try:
        return _Quotation(lending, champions, request).answer()
    except LoanError as e:
        raise DataError(str(e)) from None


def _stock_by_id(vehicle: Car, stock: Sequence[Car]) -> dict[str, Car]:
    by_id = {vehicle.vehicle_id: vehicle}
    for i, car in enumerate(stock):
        if car.vehicle_id in by_id:
            raise DataError(
                f"stock.{i}.vehicle_id: every vehicle_id must be unique and differ from the requested vehicle's, got "
                f"{car.vehicle_id!r} again; give each vehicle its own"
            )
        by_id[car.vehicle_id] = car
    return {car.vehicle_id: car for car in stock}


class _Quotation:
    """Computes the answer for one application."""

    def __init__(self, lending: Lending, champions: Champions, request: Any) -> None:
        self.lending, self.champions, self.request = lending, champions, request
        self.estimator = cast("CreditRiskEstimator", champions["credit_risk"].estimator)
        stock = _stock_by_id(request.vehicle, request.stock)
        if request.trade_in_payoff and request.trade_in_value is None and getattr(request, "trade_in", None) is None:
            raise DataError(
                f"trade_in_payoff: there is no car that is traded in, got {request.trade_in_payoff:.2f} yuan; enter "
                "trade_in_value, its agreed price"
            )
        self.borrower = Borrower(self.estimator, lending, request, request.borrower, stock)
        self.now = microseconds(datetime.combine(request.on, time(), UTC))
        resale = resale_values(
            champions,
            getattr(request, "vehicle_details", None),
            getattr(request, "km_per_month", None),
            price=request.vehicle.price,
            now=self.now,
        )
        self.application: Application = request.application(request.term_months, resale=resale, extras=request.extras)
        self.basis = PricingBasis(
            on=request.on,
            assess=self.borrower.assess,
            state_subsidy_used={lender: fen(amount) for lender, amount in request.state_subsidy_used.items()},
            horizon_months=self.estimator.params.outcome_window_months,
        )

    def answer(self) -> LoanOffersAnswer:
        request, application = self.request, self.application
        requested = self.requested_loan()
        offers = offers_for(
            self.lending, application, basis=self.basis, count=request.offers, products=request.products
        )
        by_product = obstacles(self.lending, application.applicant, application.vehicle, on=request.on)
        unavailable = {name: rule for name, rule in by_product.items() if rule}
        products = self.lending.catalogue.products
        available = [product for name, product in products.items() if name not in unavailable]
        for_cash = [p for name, p in products.items() if by_product[name] in (None, "income", "age")]
        discount = max((product.forgone_discount_on(request.on) for product in for_cash), default=0)
        for_payment = self.for_payment()
        shown = [offer.name for offer in offers.offers]
        shown += [loan.offer.product for loan in for_payment.loans] if for_payment else []
        cars = {name: getattr(request, name, None) for name in ("vehicle_details", "trade_in")}
        grid_product = self.grid_product(offers.offers)
        missing, warnings = used_car_gaps(self.champions, cars, now=self.now)
        return LoanOffersAnswer(
            credit=self.credit(requested),
            risk_band=str(self.basis.assess(requested).risk_band[0]) or None,
            offers=[self.offer_answer(application, offer) for offer in offers.offers],
            n_candidates=offers.n_candidates,
            n_feasible=offers.n_feasible,
            n_approved=offers.n_approved,
            violations={rule: n for rule, n in offers.violations.items() if n},
            unavailable_products={
                name: rule
                for name, rule in {**unavailable, **dict.fromkeys(offers.without_rate, "risk_band")}.items()
                if request.products is None or name in request.products
            },
            changes=[] if offers.n_approved else self.changes(),
            grid=self.grid(grid_product),
            grid_product=grid_product,
            products=self.products(),
            for_payment=for_payment,
            cash=cash_purchase(application, discount=discount, net=request.trade_in_net),
            trade_in=trade_in_quote(
                self.champions, getattr(request, "trade_in", None), payoff=request.trade_in_payoff, now=self.now
            ),
            notices=price_and_fee_notices(
                request.extras,
                {name: self.lending.catalogue.products[name] for name in shown},
                on=request.on,
                condition=request.vehicle.condition,
            ),
            missing=missing,
            warnings=warnings,
            notes=[*requested_loan_notes(application, offers.requested_violations), *self.notes(available)],
        )

    def notes(self, available: Sequence[Product]) -> list[Text]:
        """Return what the day of the application means for these products: a state subsidy that ended or ends soon."""
        lenders = self.lending.catalogue.lenders
        is_private = self.request.vehicle.use == "private"
        if is_private and any(p.state_subsidy and lenders[p.lender].state_subsidy for p in available):
            return self.lending.rules.notes_on(self.request.on)
        return []

    def requested_loan(self) -> ProposedLoans:
        """Return the requested loan as a column of one."""
        application = self.application
        return ProposedLoans.build(
            (application.vehicle,),
            0,
            np.array([application.down_payment]),
            np.array([application.term_months or 0]),  # without a requested term the model does not read it
            extras=application.financed_extras,
        )

    def credit(self, loan: ProposedLoans) -> CreditRiskAnswer:
        """Return the credit answer for a loan."""
        columns = self.borrower.columns(loan)
        return answers(self.estimator, columns, ids=[None], explain=self.request.explain)[0]

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The inputs of an offer, as JSON content: of the borrower, only fields that the model reads."""
        content = self.request.model_dump(mode="json", exclude=set(_QUESTIONS))
        borrower = {name: value for name, value in content["borrower"].items() if name in self.borrower.columns_read}
        version = getattr(self.champions["credit_risk"], "version", None)
        return {**content, "borrower": borrower, "credit_risk_version": version}

    def offer_answer(self, application: Application, offer: Offer) -> OfferAnswer:
        car = self.borrower.cars[application.vehicle.vehicle_id]
        inputs = {
            **self.inputs,
            "vehicle": {**car.model_dump(mode="json"), "price": application.vehicle.price / 100},
        }
        if car is not self.request.vehicle:
            inputs |= dict.fromkeys(_OF_THE_REQUESTED_VEHICLE & inputs.keys())
        return offer_answer(
            self.lending,
            application,
            offer,
            on=self.request.on,
            identity=offer_id(self.lending, inputs, offer.name, offer.loan),
            lender_view=self.request.lender_view,
            net=self.request.trade_in_net,
        )

    def changes(self) -> list[ChangeAnswer]:
        changes = changes_for(
            self.lending,
            self.application,
            basis=self.basis,
            step=fen(self.request.change_step),
            vehicles=[car.vehicle() for car in self.request.stock],
            products=self.request.products,
        )
        return [self.change_answer(change) for change in changes]

    def change_answer(self, change: Change) -> ChangeAnswer:
        application = change.application
        offer = offer_at(self.lending, application, basis=self.basis, products=self.request.products)
        assert offer is not None  # the search returns feasible loans only
        return ChangeAnswer(
            changed=list(change.changed),
            vehicle_id=application.vehicle.vehicle_id,
            vehicle_price=application.vehicle.price / 100,
            down_payment=application.down_payment / 100,
            term_months=int(application.term_months or 0),
            probability_of_default=round(change.probability_of_default, 6),
            offer=self.offer_answer(application, replace(offer, best_at=())),  # compared with no other loan
        )

    def products(self) -> list[ProductAnswer]:
        if not self.request.compare:
            return []
        if self.application.term_months is None:
            raise DataError("compare: products are compared at one term, got none; enter term_months")
        products = products_at(self.lending, self.application, basis=self.basis, products=self.request.products)
        return product_answers(
            self.lending, products, answer_of=lambda offer: self.offer_answer(self.application, offer)
        )

    def grid_product(self, offers: Sequence[Offer]) -> str | None:
        """Return the product of the grid: the requested one, or that of the first offer."""
        if self.request.grid is None:
            return None
        return self.request.grid.product or (offers[0].name if offers else None)

    def grid(self, product: str | None) -> list[GridCell]:
        if self.request.grid is None or product is None:
            return []
        grid = grid_for(
            self.lending,
            product,
            self.application,
            [fen(down) for down in self.request.grid.down_payments],
            basis=self.basis,
            balloon_share=self.request.grid.balloon_share,
        )
        return grid_cells(grid)

    def for_payment(self) -> ForPaymentAnswer | None:
        request = self.request
        if request.for_payment is None:
            return None
        return for_payment_answer(
            self.lending,
            self.application,
            request.for_payment,
            basis=self.basis,
            step=fen(request.change_step),
            count=request.offers,
            products=request.products,
            net=request.trade_in_net,
            answer_of=self.offer_answer,
        )
