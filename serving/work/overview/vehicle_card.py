"""What the tables say about one vehicle, for those who came to it by a search."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from serving.asgi import Problem
from serving.work.routing import WorkRequest, WorkRoute

MAX_RECORDS = 20


class LinkedRecord(BaseModel):
    """A lead or an application about the vehicle."""

    kind: Literal["lead", "application"]
    id: str
    at: datetime | None
    link: str


class VehicleCard(BaseModel):
    """One vehicle; its VIN is masked."""

    vehicle_id: str
    model: str | None
    trim: str | None
    condition: str | None
    vin: str | None = Field(description="its end")
    store_id: str | None
    price: float | None = Field(description="yuan")
    listed_at: datetime | None
    sold_at: datetime | None
    entered_service_at: datetime | None
    state: Literal["in_stock", "reserved", "sold", "withdrawn", "in_service", "out_of_service"]
    visits: int | None = Field(description="workshop visits; null without the scope fault_rate")
    last_visit: datetime | None
    records: list[LinkedRecord] = Field(description="leads and applications that the caller may see, the latest first")


def vehicle_card(request: WorkRequest) -> VehicleCard:
    """Answer `GET /v1/search/vehicles/{vehicle_id}`."""
    name = request.path["vehicle_id"]
    unit, serviced = (_row(request, table, name) for table in ("vehicles", "fleet"))
    row: Mapping[str, Any] = {**(serviced or {}), **{k: v for k, v in (unit or {}).items() if v is not None}}
    if not row or (unit or {}).get("kind") == "catalogue":
        raise Problem(404, "not_found", "there is no such vehicle; search for the end of its VIN")
    request.check_store(row.get("store_id"))
    visits = _visits(request, name) if request.may("fault_rate") else None
    vin, price = row.get("vin"), row.get("price")
    return VehicleCard(
        vehicle_id=name,
        vin=None if vin is None else f"…{vin[-6:]}",
        price=None if price is None else price / 100,
        state=_state(row, is_serviced=serviced is not None),
        visits=None if visits is None else visits.height,
        last_visit=None if visits is None or visits.is_empty() else _time(request, visits["serviced_at"].max()),
        records=_linked(request, name),
        **{n: row.get(n) for n in ("model", "trim", "condition", "store_id")},
        **{n: _time(request, row.get(n)) for n in ("listed_at", "sold_at", "entered_service_at")},
    )


def _row(request: WorkRequest, table: str, name: str) -> Mapping[str, Any] | None:
    rows = request.context.records.table(table).filter(pl.col("vehicle_id") == name)
    return None if rows.is_empty() else rows.row(0, named=True)


def _state(row: Mapping[str, Any], *, is_serviced: bool) -> Any:
    if row.get("left_service_at") is not None:
        return "out_of_service"
    if row.get("sold_at") is not None:
        return "sold"
    if row.get("listed_at") is None and is_serviced:
        return "in_service"
    if row.get("withdrawn_at") is not None:
        return "withdrawn"
    return "in_stock" if row.get("reserved_at") is None else "reserved"


def _visits(request: WorkRequest, name: str) -> pl.DataFrame:
    rows = request.context.records.table("service_records").filter(pl.col("vehicle_id") == name)
    return rows.select("serviced_at").unique()


def _linked(request: WorkRequest, name: str) -> list[LinkedRecord]:
    records: list[LinkedRecord] = []
    kinds: tuple[tuple[Literal["lead", "application"], str, str, str, str], ...] = (
        ("lead", "leads", "created_at", "lead_scoring", "/desk/leads/"),
        ("application", "applications", "submitted_at", "credit_risk", "/desk/loans/"),
    )
    for kind, table, time, scope, path in kinds:
        if not request.may(scope):
            continue
        rows = request.context.records.table(table).filter(pl.col("vehicle_id") == name)
        if request.stores is not None:
            rows = rows.filter(pl.col("store_id").is_in(sorted(request.stores)))
        for key, at in rows.select(f"{kind}_id", time).sort(time, descending=True).head(MAX_RECORDS).iter_rows():
            records.append(LinkedRecord(kind=kind, id=key, at=_time(request, at), link=path + key))
    return records


def _time(request: WorkRequest, at: Any) -> datetime | None:
    return request.context.clock.local(at) if isinstance(at, int) else None


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/search/vehicles/{vehicle_id}",
        {"zh": "一辆车的信息", "en": "What the tables say about one vehicle"},
        vehicle_card,
        VehicleCard,
    ),
)
