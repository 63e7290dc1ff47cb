"""`GET /v1/alarms/{alarm_id}/stock`: cars in stock of the affected builds, whose sale may be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from features.aggregations import DAY
from serving.work.alarms.deeds import stops_of
from serving.work.alarms.store import number_of, remembered, stored_alarm, subject_of

if TYPE_CHECKING:
    from serving.work.routing import WorkRequest


class StockCar(BaseModel):
    """A car on offer, or the number of cars of a store where single cars are not recorded."""

    vehicle_id: str | None
    store_id: str | None
    condition: str | None = Field(description="new or used")
    built_on: str | None
    listed_on: str | None
    quantity: float
    build_known: bool = Field(description="false: nobody can tell whether it is of the affected builds")
    stopped_at: str | None = Field(description="instant from which its sale is stopped")


class AlarmStock(BaseModel):
    """Cars in stock of the affected builds, by store."""

    cars: int
    source: Literal["vehicles", "stock"] | None = Field(description="table that they come from; null: neither exists")
    items: list[StockCar]


def show_stock(request: WorkRequest) -> AlarmStock:
    """Answer `GET /v1/alarms/{alarm_id}/stock`."""
    number = number_of(request, "alarm_id")
    rows = stock_rows(request, stored_alarm(request.context, number))
    stops = {deed.store_id: deed.at for deed in stops_of(request.context, subject_of(number))}
    items = [StockCar(**row, stopped_at=stops.get(row["store_id"], stops.get(None))) for row in rows]
    return AlarmStock(cars=int(sum(item.quantity for item in items)), source=_source(request), items=items)


def stock_rows(request: WorkRequest, alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the stock of the affected builds that the caller may see; empty where no table has the stock."""
    source = _source(request)
    if source is None:
        return []
    key = (alarm["model"], build_range(alarm), None if request.stores is None else tuple(sorted(request.stores)))
    return remembered(request.context, "alarms.stock", key, lambda: _stock_rows(request, alarm, source))


def _stock_rows(request: WorkRequest, alarm: Mapping[str, Any], source: str) -> list[dict[str, Any]]:
    from ml.fault_rate.stop_sale import counted_stock, unsold_units

    records = request.context.records
    frame = records.table(source)
    now = local_instant(request, request.context.clock.now())
    if source == "vehicles":
        times = [n for n in ("built_at", "listed_at", "sold_at") if n in frame.columns]
        own = frame.filter(model=alarm["model"]).with_columns(local_clock_of(n, request) for n in times)
        rows = unsold_units(own.lazy(), alarm["model"], build_range(alarm), as_of=now)
    else:
        rows = counted_stock(frame.lazy(), alarm["model"], as_of=request.context.clock.now())
    if request.stores is not None:
        rows = rows.filter(pl.col("store_id").is_in(sorted(request.stores)))
    days = [pl.col(n).cast(pl.String) for n in ("built_on", "listed_on")]
    return rows.with_columns(days).to_dicts()


def build_range(alarm: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return the affected builds as days since 1970-01-01, the end not included.

    >>> from datetime import date
    >>> build_range({"built_from": date(1970, 1, 3), "built_until": None})
    (2, None)
    """
    from ml.fault_rate.answer import build_days

    first, last = (alarm[n] for n in ("built_from", "built_until"))
    first, last = (date.fromisoformat(v) if isinstance(v, str) else v for v in (first, last))
    return build_days(first, last)


def local_clock_of(column: str, request: WorkRequest) -> pl.Expr:
    """Return a column of instants as microseconds of the dealership's clock, whose days alarms count."""
    zone = str(request.context.clock.timezone)
    clock = pl.from_epoch(column, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return clock.dt.replace_time_zone(None).dt.epoch("us").alias(column)


def local_instant(request: WorkRequest, instant: int) -> int:
    """Return an instant as microseconds of the dealership's clock."""
    offset = request.context.clock.local(instant).utcoffset()
    return instant + (0 if offset is None else int(offset.total_seconds() * DAY / 86_400))


def _source(request: WorkRequest) -> Literal["vehicles", "stock"] | None:
    records = request.context.records
    if records.has("vehicles") and "model" in records.table("vehicles").columns:
        return "vehicles"
    return "stock" if records.has("stock") else None
