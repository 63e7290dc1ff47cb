"""Request models of `/v1/stock`: the whole stock, that of one store, or single changes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from features.tables import VEHICLES
from ml.instants import Instant
from ml.recommendation.request import Yuan
from ml.signature import Name, RequestPart
from serving.feedback.contract_models import contract_model

MAX_VEHICLES = 20_000
MAX_CHANGES = 1_000
OwnValue = Annotated[str, Field(max_length=200)] | bool | Annotated[float, Field(allow_inf_nan=False)]

Vehicle: type[BaseModel] = create_model(
    "Vehicle",
    __base__=contract_model("VehicleColumns", VEHICLES, VEHICLES.columns, required=["vehicle_id"]),
    __doc__="A row of the table `vehicles`: an entry of the catalogue (`kind` catalogue) or a physical vehicle (unit).",
    own_features=(
        dict[Name, OwnValue],
        Field(
            {}, max_length=100, description="the dealership's own columns, which extra_features of the model may name"
        ),
    ),
)


class StockPush(BaseModel):
    """Body of `PUT /v1/stock`: all vehicles on offer, or all of one store. Others are withdrawn."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    store_id: Name | None = Field(None, description="replaces the stock of this store only; default: the whole stock")
    vehicles: list[Vehicle] = Field(max_length=MAX_VEHICLES)  # type: ignore[valid-type]


class _Change(RequestPart):
    """Fields of every change."""

    vehicle_id: Name
    at: Instant | None = Field(None, description="instant of the change, with UTC offset; default: now")


class StateChange(_Change):
    """A vehicle is sold, reserved, deleted from the offer, or released: on offer again."""

    type: Literal["sold", "reserved", "deleted", "released"]


class PriceChange(_Change):
    """A new price of a pushed vehicle."""

    type: Literal["price"]
    price: Yuan


class Listing(RequestPart):
    """A vehicle that is new on offer, or whose attributes have changed."""

    type: Literal["listed"]
    vehicle: Vehicle  # type: ignore[valid-type]


Change: Any = Annotated[StateChange | PriceChange | Listing, Field(discriminator="type")]
CHANGE: TypeAdapter[Any] = TypeAdapter(Change)


class StockChanges(BaseModel):
    """Body of `POST /v1/stock/changes`; they are applied in their order, all or none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    changes: list[Change] = Field(min_length=1, max_length=MAX_CHANGES)


class StockAnswer(BaseModel):
    """What a push has done; it is on the disk, and every request from now on sees it."""

    added: int = Field(description="vehicles that the store of the stock did not have")
    changed: int = Field(description="vehicles whose row or state was written")
    withdrawn: int = Field(description="vehicles that were on offer and are not any more, because the push lacks them")
    off_offer: int = Field(
        description="vehicles of a pushed stock that stay off offer: a change marked them as sold or reserved"
    )
    unknown: list[str] = Field(description="vehicles of state changes that no push has listed; their state is kept")
    stale: int = Field(description="changes older than the state that is stored; they have no effect")
