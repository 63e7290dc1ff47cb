"""Fields that all loan requests share (applicant, vehicle, date), and their conversion to the domain's types."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from features.tables import ENERGY_TYPES
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.loans.catalogue.vehicle_classes import VehicleClass, vehicle_class
from ml.signature import RequestPart

Amount = Annotated[float, Field(ge=0, le=1e9, multiple_of=0.01, allow_inf_nan=False)]


class Person(RequestPart):
    """The applicant: used by lending policy, without effect on the interest rate."""

    age: float = Field(ge=0, le=130, allow_inf_nan=False, description="years")
    monthly_income: Amount = Field(gt=0, description="yuan a month")
    monthly_debt_payment: Amount = Field(0.0, description="payments on other debts, yuan a month")

    def applicant(self) -> Applicant:
        """Return the applicant with amounts in fen.

        Examples
        --------
        >>> Person(age=35, monthly_income=15_000.0).applicant()
        Applicant(age=35.0, monthly_income=1500000, monthly_debt_payment=0)
        """
        return Applicant(self.age, fen(self.monthly_income), fen(self.monthly_debt_payment))


class Car(RequestPart):
    """The vehicle to be financed, or an alternative in stock."""

    vehicle_id: str = Field("", max_length=200)
    price: Amount = Field(gt=0, description="yuan")
    condition: Literal["new", "used"]
    energy_type: Literal[ENERGY_TYPES]  # type: ignore[valid-type]
    use: Literal["private", "commercial"] = "private"
    brand: str | None = Field(None, max_length=200, description="some products are restricted to brands")

    @property
    def vehicle_class(self) -> VehicleClass:
        """The vehicle's class in the lending rules, such as "private_new_energy"."""
        return vehicle_class(self.condition, self.use, self.energy_type)

    def vehicle(self, resale: tuple[int, ...] = ()) -> Vehicle:
        """Return the vehicle with its class and its price in fen.

        Parameters
        ----------
        resale : tuple of int
            Lower bound of the resale value by months from now, fen, as returned by
            `ml.loans.collateral_value.resale_values`; empty if unknown.

        Examples
        --------
        >>> vehicle = Car(price=150_000.0, condition="new", energy_type="battery_electric").vehicle()
        >>> vehicle.price, vehicle.vehicle_class
        (15000000, 'private_new_energy')
        """
        return Vehicle(
            self.vehicle_id, fen(self.price), self.vehicle_class, brand=self.brand, use=self.use, resale=resale
        )


class LoanRequest(RequestPart):
    """Applicant, vehicle, down payment and term; the rules of the date `on` apply."""

    on: Annotated[date, Field(strict=False, description="date of the application")]
    applicant: Person
    vehicle: Car
    down_payment: Amount = Field(description="largest down payment that the applicant can make, yuan")
    term_months: int | None = Field(None, ge=1, le=120, description="requested term; null for any term")
    state_subsidy_used: Amount = Field(0.0, description="state subsidy already used with the lender this year, yuan")

    def application(self, term_months: int | None, *, resale: tuple[int, ...] = ()) -> Application:
        """Return the application with amounts in fen.

        Parameters
        ----------
        term_months : int or None
            Term of the application, which may differ from the requested one; None for any term.
        resale : tuple of int
            Lower bound of the vehicle's resale value by months from now, fen, as returned by
            `ml.loans.collateral_value.resale_values`; empty if unknown.

        Raises
        ------
        LoanError
            The down payment exceeds the price.

        Examples
        --------
        >>> from ml.loans.request import Car, Person
        >>> request = LoanRequest(
        ...     on="2026-09-01",
        ...     applicant=Person(age=35, monthly_income=15_000.0),
        ...     vehicle=Car(price=150_000.0, condition="new", energy_type="battery_electric"),
        ...     down_payment=50_000.0,
        ... )
        >>> application = request.application(36)
        >>> application.down_payment, application.term_months
        (5000000, 36)
        """
        vehicle = self.vehicle.vehicle(resale)
        return Application(self.applicant.applicant(), vehicle, fen(self.down_payment), term_months)


def fen(yuan: float) -> int:
    """Return an amount in yuan as whole fen.

    Examples
    --------
    >>> fen(3042.19)
    304219
    """
    return round(yuan * 100)
