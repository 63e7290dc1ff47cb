"""The finance desk: offers, changes, grids and single loans for one application on its own date."""

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
    """Offers for one application; see `make_offers`.

    Raises
    ------
    DataError
        As for `offered_products`.
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
    """The smallest changes with which the model approves and at least one loan is feasible.

    Parameters
    ----------
    lending : Lending
    application : Application
        Its term must be given.
    on : date
    probability_of_default : callable
        The model's answer to a changed application.
    approve_at_most : float
        The model's approval cut-off.
    vehicles : sequence of Vehicle
        In stock.
    state_subsidy_used : int
        Fen.

    Raises
    ------
    DataError
        As for `offered_products`.
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
    """Payments of one product by term and down payment; see `payment_grid`.

    Raises
    ------
    DataError
        The product is unknown or closed to the applicant.
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
    """A loan's schedule, disbursed on a day.

    Raises
    ------
    DataError
        A rule of the arithmetic is broken.
    """
    try:
        return schedule(loan, on)
    except LoanError as error:
        raise DataError(str(error)) from None


def settlement_for(lending: Lending, name: str, schedule: Schedule, on: date) -> Settlement:
    """Quote early settlement of a product's loan by its lender's rule; see `settle`.

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
