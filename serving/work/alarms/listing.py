"""`GET /v1/alarms` and `GET /v1/alarms/funnel`: all quality alarms, and all tested components beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.alarms.answers import AlarmList, AlarmRow
from serving.work.alarms.cells import cell_row, figures_of, last_odds, odds_of
from serving.work.alarms.store import champion_of, remembered, rules_of, run_key, shown_state, store_errors
from serving.work.alarms.times import iso

if TYPE_CHECKING:
    from ml.domain.arrays import FloatArray
    from ml.fault_rate.rules import AlarmRules
    from ml.fault_rate.snapshot import Snapshot
    from serving.work.routing import WorkContext, WorkRequest

NEAR_ODDS, MAX_NEAR = 0.1, 5
_ORDER = {"open": 0, "acknowledged": 1, "watched": 1, "campaign": 1, "closed": 2}
OUTSIDE = 0.001  # share of the components without a fault above the upper limit, and below the lower one
GRID = 40


def list_alarms(request: WorkRequest) -> AlarmList:
    """Answer `GET /v1/alarms`."""
    context = request.context
    estimator = champion_of(context)
    snapshot, rules = estimator.snapshot, rules_of(context)
    stored, problem = stored_rows(context)
    cells = {(row["model"], row["component"]) for row in stored}
    missing = [row for row in snapshot.alarms.to_dicts() if (row["model"], row["component"]) not in cells]
    items = [_alarm_row(context, snapshot, rules, row) for row in [*stored, *missing]]
    items.sort(key=lambda item: (_ORDER.get(item.state or "open", 0) == 2, not item.is_safety, -item.odds))
    alarmed = cells | {(row["model"], row["component"]) for row in missing}
    return AlarmList(
        items=items,
        near=[cell_row(snapshot, rules, row) for row in _near(snapshot, alarmed)],
        open=sum(item.state in ("open", None) for item in items),
        not_closed=sum(item.state != "closed" for item in items),
        components=snapshot.cells.height,
        odds_threshold=1 / snapshot.alpha,
        false_alarms=snapshot.alpha,
        data_until=last_day(snapshot),
        typical=_typical(snapshot),
        problem=problem,
    )


def stored_rows(context: WorkContext) -> tuple[list[dict[str, Any]], str | None]:
    """Return the alarms of the store with the last move of each, and why it cannot be read, if so."""
    from ml.fault_rate.alarm_store import AlarmStore

    store = AlarmStore(rules_of(context).store)
    try:
        with store_errors():
            rows = store.alarms().to_dicts()
            for row in rows:
                row["last_move"] = store.history(row["id"]).row(-1, named=True)
    except Problem as error:
        return [], error.message
    return rows, None


def last_day(snapshot: Snapshot) -> str:
    """Return the last day of the reports of a snapshot."""
    return str(snapshot.evaluation_days[-1].item() - timedelta(days=1))


def _alarm_row(context: WorkContext, snapshot: Snapshot, rules: AlarmRules, row: Mapping[str, Any]) -> AlarmRow:
    number, move = row.get("id"), row.get("last_move")
    return AlarmRow(
        id=number,
        model=row["model"],
        component=row["component"],
        component_name=rules.component_name(row["component"]),
        is_safety=rules.safety.is_safety(row["component"]),
        state=None if number is None else shown_state(context, number, row["state"]),  # type: ignore[arg-type]
        figures=figures_of(*(row[n] for n in ("count", "expected", "rate_ratio", "low", "high"))),
        odds=_present_odds(snapshot, row),
        detected_on=str(row["detected_on"]),
        moved_at=None if move is None else iso(move["at"]),
        moved_by=None if move is None else move["by"],
    )


def _present_odds(snapshot: Snapshot, row: Mapping[str, Any]) -> float:
    """Return the odds of the last week; of a cell that is no longer tested, the highest ones that were stored."""
    cells = snapshot.cells.select((pl.col("model") == row["model"]) & (pl.col("component") == row["component"]))
    place = cells.to_series().arg_true()
    if len(place):
        return float(last_odds(snapshot)[int(place[0])])
    return float(odds_of(row["log_evidence"], row["alarm_threshold"], snapshot.alpha))


def _near(snapshot: Snapshot, alarmed: set[tuple[str, str]]) -> list[int]:
    odds = last_odds(snapshot)
    rows = [int(row) for row in np.argsort(-odds) if odds[row] >= NEAR_ODDS]
    return [row for row in rows if snapshot.cells.row(row) not in alarmed][:MAX_NEAR]


def _typical(snapshot: Snapshot) -> dict[str, str] | None:
    """Return the cell whose expected faults are nearest to the median of those with any."""
    weekly = snapshot.expected_weekly
    if not (weekly > 0).any():
        return None
    row = int(np.abs(np.where(weekly > 0, weekly, np.inf) - np.median(weekly[weekly > 0])).argmin())
    model, component = snapshot.cells.row(row)
    return {"model": model, "component": component}


class FunnelPoint(BaseModel):
    """A component of a model."""

    model: str
    component: str
    component_name: Text
    count: int
    expected: float
    ratio: float
    alarm_id: int | None = Field(description="number of its alarm; then the figures are those of the affected builds")
    alarm: bool


class FunnelLimit(BaseModel):
    """Limits of chance at a number of expected faults."""

    expected: float
    low: float
    high: float


class Funnel(BaseModel):
    """Faults over expected faults of all tested components, with what chance explains."""

    points: list[FunnelPoint]
    limits: list[FunnelLimit]
    inside: float = Field(description="share of components without a fault that lie between the limits")
    outside_without_alarm: int = Field(description="components beyond the limits that raise no alarm")
    data_until: str
    tested_from: str


def funnel(request: WorkRequest) -> Funnel:
    """Answer `GET /v1/alarms/funnel`."""
    context = request.context
    numbers = {(row["model"], row["component"]): row["id"] for row in stored_rows(context)[0]}
    key = (run_key(context), tuple(sorted(numbers.items())))
    return remembered(context, "alarms.funnel", key, lambda: _funnel(context, numbers))


def _funnel(context: WorkContext, numbers: Mapping[tuple[str, str], int]) -> Funnel:
    snapshot, rules = champion_of(context).snapshot, rules_of(context)
    alarms = {(row["model"], row["component"]): row for row in snapshot.alarms.to_dicts()}
    points = []
    for row, cell in enumerate(snapshot.cells.iter_rows()):
        alarm = alarms.get(cell)
        count, expected = float(snapshot.count[row, -1]), float(snapshot.expected[row, -1])
        if alarm is not None:
            count, expected = alarm["count"], alarm["expected"]
        if expected < 0.05:  # its ratio would say nothing
            continue
        rounded = round(expected, 1) or 0.1
        points.append(
            FunnelPoint(
                model=cell[0], component=cell[1], component_name=rules.component_name(cell[1]), count=int(count),
                expected=rounded, ratio=round(count / rounded, 2), alarm=alarm is not None, alarm_id=numbers.get(cell),
            )
        )  # fmt: skip
    limits = _limits(snapshot, max((p.expected for p in points), default=1.0))
    outside = [p for p in points if not p.alarm and not _is_inside(p, limits)]
    return Funnel(
        points=points,
        limits=limits,
        inside=1 - 2 * OUTSIDE,
        outside_without_alarm=len(outside),
        data_until=last_day(snapshot),
        tested_from=str(snapshot.evaluation_days[0].item() - timedelta(days=7)),
    )


def _limits(snapshot: Snapshot, largest: float) -> list[FunnelLimit]:
    """Return the limits of a component with a typical history, at numbers of expected faults in equal proportions.

    Counts are negative binomial as in `ml.fault_rate.chance_limit`; the limits are interpolated between whole counts
    (Spiegelhalter, Funnel plots for comparing institutional performance, Statistics in Medicine 24, 2005, A.1.1).
    """
    from scipy.stats import nbinom

    expected = np.geomspace(0.5, max(largest * 1.1, 1.0), GRID)
    size = 1 / ((1 + snapshot.rate_drift**2) / float(np.median(snapshot.own_shape)) + snapshot.rate_drift**2)
    counts = nbinom(size, size / (size + expected))

    def limit(level: float) -> FloatArray:
        whole = counts.isf(level)
        beyond, before = counts.sf(whole), counts.sf(whole - 1)
        return np.asarray(np.maximum(whole - (level - beyond) / (before - beyond), 0.0))

    high, low = limit(OUTSIDE), limit(1 - OUTSIDE)
    return [
        FunnelLimit(expected=float(e), low=float(b / e), high=float(a / e))
        for e, a, b in zip(expected, high, low, strict=True)
    ]


def _is_inside(point: FunnelPoint, limits: list[FunnelLimit]) -> bool:
    at = [limit.expected for limit in limits]
    low, high = (float(np.interp(point.expected, at, [getattr(limit, n) for limit in limits])) for n in ("low", "high"))
    return low <= point.ratio <= high
