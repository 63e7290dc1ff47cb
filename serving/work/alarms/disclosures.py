"""`POST /v1/alarms/{alarm_id}/disclosures`: VINs and owners' contacts of vehicles; who saw them is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from serving.asgi import Problem
from serving.work.alarms.store import number_of, stored_alarm, subject_of
from serving.work.alarms.vehicles import MAX_VEHICLES, vehicles_answer
from serving.work.entries import NewWorkEntry

if TYPE_CHECKING:
    from serving.work.routing import WorkRequest


class DisclosureRequest(BaseModel):
    """Body of `POST /v1/alarms/{alarm_id}/disclosures`."""

    model_config = ConfigDict(extra="forbid")

    fields: list[Literal["vin", "contact"]] = Field(min_length=1, max_length=2)
    vehicle_ids: list[str] | None = Field(
        None, min_length=1, max_length=MAX_VEHICLES, description="null: all to inspect"
    )


class DisclosedVehicle(BaseModel):
    """A vehicle of the alarm with what was asked for."""

    vehicle_id: str
    vin: str | None
    owner: str | None
    phone: str | None


class Disclosure(BaseModel):
    """VINs and contacts of vehicles; an entry says who saw them."""

    sequence: int
    items: list[DisclosedVehicle]


def disclose(request: WorkRequest) -> Disclosure:
    """Answer `POST /v1/alarms/{alarm_id}/disclosures`."""
    body, number = request.body, number_of(request, "alarm_id")
    if not request.may("personal:read"):
        raise Problem(403, "missing_scope", "this key lacks the scope personal:read; ask somebody who has it")
    alarm = stored_alarm(request.context, number)
    answer = vehicles_answer(request, alarm["model"], alarm["component"])
    own = [row["vehicle_id"] for row in answer["vehicles"] if row["inspect"]]
    if body.vehicle_ids is not None:
        others = sorted(set(body.vehicle_ids) - {row["vehicle_id"] for row in answer["vehicles"]})
        if others:
            raise Problem(422, "invalid", f"vehicle_ids: {len(others)} of them are no vehicles of this alarm")
        own = list(dict.fromkeys(body.vehicle_ids))
    rows = _rows(request, own)
    content = {"fields": sorted(set(body.fields)), "vehicles": len(rows)}
    if len(rows) <= 100:
        content["vehicle_ids"] = [row.vehicle_id for row in rows]
    store = None if request.stores is None else min(request.stores)
    entry = NewWorkEntry("alarm.disclosed", subject_of(number), store, content)
    sequence = request.context.entries.append([entry], caller=request.caller)[0].sequence
    return Disclosure(sequence=sequence, items=rows)


def _rows(request: WorkRequest, numbers: list[str]) -> list[DisclosedVehicle]:
    records, fields = request.context.records, set(request.body.fields)
    customers = records.table("customers").select("customer_id", "name", "phone").unique("customer_id")
    fleet = records.table("fleet").select("vehicle_id", "vin", "store_id", "customer_id")
    fleet = fleet.filter(pl.col("vehicle_id").is_in(numbers)).unique("vehicle_id", keep="last")
    rows = {row["vehicle_id"]: row for row in fleet.join(customers, on="customer_id", how="left").to_dicts()}
    shown = []
    for number in numbers:
        row = rows.get(number, {})
        if request.stores is not None and row.get("store_id") not in request.stores:
            continue
        contact = row if "contact" in fields else {}
        vin = row.get("vin") if "vin" in fields else None
        shown.append(
            DisclosedVehicle(vehicle_id=number, vin=vin, owner=contact.get("name"), phone=contact.get("phone"))
        )
    return shown
