"""Questions about faults answered from the watch as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy.special import gammaincinv

from features.errors import FeatureError
from ml.bilingual import Text
from ml.domain.faults.shrinkage.priors import one_gamma
from ml.domain.faults.shrinkage.scores import posterior_mean, posterior_quantile
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.request import Alarm, Cell, FaultAnswer, FaultRequest, Plan, Week
from ml.fault_rate.rules import InspectionPlan
from ml.fault_rate.snapshot import Snapshot

INTERVAL = (0.05, 0.95)


def respond(estimator: FaultEstimator, asked: Sequence[FaultRequest], *, explain: bool = False) -> list[FaultAnswer]:
    """Answer each question; `explain` adds the evidence week by week.

    Raises
    ------
    FeatureError
        A model or a component is not known, or the period ends before it begins.
    """
    return [_answer(estimator, one, explain=explain) for one in asked]


def _answer(est: FaultEstimator, asked: FaultRequest, *, explain: bool) -> FaultAnswer:
    now = est.snapshot
    for name in ("model", "component"):
        check_tested(now, name, getattr(asked, name))
    if asked.since and asked.until and asked.until < asked.since:
        raise FeatureError("until", f"must not lie before since ({asked.since})")
    rows = [row for row in now.alarms.to_dicts() if _asked_for(est, asked, row)]
    alarms = [_alarm(est, now, row, explain=explain) for row in rows]
    both = asked.model is not None and asked.component is not None
    cell = _cell(now, str(asked.model), str(asked.component), explain=explain) if both else None
    return FaultAnswer(
        basis="exposure" if now.basis == "exposure" else "reports",
        tested_from=day_of(now.first_day),
        data_until=day_of(now.until_day - 1),
        cells_tested=now.cells.height,
        false_alarm_rate=now.alpha,
        alarms=alarms,
        cell=cell,
        notes=[*now.notes, *([_without_exposure(cell)] if cell is not None and cell.expected <= 0 else [])],
    )


def check_tested(now: Snapshot, name: str, value: str | None) -> None:
    """Refuse a model or component that is not watched.

    Raises
    ------
    FeatureError
        It names the field.
    """
    if value is None:
        return
    there = now.cells[name].unique().sort().to_list()
    if value not in there:
        told = f"known are: {', '.join(there)}" if len(there) <= 40 else f"{len(there)} are"
        raise FeatureError(name, f"is not one that is watched; {told}")


def day_of(since_epoch: float) -> date:
    """A day counted from the epoch.

    >>> day_of(19_000.0)
    datetime.date(2022, 1, 8)
    """
    found: date = np.datetime64(int(since_epoch), "D").item()
    return found


def build_days(built_from: date | None, built_until: date | None) -> tuple[int | None, int | None]:
    """Days of build counted from the epoch.

    >>> build_days(date(1970, 1, 3), None)
    (2, None)
    """
    epoch = date(1970, 1, 1)
    first, last = ((d - epoch).days if d is not None else None for d in (built_from, built_until))
    return first, last


def _asked_for(est: FaultEstimator, asked: FaultRequest, row: Mapping[str, Any]) -> bool:
    state = est.states.get((row["model"], row["component"]), (None, None))[1]
    return (
        asked.model in (None, row["model"])
        and asked.component in (None, row["component"])
        and (asked.since is None or row["detected_on"] >= asked.since)
        and (asked.until is None or row["detected_on"] <= asked.until)
        and (not asked.states or state in asked.states)
    )


def rate_ratio_posterior(now: Snapshot, count: float, expected: float) -> tuple[float, float]:
    """Shape and rate of the gamma distribution of a rate ratio: models differ as they usually do, then the faults."""
    prior = 1 / now.between_model_variance
    return prior + count, prior + expected


def inspection_plan_of(est: FaultEstimator, row: Mapping[str, Any]) -> InspectionPlan | None:
    """What calling in the vehicles of an alarm brings."""
    return est.inspection_plan(
        row["model"],
        row["component"],
        built=build_days(row["built_from"], row["built_until"]),
        posterior=rate_ratio_posterior(est.snapshot, row["count"], row["expected"]),
    )


def _alarm(est: FaultEstimator, now: Snapshot, row: Mapping[str, Any], *, explain: bool) -> Alarm:
    number, state = est.states.get((row["model"], row["component"]), (None, None))
    found = inspection_plan_of(est, row)
    plan = None if found is None else plan_response(found, est.rules.days)
    evidence = _weeks(now, now.row(row["model"], row["component"])) if explain else []
    return Alarm(**row, alarm_id=number, state=state, plan=plan, text=_text(row, plan), evidence=evidence)


def plan_response(found: InspectionPlan, days: int) -> Plan:
    """A campaign as it is answered."""
    of = found.campaign
    return Plan(
        days=days,
        vehicles=found.vehicles.height,
        faults=of.faults,
        avoided=of.avoided,
        avoided_low=of.avoided_interval[0],
        avoided_high=of.avoided_interval[1],
        expected_visits=of.expected_visits,
        parts_to_stock=of.parts_to_stock,
        campaign_cost=found.campaign_cost,
        avoided_cost=found.avoided_cost,
    )


def _text(row: Mapping[str, Any], plan: Plan | None) -> Text:
    ratio = f"{row['rate_ratio']:.1f} [{row['low']:.1f}, {row['high']:.1f}]"
    built = row["built_from"] is not None
    zh = f"{row['model']} 的 {row['component']}：故障率为通常的 {ratio} 倍，{row['detected_on']} 起可知"
    en = f"{row['model']} {row['component']}: {ratio} times the usual rate of faults, known since {row['detected_on']}"
    if built:
        zh += f"；生产于 {row['built_from']} 至 {row['built_until']} 之间"
        en += f"; built between {row['built_from']} and {row['built_until']}"
    if plan is not None:
        zh += f"；召回 {plan.vehicles} 辆，{plan.days} 天内预计可避免 {plan.avoided:.0f} 次故障"
        en += f"; calling in {plan.vehicles} vehicles avoids {plan.avoided:.0f} faults in {plan.days} days"
    return Text(zh=zh, en=en)


def _cell(now: Snapshot, model: str, component: str, *, explain: bool) -> Cell:
    row = now.row(model, component)
    count, expected = float(now.count[row, -1]), float(now.expected[row, -1])
    rate_ratio, low, high = rate_ratio_interval(now, count, expected)
    return Cell(
        model=model,
        component=component,
        count=count,
        expected=expected,
        expected_weekly=float(now.expected_weekly[row]),
        rate_ratio=rate_ratio,
        low=low,
        high=high,
        log_evidence=float(now.log_e[row].max()),
        alarm_threshold=float(now.alarm_threshold[row]),
        alarm=bool((now.log_e[row] >= now.alarm_threshold[row]).any()),
        evidence=_weeks(now, row) if explain else [],
    )


def rate_ratio_interval(now: Snapshot, count: float, expected: float) -> tuple[float, float, float]:
    """Return the mean and the interval of a rate ratio: those of the prior where no fault is expected."""
    shape = 1 / now.between_model_variance
    if expected <= 0:
        low, high = (float(gammaincinv(shape, p)) / shape for p in INTERVAL)
        return 1.0, low, high
    prior = one_gamma(shape, shape)
    low, high = (float(posterior_quantile(prior, [count], [expected], probability=p)[0]) for p in INTERVAL)
    return float(posterior_mean(prior, [count], [expected])[0]), low, high


def _without_exposure(cell: Cell) -> str:
    reports = f"; {cell.count:g} faults were reported all the same" if cell.count else ""
    return (
        f"{cell.component} of {cell.model}: no fault is expected, because no vehicle with this component has been "
        f"observed (zero exposure){reports}; its rate ratio is that of models in general and says nothing about this "
        "one: ask about another component, or map the vehicles that have it"
    )


def _weeks(now: Snapshot, row: int) -> list[Week]:
    told = zip(now.days.tolist(), now.count[row], now.expected[row], now.log_e[row], strict=True)
    return [
        Week(evaluated_on=d, count=float(n), expected=float(e), log_evidence=float(evidence))
        for d, n, e, evidence in told
    ]


def alarm_of(now: Snapshot, model: str, component: str) -> Mapping[str, Any] | None:
    """The alarm of a cell, if it has one."""
    found = now.alarms.filter(pl.col("model") == model, pl.col("component") == component)
    return found.row(0, named=True) if found.height else None


def cell_posterior(now: Snapshot, model: str, component: str) -> tuple[float, float]:
    """What is known of a cell's rate ratio: of its alarm where it has one.

    Raises
    ------
    DataError
        The cell is not watched.
    """
    alarm = alarm_of(now, model, component)
    if alarm is not None:
        return rate_ratio_posterior(now, alarm["count"], alarm["expected"])
    row = now.row(model, component)
    return rate_ratio_posterior(now, float(now.count[row, -1]), float(now.expected[row, -1]))
