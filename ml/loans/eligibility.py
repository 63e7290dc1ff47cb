"""Products of the catalogue that are available to an applicant on a given day, and their terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache

from features.errors import DataError
from ml.domain.loans.application import Applicant, OfferedProduct, Policy, Vehicle
from ml.loans.catalogue.fields import in_force
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Product
from ml.loans.catalogue.vehicle_classes import VEHICLE_CLASSES, VehicleClass


def policy_for(lending: Lending, vehicle: Vehicle, on: date, *, horizon_months: int | None = None) -> Policy:
    """Return the limits of law and house policy for a vehicle on a day.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    vehicle : Vehicle
        An `ml.domain.loans.application.Vehicle`; its `vehicle_class` selects the limits.
    on : date
        Date of the application.
    horizon_months : int, optional
        Horizon of the probability of default, if the credit model states it; by default that of the rules.

    Returns
    -------
    Policy
        Limits on payment-to-income (a fraction), term (months) and age (years), and the expected profit that a loan
        needs (fen).

    Raises
    ------
    DataError
        The vehicle class is unknown, no rule is in force on that day, or rules and model disagree on the horizon.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Vehicle
    >>> from ml.loans.endpoints import read_lending
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="used")  # fen
    >>> policy = policy_for(read_lending(Path("configs")), vehicle, on=date(2026, 9, 1))
    >>> policy.payment_to_income, policy.maximum_term_months
    (0.55, 36)
    """
    return lending.rules.policy_on(on, _checked_class(vehicle), horizon_months=horizon_months)


def obstacles(lending: Lending, applicant: Applicant, vehicle: Vehicle, *, on: date) -> dict[str, str | None]:
    """Return, for each product of the catalogue, the first rule that excludes the applicant.

    Risk is no such rule: it differs between the loans of one product.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    applicant : Applicant
        `ml.domain.loans.application.Applicant(age, monthly_income)`: years, fen a month.
    vehicle : Vehicle
        `ml.domain.loans.application.Vehicle(vehicle_id, price, vehicle_class)`: price in fen, class as returned by
        `ml.loans.catalogue.vehicle_classes.vehicle_class`.
    on : date
        Date of the application.

    Returns
    -------
    dict of str to str or None
        Product key to `vehicle_class`, `brand`, `date`, `income` or `age`; None if it is available.

    Raises
    ------
    DataError
        The vehicle class is unknown.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.loans.eligibility import obstacles
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> by_product = obstacles(lending, applicant, vehicle, on=date(2026, 9, 1))
    >>> by_product["bank_standard"], by_product["used_guaranteed"]
    (None, 'vehicle_class')
    """
    vehicle_class = _checked_class(vehicle)
    return {
        key: _obstacle(product, applicant, vehicle, vehicle_class, on=on)
        for key, product in lending.catalogue.products.items()
    }


def offered_products(
    lending: Lending,
    applicant: Applicant,
    vehicle: Vehicle,
    *,
    on: date,
    state_subsidy_used: Mapping[str, int] | None = None,
    extras: int = 0,
) -> tuple[OfferedProduct, ...]:
    """Return the products available to an applicant under the rules of the day, with the rates of every risk band.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    applicant : Applicant
        `ml.domain.loans.application.Applicant(age, monthly_income)`: years, fen a month.
    vehicle : Vehicle
        `ml.domain.loans.application.Vehicle(vehicle_id, price, vehicle_class)`: price in fen, class as returned by
        `ml.loans.catalogue.vehicle_classes.vehicle_class`.
    on : date
        Date of the application.
    state_subsidy_used : mapping of str to int, optional
        Lender to the state interest subsidy that the applicant has already used with it this year, fen.
    extras : int
        Price of all extras of the deal, fen; lenders may finance a share of them.

    Returns
    -------
    tuple of OfferedProduct
        In the order of the catalogue; empty if no product is available. Each has `name` (product key), `rates` (risk
        band to term in months to yearly rate, a fraction), `minimum_amount` and `maximum_amount` (fen) and the limits
        of the lender.

    Raises
    ------
    DataError
        The date is before the first rule, or the vehicle class or a lender is unknown.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.loans.eligibility import offered_products
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> products = offered_products(lending, applicant, vehicle, on=date(2026, 9, 1))
    >>> products[0].name, products[0].rates["A"][36]
    ('bank_standard', 0.035)
    """
    used = _checked_lenders(lending, state_subsidy_used or {})
    by_product = obstacles(lending, applicant, vehicle, on=on)
    offered = (_offered(lending, key, vehicle, on, used) for key, rule in by_product.items() if rule is None)
    return tuple(_with_extras(lending, o, on, extras) if extras else o for o in offered)


def _with_extras(lending: Lending, offered: OfferedProduct, on: date, extras: int) -> OfferedProduct:
    kind = lending.catalogue.lenders[offered.lender].kind
    share = lending.rules.maximum_financed_extras_share(on, kind, total=extras)
    return replace(offered, maximum_financed_extras=share)


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
    lending: Lending,
    name: str,
    applicant: Applicant,
    vehicle: Vehicle,
    *,
    on: date,
    state_subsidy_used: Mapping[str, int] | None = None,
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
    on : date
        Date of the application.
    state_subsidy_used : mapping of str to int, optional
        Lender to the state interest subsidy that the applicant has already used with it this year, fen.

    Returns
    -------
    OfferedProduct
        `name` and `lender` (keys); `rates` (risk band to term in months to contract rate, a yearly fraction);
        `minimum_amount`, `maximum_amount` and `forgone_discount` (fen); `minimum_down_payment` and
        `maximum_loan_to_value` (fractions of the price); `balloon_shares` (fractions of the loan amount);
        `funding_rate` and `maximum_cost` (yearly fractions); `loss_given_default` (fraction of the balance);
        `maximum_age_at_maturity` (years); `product` (a `LoanProduct`: repayment form, fees and subsidies).

    Raises
    ------
    DataError
        The product is unknown or not available to the applicant, the date is before the first rule, or the vehicle
        class is unknown.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.domain.loans.application import Applicant, Vehicle
    >>> from ml.loans.eligibility import offered_product
    >>> from ml.loans.endpoints import read_lending
    >>> lending = read_lending(Path("configs"))
    >>> applicant = Applicant(age=35, monthly_income=1_500_000)  # fen a month
    >>> vehicle = Vehicle(vehicle_id="V1", price=15_000_000, vehicle_class="private_new_energy")  # fen
    >>> product = offered_product(lending, "bank_standard", applicant, vehicle, on=date(2026, 9, 1))
    >>> product.lender, product.rates["A"][36], product.minimum_amount
    ('riverside_bank', 0.035, 2000000)
    """
    product_by_name(lending, name)
    if obstacle := obstacles(lending, applicant, vehicle, on=on)[name]:
        raise DataError(
            f"product '{name}' is not available for this application (rule: {obstacle}); choose another product"
        )
    return _offered(lending, name, vehicle, on, _checked_lenders(lending, state_subsidy_used or {}))


