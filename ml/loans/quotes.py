"""Quotes of the finance desk: offers, smallest changes and payment grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.changes import Change, smallest_changes
from ml.domain.loans.offers import Offers, make_offers
from ml.domain.loans.payment_grid import PaymentGrid, payment_grid
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import PricingBasis, offered_product, offered_products, policy_for


def offers_for(lending: Lending, application: Application, *, basis: PricingBasis, count: int = 4) -> Offers:
    """Return at most `count` loan offers for one application, the best of all feasible loans.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    application : Application
        `ml.domain.loans.application.Application(applicant, vehicle, down_payment)`, amounts in fen.
    basis : PricingBasis
        Date and probability of default of the application; an `ml.loans.eligibility.PricingBasis`.
    count : int
        Maximum number of offers, at least 1.

    Returns
    -------
    Offers
        `offers`: a tuple of `Offer`, amounts in fen and rates as yearly fractions, empty if no loan is feasible;
        `n_candidates`, `n_feasible` and `violations` (rule to number of loans) count the loans that were compared.

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class is unknown, or the probability is not from 0 to 1.
    LoanError
        `count` is below 1.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.eligibility import PricingBasis
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, down_payment=5_000_000)
    >>> basis = PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)
    >>> offer = offers_for(lending, application, basis=basis, count=2).offers[0]
    >>> offer.name, offer.loan.term_months, offer.monthly_payment, offer.best_at
    ('bank_standard', 60, 183714, ('lowest_payment',))
    """
    return make_offers(
        application,
        offered_products(lending, application.applicant, application.vehicle, basis=basis),
        probability_of_default=basis.probability_of_default,
        policy=policy_for(lending, application.vehicle, basis.on),
        start=basis.on,
        count=count,
    )


def changes_for(
    lending: Lending,
    application: Application,
    *,
    on: date,
    probability_of_default: Callable[[Application], float],
    approve_at_most: float,
    vehicles: Sequence[Vehicle] = (),
    state_subsidy_used: int = 0,
) -> tuple[Change, ...]:
    """Return the smallest changes with which the model approves the application and at least one loan is feasible.

    The search tries down payments of 5 % to 90 % of the price, all terms of the catalogue, and `vehicles`.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    application : Application
        An `ml.domain.loans.application.Application`; `term_months` must be set.
    on : date
        Date of the application.
    probability_of_default : callable
        ``(application) -> float``: the model's prediction, such as the method `probability_of_default` of
        `ml.loans.applicant_risk.Borrower`.
    approve_at_most : float
        Approval cut-off on the probability of default, 0 to 1: `policy_["approve"]` of `CreditRiskEstimator`.
    vehicles : sequence of Vehicle
        Alternative vehicles, as `ml.domain.loans.application.Vehicle`.
    state_subsidy_used : int
        State subsidy already used this year, fen.

    Returns
    -------
    tuple of Change
        In order of distance; empty if no change passes. Each has the changed `application` (amounts in fen), `changed`
        (`down_payment`, `term_months`, `vehicle`), `probability_of_default` and `distance`.

    Raises
    ------
    LoanError
        The application has no term.
    DataError
        The date is before the first rule, or the vehicle class is unknown.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> application = Application(applicant, vehicle, down_payment=3_000_000, term_months=60)
    >>> change = changes_for(
    ...     lending,
    ...     application,
    ...     on=date(2026, 9, 1),
    ...     probability_of_default=lambda a: 0.01 if a.down_payment >= 6_000_000 else 0.05,
    ...     approve_at_most=0.02,
    ... )[0]
    >>> change.changed, change.application.down_payment
    (('down_payment',), 6000000)
    """

    def passes(trial: Application, probability: float) -> bool:
        basis = PricingBasis(on=on, probability_of_default=probability, state_subsidy_used=state_subsidy_used)
        return probability <= approve_at_most and bool(offers_for(lending, trial, basis=basis, count=1).offers)

    vehicle_price = application.vehicle.price
    grids = [g for p in lending.catalogue.products.values() for r in p.rates for g in r.by_band.values()]
    return smallest_changes(
        application,
        probability_of_default=probability_of_default,
        passes=passes,
        down_payments=[vehicle_price * share // 100 // 100 * 100 for share in range(5, 95, 5)],
        terms=sorted({term for grid in grids for term in grid}),
        vehicles=vehicles,
    )


def grid_for(
    lending: Lending, name: str, application: Application, down_payments: Sequence[int], *, basis: PricingBasis
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
        Date and probability of default of the application; an `ml.loans.eligibility.PricingBasis`.

    Returns
    -------
    PaymentGrid
        `terms` (months), `down_payments` (fen) and `cells[i][j]` of term i and down payment j, each with
        `monthly_payment` (fen), `nominal_rate` (a yearly fraction) and `violations` (rules that exclude it).

    Raises
    ------
    DataError
        The product is unknown or not available to the applicant.
    LoanError
        There is no down payment, or one is negative or not below the price.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.loans.eligibility import PricingBasis
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> application = Application(Applicant(age=35, monthly_income=1_500_000), vehicle, down_payment=0)
    >>> basis = PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)
    >>> grid = grid_for(lending, "bank_standard", application, [3_000_000, 5_000_000], basis=basis)
    >>> grid.terms, grid.cells[-1][1].monthly_payment
    ((12, 24, 36, 48, 60), 183714)
    """
    return payment_grid(
        application,
        offered_product(lending, name, application.applicant, application.vehicle, basis=basis),
        down_payments,
        probability_of_default=basis.probability_of_default,
        policy=policy_for(lending, application.vehicle, basis.on),
        start=basis.on,
    )
