"""Quotes of the finance desk: offers, smallest changes, payment grid, schedule and early settlement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from features.errors import DataError
from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.changes import Change, smallest_changes
from ml.domain.loans.loan import Loan
from ml.domain.loans.offers import Offers, make_offers
from ml.domain.loans.payment_grid import PaymentGrid, payment_grid
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import Settlement, settle
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import PricingBasis, offered_product, offered_products, policy_for, product_by_name


def offers_for(lending: Lending, application: Application, *, basis: PricingBasis, count: int = 4) -> Offers:
    """Return at most `count` loan offers for one application; see `make_offers`.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    application : Application
    basis : PricingBasis
        Date and probability of default of the application.
    count : int
        Maximum number of offers, at least 1.

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class is unknown, or the probability is not from 0 to 1.
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
        As returned by `ml.loans.catalogue.files.load_lending`.
    application : Application
        `term_months` must be set.
    on : date
        Date of the application.
    probability_of_default : callable
        ``(application) -> float``: the model's prediction.
    approve_at_most : float
        Approval cut-off on the probability of default.
    vehicles : sequence of Vehicle
        Alternative vehicles.
    state_subsidy_used : int
        State subsidy already used this year, fen.

    Returns
    -------
    tuple of Change
        In order of distance; see `smallest_changes`.

    Raises
    ------
    LoanError
        The application has no term.
    DataError
        The date is before the first rule, or the vehicle class is unknown.
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
    """Return the payments of one product by term and down payment (fen); see `payment_grid`.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of the product in the catalogue.
    application : Application
        Applicant and vehicle; down payment and term are ignored.
    down_payments : sequence of int
        Fen, from 0 to below the price.
    basis : PricingBasis
        Date and probability of default of the application.

    Raises
    ------
    DataError
        The product is unknown or not available to the applicant.
    LoanError
        There is no down payment, or one is negative or not below the price.
    """
    return payment_grid(
        application,
        offered_product(lending, name, application.applicant, application.vehicle, basis=basis),
        down_payments,
        probability_of_default=basis.probability_of_default,
        policy=policy_for(lending, application.vehicle, basis.on),
        start=basis.on,
    )


def schedule_for(loan: Loan, on: date) -> Schedule:
    """Return the repayment schedule of a loan disbursed on the day `on`.

    Parameters
    ----------
    loan : Loan
    on : date
        Day of disbursement.

    Returns
    -------
    Schedule
        Amounts in fen.

    Raises
    ------
    DataError
        The first due date is not after disbursement.
    """
    try:
        return schedule(loan, on)
    except LoanError as error:
        raise DataError(str(error)) from None


def settlement_for(lending: Lending, name: str, schedule: Schedule, on: date) -> Settlement:
    """Return the quote for settling a loan early, by the terms of the product's lender; see `settle`.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of the product in the catalogue.
    schedule : Schedule
        As returned by `schedule_for`.
    on : date
        Day of settlement.

    Returns
    -------
    Settlement
        Amounts in fen.

    Raises
    ------
    DataError
        The product is unknown, or the day is before disbursement or after maturity.
    """
    lender = lending.catalogue.lenders[product_by_name(lending, name).lender]
    try:
        return settle(schedule, on, rule=lender.early_settlement.rule)
    except LoanError as error:
        raise DataError(str(error)) from None
