"""Fields that all loan requests share (applicant, vehicle, date), and their conversion to the domain's types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from features.errors import DataError
from features.tables import ENERGY_TYPES
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.loans.amounts import Amount, fen
from ml.loans.catalogue.vehicle_classes import VehicleClass, vehicle_class
from ml.loans.days import Day
from ml.loans.extras import Extra
from ml.signature import Name, RequestPart


class CoBorrower(RequestPart):
    """A second person who signs the contract: income and debts count towards the payment-to-income."""

    monthly_income: Amount = Field(gt=0, description="yuan a month")
    monthly_debt_payment: Amount = Field(0.0, description="payments on other debts, yuan a month")


class Person(RequestPart):
    """The applicant: used by lending policy, without effect on the interest rate."""

    age: float = Field(ge=0, le=130, allow_inf_nan=False, description="years")
    monthly_income: Amount = Field(gt=0, description="yuan a month")
    monthly_debt_payment: Amount = Field(0.0, description="payments on other debts, yuan a month")

    def applicant(self, co_borrower: CoBorrower | None = None) -> Applicant:
        """Return the applicant with amounts in fen.

        Parameters
        ----------
        co_borrower : CoBorrower, optional
            Second person who signs the contract.

        Examples
        --------
        >>> Person(age=35, monthly_income=15_000.0).applicant(CoBorrower(monthly_income=8_000.0)).joint_income
        2300000
        """
        return Applicant(
            self.age,
            fen(self.monthly_income),
            fen(self.monthly_debt_payment),
            fen(co_borrower.monthly_income) if co_borrower else 0,
            fen(co_borrower.monthly_debt_payment) if co_borrower else 0,
        )


class Car(RequestPart):
    """The vehicle to be financed, or an alternative in stock."""

    vehicle_id: str = Field("", max_length=200, description="any text; unique among the vehicles of a request")
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

    on: Annotated[Day, Field(description="date of the application")]
    applicant: Person
    co_borrower: CoBorrower | None = None
    vehicle: Car
    down_payment: Amount = Field(description="largest down payment that the applicant can make in cash, yuan")
    term_months: int | None = Field(
        None, ge=1, le=120, description="requested term; null for any, if the credit model does not read the term"
    )
    trade_in_value: Amount | None = Field(
        None,
        description="agreed price of a car that is traded in, yuan; its net value adds to the down payment. Without it "
        "a car is only quoted, and the offers count no trade-in",
    )
    trade_in_payoff: Amount = Field(0.0, description="outstanding loan on the car that is traded in, yuan")
    state_subsidy_used: dict[Name, Amount] = Field(
        default={}, description="lender to the state subsidy already used with it this year, yuan"
    )

    @property
    def trade_in_net(self) -> int:
        """Agreed price of the car that is traded in, less the payoff of its loan, fen; may be negative."""
        if self.trade_in_value is None:
            return 0
        return fen(self.trade_in_value) - fen(self.trade_in_payoff)

    def application(
        self, term_months: int | None, *, resale: tuple[int, ...] = (), extras: Sequence[Extra] = ()
    ) -> Application:
        """Return the application with amounts in fen.

        Parameters
        ----------
        term_months : int or None
            Term of the application, which may differ from the requested one; None for any term.
        resale : tuple of int
            Lower bound of the vehicle's resale value by months from now, fen, as returned by
            `ml.loans.collateral_value.resale_values`; empty if unknown.
        extras : sequence of Extra
            Items of the deal besides the price.

        Raises
        ------
        LoanError
            The cash exceeds the price.
        DataError
            The cash does not cover the payoff that exceeds the trade-in's price, or cash and trade-in exceed the price.

        Examples
        --------
        >>> from ml.loans.request import Car, Person
        >>> request = LoanRequest(
        ...     on="2026-09-01",
        ...     applicant=Person(age=35, monthly_income=15_000.0),
        ...     vehicle=Car(price=150_000.0, condition="new", energy_type="battery_electric"),
        ...     down_payment=50_000.0,
        ...     trade_in_value=40_000.0,
        ...     trade_in_payoff=10_000.0,
        ... )
        >>> application = request.application(36)
        >>> application.down_payment, application.trade_in, application.term_months
        (8000000, 3000000, 36)
        """
        net, cash, price = self.trade_in_net, fen(self.down_payment), fen(self.vehicle.price)
        if cash + net < 0:
            raise DataError(
                f"down_payment: the loan on the car that is traded in exceeds its price by {-net / 100:.2f} yuan, got "
                f"{self.down_payment:.2f} yuan in cash; enter a down payment of at least the difference"
            )
        if net > 0 and cash + net > price:
            remedy = "no loan is needed" if net >= price else f"enter at most {(price - net) / 100:.2f} yuan in cash"
            raise DataError(
                f"down_payment: {cash / 100:.2f} yuan in cash and the trade-in's net value of {net / 100:.2f} yuan "
                f"exceed the price of {price / 100:.2f} yuan; {remedy}"
            )
        return Application(
            self.applicant.applicant(self.co_borrower),
            self.vehicle.vehicle(resale),
            cash + net,
            term_months,
            extras=sum(fen(extra.amount) for extra in extras),
            financed_extras=sum(fen(extra.amount) for extra in extras if extra.financed),
            trade_in=max(net, 0),
        )