def _checked_lenders(lending: Lending, used: Mapping[str, int]) -> Mapping[str, int]:
    if unknown := [lender for lender in used if lender not in lending.catalogue.lenders]:
        lenders = ", ".join(lending.catalogue.lenders)
        raise DataError(f"state_subsidy_used: lender '{unknown[0]}' is unknown; the lenders are: {lenders}")
    return used


def _offered(lending: Lending, key: str, vehicle: Vehicle, on: date, used: Mapping[str, int]) -> OfferedProduct:
    private = vehicle.use == "private"
    lender = lending.catalogue.products[key].lender
    return _offered_terms(lending, key, _checked_class(vehicle), private, on, used.get(lender, 0))


@lru_cache(maxsize=4096)
def _offered_terms(
    lending: Lending, key: str, vehicle_class: VehicleClass, private: bool, on: date, used: int
) -> OfferedProduct:
    """Return the terms of a product, which do not depend on the applicant: built once for all requests of a day."""
    product, rules = lending.catalogue.products[key], lending.rules
    lender, grid = lending.catalogue.lenders[product.lender], product.rate_grid(on)
    state = None
    if lender.state_subsidy and product.state_subsidy and private:
        state = rules.state_subsidy_on(on, used_this_year=used)
    return OfferedProduct(
        name=key,
        lender=product.lender,
        product=product.loan_product(lender, state=state),
        rates={} if grid is None else grid.by_band,
        minimum_amount=product.minimum_amount,
        maximum_amount=product.maximum_amount,
        minimum_down_payment=product.minimum_down_payment,
        maximum_loan_to_value=product.loan_to_value_limit(rules.maximum_loan_to_value(on, vehicle_class)),
        balloon_shares=product.balloon_shares,
        forgone_discount=product.forgone_discount_on(on),
        funding_rate=lender.funding_rate,
        loss_given_default=in_force(rules.risk, on, name="risk").loss_given_default[vehicle_class],
        maximum_age_at_maturity=product.eligibility.maximum_age_at_maturity,
        maximum_cost=rules.maximum_cost(on, lender.kind),
    )


def _obstacle(
    product: Product, applicant: Applicant, vehicle: Vehicle, vehicle_class: VehicleClass, *, on: date
) -> str | None:
    eligibility = product.eligibility
    if vehicle_class not in eligibility.vehicle_classes:
        return "vehicle_class"
    if eligibility.brands is not None and vehicle.brand not in eligibility.brands:
        return "brand"
    if product.rate_grid(on) is None:
        return "date"
    if applicant.joint_income < eligibility.minimum_monthly_income:
        return "income"
    return "age" if applicant.age < eligibility.minimum_age else None


def _checked_class(vehicle: Vehicle) -> VehicleClass:
    if vehicle.vehicle_class not in VEHICLE_CLASSES:
        raise DataError(f"vehicle_class must be one of {', '.join(VEHICLE_CLASSES)}, got {vehicle.vehicle_class!r}")
    return vehicle.vehicle_class
