"""Request models of `POST /v1/events`: what was shown, what people did, and how leads and loans ended.

The field `type` says which one it is. Types and ranges are those of the contracts in `features.tables`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from features.tables import EVENT_TYPES, EVENTS, EXPOSURES, LEADS, LOAN_OUTCOMES
from ml.instants import Instant
from ml.signature import Name, RequestPart
from serving.feedback.contract_models import contract_model

MAX_EVENTS = 1_000
MAX_VEHICLES_SHOWN = 200
LEAD_EVENTS = ("called", "answered", "sold", "lost")
LOAN_EVENTS = ("performing", "repaid", "defaulted")
WITHOUT_VEHICLE = ("search", "chat", "impression")  # event types that need not name a vehicle or model


class _Event(BaseModel):
    """Fields of every event."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    event_id: Name = Field(description="id that the sender chooses; a repetition with the same content has no effect")
    at: Instant = Field(description="instant of the event, with UTC offset")


class VehicleShown(RequestPart):
    """One vehicle of a page that was shown: card, place and propensity of the answer."""

    vehicle_id: Name
    place: int = Field(ge=int(EXPOSURES.columns["place"].low or 1), le=int(EXPOSURES.columns["place"].high or 1))
    propensity: float = Field(
        ge=EXPOSURES.columns["propensity"].low, le=EXPOSURES.columns["propensity"].high, allow_inf_nan=False
    )


class Shown(_Event):
    """A page of recommendations, or a part of it, that a visitor has seen: rows of the table `exposures`."""

    type: Literal["shown"]
    request_id: Name = Field(description="header x-request-id of the answer; of page k of a batch, followed by .k")
    vehicles: list[VehicleShown] = Field(min_length=1, max_length=MAX_VEHICLES_SHOWN)
    customer_id: Name | None = None
    visitor_id: Name | None = None
    store_id: Name | None = None
    model_version: int | Name | None = Field(None, description="field model_version of the answer")


def _with_columns(name: str, text: str, columns: type[BaseModel], types: tuple[str, ...]) -> type[BaseModel]:
    kind: Any = (Literal[types], ...)  # type: ignore[valid-type]
    model: type[BaseModel] = create_model(name, __base__=(_Event, columns), __doc__=text, type=kind)
    return model


Action = _with_columns(
    "Action",
    "What a visitor or customer did: a row of the table `events`.",
    contract_model(
        "ActionColumns", EVENTS, [n for n in EVENTS.columns if n not in ("event_id", "event_at", "event_type")]
    ),
    EVENT_TYPES,
)
Lead = _with_columns(
    "Lead",
    "A sales enquiry: a row of the table `leads` with `at` as its `created_at`.",
    contract_model(
        "LeadColumns",
        LEADS,
        [n for n in LEADS.columns if n != "created_at" and n not in LEADS.outcomes],
        required=["lead_id"],
    ),
    ("lead",),
)
LeadEvent = _with_columns(
    "LeadEvent",
    "What became of a lead: the desk called, the customer answered, bought (sold), or will not buy (lost).",
    contract_model(
        "LeadEventColumns", LEADS, ["lead_id", "store_id", "salesperson_id", "gross_margin"], required=["lead_id"]
    ),
    LEAD_EVENTS,
)
LoanEvent = _with_columns(
    "LoanEvent",
    "How a loan went: performing at the end of the observation window, repaid, or defaulted; the earliest one counts.",
    contract_model(
        "LoanEventColumns",
        LOAN_OUTCOMES,
        ["application_id", "originated_at", "months_on_book", "loss"],
        required=["application_id"],
    ),
    LOAN_EVENTS,
)
Event: Any = Annotated[Shown | Action | Lead | LeadEvent | LoanEvent, Field(discriminator="type")]
EVENT: TypeAdapter[Any] = TypeAdapter(Event)


class EventBatch(BaseModel):
    """Body of `POST /v1/events`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    events: list[Event] = Field(min_length=1, max_length=MAX_EVENTS)


class Refusal(BaseModel):
    """An event that was not stored: its position in the request, the field and the rule that it breaks."""

    index: int
    field: str
    rule: str
    message: str


class EventAnswer(BaseModel):
    """Answer of `POST /v1/events`; what it counts as stored is on the disk."""

    stored: int = Field(description="number of events that are new")
    duplicates: int = Field(description="number of events that had been stored before with the same content")
    refused: list[Refusal] = Field(description="events that were not stored; the others are")
