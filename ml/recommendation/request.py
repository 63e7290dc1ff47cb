"""Request models of the recommendation routes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from features.tables import BODY_TYPES, CONDITIONS, ENERGY_TYPES, EVENT_TYPES
from ml.instants import Instant
from ml.recommendation.page_tokens import MAX_LENGTH, shown_before
from ml.signature import Name, RequestPart, Signature

MAX_VEHICLES = 200
MAX_EVENTS = 500
MAX_EXCLUDED = 1_000

Yuan = Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False, description="in yuan")]


class SessionEvent(RequestPart):
    """One event of the current visit."""

    vehicle_id: Name
    event_type: Literal[EVENT_TYPES] = "view"  # type: ignore[valid-type]
    at: Instant | None = Field(None, description="instant with UTC offset; default: the instant of the request")


class Profile(RequestPart):
    """Preferences that the visitor states; they replace those stored for the customer."""

    budget_low: Yuan | None = None
    budget_high: Yuan | None = None
    body_type: Literal[BODY_TYPES] | None = None  # type: ignore[valid-type]
    energy_type: Literal[ENERGY_TYPES] | None = None  # type: ignore[valid-type]
    household_size: int | None = Field(None, ge=1, le=20, description="minimum number of seats")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.budget_low is not None and self.budget_high is not None and self.budget_low > self.budget_high:
            raise ValueError("budget_low must not exceed budget_high")
        return self


class Filters(RequestPart):
    """Conditions that every vehicle on the page meets, pinned and explored vehicles included."""

    price_low: Yuan | None = None
    price_high: Yuan | None = None
    condition: Literal[CONDITIONS] | None = None  # type: ignore[valid-type]
    brand: list[Name] = Field(default=[], max_length=50, description="one of these brands; empty: all brands")
    body_type: list[Literal[BODY_TYPES]] = Field(default=[], max_length=20)  # type: ignore[valid-type]
    energy_type: list[Literal[ENERGY_TYPES]] = Field(default=[], max_length=20)  # type: ignore[valid-type]
    store_id: list[Name] = Field(default=[], max_length=1_000, description="vehicles located in one of these stores")
    exclude: list[Name] = Field(default=[], max_length=MAX_EXCLUDED, description="vehicle_id of vehicles to leave out")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.price_low is not None and self.price_high is not None and self.price_low > self.price_high:
            raise ValueError("price_low must not exceed price_high")
        return self


class Payment(RequestPart):
    """Monthly budget of the visitor; cards then carry the lowest monthly payment, affordable vehicles first."""

    monthly_payment: Yuan | None = Field(None, gt=0, description="preferred maximum, in yuan per month")
    monthly_income: Yuan | None = Field(None, gt=0, description="middle of the income band, in yuan per month")
    down_payment_share: float = Field(0.3, ge=0, le=0.95, allow_inf_nan=False, description="share of the price")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.monthly_payment is None and self.monthly_income is None:
            raise ValueError("monthly_payment or monthly_income is required")
        return self


class RecommendationRequest(RequestPart):
    """Request for one page of recommended vehicles."""

    customer_id: Name | None = Field(None, description="its history is used if training contains it, else visitor_id's")
    visitor_id: Name | None = Field(None, description="id of the visitor before registration")
    store_id: Name | None = Field(None, description="store of the page; vehicles located in other stores are left out")
    n: int = Field(10, ge=1, le=MAX_VEHICLES, description="number of vehicles")
    session: list[SessionEvent] = Field(default=[], max_length=MAX_EVENTS, description="events of the current visit")
    profile: Profile | None = None
    filters: Filters = Filters()
    payment: Payment | None = None
    personalise: bool = Field(
        True, description="false: non-personalised page, history, session and profile are ignored"
    )
    at: Instant | None = Field(None, description="instant of the page, with UTC offset; default: now")
    page_token: str | None = Field(
        None,
        max_length=MAX_LENGTH,
        description="next_page_token of the page before: this page repeats no vehicle of it",
    )

    @field_validator("page_token")
    @classmethod
    def _valid_token(cls, value: str | None) -> str | None:
        if value is not None:
            shown_before(value)
        return value


class SimilarRequest(RequestPart):
    """Request for the vehicles most similar to one in stock."""

    vehicle_id: Name
    n: int = Field(10, ge=1, le=MAX_VEHICLES, description="number of vehicles")
    filters: Filters = Filters()


def request(signature: Signature) -> type[BaseModel]:
    """Return the request model `RecommendationRequest`, whatever the signature. Called by the server.

    Examples
    --------
    >>> from ml.signature import Signature
    >>> request(Signature(fields=()))(customer_id="C1").n
    10
    """
    return RecommendationRequest
