"""`GET /v1/alarms/{alarm_id}` and `GET /v1/alarms/component`: evidence, affected builds, plan and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from serving.work.alarms.answers import AlarmDetail, BuildRow, Move, WeekRow
from serving.work.alarms.cells import builds_of, cell_row, figures_of, odds_of
from serving.work.alarms.deeds import last_deed, stops_of
from serving.work.alarms.listing import last_day
from serving.work.alarms.store import (
    WATCHED,
    champion_of,
    number_of,
    rules_of,
    shown_state,
    store_errors,
    stored_alarm,
    subject_of,
)
from serving.work.alarms.times import iso

if TYPE_CHECKING:
    from ml.fault_rate.snapshot import Snapshot
    from serving.work.routing import WorkContext, WorkRequest

FAULTS = "/v1/fault_rate"
MONTHS = 12
MIN_OVERLAP_DAYS = 15  # of the affected builds with a half-year that is drawn as affected


class ComponentQuery(BaseModel):
    """Query string of `GET /v1/alarms/component`."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=200)
    component: str = Field(max_length=200)


def show_alarm(request: WorkRequest) -> AlarmDetail:
    """Answer `GET /v1/alarms/{alarm_id}`."""
    return alarm_detail(request, number_of(request, "alarm_id"))


def show_component(request: WorkRequest) -> AlarmDetail:
    """Answer `GET /v1/alarms/component`: a component with or without an alarm."""
    from ml.fault_rate.alarm_store import AlarmStore

    query = request.parameters
    with store_errors():
        alarms = AlarmStore(rules_of(request.context).store).alarms(model=query.model, component=query.component)
    if alarms.height:
        return alarm_detail(request, int(alarms["id"].max()))  # type: ignore[arg-type]
    answer = fault_answer(request, query.model, query.component)
    snapshot, rules = champion_of(request.context).snapshot, rules_of(request.context)
    row = cell_row(snapshot, rules, snapshot.row(query.model, query.component))
    alarm = next(iter(answer["alarms"]), None)
    return _detail(request.context, snapshot, row.model_dump() | _of_unrecorded(alarm), answer, alarm, [], [])


def alarm_detail(request: WorkRequest, number: int) -> AlarmDetail:
    """Return an alarm of the store.

    Parameters
    ----------
    request : WorkRequest
        Request on whose behalf it is asked.
    number : int
        Id in the alarm store.

    Raises
    ------
    Problem
        Status 404 (`no_alarm`), 503 (`no_champion`, `alarm_store_unavailable`).
    """
    from ml.fault_rate.alarm_store import ALLOWED, AlarmStore

    context = request.context
    snapshot, rules = champion_of(context).snapshot, rules_of(context)
    row = stored_alarm(context, number)
    with store_errors():
        history = AlarmStore(rules.store).history(number).to_dicts()
    tested = snapshot.cells.filter(model=row["model"], component=row["component"]).height > 0
    answer = fault_answer(request, row["model"], row["component"]) if tested else None
    alarm = None if answer is None else next(iter(answer["alarms"]), None)
    # The store has the figures of the last run that raised the alarm; a closed one begins again.
    figures = row if alarm is None or row["state"] == "closed" else alarm
    state = shown_state(context, number, row["state"])
    values = {
        "id": number,
        "model": row["model"],
        "component": row["component"],
        "component_name": rules.component_name(row["component"]),
        "is_safety": rules.safety.is_safety(row["component"]),
        "state": state,
        "figures": figures_of(*(figures[n] for n in ("count", "expected", "rate_ratio", "low", "high"))),
        "odds": float(odds_of(row["log_evidence"], row["alarm_threshold"], snapshot.alpha)),
        "detected_on": str(figures["detected_on"]),
        "moved_at": iso(history[-1]["at"]),
        "moved_by": history[-1]["by"],
    }
    next_states = [to for to in ALLOWED[row["state"]] if to != state]
    if row["state"] in ("open", "acknowledged") and state != WATCHED:
        next_states.insert(0, WATCHED)
    if state == WATCHED:
        next_states.insert(0, "acknowledged")
    moves = [_move(move) for move in history]
    return _detail(context, snapshot, values, answer, figures, moves, next_states)


def fault_answer(request: WorkRequest, model: str, component: str) -> dict[str, Any]:
    """Return the answer of `/v1/fault_rate` for one component, week by week."""
    answer: dict[str, Any] = request.ask("POST", FAULTS, {"model": model, "component": component}, query="explain=true")
    return answer


