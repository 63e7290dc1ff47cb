"""The finance desk: catalogue and rules applied to one application on its own date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.errors import DataError
from ml.domain.loan_offers.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loan_offers.changes import Change, smallest_changes
from ml.domain.loan_offers.offers import Offers, make_offers
from ml.domain.loan_offers.payment_grid import PaymentGrid, payment_grid
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan
from ml.domain.loans.rounding import LoanError, millionths, share_of
from ml.domain.loans.schedule import Schedule, schedule
from ml.lending.fields import in_force
from ml.lending.products import LoanProducts, Product, load_loan_products
from ml.lending.rules import VEHICLE_CLASSES, LendingRules, VehicleClass, load_lending_rules


@dataclass(frozen=True)
class Lending:
    """Rules and catalogue, held against each other."""

    rules: LendingRules
    catalogue: LoanProducts


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What decides which products are open and at which price.

    Attributes
    ----------
    on : date
        Date of the application, whose rules hold; also the day of disbursement.
    probability_of_default : float
        By the model; sets the risk band.
    state_subsidy_used : int
        Fen of state subsidy the applicant has used this year with the lenders.
    """

    on: date
    probability_of_default: float
    state_subsidy_used: int = 0


def load_lending(products: Path, rules: Path) -> Lending:
    """Read both files.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    read = load_lending_rules(rules)
    return Lending(read, load_loan_products(products, read))


def policy_for(lending: Lending, vehicle: Vehicle, on: date) -> Policy:
    """Limits that hold for a vehicle on a day.

    Raises
    ------
    DataError
        The class is unknown, or a rule is not in force on that day.
    """
    return lending.rules.policy_on(on, _class_of(vehicle))


def obstacles(lending: Lending, applicant: Applicant, vehicle: Vehicle, *, terms: Terms) -> dict[str, str | None]:
    """Why each product of the catalogue is closed to an applicant; None where it is open.

    Returns
    -------
    dict of str to str or None
        Product to the first obstacle: `vehicle_class`, `brand`, `date`, `risk_band`, `income` or `age`.

    Raises
    ------
    DataError
        As for `offered_products`.
    """
    kind = _class_of(vehicle)
    band = lending.rules.risk_band(terms.on, terms.probability_of_default)
    return {
        key: _obstacle(product, applicant, vehicle, kind, on=terms.on, band=band)
        for key, product in lending.catalogue.products.items()
    }


def offered_products(
    lending: Lending, applicant: Applicant, vehicle: Vehicle, *, terms: Terms
) -> tuple[OfferedProduct, ...]:
    """The products open to an applicant, at the rates of their risk band, under the rules of the day.

    Parameters
    ----------
    lending : Lending
    applicant : Applicant
    vehicle : Vehicle
    terms : Terms

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class unknown, or the probability not from 0 to 1.
    """
    found = obstacles(lending, applicant, vehicle, terms=terms)
    return tuple(_offered(lending, key, vehicle, terms=terms) for key, obstacle in found.items() if obstacle is None)


def offers_for(lending: Lending, application: Application, *, terms: Terms, count: int = 4) -> Offers:
    """Offers for one application; see `make_offers`.

    Raises
    ------
    DataError
        As for `offered_products`.
    """
    return make_offers(
        application,
        offered_products(lending, application.applicant, application.vehicle, terms=terms),
        probability_of_default=terms.probability_of_default,
        policy=policy_for(lending, application.vehicle, terms.on),
        start=terms.on,
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
        terms = Terms(on=on, probability_of_default=probability, state_subsidy_used=state_subsidy_used)
        return probability <= approve_at_most and bool(offers_for(lending, trial, terms=terms, count=1).offers)

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
    lending: Lending, name: str, application: Application, down_payments: Sequence[int], *, terms: Terms
) -> PaymentGrid:
    """Payments of one product by term and down payment; see `payment_grid`.

    Raises
    ------
    DataError
        The product is unknown or closed to the applicant.
    """
    _open(lending, name, application.applicant, application.vehicle, terms=terms)
    return payment_grid(
        application,
        _offered(lending, name, application.vehicle, terms=terms),
        down_payments,
        probability_of_default=terms.probability_of_default,
        policy=policy_for(lending, application.vehicle, terms.on),
        start=terms.on,
    )


def loan_for(
    lending: Lending,
    name: str,
    application: Application,
    *,
    terms: Terms,
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
    terms : Terms
    balloon_share : float, optional
        One of the product's balloon shares; needed with the form `balloon`, refused otherwise.

    Raises
    ------
    DataError
        Names the field, what is allowed and the value received: an unknown product, one that is closed to the
        applicant, a term that is not on the grid, an amount outside the product's limits, a loan-to-value above the
        limit, or a cost above the legal ceiling.
    """
    _open(lending, name, application.applicant, application.vehicle, terms=terms)
    offered = _offered(lending, name, application.vehicle, terms=terms)
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
            f"loan_to_value of product '{name}' must be at most {most:.2%} on {terms.on}, got "
            f"{amount / application.vehicle.price:.2%}; raise the down payment"
        )
    balloon = 0 if balloon_share is None else int(share_of(amount, millionths(balloon_share, "balloon_share"), 1))
    return _within_ceiling(lending, Loan(offered.product, amount, offered.rates[term], term, balloon), terms.on)


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


