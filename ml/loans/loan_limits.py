"""Limits of law and lender for one loan on stated terms: the same that offers obey, for the day of the request.

A limit that needs the vehicle is checked if the request describes it; `unchecked_limits` names those that are not. Age,
income and credit of the borrower are limits of an application, which offers check.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from features.errors import DataError
from ml.bilingual import Text
from ml.domain.loans.calendar import interest_days_factor
from ml.domain.loans.loan import Loan
from ml.loans.amounts import fen
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.products import Product
from ml.loans.catalogue.vehicle_classes import VehicleClass
from ml.loans.request import Car

TOLERANCE = 1e-9  # of an annualised cost that equals its ceiling
NO_TERM = Text(
    zh="未填写车辆：期限只按该产品可办理车辆中最长的法定期限核对",
    en="vehicle is missing: the term is only compared with the longest that any vehicle of the product may have",
)
NO_VALUE = Text(
    zh="未填写车辆：未核对贷款成数、最低首付以及该产品是否适用该车",
    en="vehicle is missing: loan-to-value, minimum down payment and the product's eligible vehicles are not checked",
)
NO_RESALE = Text(
    zh="未填写到期残值：未核对到期尾款是否高于车辆残值",
    en="resale_value is missing: the balloon is not compared with the vehicle's value at maturity",
)


@dataclass(frozen=True, kw_only=True)
class StatedLoan:
    """The terms that limits compare with the vehicle: `ml.loans.loan_terms.LoanTerms.stated_loan`. Amounts in fen.

    Attributes
    ----------
    on : date
        Day of the application.
    amount, balloon : int
        Loan amount with the financed extras, and principal due at maturity.
    term_months : int
    vehicle : Car or None
    resale_value : int or None
        Lowest value of the vehicle at maturity.
    extras, financed_extras : int
        Price of all items besides the vehicle, and the part of it that the loan pays for.
    """

    on: date
    amount: int
    balloon: int
    term_months: int
    vehicle: Car | None
    resale_value: int | None
    extras: int
    financed_extras: int


def check_ceiling(lending: Lending, product: Product, loan: Loan, annualised: float, *, on: date) -> None:
    """Check the annualised cost with all fees, and the late interest, against the ceiling of lender kind and day.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    product : Product
        The product of the loan.
    loan : Loan
        The loan.
    annualised : float
        Nominal annualised cost with all fees, a yearly fraction: ``ml.domain.loans.cost.cost(schedule).nominal``.
    on : date
        Day of the application.

    Raises
    ------
    DataError
        The cost or the late interest is above the ceiling; the message names the ceiling's source.
    """
    lender = lending.catalogue.lenders[product.lender]
    ceiling = lending.rules.ceiling(on, lender.kind)
    limit = f"above the ceiling of {ceiling.maximum:.2%} for lender kind '{lender.kind}' on {on} ({ceiling.source.en})"
    if annualised > ceiling.maximum + TOLERANCE:
        raise DataError(
            f"annual_rate: the loan costs {annualised:.2%} a year with all fees, {limit}: choose a product with a "
            "lower rate or lower fees"
        )
    late = loan.annual_rate * lender.late_interest * interest_days_factor(lender.day_count)
    if late > ceiling.maximum + TOLERANCE:
        raise DataError(f"annual_rate: late interest of {late:.2%} a year is {limit}: choose a lower rate")


def check_vehicle(lending: Lending, product: Product, loan: StatedLoan) -> None:
    """Check term, loan-to-value, down payment, extras and balloon, as far as the request describes the vehicle.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    product : Product
        The product of the loan.
    loan : StatedLoan
        Terms of the loan: ``LoanTerms(...).stated_loan``.

    Raises
    ------
    DataError
        A limit of law or lender is violated; the message names the field, the limit and the value received.
    """
    _check_term(lending, product, loan)
    _check_extras(lending, product, loan)
    if loan.resale_value is not None and loan.balloon > loan.resale_value:
        raise DataError(
            f"balloon: must be at most the vehicle's resale value at maturity of {loan.resale_value / 100:.2f} yuan, "
            f"got {loan.balloon / 100:.2f}: choose a smaller balloon or a shorter term"
        )
    if loan.vehicle is not None:
        _check_eligibility(product, loan.vehicle)
        _check_loan_to_value(lending, product, loan, loan.vehicle)


def _check_eligibility(product: Product, vehicle: Car) -> None:
    eligibility = product.eligibility
    if vehicle.vehicle_class not in eligibility.vehicle_classes:
        classes = ", ".join(eligibility.vehicle_classes)
        raise DataError(
            f"vehicle: the product is for the vehicle classes {classes}, got {vehicle.vehicle_class}; choose another "
            "product"
        )
    if eligibility.brands is not None and vehicle.brand not in eligibility.brands:
        brands = ", ".join(eligibility.brands)
        raise DataError(f"vehicle.brand: the product is for {brands}, got {vehicle.brand}; choose another product")


def unchecked_limits(lending: Lending, product: Product, loan: StatedLoan) -> list[Text]:
    """Return the limits that the request leaves unchecked, in words; empty if every limit is checked.

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`: ``read_lending(Path("configs"))``.
    product : Product
        The product of the loan: ``ml.loans.eligibility.product_by_name(lending, name)``.
    loan : StatedLoan
        Terms of the loan: ``LoanTerms(...).stated_loan``.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> from ml.loans.loan_terms import LoanTerms
    >>> lending = read_lending(Path("configs"))
    >>> terms = LoanTerms(
    ...     product="flat_easy", on=date(2026, 9, 1), amount=100_000.0, annual_rate=0.03, term_months=36
    ... )
    >>> for text in unchecked_limits(lending, lending.catalogue.products["flat_easy"], terms.stated_loan):
    ...     print(text.en)
    vehicle is missing: loan-to-value, minimum down payment and the product's eligible vehicles are not checked
    """
    texts = []
    if loan.vehicle is None:
        shortest = min(lending.rules.maximum_term_months(loan.on, name) for name in product.eligibility.vehicle_classes)
        texts = [NO_TERM, NO_VALUE] if product.lease is None and loan.term_months > shortest else [NO_VALUE]
    if loan.balloon and loan.resale_value is None:
        texts.append(NO_RESALE)
    return texts


def _check_term(lending: Lending, product: Product, loan: StatedLoan) -> None:
    if product.lease is not None:  # the law on terms is that of loans
        return
    classes: Sequence[VehicleClass] = product.eligibility.vehicle_classes
    if loan.vehicle is not None:
        classes = (loan.vehicle.vehicle_class,)
    longest = max(lending.rules.maximum_term_months(loan.on, name) for name in classes)
    if loan.term_months > longest:
        raise DataError(
            f"term_months: the law allows at most {longest} months for {' and '.join(classes)} on {loan.on}, got "
            f"{loan.term_months}; choose a shorter term"
        )


def _check_extras(lending: Lending, product: Product, loan: StatedLoan) -> None:
    kind = lending.catalogue.lenders[product.lender].kind
    share = lending.rules.maximum_financed_extras_share(loan.on, kind, total=loan.extras)
    if loan.financed_extras > _share(loan.extras, share):
        raise DataError(
            f"extras: lender kind '{kind}' may finance at most {share:.0%} of {loan.extras / 100:.2f} yuan on "
            f"{loan.on}, got {loan.financed_extras / 100:.2f} yuan; pay more of them in cash"
        )
    if loan.financed_extras >= loan.amount:
        raise DataError(
            f"extras: financed extras of {loan.financed_extras / 100:.2f} yuan must be below the amount of "
            f"{loan.amount / 100:.2f} yuan, which includes them: correct the amount"
        )


def _check_loan_to_value(lending: Lending, product: Product, loan: StatedLoan, vehicle: Car) -> None:
    price = fen(vehicle.price)
    counted, base = loan.amount - loan.financed_extras, price
    if lending.rules.base_of_loan_to_value(loan.on) == "price_and_extras":
        counted, base = loan.amount, price + loan.financed_extras
    by_law = math.inf  # the law on vehicle loans does not bind a finance lease
    if product.lease is None:
        by_law = lending.rules.maximum_loan_to_value(loan.on, vehicle.vehicle_class)
    share = min(by_law, product.maximum_loan_to_value)
    largest = _share(base, share)
    if counted > largest:
        source = f"the law for {vehicle.vehicle_class} on {loan.on}" if share == by_law else "the lender"
        raise DataError(
            f"amount: {source} allows a loan of at most {share:.2%} of {base / 100:.2f} yuan, which is "
            f"{largest / 100:.2f} yuan; got {counted / 100:.2f}: borrow less"
        )
    down, least = price + loan.financed_extras - loan.amount, _share(price, product.minimum_down_payment)
    if down < least:
        raise DataError(
            f"amount: the lender asks for a down payment of at least {product.minimum_down_payment:.2%} of "
            f"{price / 100:.2f} yuan, which is {least / 100:.2f} yuan; got {down / 100:.2f}: borrow less"
        )


def _share(amount: int, share: float) -> float:
    return round(amount * share, 4)  # without floating-point noise, so that an amount equal to a limit passes
