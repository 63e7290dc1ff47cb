"""`POST /v1/fault_rate/vehicles` and `/v1/fault_rate/power`: which vehicles to call in, and when we would know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, Field

from features.errors import DataError
from ml.domain.faults.detection_power import smallest_detectable_ratio, weeks_to_detection
from ml.endpoint import Champions, Endpoint, no_rules, respond_each
from ml.fault_rate.answer import alarm_of, build_days, cell_posterior, check_tested, plan_response
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.request import Day, Plan
from ml.signature import Name, RequestPart

TASK = "fault_rate"
SOON, LATE = 26, 52  # weeks that shares are told for
SAMPLES = 1_000


class VehiclesRequest(RequestPart):
    """Whose vehicles are asked for.

    Attributes
    ----------
    built_from, built_until : date or None
        Builds from the one until (not on) the other; those of the alarm if neither is given.
    limit, offset : int
        Of the list, the most urgent first.
    """

    model: Name
    component: Name
    built_from: Day | None = None
    built_until: Day | None = None
    limit: int = Field(100, ge=1, le=10_000)
    offset: int = Field(0, ge=0, le=10_000_000)


class VehicleToCall(BaseModel):
    """One vehicle.

    Attributes
    ----------
    faults, probability : float
        Faults of the component in the days to come, and the chance of any.
    age : float
        Years.
    km : float or None
        On the clock now, carried on from the last reading; None where there is none.
    fault_on : date or None
        When this component last failed.
    """

    vehicle_id: str
    faults: float
    probability: float
    built_on: date
    age: float
    km: float | None
    monthly_km: float | None
    last_visit_on: date | None
    fault_on: date | None


class VehiclesAnswer(BaseModel):
    """Vehicles to call in, and what that brings.

    Attributes
    ----------
    total : int
        Vehicles concerned, of which `vehicles` is a part.
    alarm : bool
        Whether the component of this model has raised an alarm; without one the ratio is what little is known of it.
    """

    model: str
    component: str
    alarm: bool
    rate_ratio: float
    data_until: date
    total: int
    plan: Plan
    vehicles: list[VehicleToCall]


class PowerRequest(RequestPart):
    """A fault that may be.

    Attributes
    ----------
    rate_ratio : float
        How many times the usual rate, in all vehicles of the model.
    weeks : int
        Weeks looked ahead.
    from_now : bool
        Whether the fault begins now in vehicles that were watched all along: their quiet past then speaks against it,
        and it takes longer than in vehicles that had it from the begin.
    """

    model: Name
    component: Name
    rate_ratio: float = Field(ge=1, le=100, allow_inf_nan=False)
    weeks: int = Field(104, ge=1, le=520)
    from_now: bool = False


class PowerAnswer(BaseModel):
    """When it would be known.

    Attributes
    ----------
    expected_weekly : float
        Faults to be expected in a week at the usual rate.
    weeks_p10, weeks_p50, weeks_p90 : int or None
        By when the alarm has come with a chance of 10, 50 and 90 %; None if later than the weeks looked ahead.
    detected_in_26_weeks, detected_in_52_weeks : float
        Chance that it has come by then.
    detectable_ratio_in_52_weeks : float or None
        Ratio that the faults of a year would show without the help of chance.
    """

    model: str
    component: str
    rate_ratio: float
    expected_weekly: float
    weeks: int
    weeks_p10: int | None
    weeks_p50: int | None
    weeks_p90: int | None
    detected_in_26_weeks: float
    detected_in_52_weeks: float
    detectable_ratio_in_52_weeks: float | None


def _example(champions: Champions) -> Mapping[str, Any]:
    return strongest_cell(cast("FaultEstimator", champions[TASK].estimator))


def strongest_cell(estimator: FaultEstimator) -> dict[str, str]:
    """The cell nearest to an alarm, or furthest beyond one."""
    now = estimator.snapshot
    row = int((now.log_e.max(axis=1) - now.alarm_threshold).argmax())
    model, component = now.cells.row(row)
    return {"model": model, "component": component}


def vehicles(champions: Champions, request: VehiclesRequest) -> VehiclesAnswer:
    """Vehicles of a model in the order in which to call them.

    Raises
    ------
    FeatureError, DataError
        The model or component is not known, or there is no table of the fleet.
    """
    estimator = cast("FaultEstimator", champions[TASK].estimator)
    now = estimator.snapshot
    check_tested(now, "model", request.model)
    check_tested(now, "component", request.component)
    if request.built_from and request.built_until and request.built_until <= request.built_from:
        raise DataError(f"built_until: must lie after built_from, got {request.built_until}; give a later day")
    alarm = alarm_of(now, request.model, request.component)
    built = (request.built_from, request.built_until)
    if built == (None, None) and alarm is not None:
        built = (alarm["built_from"], alarm["built_until"])
    posterior = cell_posterior(now, request.model, request.component)
    found = estimator.inspection_plan(request.model, request.component, built=build_days(*built), posterior=posterior)
    if found is None:
        raise DataError("fleet: is not known, so that no vehicle can be named; name its source and run: chehang alarms")
    listed = found.vehicles.slice(request.offset, request.limit)
    return VehiclesAnswer(
        model=request.model,
        component=request.component,
        alarm=alarm is not None,
        rate_ratio=posterior[0] / posterior[1],
        data_until=np.datetime64(int(now.until_day) - 1, "D").item(),
        total=found.vehicles.height,
        plan=plan_response(found, estimator.rules.days),
        vehicles=[VehicleToCall(**row) for row in listed.to_dicts()],
    )


def power(champions: Champions, request: PowerRequest) -> PowerAnswer:
    """Weeks until a raised rate would be known.

    Raises
    ------
    FeatureError, DataError
        The model or component is not known, or nothing is expected of it.
    """
    estimator = cast("FaultEstimator", champions[TASK].estimator)
    now = estimator.snapshot
    check_tested(now, "model", request.model)
    check_tested(now, "component", request.component)
    row = now.row(request.model, request.component)
    weekly, alarm_threshold = float(now.expected_weekly[row]), float(now.alarm_threshold[row])
    if weekly <= 0:
        raise DataError(
            f"component: no {request.component} of {request.model} is in the field (zero exposure), so that nothing "
            "can be expected of it; ask about another"
        )
    so_far = (float(now.count[row, -1]), float(now.expected[row, -1])) if request.from_now else (0.0, 0.0)
    found = weeks_to_detection(
        np.full(max(request.weeks, LATE), weekly),
        ratio=request.rate_ratio,
        alarm_threshold=alarm_threshold,
        between_model_variance=now.between_model_variance,
        initial_totals=so_far,
        samples=SAMPLES,
    )
    weeks = [w if w is not None and w <= request.weeks else None for w in map(found.quantile, (0.1, 0.5, 0.9))]
    p10, p50, p90 = (None if w is None else int(w) for w in weeks)
    return PowerAnswer(
        model=request.model,
        component=request.component,
        rate_ratio=request.rate_ratio,
        expected_weekly=weekly,
        weeks=request.weeks,
        weeks_p10=p10,
        weeks_p50=p50,
        weeks_p90=p90,
        detected_in_26_weeks=found.share(SOON),
        detected_in_52_weeks=found.share(LATE),
        detectable_ratio_in_52_weeks=smallest_detectable_ratio(
            weekly * LATE, alarm_threshold=alarm_threshold, between_model_variance=now.between_model_variance
        ),
    )


ENDPOINTS = (
    Endpoint(
        path="vehicles",
        summary={"zh": "哪些车应当先召回检修", "en": "Which vehicles to call in first"},
        request=lambda champions: VehiclesRequest,
        response=VehiclesAnswer,
        respond=respond_each(vehicles),
        example=_example,
        rules=no_rules,
        public_errors=True,
    ),
    Endpoint(
        path="power",
        summary={"zh": "若故障率升高，多少周后可知", "en": "How many weeks until a raised rate of faults is known"},
        request=lambda champions: PowerRequest,
        response=PowerAnswer,
        respond=respond_each(power),
        example=lambda champions: {**_example(champions), "rate_ratio": 2.0},
        rules=no_rules,
        public_errors=True,
    ),
)
