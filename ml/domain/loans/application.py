"""Who asks for a loan on which vehicle, what lenders have on the table, and the limits that hold for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ml.domain.loans.product import LoanProduct
from ml.domain.loans.rounding import MAX_AMOUNT, LoanError


@dataclass(frozen=True)
class Applicant:
    """What policy asks about a person; nothing here sets a price.

    Attributes
    ----------
    age : float
        Years.
    monthly_income : int
        Fen.
    monthly_debt_payment : int
        Fen a month that other debts take.
    """

    age: float
    monthly_income: int
    monthly_debt_payment: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.age) and 0 <= self.age <= 130):
            raise LoanError(f"age must be a finite number of years from 0 to 130, got {self.age}")
        _money("monthly_income", self.monthly_income, least=1)
        _money("monthly_debt_payment", self.monthly_debt_payment)


@dataclass(frozen=True)
class Vehicle:
    """The vehicle to be financed.

    Attributes
    ----------
    vehicle_id : str
    price : int
        Fen.
    vehicle_class : str
        Class by which the rules set the highest loan-to-value.
    brand : str, optional
        Makers finance their own brands.
    use : str
        "private" or "commercial"; the state subsidises private consumption only.
    resale : tuple of int, optional
        Fen that the vehicle still fetches, at the low end, by months from now (the first is now). Where it is known,
        a default loses what the sale leaves open, and a balloon may not exceed it at maturity.
    """

    vehicle_id: str
    price: int
    vehicle_class: str
    brand: str | None = None
    use: str = "private"
    resale: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _money("price", self.price, least=1)
        for value in self.resale:
            _money("resale", value)


@dataclass(frozen=True)
class Application:
    """One application.

    Attributes
    ----------
    applicant : Applicant
    vehicle : Vehicle
    down_payment : int
        Fen that the applicant can pay at once; offers ask for no more.
    term_months : int or None
        The term asked for; None for any.

    Raises
    ------
    LoanError
        Down payment above the price, or a term below 1.

    Examples
    --------
    >>> Application(Applicant(30, 1_500_000), Vehicle("V1", 15_000_000, "used"), down_payment=16_000_000)
    Traceback (most recent call last):
    ml.domain.loans.rounding.LoanError: down_payment must be at most the vehicle's price of 15000000, got 16000000
    """

    applicant: Applicant
    vehicle: Vehicle
    down_payment: int
    term_months: int | None = None

    def __post_init__(self) -> None:
        _money("down_payment", self.down_payment)
        if self.down_payment > self.vehicle.price:
            raise LoanError(
                f"down_payment must be at most the vehicle's price of {self.vehicle.price}, got {self.down_payment}"
            )
        if self.term_months is not None and (type(self.term_months) is not int or self.term_months < 1):
            raise LoanError(f"term_months must be a whole number of at least 1, got {self.term_months!r}")


@dataclass(frozen=True, kw_only=True)
class OfferedProduct:
    """A lender's product as it is open to one applicant on one day: risk band, law and eligibility already applied.

    Attributes
    ----------
    name, lender : str
        Keys in the catalogue.
    product : LoanProduct
    rates : mapping of int to float
        Term in months to contract rate, of the applicant's risk band.
    minimum_amount, maximum_amount : int
        Fen.
    minimum_down_payment, maximum_loan_to_value : float
        Shares of the price; the stricter of law and lender.
    balloon_shares : tuple of float
        Balloons on offer as shares of the loan amount; only with the form `balloon`.
    forgone_discount : int
        Fen of cash discount that this product gives up.
    funding_rate, loss_given_default : float
        Yearly fraction, and share of the balance.
    maximum_age_at_maturity : float
        Years.
    """

    name: str
    lender: str
    product: LoanProduct
    rates: Mapping[int, float]
    minimum_amount: int
    maximum_amount: int
    minimum_down_payment: float = 0.0
    maximum_loan_to_value: float = 1.0
    balloon_shares: tuple[float, ...] = ()
    forgone_discount: int = 0
    funding_rate: float
    loss_given_default: float
    maximum_age_at_maturity: float = 130.0

    def __post_init__(self) -> None:
        if (self.product.form == "balloon") != bool(self.balloon_shares):
            raise LoanError(f"product '{self.name}': balloon_shares must be given with the form balloon, and only then")
        if not self.rates:
            raise LoanError(f"product '{self.name}': rates must hold at least one term")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Limits that hold for every lender on one day.

    Attributes
    ----------
    payment_to_income : float
        Highest share of income for this loan's monthly burden (see `Prices`) and all other debts.
    maximum_term_months : int
    minimum_age, maximum_age_at_maturity : float
        Years.
    maximum_cost : float
        Legal ceiling of the nominal annualised cost.
    minimum_expected_profit : int
        Fen; loans that are expected to earn less are not offered.
    horizon_months : int
        Over which the probability of default is stated.
    recovery : float
        Share of a vehicle's resale value that a forced sale brings.
    """

    payment_to_income: float
    maximum_term_months: int
    minimum_age: float
    maximum_age_at_maturity: float
    maximum_cost: float
    minimum_expected_profit: int = 0
    horizon_months: int = 12
    recovery: float = 1.0


def _money(name: str, fen: int, *, least: int = 0) -> None:
    if type(fen) is not int or not least <= fen <= MAX_AMOUNT:
        raise LoanError(f"{name} must be whole fen from {least} to {MAX_AMOUNT}, got {fen!r}")