def _within_ceiling(lending: Lending, loan: Loan, on: date) -> Loan:
    ceiling = in_force(lending.rules.rate_ceiling, on, name="rate_ceiling").maximum
    found = cost(schedule_for(loan, on)).nominal
    if found > ceiling + 1e-9:
        raise DataError(f"the annualised cost must be at most the legal ceiling of {ceiling:.2%}, got {found:.2%}")
    return loan


def _open(lending: Lending, name: str, applicant: Applicant, vehicle: Vehicle, *, terms: Terms) -> None:
    known = lending.catalogue.products
    if name not in known:
        raise DataError(f"product '{name}' is unknown; the products are: {', '.join(known)}")
    if obstacle := obstacles(lending, applicant, vehicle, terms=terms)[name]:
        raise DataError(f"product '{name}' is closed to this application: {obstacle}; choose another")


def _offered(lending: Lending, key: str, vehicle: Vehicle, *, terms: Terms) -> OfferedProduct:
    product = lending.catalogue.products[key]
    lender, rules, kind = lending.catalogue.lenders[product.lender], lending.rules, _class_of(vehicle)
    band = rules.risk_band(terms.on, terms.probability_of_default)
    state = None
    if lender.state_subsidy and product.state_subsidy and vehicle.use == "private":
        state = rules.state_subsidy_on(terms.on, used_this_year=terms.state_subsidy_used)
    return OfferedProduct(
        name=key,
        lender=product.lender,
        product=product.loan_product(lender, state=state),
        rates=product.rates_on(terms.on, band or "") or {},
        minimum_amount=product.minimum_amount,
        maximum_amount=product.maximum_amount,
        minimum_down_payment=product.minimum_down_payment,
        maximum_loan_to_value=min(product.maximum_loan_to_value, rules.maximum_loan_to_value(terms.on, kind)),
        balloon_shares=product.balloon_shares,
        forgone_discount=product.forgone_discount,
        funding_rate=lender.funding_rate,
        loss_given_default=in_force(rules.risk, terms.on, name="risk").loss_given_default[kind],
        maximum_age_at_maturity=product.eligibility.maximum_age_at_maturity,
    )


def _obstacle(
    product: Product, applicant: Applicant, vehicle: Vehicle, kind: VehicleClass, *, on: date, band: str | None
) -> str | None:
    who = product.eligibility
    checks = {
        "vehicle_class": kind not in who.vehicle_classes,
        "brand": who.brands is not None and vehicle.brand not in who.brands,
        "date": product.rates_dated(on) is None,
        "risk_band": band is None or product.rates_on(on, band) is None,
        "income": applicant.monthly_income < who.minimum_monthly_income,
        "age": applicant.age < who.minimum_age,
    }
    return next((name for name, closed in checks.items() if closed), None)


def _class_of(vehicle: Vehicle) -> VehicleClass:
    if vehicle.vehicle_class not in VEHICLE_CLASSES:
        raise DataError(f"vehicle_class must be one of {', '.join(VEHICLE_CLASSES)}, got {vehicle.vehicle_class!r}")
    return vehicle.vehicle_class


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{v:g}" for v in sorted(values))
