"""`POST /v1/fault_rate/vehicles`: which vehicles to inspect first; and the endpoints beside the task's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from features.errors import DataError
from ml.endpoint import Champions, Endpoint, no_rules, respond_each
from ml.fault_rate.answer import build_days, check_tested, inspection_plan_of, plan_response
from ml.fault_rate.campaign import InspectionPlan
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.inspection_schedule import inspection_weeks
from ml.fault_rate.power import PowerAnswer, PowerRequest, power
from ml.fault_rate.rate_ratios import alarm_of, cell_posterior
from ml.fault_rate.request import Day, Plan
from ml.fault_rate.safety_endpoint import SAFETY
from ml.fault_rate.vehicle_reasons import with_reasons
from ml.signature import Name, RequestPart

TASK = "fault_rate"


class VehiclesRequest(RequestPart):
    """Vehicles of a model, ranked by the value of inspecting a component.

    Attributes
    ----------
    model, component : str
        A cell that the surveillance tests; the responses of `/v1/fault_rate` name its alarms.
    built_from, built_until : date or None
        Build dates, from the first and before the second; the builds of the alarm if neither is given.
    limit, offset : int
        Page of the list, the most worth inspecting first.
    """

    model: Name
    component: Name
    built_from: Day | None = None
    built_until: Day | None = None
    limit: int = Field(100, ge=1, le=10_000)
    offset: int = Field(0, ge=0, le=10_000_000)


class VehicleToInspect(BaseModel):
    """One affected vehicle. Money in yuan, discounted to today.

    Attributes
    ----------
    inspect : bool
        Whether the vehicle lies above the cut, where an inspection saves at least what it costs.
    moment : {'call_in_now', 'with_next_service'} or None
        When to inspect it; None below the cut.
    faults, probability : float
        Expected faults of the component within `days` days of the answer, and the probability of at least one.
    faults_to_come, avoided : float
        Expected faults within `plan.years`, without an inspection; and those that an inspection avoids.
    benefit, cost, value : float or None
        Of the avoided faults, of the inspection, and their difference; None where no fault cost is known or counts.
    age : float
        Years since the vehicle was built.
    km : float or None
        Present odometer reading, extrapolated from the last one; None without a reading.
    monthly_km : float or None
        Distance driven in a month (km).
    last_visit_on, next_visit_on, fault_on : date or None
        Last visit to the workshop, likely next routine service, and last fault of this component.
    reason_zh, reason_en : str
        Why the vehicle has its place.
    inspection_week : int or None
        Of a safety component: week from 1 in which the vehicle is inspected, of one schedule for all safety alarms.
    """

    vehicle_id: str
    inspect: bool
    moment: Literal["call_in_now", "with_next_service"] | None
    faults: float
    probability: float
    faults_to_come: float
    avoided: float
    benefit: float | None
    cost: float | None
    value: float | None
    built_on: date
    age: float
    km: float | None
    monthly_km: float | None
    last_visit_on: date | None
    next_visit_on: date | None
    fault_on: date | None
    reason_zh: str
    reason_en: str
    inspection_week: int | None


class VehiclesAnswer(BaseModel):
    """Affected vehicles, those to inspect first, and the plan for all of them.

    Attributes
    ----------
    alarm : bool
        Whether the cell has a quality alarm. Without one the rate ratio is mostly the prior: little evidence.
    rate_ratio : float
        Posterior mean of the fault rate over its baseline.
    data_until : date
        Last day of the reports.
    total : int
        Number of affected vehicles; `vehicles` is one page of them.
    days : int
        The `faults` of each vehicle are those expected within so many days.
    plan : Plan
        Verdict, options, faults and parts over all affected vehicles; the first `plan.to_inspect` are to inspect.
    inspection_weeks : int or None
        Of a safety component: weeks after which all its vehicles are inspected, within `capacity_per_week`.
    """

    model: str
    component: str
    alarm: bool
    rate_ratio: float
    data_until: date
    total: int
    days: int
    plan: Plan
    inspection_weeks: int | None
    vehicles: list[VehicleToInspect]


def _example(champions: Champions) -> Mapping[str, Any]:
    return strongest_cell(cast("FaultEstimator", champions[TASK].estimator))


def strongest_cell(estimator: FaultEstimator) -> dict[str, str]:
    """Return `model` and `component` of the cell whose log evidence exceeds its threshold most, or comes nearest.

    Parameters
    ----------
    estimator : FaultEstimator
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator``.
    """
    snapshot = estimator.snapshot
    row = int((snapshot.log_e.max(axis=1) - snapshot.alarm_threshold).argmax())
    model, component = snapshot.cells.row(row)
    return {"model": model, "component": component}


def vehicles(champions: Champions, request: VehiclesRequest) -> VehiclesAnswer:
    """Return the vehicles of a model, the most worth inspecting first, with the inspection plan for all of them.

    Answers `POST /v1/fault_rate/vehicles`.

    Parameters
    ----------
    champions : mapping of str to Model
        Models by task: ``{"fault_rate": ml.champions.load(ml.champions.version_or_champion("fault_rate"))}``.
    request : VehiclesRequest
        For example ``VehiclesRequest(model="A", component="brakes", limit=20)``.

    Returns
    -------
    VehiclesAnswer
        One page of `vehicles` (expected faults, value of an inspection in yuan, reason), their `total`, and `plan`
        (verdict, options with costs and benefits in yuan, parts) over all of them.

    Raises
    ------
    FeatureError
        The model or component is not tested.
    DataError
        `built_until` is not after `built_from`, or the model was trained without a fleet table.
    """
    estimator = cast("FaultEstimator", champions[TASK].estimator)
    snapshot = estimator.snapshot
    check_tested(snapshot, "model", request.model)
    check_tested(snapshot, "component", request.component)
    if request.built_from and request.built_until and request.built_until <= request.built_from:
        raise DataError(
            f"built_until: must lie after built_from ({request.built_from}), got {request.built_until}; "
            "give a later day"
        )
    alarm = alarm_of(snapshot, request.model, request.component)
    built = (request.built_from, request.built_until)
    if built == (None, None) and alarm is not None:
        built = (alarm["built_from"], alarm["built_until"])
    posterior = cell_posterior(snapshot, request.model, request.component)
    inspection = estimator.inspection_plan(
        request.model, request.component, built=build_days(*built), posterior=posterior
    )
    if inspection is None:
        raise DataError(
            "fleet: the snapshot holds no vehicles; add the table fleet to sources.yaml and run: chehang alarms"
        )
    weeks = _inspection_weeks(estimator, request, inspection)
    page = inspection.vehicles.slice(request.offset, request.limit)
    page = with_reasons(page, inspection).with_columns(inspection_week=weeks.slice(request.offset, request.limit))
    return VehiclesAnswer(
        model=request.model,
        component=request.component,
        alarm=alarm is not None,
        rate_ratio=posterior[0] / posterior[1],
        data_until=np.datetime64(int(snapshot.until_day) - 1, "D").item(),
        total=inspection.vehicles.height,
        days=estimator.rules.days,
        plan=plan_response(inspection),
        inspection_weeks=cast("int | None", weeks.max()),
        vehicles=[VehicleToInspect(**row) for row in page.to_dicts()],
    )


def _inspection_weeks(estimator: FaultEstimator, request: VehiclesRequest, inspection: InspectionPlan) -> pl.Series:
    """Return the week of each vehicle of a safety plan, scheduled with the vehicles of the other safety alarms."""
    if inspection.verdict != "inspect_all":
        return pl.Series([None] * inspection.vehicles.height, dtype=pl.Int64)
    cell = (request.model, request.component)
    rows = [row for row in estimator.snapshot.alarms.to_dicts() if (row["model"], row["component"]) != cell]
    others = [plan for row in rows if (plan := inspection_plan_of(estimator, row)) is not None]
    lists = [inspection.vehicles, *(plan.vehicles for plan in others if plan.verdict == "inspect_all")]
    return inspection_weeks(lists, estimator.rules.safety.capacity_per_week)[0]


ENDPOINTS = (
    SAFETY,
    Endpoint(
        path="vehicles",
        summary={"zh": "哪些车应优先安排回厂检查", "en": "Which vehicles to inspect first"},
        request=lambda champions: VehiclesRequest,
        response=VehiclesAnswer,
        respond=respond_each(vehicles),
        example=_example,
        rules=no_rules,
        public_errors=True,
    ),
    Endpoint(
        path="power",
        summary={
            "zh": "故障率若升高，多少周后触发质量预警",
            "en": "How many weeks until an elevated fault rate is detected",
        },
        request=lambda champions: PowerRequest,
        response=PowerAnswer,
        respond=respond_each(power),
        example=lambda champions: {**_example(champions), "rate_ratio": 2.0},
        rules=no_rules,
        public_errors=True,
    ),
)
