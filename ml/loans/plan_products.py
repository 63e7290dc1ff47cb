"""Every product at exactly one down payment and term: its offer, or the rules that exclude it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.domain.loans.application import Application
from ml.domain.loans.candidates import RULES, CandidateRows, price_candidates
from ml.domain.loans.offers import Offer, offer_of
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import obstacles, offered_products, policy_for
from ml.loans.offer_answer import OfferAnswer
from ml.loans.pricing_basis import PricingBasis


@dataclass(frozen=True)
class PlanProduct:
    """A product, with one of its balloons, at the down payment and term of an application.

    Attributes
    ----------
    name : str
        Key in the catalogue.
    balloon_share : float
        Balloon as a fraction of the amount; 0 for none.
    offer : Offer or None
        The loan; None if a rule excludes it.
    violations : tuple of str
        Rules that exclude it; empty with an offer.
    """

    name: str
    balloon_share: float
    offer: Offer | None
    violations: tuple[str, ...]


class ProductAnswer(BaseModel):
    """A product at the requested down payment and term."""

    product: str = Field(description="key in the catalogue")
    product_name: Text
    lender: Text
    balloon_share: float | None = Field(description="balloon as a fraction of the amount; null for none")
    offer: OfferAnswer | None = Field(description="null if a rule excludes the product")
    violations: list[str] = Field(
        description="rules that exclude it: those of the answer's violations, or those of unavailable_products"
    )


def products_at(
    lending: Lending, application: Application, *, basis: PricingBasis, products: Collection[str] | None = None
) -> list[PlanProduct]:
    """Return every product with each of its balloons at exactly the down payment and term of an application.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`.
    application : Application
        Its `term_months` must be set.
    basis : PricingBasis
        Date and credit assessment.
    products : collection of str, optional
        Keys of the products to compare; by default all.

    Returns
    -------
    list of PlanProduct
        In the order of the catalogue.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.pricing_basis import PricingBasis, assumed_risk
    >>> from ml.loans.endpoints import read_lending
    >>> lending, on = read_lending(Path("configs")), date(2026, 9, 1)
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, 5_000_000, 60)
    >>> basis = PricingBasis(on=on, assess=assumed_risk(lending, on, probability_of_default=0.01))
    >>> by_name = {p.name: p for p in products_at(lending, application, basis=basis)}
    >>> by_name["bank_standard"].offer.monthly_payment, by_name["maker_zero"].violations
    (183714, ('term',))
    """
    application_term = application.term_months
    assert application_term is not None
    excluded = obstacles(lending, application.applicant, application.vehicle, on=basis.on)
    offered = [
        o
        for o in offered_products(
            lending,
            application.applicant,
            application.vehicle,
            on=basis.on,
            state_subsidy_used=basis.state_subsidy_used,
            extras=application.extras,
        )
        if products is None or o.name in products
    ]
    rows = [
        (i, share) for i, o in enumerate(offered) if application_term in o.terms for share in o.balloon_shares or (0.0,)
    ]
    answers = {name: [PlanProduct(name, 0.0, None, (rule,))] for name, rule in excluded.items() if rule}
    answers |= {o.name: [PlanProduct(o.name, 0.0, None, ("term",))] for o in offered if application_term not in o.terms}
    if rows:
        index, share = (np.array(column) for column in zip(*rows, strict=True))
        columns = CandidateRows(
            index, np.full(len(rows), application_term), np.full(len(rows), application.down_payment), share
        )
        policy = policy_for(lending, application.vehicle, basis.on, horizon_months=basis.horizon_months)
        priced = price_candidates(application, offered, columns, assess=basis.assess, policy=policy, start=basis.on)
        for n, (i, balloon) in enumerate(rows):
            violations = tuple(rule for rule in RULES if priced.violations[rule][n])
            row = None if violations else priced.price_row(n)
            offer = None if row is None else offer_of(priced, row)
            answers.setdefault(offered[i].name, []).append(
                PlanProduct(offered[i].name, float(balloon), offer, violations)
            )
    names = [name for name in lending.catalogue.products if products is None or name in products]
    return [product for name in names for product in answers.get(name, [])]


def product_answers(
    lending: Lending, products: Collection[PlanProduct], *, answer_of: Callable[[Offer], OfferAnswer]
) -> list[ProductAnswer]:
    """Return products at a plan as JSON content.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`.
    products : collection of PlanProduct
        As returned by `products_at`.
    answer_of : callable
        ``(offer) -> OfferAnswer``.
    """
    catalogue = lending.catalogue
    return [
        ProductAnswer(
            product=p.name,
            product_name=catalogue.products[p.name].name,
            lender=catalogue.lenders[catalogue.products[p.name].lender].name,
            balloon_share=p.balloon_share or None,
            offer=None if p.offer is None else answer_of(p.offer),
            violations=list(p.violations),
        )
        for p in products
    ]
