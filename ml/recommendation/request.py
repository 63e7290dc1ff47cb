"""What the storefront asks: who is there, what they did a moment ago, what they said, and what must be on the page."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from features.tables import BODY_TYPES, CONDITIONS, ENERGY_TYPES, EVENT_TYPES
from ml.instants import Instant
from ml.signature import Name, RequestPart, Signature

MOST_VEHICLES = 200
MAX_EVENTS = 500
MOST_EXCLUDED = 1_000

Yuan = Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False, description="in yuan")]


class SessionEvent(RequestPart):
    """Something the visitor did in this visit."""

    vehicle_id: Name
    event_type: Literal[EVENT_TYPES] = "view"  # type: ignore[valid-type]
    at: Instant | None = Field(None, description="instant with an offset; just now where it is not given")


class Profile(RequestPart):
    """What the visitor said about the car wanted."""

    budget_low: Yuan | None = None
    budget_high: Yuan | None = None
    body_type: Literal[BODY_TYPES] | None = None  # type: ignore[valid-type]
    energy_type: Literal[ENERGY_TYPES] | None = None  # type: ignore[valid-type]
    household_size: int | None = Field(None, ge=1, le=20, description="seats needed at least")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.budget_low is not None and self.budget_high is not None and self.budget_low > self.budget_high:
            raise ValueError("budget_low must not be above budget_high")
        return self


class Filters(RequestPart):
    """What a vehicle must be to stand on the page; nothing that breaks a filter is ever shown."""

    price_low: Yuan | None = None
    price_high: Yuan | None = None
    condition: Literal[CONDITIONS] | None = None  # type: ignore[valid-type]
    brand: list[Name] = Field(default=[], max_length=50, description="any of these; empty for all")
    body_type: list[Literal[BODY_TYPES]] = Field(default=[], max_length=20)  # type: ignore[valid-type]
    energy_type: list[Literal[ENERGY_TYPES]] = Field(default=[], max_length=20)  # type: ignore[valid-type]
    store_id: list[Name] = Field(default=[], max_length=1_000, description="vehicles that stand in these stores")
    exclude: list[Name] = Field(default=[], max_length=MOST_EXCLUDED, description="vehicle_id never to show")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.price_low is not None and self.price_high is not None and self.price_low > self.price_high:
            raise ValueError("price_low must not be above price_high")
        return self


class Payment(RequestPart):
    """What the visitor can pay a month; with it every vehicle comes with its lowest monthly payment."""

    monthly_payment: Yuan | None = Field(None, gt=0, description="preferred, in yuan")
    monthly_income: Yuan | None = Field(None, gt=0, description="middle of the income band, in yuan")
    down_payment_share: float = Field(0.3, ge=0, le=0.95, allow_inf_nan=False, description="of the price")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.monthly_payment is None and self.monthly_income is None:
            raise ValueError("give monthly_payment, monthly_income or both")
        return self


class RecommendationRequest(RequestPart):
    """One page to fill."""

    customer_id: Name | None = None
    visitor_id: Name | None = None
    store_id: Name | None = Field(None, description="the store whose page it is")
    n: int = Field(10, ge=1, le=MOST_VEHICLES, description="vehicles wanted")
    session: list[SessionEvent] = Field(default=[], max_length=MAX_EVENTS)
    profile: Profile | None = None
    filters: Filters = Filters()
    payment: Payment | None = None
    personalise: bool = Field(True, description="false: nothing about the visitor is used")
    at: Instant | None = Field(None, description="instant with an offset; now where it is not given")


class SimilarRequest(RequestPart):
    """Vehicles like one."""

    vehicle_id: Name
    n: int = Field(10, ge=1, le=MOST_VEHICLES)
    filters: Filters = Filters()


def request(signature: Signature) -> type[BaseModel]:
    """The request model; it is the same for every version."""
    return RecommendationRequest
