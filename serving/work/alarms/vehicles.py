"""`GET /v1/alarms/{alarm_id}/vehicles`: the vehicles to inspect, in order of risk, with week, note and masked VIN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.alarms.deeds import stops_of
from serving.work.alarms.detail import FAULTS
from serving.work.alarms.stock import stock_rows
from serving.work.alarms.store import (
    champion_of,
    number_of,
    remembered,
    rules_of,
    run_key,
    stored_alarm,
    subject_of,
)

if TYPE_CHECKING:
    from serving.work.routing import WorkRequest

MAX_VEHICLES = 10_000
CAPACITY = "alarm.capacity_set"
CAPACITY_SUBJECT = "alarms"


class VehicleQuery(BaseModel):
    """Query string of `GET /v1/alarms/{alarm_id}/vehicles` and `/inspections`."""

    model_config = ConfigDict(extra="forbid")

    capacity: int | None = Field(None, ge=1, le=100_000, description="vehicles a week; by default that of the rules")


class VehicleRow(BaseModel):
    """One affected vehicle."""

    vehicle_id: str
    vin: str | None = Field(description="masked; POST .../disclosures shows it")
    store_id: str | None
    built_on: str
    km: int | None = Field(description="expected odometer now")
    probability: float = Field(description="of a fault of the component within `days`")
    value: float | None = Field(description="what an inspection saves, net, yuan; null for a safety part")
    inspect: bool
    moment: str | None = Field(description="call_in_now or with_next_service")
    week: int | None = Field(description="week of its inspection within the capacity")
    last_visit_on: str | None
    next_visit_on: str | None
    fault_on: str | None = Field(description="last fault of this component")
    reported_on: str | None = Field(description="last report of a dangerous fault")
    in_stock: bool
    has_contact: bool = Field(description="whether its owner has a phone number in the records")
    reason_zh: str
    reason_en: str


class AlarmVehicles(BaseModel):
    """Affected vehicles, those to inspect first."""

    total: int = Field(description="of all stores")
    to_inspect: int = Field(description="of all stores")
    days: int
    capacity: int
    weeks: int | None = Field(description="weeks after which all are inspected")
    has_vins: bool
    has_owners: bool
    has_stores: bool
    missing: list[str] = Field(description="tables or columns that are missing, such as fleet.vin")
    items: list[VehicleRow] = Field(description="of the caller's stores; at most 10,000")


class _Schedule(NamedTuple):
    answer: Mapping[str, Any]
    weeks: dict[str, int]


def show_vehicles(request: WorkRequest) -> AlarmVehicles:
    """Answer `GET /v1/alarms/{alarm_id}/vehicles`."""
    number = number_of(request, "alarm_id")
    alarm = stored_alarm(request.context, number)
    capacity = request.parameters.capacity or capacity_of(request)
    stores = None if request.stores is None else tuple(sorted(request.stores))
    reports = id(champion_of(request.context).safety_reports)
    key = (run_key(request.context), number, capacity, request.context.entries.state, stores, reports)
    return remembered(request.context, "alarms.rows", key, lambda: _vehicles(request, number, alarm, capacity))


def _vehicles(request: WorkRequest, number: int, alarm: Mapping[str, Any], capacity: int) -> AlarmVehicles:
    schedule = schedule_of(request, alarm, capacity)
    items = schedule.answer["vehicles"]
    frame = _details(request, [row["vehicle_id"] for row in items])
    details = {row["vehicle_id"]: row for row in frame.to_dicts()}
    reports, stock = _reported(request, alarm["model"]), _stock_ids(request, alarm, number)
    rows = [_row(row, details.get(row["vehicle_id"], {}), schedule.weeks, reports, stock) for row in items]
    if request.stores is not None:
        rows = [row for row in rows if row.store_id in request.stores]
    records, has = request.context.records, {n: frame[n].null_count() < frame.height for n in ("vin", "store_id")}
    owners = bool(frame["has_contact"].any()) if frame.height else False
    missing = [f"fleet.{n}" for n, present in has.items() if not present] if records.has("fleet") else ["fleet"]
    missing += [] if records.has("customers") else ["customers"]
    missing += [] if records.has("vehicles") or records.has("stock") else ["vehicles"]
    return AlarmVehicles(
        total=schedule.answer["total"], to_inspect=schedule.answer["plan"]["to_inspect"], days=schedule.answer["days"],
        capacity=capacity, weeks=max(schedule.weeks.values(), default=None), has_vins=has["vin"], has_owners=owners,
        has_stores=has["store_id"], missing=missing, items=rows,
    )  # fmt: skip


def capacity_of(request: WorkRequest) -> int:
    """Return the vehicles that all workshops inspect in a week: what somebody set, or that of the rules."""
    entry = request.context.entries.latest(CAPACITY).get(CAPACITY_SUBJECT)
    return rules_of(request.context).safety.capacity_per_week if entry is None else int(entry.content["capacity"])


def vehicles_answer(request: WorkRequest, model: str, component: str) -> Mapping[str, Any]:
    """Return the answer of `/v1/fault_rate/vehicles`, all vehicles of it; asked once for each weekly run.

    Raises
    ------
    Problem
        Status 409 (`no_fleet`): the champion was trained without a fleet table.
    """

    def compute() -> Mapping[str, Any]:
        body = {"model": model, "component": component, "limit": MAX_VEHICLES}
        answer: Mapping[str, Any] = request.ask("POST", f"{FAULTS}/vehicles", body)
        return answer

    if champion_of(request.context).snapshot.vehicles is None:
        text = "the weekly run has no vehicles: add the table fleet to sources.yaml and run: chehang alarms"
        raise Problem(409, "no_fleet", text)
    key = (run_key(request.context), model, component)
    return remembered(request.context, "alarms.vehicles", key, compute)


def schedule_of(request: WorkRequest, alarm: Mapping[str, Any], capacity: int) -> _Schedule:
    """Return the vehicles of an alarm with the week of each that is inspected, within a capacity.

    The vehicles of all safety alarms share the capacity, the riskiest first; those of another alarm have their own
    schedule.
    """
    from ml.fault_rate.inspection_schedule import inspection_weeks

    cell = (alarm["model"], alarm["component"])
    answer = vehicles_answer(request, *cell)
    lists = [_to_inspect(answer)]
    if answer["plan"]["verdict"] == "inspect_all":
        snapshot, rules = champion_of(request.context).snapshot, rules_of(request.context)
        cells = [(row["model"], row["component"]) for row in snapshot.alarms.to_dicts()]
        others = [other for other in cells if other != cell and rules.safety.is_safety(other[1])]
        lists += [_to_inspect(vehicles_answer(request, *other)) for other in others]
    weeks = inspection_weeks(lists, capacity)[0]
    return _Schedule(answer, dict(zip(lists[0]["vehicle_id"], weeks, strict=True)))


def _to_inspect(answer: Mapping[str, Any]) -> pl.DataFrame:
    rows = [(row["vehicle_id"], row["faults"]) for row in answer["vehicles"] if row["inspect"]]
    return pl.DataFrame(rows, schema={"vehicle_id": pl.String, "faults": pl.Float64}, orient="row")


def _row(
    row: Mapping[str, Any],
    details: Mapping[str, Any],
    weeks: Mapping[str, int],
    reports: Mapping[str, str],
    stock: frozenset[str],
) -> VehicleRow:
    number = row["vehicle_id"]
    names = ("probability", "value", "inspect", "moment", "built_on", "last_visit_on", "next_visit_on", "fault_on")
    return VehicleRow(
        vehicle_id=number,
        vin=mask_vin(details.get("vin")),
        store_id=details.get("store_id"),
        km=None if row["km"] is None else round(row["km"]),
        week=weeks.get(number),
        reported_on=reports.get(number),
        in_stock=number in stock,
        has_contact=bool(details.get("has_contact")),
        reason_zh=row["reason_zh"],
        reason_en=row["reason_en"],
        **{n: row[n] for n in names},
    )


def mask_vin(vin: str | None) -> str | None:
    """Return a vehicle identification number with only its first three and last four signs.

    >>> mask_vin("LSVAA49J132047371"), mask_vin(None)
    ('LSV···7371', None)
    """
    if not vin:
        return None
    return f"{vin[:3]}···{vin[-4:]}" if len(vin) > 8 else f"···{vin[-2:]}"


def _details(request: WorkRequest, numbers: list[str]) -> pl.DataFrame:
    """Return VIN, store, customer, and whether the owner can be called, of vehicles in the fleet table."""
    records = request.context.records
    customers = records.table("customers").select("customer_id", "phone").unique("customer_id")
    fleet = records.table("fleet").select("vehicle_id", "vin", "store_id", "customer_id")
    fleet = fleet.filter(pl.col("vehicle_id").is_in(numbers)).unique("vehicle_id", keep="last")
    joined = fleet.join(customers, on="customer_id", how="left")
    return joined.with_columns(has_contact=pl.col("phone").is_not_null()).drop("phone", "customer_id")


def _reported(request: WorkRequest, model: str) -> dict[str, str]:
    """Return the last day of a report of a dangerous fault by vehicle."""
    reports = champion_of(request.context).safety_reports.filter(model=model).drop_nulls(["vehicle_id", "reported_on"])
    last = reports.group_by("vehicle_id").agg(pl.col("reported_on").max())
    return {number: str(day) for number, day in last.iter_rows()}


def _stock_ids(request: WorkRequest, alarm: Mapping[str, Any], number: int) -> frozenset[str]:
    """Return the vehicles that are for sale and whose sale is stopped."""
    if not stops_of(request.context, subject_of(number)):
        return frozenset()
    return frozenset(row["vehicle_id"] for row in stock_rows(request, alarm) if row["vehicle_id"] is not None)
