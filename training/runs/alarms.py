"""`chehang alarms`, the weekly run: which component of which model fails more than it should, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.sources import TableReport
from ml.bilingual import Text
from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.answer import inspection_plan_of
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.snapshot import snapshot_until
from ml.fault_rate.surveillance import SurveillanceResult
from ml.fault_rate.vehicles import INSPECTION_COLUMNS
from ml.home import write_atomically
from ml.instants import instant
from ml.report.columns import Axis, Column
from ml.report.figures import draw_sections
from ml.report.sections import Threshold, TimeSeries
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.studies.surveillance import SurveillanceStudyData

DRAWN = 6  # cells drawn: those with an alarm first, then the nearest to one
_WEEK = Column(name="week", title=Text(zh="周", en="end of the week"))
_EVIDENCE = Column(name="evidence", title=Text(zh="证据（对数）", en="log evidence"), format="number")
_FAULTS = (
    Column(name="faults", title=Text(zh="实际故障", en="faults"), format="count"),
    Column(name="expected", title=Text(zh="预期故障", en="expected"), format="number"),
)
PLAN = {
    "vehicles": pl.Int64, "faults_to_come": pl.Float64, "faults_avoided": pl.Float64, "avoided_low": pl.Float64,
    "avoided_high": pl.Float64, "parts_to_stock": pl.Int64, "campaign_cost": pl.Float64, "avoided_cost": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class AlarmRun:
    """What the run found.

    Attributes
    ----------
    alarms : DataFrame
        See `ml.fault_rate.surveillance.Watch.alarms`, then `alarm_id` and `state` of the store, and what calling the
        vehicles in brings: `vehicles`, `faults_to_come`, `faults_avoided` with `avoided_low` and `avoided_high` (90 %),
        `parts_to_stock`, `campaign_cost`, `avoided_cost` (yuan); null where the fleet or costs are not known.
    vehicles : DataFrame
        `model`, `component`, `rank` and the columns of `ml.fault_rate.vehicles.rank_vehicles`.
    reports : mapping of str to TableReport
        What reading each table found.
    until : date
        Last day whose reports are known.
    files : tuple of Path
        What was written.
    """

    alarms: pl.DataFrame
    vehicles: pl.DataFrame
    surveillance: SurveillanceResult
    reports: Mapping[str, TableReport]
    until: date
    files: tuple[Path, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and why."""
        return self.surveillance.exposure.notes


