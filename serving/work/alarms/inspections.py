"""`GET /v1/alarms/{alarm_id}/inspections` and the weekly capacity: how long inspecting all vehicles takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from serving.work.alarms.store import champion_of, check_group, number_of, rules_of, stored_alarm
from serving.work.alarms.vehicles import CAPACITY, CAPACITY_SUBJECT, capacity_of, schedule_of
from serving.work.entries import NewWorkEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from serving.work.routing import WorkRequest

LOW, HIGH = 0.05, 0.95


class InspectionWeek(BaseModel):
    """Inspections of a week."""

    week: int
    vehicles: int = Field(description="of this alarm")
    risk_share: float = Field(description="share of the expected faults of all vehicles, up to this week")


class Inspections(BaseModel):
    """Plan of the inspections in order of risk, within a weekly capacity."""

    vehicles: int = Field(description="to be inspected")
    capacity: int = Field(description="vehicles a week of all workshops, all safety alarms together")
    capacity_by: str | None = Field(description="who set the capacity; null: the rules")
    weeks: int
    half_risk_week: int | None = Field(description="week by whose end half of the expected faults are inspected")
    parts_low: int | None = Field(description="5% limit of the parts that inspections and faults of these weeks need")
    parts_high: int | None = Field(description="95% limit")
    by_week: list[InspectionWeek]


class NewCapacity(BaseModel):
    """Body of `POST /v1/alarms/capacity`."""

    model_config = ConfigDict(extra="forbid")

    capacity: int = Field(ge=1, le=100_000, description="vehicles that all workshops together inspect in a week")


class CapacityAnswer(BaseModel):
    """Capacity that holds now."""

    capacity: int
    sequence: int


def show_inspections(request: WorkRequest) -> Inspections:
    """Answer `GET /v1/alarms/{alarm_id}/inspections`."""
    alarm = stored_alarm(request.context, number_of(request, "alarm_id"))
    capacity = request.parameters.capacity or capacity_of(request)
    schedule = schedule_of(request, alarm, capacity)
    faults = {row["vehicle_id"]: row["faults"] for row in schedule.answer["vehicles"]}
    weeks = max(schedule.weeks.values(), default=0)
    vehicles, risk = np.zeros(weeks + 1, dtype=int), np.zeros(weeks + 1)
    for number, week in schedule.weeks.items():
        vehicles[week] += 1
        risk[week] += faults[number]
    share = np.cumsum(risk) / max(risk.sum(), 1e-12)
    parts = _parts(request, alarm, len(schedule.weeks), weeks) if weeks else (None, None)
    entry = request.context.entries.latest(CAPACITY).get(CAPACITY_SUBJECT)
    return Inspections(
        vehicles=len(schedule.weeks),
        capacity=capacity,
        capacity_by=None if entry is None else entry.person or "desk",
        weeks=weeks,
        half_risk_week=int(np.argmax(share >= 0.5)) if weeks else None,
        parts_low=parts[0],
        parts_high=parts[1],
        by_week=[
            InspectionWeek(week=w, vehicles=int(vehicles[w]), risk_share=round(float(share[w]), 4))
            for w in range(1, weeks + 1)
        ],
    )


def set_capacity(request: WorkRequest) -> CapacityAnswer:
    """Answer `POST /v1/alarms/capacity`."""
    check_group(request)
    entry = NewWorkEntry(CAPACITY, CAPACITY_SUBJECT, None, {"capacity": request.body.capacity})
    sequence = request.context.entries.append([entry], caller=request.caller)[0].sequence
    return CapacityAnswer(capacity=request.body.capacity, sequence=sequence)


def _parts(request: WorkRequest, alarm: Mapping[str, Any], vehicles: int, weeks: int) -> tuple[int, int]:
    """Return the 5% and 95% limits of the parts that the inspections and the faults of some weeks need."""
    from ml.domain.faults.inspection_campaign import faults_to_come, parts_to_stock, ratio_nodes
    from ml.fault_rate.outlook import vehicle_outlook
    from ml.fault_rate.rate_ratios import cell_posterior
    from ml.fault_rate.vehicles import vehicle_rows
    from serving.work.alarms.stock import build_range

    snapshot, rules = champion_of(request.context).snapshot, rules_of(request.context)
    assert snapshot.vehicles is not None  # checked by `vehicles_answer`
    model, component = alarm["model"], alarm["component"]
    rows = vehicle_rows(snapshot.vehicles, model, build_range(alarm))
    outlook = vehicle_outlook(snapshot, rows, model, component, rules, days=7.0 * weeks)
    ratios = ratio_nodes(cell_posterior(snapshot, model, component))
    faults = faults_to_come(outlook, ratios, repair_effectiveness=rules.repair_effectiveness).sum(axis=1)
    low, high = (
        parts_to_stock(vehicles, rules.visit_probability, faults, service_level=level) for level in (LOW, HIGH)
    )
    return low, high
