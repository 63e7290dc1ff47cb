"""Which products are open to an applicant on a day, and at which price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.errors import DataError
from ml.domain.loans.application import Applicant, OfferedProduct, Policy, Vehicle
from ml.loans.catalogue.fields import in_force
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Product
from ml.loans.catalogue.rules import VEHICLE_CLASSES, VehicleClass


@dataclass(frozen=True, kw_only=True)
class PricingBasis:
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


def policy_for(lending: Lending, vehicle: Vehicle, on: date) -> Policy:
    """Limits that hold for a vehicle on a day.

    Raises
    ------
    DataError
        The class is unknown, or a rule is not in force on that day.
    """
    return lending.rules.policy_on(on, _class_of(vehicle))


def obstacles(
    lending: Lending, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> dict[str, str | None]:
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
    band = lending.rules.risk_band(basis.on, basis.probability_of_default)
    return {
        key: _obstacle(product, applicant, vehicle, kind, on=basis.on, band=band)
        for key, product in lending.catalogue.products.items()
    }


def offered_products(
    lending: Lending, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> tuple[OfferedProduct, ...]:
    """The products open to an applicant, at the rates of their risk band, under the rules of the day.

    Parameters
    ----------
    lending : Lending
    applicant : Applicant
    vehicle : Vehicle
    basis : PricingBasis

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class unknown, or the probability not from 0 to 1.
    """
    found = obstacles(lending, applicant, vehicle, basis=basis)
    return tuple(_offered(lending, key, vehicle, basis=basis) for key, obstacle in found.items() if obstacle is None)


def product_by_name(lending: Lending, name: str) -> Product:
    """A product of the catalogue.

    Raises
    ------
    DataError
        It is unknown.
    """
    known = lending.catalogue.products
    if name not in known:
        raise DataError(f"product '{name}' is unknown; the products are: {', '.join(known)}")
    return known[name]


def offered_product(
    lending: Lending, name: str, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> OfferedProduct:
    """One product by name.

    Raises
    ------
    DataError
        It is unknown, or closed to the applicant; otherwise as for `offered_products`.
    """
    product_by_name(lending, name)
    if obstacle := obstacles(lending, applicant, vehicle, basis=basis)[name]:
        raise DataError(f"product '{name}' is closed to this application: {obstacle}; choose another")
    return _offered(lending, name, vehicle, basis=basis)


def _offered(lending: Lending, key: str, vehicle: Vehicle, *, basis: PricingBasis) -> OfferedProduct:
    product = lending.catalogue.products[key]
    lender, rules, kind = lending.catalogue.lenders[product.lender], lending.rules, _class_of(vehicle)
    band = rules.risk_band(basis.on, basis.probability_of_default)
    state = None
    if lender.state_subsidy and product.state_subsidy and vehicle.use == "private":
        state = rules.state_subsidy_on(basis.on, used_this_year=basis.state_subsidy_used)
    return OfferedProduct(
        name=key,
        lender=product.lender,
        product=product.loan_product(lender, state=state),
        rates=product.rates_on(basis.on, band or "") or {},
        minimum_amount=product.minimum_amount,
        maximum_amount=product.maximum_amount,
        minimum_down_payment=product.minimum_down_payment,
        maximum_loan_to_value=min(product.maximum_loan_to_value, rules.maximum_loan_to_value(basis.on, kind)),
        balloon_shares=product.balloon_shares,
        forgone_discount=product.forgone_discount,
        funding_rate=lender.funding_rate,
        loss_given_default=in_force(rules.risk, basis.on, name="risk").loss_given_default[kind],
        maximum_age_at_maturity=product.eligibility.maximum_age_at_maturity,
    )


def _obstacle(
    product: Product, applicant: Applicant, vehicle: Vehicle, kind: VehicleClass, *, on: date, band: str | None
) -> str | None:
    who = product.eligibility
    checks = {
        "vehicle_class": kind not in who.vehicle_classes,
        "brand": who.brands is not None and vehicle.brand not in who.brands,
        "date": product.rate_grid(on) is None,
        "risk_band": band is None or product.rates_on(on, band) is None,
        "income": applicant.monthly_income < who.minimum_monthly_income,
        "age": applicant.age < who.minimum_age,
    }
    return next((name for name, closed in checks.items() if closed), None)


def _class_of(vehicle: Vehicle) -> VehicleClass:
    if vehicle.vehicle_class not in VEHICLE_CLASSES:
        raise DataError(f"vehicle_class must be one of {', '.join(VEHICLE_CLASSES)}, got {vehicle.vehicle_class!r}")
    return vehicle.vehicle_class
