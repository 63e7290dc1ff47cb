"""Products of the catalogue that are available to an applicant on a given day, and their terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.errors import DataError
from ml.domain.loans.application import Applicant, OfferedProduct, Policy, Vehicle
from ml.loans.catalogue.fields import in_force
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Product
from ml.loans.catalogue.vehicle_classes import VEHICLE_CLASSES, VehicleClass


@dataclass(frozen=True, kw_only=True)
class PricingBasis:
    """Date and risk of an application: they decide which products are available and at which rate.

    Attributes
    ----------
    on : date
        Date of the application and of disbursement; the rules of this day apply.
    probability_of_default : float
        From 0 to 1, such as predicted by `ml.credit_risk.estimator.CreditRiskEstimator`; sets the risk band.
    state_subsidy_used : int
        State interest subsidy that the applicant has already used with the lender this year, fen.

    Examples
    --------
    >>> from datetime import date
    >>> PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01).state_subsidy_used
    0
    """

    on: date
    probability_of_default: float
    state_subsidy_used: int = 0


def policy_for(lending: Lending, vehicle: Vehicle, on: date) -> Policy:
    """Return the limits of law and house policy for a vehicle on a day.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    vehicle : Vehicle
        An `ml.domain.loans.application.Vehicle`; its `vehicle_class` selects the limits.
    on : date
        Date of the application.

    Returns
    -------
    Policy
        Limits on payment-to-income (a fraction), term (months), age (years) and annualised cost (a yearly fraction),
        and the expected profit that a loan needs (fen).

    Raises
    ------
    DataError
        The vehicle class is unknown, or no rule is in force on that day.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Vehicle
    >>> from ml.loans.endpoints import read_lending
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="used")  # fen
    >>> policy = policy_for(read_lending(Path("configs")), vehicle, on=date(2026, 9, 1))
    >>> policy.payment_to_income, policy.maximum_term_months, policy.maximum_cost
    (0.55, 36, 0.24)
    """
    return lending.rules.policy_on(on, _checked_class(vehicle))


def obstacles(
    lending: Lending, applicant: Applicant, vehicle: Vehicle, *, basis: PricingBasis
) -> dict[str, str | None]:
    """Return, for each product of the catalogue, the first rule that excludes the applicant.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    applicant : Applicant
        `ml.domain.loans.application.Applicant(age, monthly_income)`: years, fen a month.
    vehicle : Vehicle
        `ml.domain.loans.application.Vehicle(vehicle_id, price, vehicle_class)`: price in fen, class as returned by
        `ml.loans.catalogue.vehicle_classes.vehicle_class`.
    basis : PricingBasis
        `ml.loans.eligibility.PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)`: date and risk, 0 to 1.

    Returns
    -------
    dict of str to str or None
        Product key to `vehicle_class`, `brand`, `date`, `risk_band`, `income` or `age`; None if it is available.

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class is unknown, or the probability is not from 0 to 1.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.loans.eligibility import PricingBasis, obstacles
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> basis = PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)
    >>> by_product = obstacles(lending, applicant, vehicle, basis=basis)
    >>> by_product["bank_standard"], by_product["used_guaranteed"]
    (None, 'vehicle_class')
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
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    applicant : Applicant
        `ml.domain.loans.application.Applicant(age, monthly_income)`: years, fen a month.
    vehicle : Vehicle
        `ml.domain.loans.application.Vehicle(vehicle_id, price, vehicle_class)`: price in fen, class as returned by
        `ml.loans.catalogue.vehicle_classes.vehicle_class`.
    basis : PricingBasis
        `ml.loans.eligibility.PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)`: date and risk, 0 to 1.

    Returns
    -------
    tuple of OfferedProduct
        In the order of the catalogue; empty if no product is available. Each has `name` (product key), `rates` (term in
        months to yearly rate, a fraction), `minimum_amount` and `maximum_amount` (fen) and the limits of the lender.

    Raises
    ------
    DataError
        The date is before the first rule, the vehicle class is unknown, or the probability is not from 0 to 1.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.loans.eligibility import PricingBasis, offered_products
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> basis = PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)
    >>> products = offered_products(lending, applicant, vehicle, basis=basis)
    >>> products[0].name, products[0].rates[36]
    ('bank_standard', 0.035)
    """
    by_product = obstacles(lending, applicant, vehicle, basis=basis)
    return tuple(_offered(lending, key, vehicle, basis=basis) for key, rule in by_product.items() if rule is None)


def product_by_name(lending: Lending, name: str) -> Product:
    """Return a product of the catalogue by its key.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    name : str
        Key of the product, such as "bank_standard".

    Returns
    -------
    Product
        The entry of `loans/products.yaml`: `lender` (key), `name` (zh, en), `form`, `minimum_amount` and
        `maximum_amount` (fen), `rates` by date.

    Raises
    ------
    DataError
        The catalogue has no such product.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> product = product_by_name(read_lending(Path("configs")), "bank_standard")
    >>> product.form, product.minimum_amount
    ('equal_instalment', 2000000)
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
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    name : str
        Key of the product in `lending.catalogue.products`, such as "bank_standard".
    applicant : Applicant
        `ml.domain.loans.application.Applicant(age, monthly_income)`: years, fen a month.
    vehicle : Vehicle
        `ml.domain.loans.application.Vehicle(vehicle_id, price, vehicle_class)`: price in fen, class as returned by
        `ml.loans.catalogue.vehicle_classes.vehicle_class`.
    basis : PricingBasis
        `ml.loans.eligibility.PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)`: date and risk, 0 to 1.

    Returns
    -------
    OfferedProduct
        `name` and `lender` (keys); `rates` (term in months to contract rate, a yearly fraction); `minimum_amount`,
        `maximum_amount` and `forgone_discount` (fen); `minimum_down_payment` and `maximum_loan_to_value` (fractions of
        the price); `balloon_shares` (fractions of the loan amount); `funding_rate` (a yearly fraction);
        `loss_given_default` (fraction of the balance); `maximum_age_at_maturity` (years); `product` (a `LoanProduct`:
        repayment form, fees and subsidies).

    Raises
    ------
    DataError
        The product is unknown or not available to the applicant, the date is before the first rule, the vehicle class
        is unknown, or the probability is not from 0 to 1.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.loans.eligibility import PricingBasis, offered_product
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> basis = PricingBasis(on=date(2026, 9, 1), probability_of_default=0.01)
    >>> product = offered_product(lending, "bank_standard", applicant, vehicle, basis=basis)
    >>> product.lender, product.rates[36], product.minimum_amount
    ('riverside_bank', 0.035, 2000000)
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
        forgone_discount=product.forgone_discount_on(basis.on),
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
