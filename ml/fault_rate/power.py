"""`POST /v1/fault_rate/power`: weeks until a raised fault rate of some or all builds is detected."""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import BaseModel, Field

from features.errors import DataError
from ml.bilingual import Text
from ml.domain.faults.detection_power import DetectionPower
from ml.endpoint import Champions
from ml.fault_rate.answer import build_days, check_tested
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.power_curve import LONG_TERM, SHORT_TERM, WEEKS, cell_power, power_rows
from ml.fault_rate.rate_ratios import alarm_of, normal_ratio
from ml.fault_rate.request import Day
from ml.signature import Name, RequestPart

TASK = "fault_rate"


class PowerRequest(RequestPart):
    """A hypothetical elevated fault rate.

    Attributes
    ----------
    model, component : str
        A cell that the surveillance tests.
    rate_ratio : float
        Fault rate of the affected vehicles over the normal rate of the model.
    built_from, built_until : date or None
        Affected builds, from the first day and before the second; None leaves a side open.
    newest_share : float
        Share of the expected faults that belongs to affected vehicles, the newest builds first; 1: the builds between
        `built_from` and `built_until`, or all.
    weeks : int
        Last week for which an answer is computed.
    from_now : bool
        Whether the rate rises today, in vehicles that have been tested so far. Their faults up to today count as
        evidence against an elevated rate, so detection takes longer than for a fault present from the first week.
    """

    model: Name
    component: Name
    rate_ratio: float = Field(ge=1, le=50, allow_inf_nan=False)
    built_from: Day | None = None
    built_until: Day | None = None
    newest_share: float = Field(1.0, gt=0, le=1, allow_inf_nan=False)
    weeks: int = Field(WEEKS, ge=1, le=520)
    from_now: bool = False


class PowerPoint(BaseModel):
    """Weeks to detection of one rate ratio.

    Attributes
    ----------
    weeks_p10, weeks_p50, weeks_p90 : int or None
        Weeks within which an alarm is raised with probability 10, 50 and 90%; None if longer than `weeks`.
    detected_in_26_weeks, detected_in_52_weeks : float
        Probability of an alarm within 26 and 52 weeks; of a request for fewer weeks, within these.
    """

    rate_ratio: float
    weeks_p10: int | None
    weeks_p50: int | None
    weeks_p90: int | None
    detected_in_26_weeks: float
    detected_in_52_weeks: float


class PowerAnswer(PowerPoint):
    """Weeks to detection of a hypothetical elevated fault rate.

    Attributes
    ----------
    expected_weekly, affected_weekly : float
        Expected faults per week at the normal rate of the model: of all its vehicles, and of the affected ones.
    weeks : int
        Last week for which an answer is computed.
    detectable_ratio_in_52_weeks : float or None
        Smallest rate ratio that is detected within 52 weeks with probability 50%; None if above 50.
    curve : list of PowerPoint
        The same for rate ratios from 1.25 to 4.
    reason : Text or None
        Why the rise is not detected with probability 50% within `weeks`; None where it is.
    """

    model: str
    component: str
    expected_weekly: float
    affected_weekly: float
    weeks: int
    detectable_ratio_in_52_weeks: float | None
    curve: list[PowerPoint]
    reason: Text | None


