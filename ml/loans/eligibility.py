"""Products of the catalogue that are available to an applicant on a given day, and their terms."""

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
    """Date and risk of an application: they decide which products are available and at which rate.

    Attributes
    ----------
    on : date
        Date of the application and of disbursement; the rules of this day apply.
    probability_of_default : float
        Predicted by the credit model; sets the risk band.
    state_subsidy_used : int
        State interest subsidy that the applicant has already used with the lender this year, fen.
    """

    on: date
    probability_of_default: float
    state_subsidy_used: int = 0


def policy_for(lending: Lending, vehicle: Vehicle, on: date) -> Policy:
    """Return the limits of law and house policy for a vehicle on a day.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    vehicle : Vehicle
        `vehicle_class` selects the limits.
    on : date
        Date of the application.

    Raises
    ------
    DataError
        The vehicle class is unknown, or no rule is in force on that day.
    """
    return lending.rules.policy_on(on, _checked_class(vehicle))


def obstacles(
    lending: Lending, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> dict[str, str | None]:
    """Return, for each product of the catalogue, the first rule that excludes the applicant.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    applicant : Applicant
    vehicle : Vehicle
    basis : PricingBasis
        Date and probability of default of the application.

    Returns
    -------
    dict of str to str or None
        Product key to `vehicle_class`, `brand`, `date`, `risk_band`, `income` or `age`; None if it is available.

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class is unknown, or the probability is not from 0 to 1.
    """
    vehicle_class = _checked_class(vehicle)
    band = lending.rules.risk_band(basis.on, basis.probability_of_default)
    return {
        key: _obstacle(product, applicant, vehicle, vehicle_class, on=basis.on, band=band)
        for key, product in lending.catalogue.products.items()
    }


def offered_products(
    lending: Lending, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> tuple[OfferedProduct, ...]:
    """Return the products available to an applicant, at the rates of the risk band and under the rules of the day.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    applicant : Applicant
    vehicle : Vehicle
    basis : PricingBasis
        Date and probability of default of the application.

    Returns
    -------
    tuple of OfferedProduct
        In the order of the catalogue.

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class is unknown, or the probability is not from 0 to 1.
    """
    by_product = obstacles(lending, applicant, vehicle, basis=basis)
    return tuple(_offered(lending, key, vehicle, basis=basis) for key, rule in by_product.items() if rule is None)


def product_by_name(lending: Lending, name: str) -> Product:
    """Return a product of the catalogue by its key.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of the product, such as "bank_standard".

    Raises
    ------
    DataError
        The catalogue has no such product.
    """
    products = lending.catalogue.products
    if name not in products:
        raise DataError(f"product '{name}' is unknown; the products are: {', '.join(products)}")
    return products[name]


def offered_product(
    lending: Lending, name: str, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> OfferedProduct:
    """Return one product of the catalogue on the terms that hold for an applicant.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.catalogue.files.load_lending`.
    name : str
        Key of the product in the catalogue.
    applicant : Applicant
    vehicle : Vehicle
    basis : PricingBasis
        Date and probability of default of the application.

    Raises
    ------
    DataError
        The product is unknown or not available to the applicant, or an error of `offered_products`.
    """
    product_by_name(lending, name)
    if obstacle := obstacles(lending, applicant, vehicle, basis=basis)[name]:
        raise DataError(
            f"product '{name}' is not available for this application (rule: {obstacle}); choose another product"
        )
    return _offered(lending, name, vehicle, basis=basis)


def _offered(lending: Lending, key: str, vehicle: Vehicle, *, basis: PricingBasis) -> OfferedProduct:
    product = lending.catalogue.products[key]
    lender, rules = lending.catalogue.lenders[product.lender], lending.rules
    vehicle_class = _checked_class(vehicle)
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
        maximum_loan_to_value=min(product.maximum_loan_to_value, rules.maximum_loan_to_value(basis.on, vehicle_class)),
        balloon_shares=product.balloon_shares,
        forgone_discount=product.forgone_discount,
        funding_rate=lender.funding_rate,
        loss_given_default=in_force(rules.risk, basis.on, name="risk").loss_given_default[vehicle_class],
        maximum_age_at_maturity=product.eligibility.maximum_age_at_maturity,
    )


def _obstacle(
    product: Product, applicant: Applicant, vehicle: Vehicle, vehicle_class: VehicleClass, *, on: date, band: str | None
) -> str | None:
    eligibility = product.eligibility
    checks = {
        "vehicle_class": vehicle_class not in eligibility.vehicle_classes,
        "brand": eligibility.brands is not None and vehicle.brand not in eligibility.brands,
        "date": product.rate_grid(on) is None,
        "risk_band": band is None or product.rates_on(on, band) is None,
        "income": applicant.monthly_income < eligibility.minimum_monthly_income,
        "age": applicant.age < eligibility.minimum_age,
    }
    return next((name for name, is_violated in checks.items() if is_violated), None)


def _checked_class(vehicle: Vehicle) -> VehicleClass:
    if vehicle.vehicle_class not in VEHICLE_CLASSES:
        raise DataError(f"vehicle_class must be one of {', '.join(VEHICLE_CLASSES)}, got {vehicle.vehicle_class!r}")
    return vehicle.vehicle_class