def _of_unrecorded(alarm: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the figures of an alarm that the weekly run has not recorded."""
    if alarm is None:
        return {}
    figures = figures_of(*(alarm[n] for n in ("count", "expected", "rate_ratio", "low", "high")))
    return {"figures": figures, "detected_on": str(alarm["detected_on"])}


def _detail(
    context: WorkContext,
    snapshot: Snapshot,
    values: Mapping[str, Any],
    answer: Mapping[str, Any] | None,
    figures: Mapping[str, Any] | None,
    moves: list[Move],
    next_states: list[Any],
) -> AlarmDetail:
    subject = "" if values["id"] is None else subject_of(values["id"])
    plan = None if answer is None or not answer["alarms"] else answer["alarms"][0]["plan"]
    weeks = [] if answer is None else _weeks(answer["cell"], snapshot.alpha)
    odds = weeks[-1].odds if weeks else values["odds"]
    return AlarmDetail(
        **{**values, "odds": odds},
        builds=builds_of(figures or {}),
        probability_notable=None if figures is None else figures["probability_notable"],
        odds_threshold=1 / snapshot.alpha,
        data_until=last_day(snapshot),
        tested_from=str(snapshot.evaluation_days[0].item() - timedelta(days=7)),
        weeks=weeks,
        build_periods=[] if answer is None else _build_periods(snapshot, values, builds=builds_of(figures or {})),
        accounted_for=_accounted_for(snapshot, values["component"]),
        model_level=round(1.0 if answer is None else answer["cell"]["own_ratio"], 2),
        plan=plan,
        moves=moves,
        next_states=next_states,
        reported=last_deed(context, subject, "alarm.reported"),
        sale_stopped=stops_of(context, subject),
        owners_notified=last_deed(context, subject, "alarm.owners_notified"),
        sequence=context.entries.last_sequence(subject) if subject else 0,
        notes=list(snapshot.notes),
    )


def _weeks(cell: Mapping[str, Any], alpha: float) -> list[WeekRow]:
    threshold = cell["alarm_threshold"]
    return [
        WeekRow(
            week_end=str(date.fromisoformat(week["evaluated_on"]) - timedelta(days=1)),
            odds=float(odds_of(week["log_evidence"], threshold, alpha)),
            count=week["count"],
            expected=round(week["expected"], 1),
        )
        for week in cell["evidence"]
    ]


def _build_periods(snapshot: Snapshot, values: Mapping[str, Any], *, builds: Any) -> list[BuildRow]:
    """Return the half-years of builds with their faults of all records, at the normal rate of the model."""
    from ml.fault_rate.rate_ratios import normal_ratio

    row = snapshot.row(values["model"], values["component"])
    own = normal_ratio(snapshot, values["model"], values["component"])
    first = None if builds.built_from is None else date.fromisoformat(builds.built_from)
    last = None if builds.built_until is None else date.fromisoformat(builds.built_until)
    rows = []
    for _, period, *sums in snapshot.builds[snapshot.builds[:, 0] == row]:
        count, expected = int(sums[0] + sums[2]), round(float(sums[1] + sums[3]) * own, 1)
        if period < 0 or expected <= 0:
            continue
        start, end = _half_year(int(period))
        inside = values["id"] is not None or values["detected_on"] is not None
        overlap = min(end, last or end) - max(start, first or start)
        inside = inside and overlap.days >= MIN_OVERLAP_DAYS
        ratio = round(count / expected, 1)
        rows.append(
            BuildRow(
                built_from=str(start), built_until=str(end), count=count, expected=expected, ratio=ratio,
                affected=inside,
            )
        )  # fmt: skip
    return rows


def _half_year(period: int) -> tuple[date, date]:
    """Return first and last day of a half-year since 1970-01-01.

    >>> _half_year(1)
    (datetime.date(1970, 7, 1), datetime.date(1970, 12, 31))
    """
    year, half = 1970 + period // 2, period % 2
    return (date(year, 7, 1), date(year, 12, 31)) if half else (date(year, 1, 1), date(year, 6, 30))


def _accounted_for(snapshot: Snapshot, component: str) -> list[str]:
    """Return what the baseline rate of a component takes into account, so that it does not explain an alarm."""
    baseline = snapshot.baseline_rates
    names = ["model"]
    if component not in baseline.component_index or snapshot.basis != "exposure":
        return names
    bands = len(baseline.distance_limits) + 2  # the first is an unknown distance
    rates = np.asarray(baseline.rates[baseline.component_index[component]]).reshape(-1, bands, MONTHS)
    parts = (("age", rates, 0), ("distance", rates[:, 1:], 1), ("season", rates, 2))
    return [*names, *(name for name, values, axis in parts if np.ptp(values, axis=axis).max() > 0)]


def _move(row: Mapping[str, Any]) -> Move:
    return Move(**{**row, "at": iso(row["at"])})
