"""Vehicles on offer, to click a session together and to choose whom a rule is about."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field

from serving.work.routing import WorkRequest, WorkRoute
from serving.work.storefront.showroom import estimator_of

FIELDS = ("brand", "series", "model", "trim", "condition", "body_type", "energy_type", "model_year", "store_id")


class VehicleFilters(BaseModel):
    """Query string of `GET /v1/storefront/vehicles`."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(None, max_length=80, description="words of brand, model, version or vehicle_id")
    vehicle_id: str | None = Field(None, max_length=2_000, description="identifiers, separated by commas")
    limit: int = Field(30, ge=1, le=200)


class VehicleAnswer(BaseModel):
    """A vehicle on offer."""

    vehicle_id: str
    brand: str | None = None
    series: str | None = None
    model: str | None = None
    trim: str | None = None
    condition: str | None = None
    body_type: str | None = None
    energy_type: str | None = None
    model_year: int | None = None
    store_id: str | None = None
    price: float | None = Field(description="in yuan")


class VehicleList(BaseModel):
    """Vehicles on offer, by brand and model; and all values to choose from."""

    items: list[VehicleAnswer]
    total: int
    brands: list[str]
    models: list[str]


def list_vehicles(request: WorkRequest) -> VehicleList:
    """Answer `GET /v1/storefront/vehicles`."""
    filters: VehicleFilters = request.parameters
    stock = estimator_of(request.context).stock
    words = (filters.q or "").casefold().split()
    ids = None if filters.vehicle_id is None else filters.vehicle_id.split(",")
    shown = {name: stock.shown[name] for name in FIELDS if name in stock.shown}
    names = stock.vehicles.ids
    rows = [stock.rows[i] for i in ids if i in stock.rows] if ids is not None else range(len(stock))
    matches = []
    for row in rows:
        store = shown["store_id"][row] if "store_id" in shown else None
        if request.stores is not None and store is not None and store not in request.stores:
            continue
        text = " ".join(str(shown[n][row]) for n in ("brand", "series", "model", "trim") if n in shown)
        if all(word in f"{text} {names[row]}".casefold() for word in words):
            matches.append((text, row))
    if ids is None:
        matches.sort()
    items = [
        VehicleAnswer(
            vehicle_id=str(names[row]),
            price=None if math.isnan(stock.price[row]) else float(stock.price[row]),
            **{name: column[row] for name, column in shown.items()},
        )
        for _, row in matches[: filters.limit]
    ]
    kinds = {name: sorted(stock.kinds[name][0].names) if name in stock.kinds else [] for name in ("brand", "model")}
    return VehicleList(items=items, total=len(matches), brands=kinds["brand"], models=kinds["model"])


ROUTES = (
    WorkRoute(
        "GET", "/v1/storefront/vehicles",
        {"zh": "在售车辆", "en": "Vehicles on offer"},
        list_vehicles, VehicleList, parameters=VehicleFilters,
    ),
)  # fmt: skip