def power(champions: Champions, request: PowerRequest) -> PowerAnswer:
    """Return the weeks until a raised fault rate of a cell is detected, by the evidence of the weekly run.

    Answers `POST /v1/fault_rate/power`.

    Parameters
    ----------
    champions : mapping of str to Model
        Models by task: ``{"fault_rate": ml.champions.load(ml.champions.version_or_champion("fault_rate"))}``.
    request : PowerRequest
        For example ``PowerRequest(model="A", component="brakes", rate_ratio=2.0)``.

    Returns
    -------
    PowerAnswer
        Weeks to detection (10, 50 and 90% quantile), probabilities of detection within 26 and 52 weeks, the smallest
        rate ratio detectable within 52 weeks, and the same by rate ratio (`curve`).

    Raises
    ------
    FeatureError
        The model or component is not tested.
    DataError
        No affected vehicle of the model with this component is in service, so that its expected faults are 0, or
        `built_until` is not after `built_from`, or `from_now` is asked of a cell with an alarm, whose evidence is above
        its threshold whatever happens from now on.
    """
    snapshot = cast("FaultEstimator", champions[TASK].estimator).snapshot
    check_tested(snapshot, "model", request.model)
    check_tested(snapshot, "component", request.component)
    if request.built_from and request.built_until and request.built_until <= request.built_from:
        raise DataError(
            f"built_until: must lie after built_from ({request.built_from}), got {request.built_until}; "
            "give a later day"
        )
    alarm = alarm_of(snapshot, request.model, request.component)
    if request.from_now and alarm is not None:
        raise DataError(
            f"from_now: {request.component} of {request.model} has had an alarm since {alarm['detected_on']}, so that "
            "a further rise raises no other one before it is closed; leave from_now out to ask about the time before"
        )
    row = snapshot.row(request.model, request.component)
    weekly = float(snapshot.expected_weekly[row])
    if weekly <= 0:
        raise DataError(
            f"component: no {request.component} of {request.model} is in service (zero exposure), so that its expected "
            "faults are 0; ask about another component"
        )
    try:
        computed = cell_power(
            snapshot,
            row,
            built=build_days(request.built_from, request.built_until),
            newest_share=request.newest_share,
            weeks=request.weeks,
            from_now=request.from_now,
        )
    except ValueError as e:
        raise DataError(
            f"built_from, built_until: no {request.component} of {request.model} built in this range is in service "
            f"({e}); give a range with vehicles in service"
        ) from None
    p10, p50, p90 = (computed.quantile(level, request.rate_ratio) for level in (0.1, 0.5, 0.9))
    own = normal_ratio(snapshot, request.model, request.component)
    return PowerAnswer(
        model=request.model,
        component=request.component,
        rate_ratio=request.rate_ratio,
        expected_weekly=weekly,
        affected_weekly=computed.expected * own,
        weeks=request.weeks,
        weeks_p10=p10,
        weeks_p50=p50,
        weeks_p90=p90,
        detected_in_26_weeks=computed.probability_by(SHORT_TERM, request.rate_ratio),
        detected_in_52_weeks=computed.probability_by(LONG_TERM, request.rate_ratio),
        detectable_ratio_in_52_weeks=computed.smallest_ratio(LONG_TERM),
        curve=[PowerPoint(**point) for point in power_rows(computed)],
        reason=None if p50 is not None else not_detected_reason(computed, request.rate_ratio),
    )


def not_detected_reason(power: DetectionPower, ratio: float) -> Text:
    """Return why a rate ratio is not detected: the faults that come, and the faults that an alarm needs.

    Parameters
    ----------
    power : DetectionPower
        As returned by `ml.fault_rate.power_curve.cell_power`.
    ratio : float
        Rate ratio that is not detected with probability 50%.
    """
    weeks, middle = int(power.weeks[-1]), len(power.own_ratios) // 2
    normal = power.expected * weeks * float(power.own_ratios[middle])
    needed, detectable = float(power.alarm_counts[-1, middle]), power.smallest_ratio(weeks)
    zh = f"{weeks} 周内受影响车辆的故障预计为 {normal * ratio:.0f} 次，正常为 {normal:.0f} 次"
    en = f"in {weeks} weeks {normal * ratio:.0f} faults of the affected vehicles are expected, {normal:.0f} normally"
    if np.isfinite(needed):
        zh += f"；预警约需 {needed:.0f} 次，以区别于偶然波动和该车型自身的差异"
        en += f"; an alarm needs about {needed:.0f}, to be told from chance and from the model's own rate"
    if detectable is not None:
        zh += f"。升至 {detectable:.1f} 倍时，{weeks} 周内有一半的可能被发现"
        en += f". A rise to {detectable:.1f} times is detected within {weeks} weeks with probability 50 %"
    return Text(zh=zh, en=en)
