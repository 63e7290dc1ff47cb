"""Responses of `POST /v1/fault_rate`: quality alarms, and the state of one cell, from the latest snapshot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.errors import FeatureError
from ml.bilingual import Text
from ml.dates import date_text
from ml.fault_rate.campaign import InspectionPlan
from ml.fault_rate.campaign_text import headline, verdict_text
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.rate_ratios import normal_ratio, rate_ratio_interval
from ml.fault_rate.request import Alarm, Cell, FaultAnswer, FaultRequest, Option, Plan, RaisedCell, Week
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.snapshot import Snapshot


def respond(estimator: FaultEstimator, requests: Sequence[FaultRequest], *, explain: bool = False) -> list[FaultAnswer]:
    """Return one answer per request, in their order.

    Parameters
    ----------
    estimator : FaultEstimator
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator``.
    requests : sequence of FaultRequest
        Filters on model, component, date of detection and state; ``FaultRequest()`` for all alarms.
    explain : bool
        Add the weekly counts, expected counts and log evidence to every alarm and cell.

    Returns
    -------
    list of FaultAnswer
        `alarms` (the strongest evidence first; each with rate ratio, 90% interval and inspection plan), `raised`
        (components above those of the other models from the start), `cell` (only
        where the request names model and component), `false_alarm_rate`, `tested_from`, `data_until` and `notes`.

    Raises
    ------
    FeatureError
        A model or component is not part of the surveillance, or `until` lies before `since`.
    """
    return [_answer(estimator, request, explain=explain) for request in requests]


def _answer(est: FaultEstimator, request: FaultRequest, *, explain: bool) -> FaultAnswer:
    snapshot = est.snapshot
    for name in ("model", "component"):
        check_tested(snapshot, name, getattr(request, name))
    if request.since and request.until and request.until < request.since:
        raise FeatureError("until", f"must not lie before since ({request.since}), got {request.until}; swap the two")
    rows = [row for row in snapshot.alarms.to_dicts() if _matches(est, request, row)]
    alarms = [_alarm(est, snapshot, row, explain=explain) for row in rows]
    names_cell = request.model is not None and request.component is not None
    cell = _cell(snapshot, str(request.model), str(request.component), explain=explain) if names_cell else None
    no_exposure = cell is not None and cell.expected <= 0
    return FaultAnswer(
        basis="exposure" if snapshot.basis == "exposure" else "reports",
        tested_from=_day_of(snapshot.first_day),
        data_until=_day_of(snapshot.until_day - 1),
        cells_tested=snapshot.cells.height,
        false_alarm_rate=snapshot.alpha,
        alarms=alarms,
        raised=[
            RaisedCell(**row)
            for row in snapshot.raised.to_dicts()
            if request.model in (None, row["model"]) and request.component in (None, row["component"])
        ],
        cell=cell,
        notes=[*snapshot.notes, *([_without_exposure(cell)] if cell is not None and no_exposure else [])],
    )


def check_tested(snapshot: Snapshot, name: str, value: str | None) -> None:
    """Refuse a model or component that the surveillance does not test; None passes.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    name : {'model', 'component'}
        Column of `Snapshot.cells`; the error names it.
    value : str or None
        Value of the request.

    Raises
    ------
    FeatureError
        `value` is not tested; the message lists up to 40 values that are.
    """
    if value is None:
        return
    tested = snapshot.cells[name].unique().sort().to_list()
    if value not in tested:
        listing = f"give one of: {', '.join(tested)}" if len(tested) <= 40 else f"{len(tested)} others are"
        raise FeatureError(name, f"'{value}' is not tested; {listing}")


def _day_of(since_epoch: float) -> date:
    """Return the date of a day counted from 1970-01-01.

    >>> _day_of(19_000.0)
    datetime.date(2022, 1, 8)
    """
    day: date = np.datetime64(math.floor(since_epoch), "D").item()
    return day


def build_days(built_from: date | None, built_until: date | None) -> tuple[int | None, int | None]:
    """Return the two dates `built_from` and `built_until` as days from 1970-01-01; None stays None.

    >>> from datetime import date
    >>> build_days(date(1970, 1, 3), None)
    (2, None)
    """
    epoch = date(1970, 1, 1)
    first, last = ((d - epoch).days if d is not None else None for d in (built_from, built_until))
    return first, last


def _matches(est: FaultEstimator, request: FaultRequest, row: Mapping[str, Any]) -> bool:
    state = est.states.get((row["model"], row["component"]), (None, None))[1]
    return (
        request.model in (None, row["model"])
        and request.component in (None, row["component"])
        and (request.since is None or row["detected_on"] >= request.since)
        and (request.until is None or row["detected_on"] <= request.until)
        and (not request.states or state in request.states)
    )


def inspection_plan_of(est: FaultEstimator, row: Mapping[str, Any]) -> InspectionPlan | None:
    """Return the inspection plan of an alarm under `est.rules`.

    Parameters
    ----------
    est : FaultEstimator
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator``.
    row : mapping
        Row of `est.snapshot.alarms` as a dict, such as ``est.snapshot.alarms.row(0, named=True)``.

    Returns
    -------
    InspectionPlan or None
        Verdict, options with costs and benefits in yuan, and ranked vehicles; None without a fleet table.
    """
    return est.inspection_plan(
        row["model"],
        row["component"],
        built=build_days(row["built_from"], row["built_until"]),
        posterior=(row["ratio_shape"], row["ratio_shape"] / row["rate_ratio"]),
    )


def _alarm(est: FaultEstimator, snapshot: Snapshot, row: Mapping[str, Any], *, explain: bool) -> Alarm:
    number, state = est.states.get((row["model"], row["component"]), (None, None))
    inspection = inspection_plan_of(est, row)
    plan = None if inspection is None else plan_response(inspection)
    evidence = _weeks(snapshot, snapshot.row(row["model"], row["component"])) if explain else []
    return Alarm(
        **row, alarm_id=number, state=state, plan=plan, text=_text(row, est.rules, inspection), evidence=evidence
    )


def plan_response(inspection: InspectionPlan) -> Plan:
    """Return an inspection plan as part of a response.

    Parameters
    ----------
    inspection : InspectionPlan
        As returned by `inspection_plan_of` or `ml.fault_rate.campaign.plan_inspection`.

    Returns
    -------
    Plan
        Verdict with its reason, numbers of vehicles, options with costs and benefits in yuan, break-even, parts.
    """
    rules, avoided = inspection.rules, inspection.best.avoided
    return Plan(
        verdict=inspection.verdict,
        text=verdict_text(inspection),
        years=rules.repair_years,
        vehicles=inspection.vehicles.height,
        to_inspect=inspection.inspected,
        call_in=inspection.called_in,
        faults=inspection.faults,
        options=[Option(**vars(option)) for option in inspection.options],
        complaints_avoided=avoided * rules.complaint_probability,
        customers_kept=avoided * rules.customer_loss_probability,
        break_even_value=inspection.first_value,
        break_even_value_all=inspection.all_value,
        parts_weeks=rules.campaign_weeks,
        parts_to_stock=inspection.parts_to_stock,
    )


def _text(row: Mapping[str, Any], rules: AlarmRules, inspection: InspectionPlan | None) -> Text:
    ratio, low, high = (f"{row[n]:.1f}" for n in ("rate_ratio", "low", "high"))
    name = rules.component_name(row["component"])
    zh = f"{row['model']}的{name.zh}：故障率约为该车型正常水平的 {ratio} 倍（90% 区间 {low}～{high} 倍）"
    since = date_text(row["detected_on"])
    zh += f"，{since.zh}触发质量预警"
    en = f"{row['model']}, {name.en}: fails {ratio} times as often as is normal for this model "
    en += f"(90% interval {low} to {high}), quality alarm since {since.en}"
    if row["model_year_from"] is not None:
        first, last = row["model_year_from"], row["model_year_until"]
        zh += f"；涉及 {first} 年款" if first == last else f"；涉及 {first}～{last} 年款"
        en += f"; model year {first} is affected" if first == last else f"; model years {first} to {last} are affected"
    elif row["built_from"] is not None:
        first_day, last_day = date_text(row["built_from"]), date_text(row["built_until"] - timedelta(days=1))
        zh += f"；涉及 {first_day.zh}至 {last_day.zh}生产的车辆"
        en += f"; vehicles built from {first_day.en} to {last_day.en} are affected"
    if inspection is not None:
        verdict = headline(inspection)
        zh += f"；{verdict.zh}"
        en += f"; {verdict.en}"
    if rules.safety.is_safety(row["component"]):
        zh += "；请向生产者和监管部门上报"
        en += "; report it to the maker and the regulator"
    return Text(zh=zh, en=en)


def _cell(snapshot: Snapshot, model: str, component: str, *, explain: bool) -> Cell:
    row = snapshot.row(model, component)
    count, expected = float(snapshot.count[row, -1]), float(snapshot.expected[row, -1])
    rate_ratio, low, high = (float(v[0]) for v in rate_ratio_interval(snapshot, [row], [count], [expected]))
    return Cell(
        model=model,
        component=component,
        count=count,
        expected=expected,
        expected_weekly=float(snapshot.expected_weekly[row]),
        rate_ratio=rate_ratio,
        low=low,
        high=high,
        own_ratio=normal_ratio(snapshot, model, component),
        log_evidence=float(snapshot.log_e[row].max()),
        alarm_threshold=float(snapshot.alarm_threshold[row]),
        alarm=bool((snapshot.log_e[row] >= snapshot.alarm_threshold[row]).any()),
        evidence=_weeks(snapshot, row) if explain else [],
    )


def _without_exposure(cell: Cell) -> str:
    reports = f"; {cell.count:g} faults were reported all the same" if cell.count else ""
    return (
        f"{cell.component} of {cell.model}: expected faults are 0, because no vehicle with this component was in "
        f"service (zero exposure){reports}; the rate ratio is the prior of all models and says nothing about this one: "
        "ask about another component, or map the vehicles that have it"
    )


def _weeks(snapshot: Snapshot, row: int) -> list[Week]:
    weeks = zip(
        snapshot.evaluation_days.tolist(), snapshot.count[row], snapshot.expected[row], snapshot.log_e[row], strict=True
    )
    return [
        Week(evaluated_on=day, count=float(n), expected=float(e), log_evidence=float(evidence))
        for day, n, e, evidence in weeks
    ]
