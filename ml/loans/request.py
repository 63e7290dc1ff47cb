"""What every question about a loan is made of: the person, the vehicle, and how both map onto the rules."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from features.tables import ENERGY_TYPES
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.loans.catalogue.rules import vehicle_class
from ml.signature import RequestPart

Amount = Annotated[float, Field(ge=0, le=1e9, multiple_of=0.01, allow_inf_nan=False)]


class Person(RequestPart):
    """What lenders ask about a person; none of it sets a price."""

    age: float = Field(ge=0, le=130, allow_inf_nan=False, description="years")
    monthly_income: Amount = Field(gt=0, description="in yuan")
    monthly_debt_payment: Amount = Field(0.0, description="in yuan a month, to other lenders")

    def applicant(self) -> Applicant:
        """The same for the arithmetic."""
        return Applicant(self.age, fen(self.monthly_income), fen(self.monthly_debt_payment))


class Car(RequestPart):
    """The vehicle to be financed, or one in stock in its place."""

    vehicle_id: str = Field("", max_length=200)
    price: Amount = Field(gt=0, description="in yuan")
    condition: Literal["new", "used"]
    energy_type: Literal[ENERGY_TYPES]  # type: ignore[valid-type]
    use: Literal["private", "commercial"] = "private"
    brand: str | None = Field(None, max_length=200)

    def vehicle(self, resale: tuple[int, ...] = ()) -> Vehicle:
        """The same for the arithmetic."""
        kind = vehicle_class(self.condition, self.use, self.energy_type)
        return Vehicle(self.vehicle_id, fen(self.price), kind, brand=self.brand, use=self.use, resale=resale)


class LoanRequest(RequestPart):
    """A person, a vehicle, and the day whose rules hold."""

    on: Annotated[date, Field(strict=False, description="date of the application")]
    applicant: Person
    vehicle: Car
    down_payment: Amount = Field(description="in yuan; offers ask for no more")
    term_months: int | None = Field(None, ge=1, le=120, description="the term asked for; null for any")
    state_subsidy_used: Amount = Field(0.0, description="state subsidy used this year with the lender, in yuan")

    def application(self, term_months: int | None, *, resale: tuple[int, ...] = ()) -> Application:
        """The same for the arithmetic."""
        vehicle = self.vehicle.vehicle(resale)
        return Application(self.applicant.applicant(), vehicle, fen(self.down_payment), term_months)


def fen(yuan: float) -> int:
    """Yuan with two decimals as integer fen.

    >>> fen(3042.19)
    304219
    """
    return round(yuan * 100)