def alarms(
    config: TaskConfig,
    *,
    out: Path,
    rules: AlarmRules | None = None,
    as_of: datetime | None = None,
    progress: Progress | None = None,
) -> AlarmRun:
    """Watch the fleet, record the alarms, and write them whole with the vehicles to call in and the evidence drawn.

    Parameters
    ----------
    config : TaskConfig
        Of the task `fault_rate`.
    out : Path
        `.parquet` or `.csv`; the vehicles go to `<name>.vehicles<suffix>` and the picture to `<name>.png` beside it.
    rules : AlarmRules, optional
        With a store that alarms are kept in, and the file that a service reads; without, nothing is kept.
    as_of : datetime, optional
        Nothing reported at or after it is known; the end of the records if not given.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    check_answer_path(out)
    study = SurveillanceStudyData.read(config, as_of=as_of, progress=progress)
    store = None if rules is None else AlarmStore(rules.store)
    surveillance = study.run_surveillance(reset_weeks=_reset_weeks(study, store))
    estimator = FaultEstimator(study.snapshot(surveillance))
    estimator.rules = rules or AlarmRules()
    found = estimator.snapshot.alarms
    plans = [inspection_plan_of(estimator, row) for row in found.to_dicts()]
    planned = pl.DataFrame([_plan(p) for p in plans], schema=PLAN)
    calls = [
        p.vehicles.select(
            pl.lit(row["model"]).alias("model"),
            pl.lit(row["component"]).alias("component"),
            pl.int_range(1, pl.len() + 1).alias("rank"),
            pl.all(),
        )
        for p, row in zip(plans, found.to_dicts(), strict=True)
        if p is not None
    ]
    named = {"model": pl.String, "component": pl.String, "rank": pl.Int64}
    vehicles = pl.concat(calls) if calls else pl.DataFrame(schema={**named, **INSPECTION_COLUMNS})
    picture, listed = out.with_suffix(".png"), out.with_name(f"{out.stem}.vehicles{out.suffix}")
    draw_evidence(surveillance, picture)
    write_answers(vehicles, listed)
    # What can fail for want of space has been written: the store comes next, and a second run would change nothing.
    if store is not None:
        store.record(found, as_of=study.at)
    table = pl.concat([found, _kept(found, store), planned], how="horizontal")
    write_answers(table, out)
    if rules is not None and estimator.snapshot.until_day >= snapshot_until(rules.snapshot):
        write_atomically(rules.snapshot, estimator.snapshot.to_file())
    until = instant(study.at - 1).date()
    return AlarmRun(table, vehicles, surveillance, study.raw.reports, until, (out, listed, picture))


def _reset_weeks(study: SurveillanceStudyData, store: AlarmStore | None) -> dict[tuple[str, str], int]:
    """Week from which the cells of closed alarms are watched anew."""
    if store is None:
        return {}
    first = study.exposure.first_day
    return {
        (model, component): int(np.ceil((at / DAY - first) / WEEK_DAYS))
        for model, component, at in store.closed().select("model", "component", "closed_at").iter_rows()
    }


def _kept(found: pl.DataFrame, store: AlarmStore | None) -> pl.DataFrame:
    """Number and state of each alarm in the store."""
    schema = {"alarm_id": pl.Int64, "state": pl.String}
    if store is None or found.is_empty():
        return pl.DataFrame({n: [None] * found.height for n in schema}, schema=schema)
    latest = store.alarms().sort("id").group_by("model", "component", maintain_order=True).last()
    kept = found.select("model", "component").join(
        latest.select("model", "component", alarm_id="id", state="state"),
        on=["model", "component"], how="left", maintain_order="left",
    )  # fmt: skip
    return kept.select(pl.col(n).cast(t) for n, t in schema.items())


def _plan(found: Any) -> dict[str, Any]:
    if found is None:
        return dict.fromkeys(PLAN)
    of = found.campaign
    return {
        "vehicles": found.vehicles.height, "faults_to_come": of.faults, "faults_avoided": of.avoided,
        "avoided_low": of.avoided_interval[0], "avoided_high": of.avoided_interval[1],
        "parts_to_stock": of.parts_to_stock, "campaign_cost": found.campaign_cost, "avoided_cost": found.avoided_cost,
    }  # fmt: skip


def draw_evidence(surveillance: SurveillanceResult, path: Path) -> None:
    """Draw the evidence of the cells nearest to an alarm, week by week, and their faults beside those expected.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    draw_sections(
        evidence_sections(surveillance),
        path,
        title="fault_rate: the components nearest to an alarm",
        subtitle=f"reports known until {_weeks(surveillance)[-1]}",
        columns=4,
    )


def evidence_sections(surveillance: SurveillanceResult) -> list[TimeSeries]:
    """Return evidence with its threshold, and faults beside those expected, of the cells nearest to an alarm."""
    margin = surveillance.log_e.max(axis=1) - surveillance.alarm_threshold
    weeks = _weeks(surveillance)
    return [section for row in np.argsort(-margin)[:DRAWN] for section in _evidence(surveillance, int(row), weeks)]


def _weeks(surveillance: SurveillanceResult) -> list[str]:
    """Return the last day of each week that is tested."""
    first = surveillance.exposure.first_day + WEEK_DAYS * (surveillance.start + 1)
    return [str(instant(int((first + WEEK_DAYS * k) * DAY)).date()) for k in range(surveillance.log_e.shape[1])]


def _evidence(surveillance: SurveillanceResult, row: int, weeks: list[str]) -> tuple[TimeSeries, TimeSeries]:
    model, component = surveillance.cells.row(row)
    week = int(surveillance.detection_week[row])
    since = (f"：{weeks[week]} 起", f", alarm since {weeks[week]}") if week >= 0 else ("", "")
    threshold = Threshold(value=float(surveillance.alarm_threshold[row]), title=Text(zh="预警线", en="alarm threshold"))
    evidence = TimeSeries(
        name=f"evidence_{row}",
        title=Text(zh=f"{model}：{component}{since[0]}", en=f"{model}: {component}{since[1]}"),
        columns=(_WEEK, _EVIDENCE),
        y=_EVIDENCE,
        drawn=("evidence",),
        thresholds=(threshold,),
        rows=tuple({"week": w, "evidence": float(e)} for w, e in zip(weeks, surveillance.log_e[row], strict=True)),
    )
    counts = zip(weeks, surveillance.count[row], surveillance.expected[row], strict=True)
    faults = TimeSeries(
        name=f"faults_{row}",
        title=Text(zh=f"{model}：{component}，累计", en=f"{model}: {component}, cumulative"),
        columns=(_WEEK, *_FAULTS),
        y=Axis(title=Text(zh="累计故障次数", en="faults since the first week"), format="number"),
        drawn=("faults", "expected"),
        rows=tuple({"week": w, "faults": float(n), "expected": float(e)} for w, n, e in counts),
    )
    return evidence, faults
