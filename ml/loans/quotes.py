"""Quotes of the finance desk: offers, smallest changes, loans for a wished payment, and payment grid."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from features.errors import DataError
from ml.domain.loans.affordability import AffordableLoans, affordable_loans
from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.assessment import ProposedLoans
from ml.domain.loans.changes import Change, smallest_changes
from ml.domain.loans.feasibility import Feasibility, Terms
from ml.domain.loans.loan_grid import Unknown
from ml.domain.loans.offers import Offer, Offers, best_offers, make_offers
from ml.domain.loans.payment_grid import PaymentGrid, payment_grid
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import offered_product, offered_products, policy_for, product_by_name
from ml.loans.pricing_basis import PricingBasis


def offers_for(
    lending: Lending,
    application: Application,
    *,
    basis: PricingBasis,
    count: int = 4,
    products: Collection[str] | None = None,
) -> Offers:
    """Return at most `count` loan offers for one application, the best of all feasible loans.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    application : Application
        `ml.domain.loans.application.Application(applicant, vehicle, down_payment)`, amounts in fen.
    basis : PricingBasis
        Date and credit assessment; an `ml.loans.pricing_basis.PricingBasis`.
    count : int
        Maximum number of offers, at least 1.
    products : collection of str, optional
        Keys of the products to compare; by default all.

    Returns
    -------
    Offers
        `offers`: a tuple of `Offer`, amounts in fen and rates as yearly fractions, empty if no loan is feasible;
        `n_candidates`, `n_feasible` and `violations` (rule to number of loans) count the loans that were compared.

    Raises
    ------
    DataError
        The date is before the first rule, or the vehicle class or a product is unknown.
    LoanError
        `count` is below 1.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.pricing_basis import PricingBasis, assumed_risk
    >>> from ml.loans.endpoints import read_lending
    >>> lending, on = read_lending(Path("configs")), date(2026, 9, 1)
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, down_payment=5_000_000)
    >>> basis = PricingBasis(on=on, assess=assumed_risk(lending, on, probability_of_default=0.01))
    >>> offer = offers_for(lending, application, basis=basis, count=2).offers[0]
    >>> offer.name, offer.loan.term_months, offer.monthly_payment, offer.best_at
    ('bank_standard', 60, 183714, ('lowest_payment',))
    """
    feasibility = _feasibility(lending, application, basis=basis, products=products)
    offered, policy = feasibility.terms_for(application.vehicle)
    return make_offers(application, offered, assess=basis.assess, policy=policy, start=basis.on, count=count)


def offer_at(
    lending: Lending, application: Application, *, basis: PricingBasis, products: Collection[str] | None = None
) -> Offer | None:
    """Return the cheapest feasible loan with exactly the down payment and the term of an application.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    application : Application
        An `ml.domain.loans.application.Application`; `term_months` must be set.
    basis : PricingBasis
        Date and credit assessment; an `ml.loans.pricing_basis.PricingBasis`.
    products : collection of str, optional
        Keys of the products to compare; by default all.

    Returns
    -------
    Offer or None
        Amounts in fen; None if no product is feasible.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.pricing_basis import PricingBasis, assumed_risk
    >>> from ml.loans.endpoints import read_lending
    >>> lending, on = read_lending(Path("configs")), date(2026, 9, 1)
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, 5_000_000, 36)
    >>> basis = PricingBasis(on=on, assess=assumed_risk(lending, on, probability_of_default=0.01))
    >>> offer = offer_at(lending, application, basis=basis)
    >>> offer.name, offer.loan.term_months, offer.down_payment
    ('maker_zero', 36, 5000000)
    """
    loans = ProposedLoans.build(
        (application.vehicle,),
        0,
        np.array([application.down_payment]),
        np.array([application.term_months]),
        extras=application.financed_extras,
    )
    feasibility = _feasibility(lending, application, basis=basis, products=products)
    compared = feasibility.compare(loans, assess=basis.assess)
    offers = () if compared is None else best_offers(replace(compared, application=application), count=1)
    return offers[0] if offers else None


def changes_for(
    lending: Lending,
    application: Application,
    *,
    basis: PricingBasis,
    step: int = 10_000,
    vehicles: Sequence[Vehicle] = (),
    products: Collection[str] | None = None,
) -> tuple[Change, ...]:
    """Return the smallest changes with which the model approves the application and at least one loan is feasible.

    The search tries every down payment on a grid of `step`, all terms of the catalogue, and `vehicles`.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    application : Application
        An `ml.domain.loans.application.Application`.
    basis : PricingBasis
        Date and credit assessment; an `ml.loans.pricing_basis.PricingBasis`.
    step : int
        Distance of two down payments, fen; by default 100 yuan.
    vehicles : sequence of Vehicle
        Alternative vehicles, as `ml.domain.loans.application.Vehicle`.
    products : collection of str, optional
        Keys of the products to compare; by default all.

    Returns
    -------
    tuple of Change
        In order of distance; empty if no change passes. Each has the changed `application` (amounts in fen), `changed`
        (`down_payment`, `term_months`, `vehicle`), `probability_of_default` and `distance`.

    Raises
    ------
    LoanError
        The step is below 1.
    DataError
        The date is before the first rule, or the vehicle class is unknown.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.domain.loans.assessment import Assessment
    >>> from ml.loans.pricing_basis import PricingBasis
    >>> from ml.loans.endpoints import read_lending
    >>> def assess(loans):
    ...     approved = loans.down_payment >= 6_000_000
    ...     decision = np.where(approved, "approve", "refer")
    ...     return Assessment(np.full(len(loans), 0.01), np.full(len(loans), "A"), decision)
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> application = Application(applicant, vehicle, down_payment=3_000_000, term_months=60)
    >>> basis = PricingBasis(on=date(2026, 9, 1), assess=assess)
    >>> change = changes_for(read_lending(Path("configs")), application, basis=basis)[0]
    >>> change.changed, change.application.down_payment
    (('down_payment',), 6000000)
    """
    terms = {
        term
        for name, product in lending.catalogue.products.items()
        if (products is None or name in products) and (grid := product.rate_grid(basis.on))
        for rates in grid.by_band.values()
        for term in rates
    }
    feasibility = _feasibility(lending, application, basis=basis, products=products)
    return smallest_changes(
        application,
        assess=basis.assess,
        possible=feasibility.possible,
        first_feasible=feasibility.first_feasible,
        step=step,
        terms=sorted(terms),
        vehicles=vehicles,
    )


def affordable_for(
    lending: Lending,
    application: Application,
    *,
    basis: PricingBasis,
    unknown: Unknown,
    wish: int,
    step: int = 10_000,
    count: int = 4,
    products: Collection[str] | None = None,
) -> AffordableLoans:
    """Return the best loan of each product whose monthly payment is at most a wish, and why the others have none.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    application : Application
        An `ml.domain.loans.application.Application`; what is solved for is ignored.
    basis : PricingBasis
        Date and credit assessment; an `ml.loans.pricing_basis.PricingBasis`.
    unknown : {"down_payment", "term_months", "price"}
        What is solved for: the lowest down payment, the shortest term or the highest price.
    wish : int
        Highest monthly payment, fen.
    step : int
        Distance of two down payments or prices, fen; by default 100 yuan.
    count : int
        Maximum number of loans, at least 1.
    products : collection of str, optional
        Keys of the products to compare; by default all.

    Returns
    -------
    AffordableLoans
        `loans`, each with `vehicle_price` (fen) and `offer`; `nearest`, the loan with the lowest payment if there is
        none; `violations` (rule to number of products, each balloon apart) and `step` (fen).

    Raises
    ------
    DataError
        The date is before the first rule, or the vehicle class or a product is unknown.
    LoanError
        Wish, step or count is below 1.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.pricing_basis import PricingBasis, assumed_risk
    >>> lending, on = read_lending(Path("configs")), date(2026, 9, 1)
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, 5_000_000, 36)
    >>> basis = PricingBasis(on=on, assess=assumed_risk(lending, on, probability_of_default=0.01))
    >>> loans = affordable_for(lending, application, basis=basis, unknown="down_payment", wish=250_000).loans
    >>> [(x.offer.name, x.offer.down_payment, x.offer.monthly_payment) for x in loans[:2]]
    [('maker_zero', 6000000, 250000), ('maker_balloon', 3750000, 221870)]
    """
    feasibility = _feasibility(lending, application, basis=basis, products=products)
    offered, policy = feasibility.terms_for(application.vehicle)
    return affordable_loans(
        application,
        offered,
        unknown=unknown,
        wish=wish,
        assess=basis.assess,
        policy=policy,
        start=basis.on,
        step=step,
        count=count,
    )


def grid_for(
    lending: Lending,
    name: str,
    application: Application,
    down_payments: Sequence[int],
    *,
    basis: PricingBasis,
    balloon_share: float | None = None,
) -> PaymentGrid:
    """Return the payments of one product by term and down payment, in fen.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    name : str
        Key of the product in the catalogue.
    application : Application
        An `ml.domain.loans.application.Application`: applicant and vehicle; down payment and term are ignored.
    down_payments : sequence of int
        Fen, from 0 to below the price.
    basis : PricingBasis
        Date and credit assessment; an `ml.loans.pricing_basis.PricingBasis`.
    balloon_share : float, optional
        Balloon of all cells as a fraction of the amount; by default the product's first.

    Returns
    -------
    PaymentGrid
        `terms` (months), `down_payments` (fen) and `cells[i][j]` of term i and down payment j, each with
        `monthly_payment` (fen), `nominal_rate` (a yearly fraction), `probability_of_default`, `decision` and
        `violations` (rules that exclude it).

    Raises
    ------
    DataError
        The product is unknown or not available to the applicant, or has no such balloon.
    LoanError
        There is no down payment, or one is negative or not below the price.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.pricing_basis import PricingBasis, assumed_risk
    >>> from ml.loans.endpoints import read_lending
    >>> lending, on = read_lending(Path("configs")), date(2026, 9, 1)
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, down_payment=0)
    >>> basis = PricingBasis(on=on, assess=assumed_risk(lending, on, probability_of_default=0.01))
    >>> grid = grid_for(lending, "bank_standard", application, [3_000_000, 5_000_000], basis=basis)
    >>> grid.terms, grid.cells[-1][1].monthly_payment
    ((12, 24, 36, 48, 60), 183714)
    """
    offered = offered_product(
        lending,
        name,
        application.applicant,
        application.vehicle,
        on=basis.on,
        state_subsidy_used=basis.state_subsidy_used,
    )
    if balloon_share is not None:
        if balloon_share not in offered.balloon_shares:
            shares = ", ".join(f"{share:g}" for share in offered.balloon_shares) or "none"
            raise DataError(f"balloon_share: product '{name}' has {shares}, got {balloon_share:g}; choose one of them")
        offered = replace(offered, balloon_shares=(balloon_share,))
    return payment_grid(
        application,
        offered,
        down_payments,
        assess=basis.assess,
        policy=policy_for(lending, application.vehicle, basis.on, horizon_months=basis.horizon_months),
        start=basis.on,
    )


def _feasibility(
    lending: Lending, application: Application, *, basis: PricingBasis, products: Collection[str] | None
) -> Feasibility:
    for name in products or ():
        product_by_name(lending, name)

    @cache
    def terms_for(vehicle: Vehicle) -> Terms:
        offered = offered_products(
            lending,
            application.applicant,
            vehicle,
            on=basis.on,
            state_subsidy_used=basis.state_subsidy_used,
            extras=application.extras,
        )
        chosen = [o for o in offered if products is None or o.name in products]
        return chosen, policy_for(lending, vehicle, basis.on, horizon_months=basis.horizon_months)

    return Feasibility(application, terms_for, basis.on)
