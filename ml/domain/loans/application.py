"""Application for a vehicle loan, products that lenders offer to the applicant, and limits of lending policy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ml.domain.loans.product import LoanProduct
from ml.domain.loans.rounding import MAX_AMOUNT, LoanError


@dataclass(frozen=True)
class Applicant:
    """The applicant's data that lending policy checks; none of them affects the interest rate.

    Attributes
    ----------
    age : float
        Years, 0 to 130.
    monthly_income : int
        Fen per month.
    monthly_debt_payment : int
        Payments on other debts, fen per month.
    co_borrower_income, co_borrower_debt_payment : int
        Income and payments on other debts of a co-borrower who signs the contract, fen per month.

    Raises
    ------
    LoanError
        A value is out of range.
    """

    age: float
    monthly_income: int
    monthly_debt_payment: int = 0
    co_borrower_income: int = 0
    co_borrower_debt_payment: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.age) and 0 <= self.age <= 130):
            raise LoanError(f"age must be a finite number of years from 0 to 130, got {self.age}")
        _check_fen("monthly_income", self.monthly_income, minimum=1)
        for name in ("monthly_debt_payment", "co_borrower_income", "co_borrower_debt_payment"):
            _check_fen(name, getattr(self, name))

    @property
    def joint_income(self) -> int:
        """Income of applicant and co-borrower, fen per month.

        >>> Applicant(35, 1_500_000, co_borrower_income=800_000).joint_income
        2300000
        """
        return self.monthly_income + self.co_borrower_income

    @property
    def joint_debt_payment(self) -> int:
        """Payments of applicant and co-borrower on other debts, fen per month.

        >>> Applicant(35, 1_500_000, 100_000, co_borrower_debt_payment=50_000).joint_debt_payment
        150000
        """
        return self.monthly_debt_payment + self.co_borrower_debt_payment


@dataclass(frozen=True)
class Vehicle:
    """The vehicle to be financed.

    Attributes
    ----------
    vehicle_id : str
    price : int
        Fen.
    vehicle_class : str
        One of `ml.loans.catalogue.vehicle_classes.VEHICLE_CLASSES`; sets the maximum loan-to-value and the loss given
        default.
    brand : str, optional
        Some products are restricted to brands.
    use : str
        "private" or "commercial"; the state subsidises private use only.
    resale : tuple of int, optional
        Lower bound of the resale value by months from now, from month 0 on, fen. If set, it limits the balloon at
        maturity and replaces `loss_given_default` in the expected loss.

    Raises
    ------
    LoanError
        A price or resale value is out of range.
    """

    vehicle_id: str
    price: int
    vehicle_class: str
    brand: str | None = None
    use: str = "private"
    resale: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check_fen("price", self.price, minimum=1)
        for value in self.resale:
            _check_fen("resale", value)


@dataclass(frozen=True)
class Application:
    """Application for a loan on one vehicle.

    Attributes
    ----------
    applicant : Applicant
    vehicle : Vehicle
    down_payment : int
        Largest down payment that the applicant can make, trade-in included, fen.
    term_months : int or None
        Requested term; None for any term.
    extras, financed_extras : int
        Extras of the deal (insurance, tax, plates, services), and the part of them that the loan finances, fen.
    trade_in : int
        Net value of the car that is traded in, fen: every loan has at least this down payment.

    Raises
    ------
    LoanError
        The down payment exceeds the price or is below `trade_in`, more extras are financed than there are, or the term
        is below 1.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> Application(Applicant(30, 1_500_000), Vehicle("V1", 15_000_000, "used"), down_payment=16_000_000)
    Traceback (most recent call last):
    ml.domain.loans.rounding.LoanError: down_payment must be at most the price of 150000.00 yuan, got 160000.00 yuan
    """

    applicant: Applicant
    vehicle: Vehicle
    down_payment: int
    term_months: int | None = None
    extras: int = 0
    financed_extras: int = 0
    trade_in: int = 0

    def __post_init__(self) -> None:
        for name in ("down_payment", "extras", "financed_extras", "trade_in"):
            _check_fen(name, getattr(self, name))
        for name, value, limit_name, limit in (
            ("down_payment", self.down_payment, "the price", self.vehicle.price),
            ("trade_in", self.trade_in, "the down payment", self.down_payment),
            ("financed_extras", self.financed_extras, "all extras", self.extras),
        ):
            if value > limit:
                amounts = f"{limit_name} of {limit / 100:.2f} yuan, got {value / 100:.2f} yuan"
                raise LoanError(f"{name} must be at most {amounts}")
        if self.term_months is not None and (type(self.term_months) is not int or self.term_months < 1):
            raise LoanError(f"term_months must be a whole number of at least 1, got {self.term_months!r}")


@dataclass(frozen=True, kw_only=True)
class OfferedProduct:
    """A lender's product on the terms that hold for one applicant on one day.

    Returned by `ml.loans.eligibility.offered_products`, which applies law and eligibility.

    Attributes
    ----------
    name, lender : str
        Keys of product and lender in the catalogue.
    product : LoanProduct
        Repayment form, fees and subsidies.
    rates : mapping of str to mapping of int to float
        Risk band to term in months to contract rate (fraction per year). A band without rates is not eligible.
    minimum_amount, maximum_amount : int
        Limits of the loan amount, fen.
    minimum_down_payment, maximum_loan_to_value : float
        Fractions of the price; the stricter of law and lender.
    balloon_shares : tuple of float
        Available balloons as fractions of the loan amount, with the form `balloon`; residuals of a `finance_lease`.
    forgone_discount : int
        Cash discount that the borrower loses with this product, fen.
    funding_rate : float
        Cost of the lender's money, fraction per year.
    loss_given_default : float
        Fraction of the outstanding balance lost in a default.
    maximum_age_at_maturity : float
        Years.
    maximum_cost : float
        Ceiling of the nominal annualised cost for this kind of lender, fraction per year.
    maximum_financed_extras : float
        Largest fraction of the extras that the lender may finance.

    Raises
    ------
    LoanError
        `balloon_shares` do not match the form, or there is no rate.
    """

    name: str
    lender: str
    product: LoanProduct
    rates: Mapping[str, Mapping[int, float]]
    minimum_amount: int
    maximum_amount: int
    minimum_down_payment: float = 0.0
    maximum_loan_to_value: float = 1.0
    balloon_shares: tuple[float, ...] = ()
    forgone_discount: int = 0
    funding_rate: float
    loss_given_default: float
    maximum_age_at_maturity: float = 130.0
    maximum_cost: float = 1.0
    maximum_financed_extras: float = 1.0

    def __post_init__(self) -> None:
        if self.product.lease is None and (self.product.form == "balloon") != bool(self.balloon_shares):
            raise LoanError(f"product '{self.name}': balloon_shares must be set if the form is balloon, and only then")
        if not self.terms:
            raise LoanError(f"product '{self.name}': rates must have at least one term")

    @cached_property
    def terms(self) -> tuple[int, ...]:
        """Terms in months for which at least one risk band has a rate, ascending."""
        return tuple(sorted({term for rates in self.rates.values() for term in rates}))


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Limits of law and house policy that hold for every lender on one day.

    Returned by `ml.loans.catalogue.files.load_lending(products, rules).rules.policy_on(day, vehicle_class)`.

    Attributes
    ----------
    payment_to_income : float
        Maximum fraction of income for this loan's monthly burden and payments on other debts.
    maximum_term_months : int
        Longest term, months.
    minimum_age, maximum_age_at_maturity : float
        Years.
    minimum_expected_profit : int
        Loans with a lower expected profit are not offered, fen.
    horizon_months : int
        Horizon of the probability of default, months.
    recovery : float
        Proceeds of a forced sale as a fraction of the vehicle's resale value.
    extras_in_loan_to_value : bool
        Base of the loan-to-value: True, the price and the financed extras; False, the price alone, and the loan counts
        without the financed extras.
    """

    payment_to_income: float
    maximum_term_months: int
    minimum_age: float
    maximum_age_at_maturity: float
    minimum_expected_profit: int = 0
    horizon_months: int = 12
    recovery: float = 1.0
    extras_in_loan_to_value: bool = False


def _check_fen(name: str, fen: int, *, minimum: int = 0) -> None:
    if type(fen) is not int:
        raise LoanError(f"{name} must be a whole number of fen, got {fen!r}")
    if not minimum <= fen <= MAX_AMOUNT:
        limits = f"from {minimum / 100:.2f} to {MAX_AMOUNT / 100:.2f} yuan"
        raise LoanError(f"{name} must be {limits}, got {fen / 100:.2f} yuan")
