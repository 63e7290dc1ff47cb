"""The finance desk: offers, changes, grids and single loans for one application on its own date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from features.errors import DataError
from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.changes import Change, smallest_changes
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan
from ml.domain.loans.offers import Offers, make_offers
from ml.domain.loans.payment_grid import PaymentGrid, payment_grid
from ml.domain.loans.rounding import LoanError, millionths, share_of
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import Settlement, settle
from ml.loans.catalogue.fields import in_force
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import PricingBasis, offered_product, offered_products, policy_for, product_named


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


def loan_for(
    lending: Lending,
    name: str,
    application: Application,
    *,
    basis: PricingBasis,
    balloon_share: float | None = None,
) -> Loan:
    """One loan of a named product on an application's vehicle, down payment and term, priced inside the grid.

    Parameters
    ----------
    lending : Lending
    name : str
        Key of the product.
    application : Application
        Its term must be given; the amount is the price less the down payment.
    basis : PricingBasis
    balloon_share : float, optional
        One of the product's balloon shares; needed with the form `balloon`, refused otherwise.

    Raises
    ------
    DataError
        Names the field, what is allowed and the value received: an unknown product, one that is closed to the
        applicant, a term that is not on the grid, an amount outside the product's limits, a loan-to-value above the
        limit, or a cost above the legal ceiling.
    """
    offered = offered_product(lending, name, application.applicant, application.vehicle, basis=basis)
    term, amount = application.term_months, application.vehicle.price - application.down_payment
    if term is None or term not in offered.rates:
        raise DataError(f"term_months of product '{name}' must be one of {_listed(offered.rates)}, got {term}")
    if balloon_share not in (offered.balloon_shares or (None,)):
        allowed = _listed(offered.balloon_shares) if offered.balloon_shares else "left out"
        raise DataError(f"balloon_share of product '{name}' must be {allowed}, got {balloon_share}")
    if not offered.minimum_amount <= amount <= offered.maximum_amount:
        raise DataError(
            f"the loan amount of product '{name}' must be from {offered.minimum_amount / 100:.2f} to "
            f"{offered.maximum_amount / 100:.2f} yuan, got {amount / 100:.2f}; change the down payment"
        )
    most = min(offered.maximum_loan_to_value, 1 - offered.minimum_down_payment)
    if amount > round(application.vehicle.price * most, 4):
        raise DataError(
            f"loan_to_value of product '{name}' must be at most {most:.2%} on {basis.on}, got "
            f"{amount / application.vehicle.price:.2%}; raise the down payment"
        )
    balloon = 0 if balloon_share is None else int(share_of(amount, millionths(balloon_share, "balloon_share"), 1))
    return _within_ceiling(lending, Loan(offered.product, amount, offered.rates[term], term, balloon), basis.on)


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
    lender = lending.catalogue.lenders[product_named(lending, name).lender]
    try:
        return settle(schedule, on, rule=lender.early_settlement.rule)
    except LoanError as error:
        raise DataError(str(error)) from None


def _within_ceiling(lending: Lending, loan: Loan, on: date) -> Loan:
    ceiling = in_force(lending.rules.rate_ceiling, on, name="rate_ceiling").maximum
    found = cost(schedule_for(loan, on)).nominal
    if found > ceiling + 1e-9:
        raise DataError(f"the annualised cost must be at most the legal ceiling of {ceiling:.2%}, got {found:.2%}")
    return loan


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{v:g}" for v in sorted(values))
