"""Weekly run of `chehang alarms`: quality alarms, the vehicles to inspect, and the evidence week by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.periods import clock_instants, local_clock
from features.sources import RawTables, TableReport
from ml.bilingual import Text
from ml.dates import date_text
from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.answer import inspection_plan_of, plan_response
from ml.fault_rate.campaign import InspectionPlan
from ml.fault_rate.chance_limit import chance_limit
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS
from ml.fault_rate.inspection_schedule import inspection_weeks
from ml.fault_rate.model_effects import raised_note
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.snapshot import snapshot_until
from ml.fault_rate.surveillance import SurveillanceResult
from ml.fault_rate.vehicle_reasons import LISTED_COLUMNS, with_reasons
from ml.home import write_atomically
from ml.instants import instant
from ml.report.columns import Axis, Column
from ml.report.figures import draw_sections
from ml.report.sections import Threshold, TimeSeries
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.runs.campaign_figure import draw_campaigns
from training.runs.stop_sale import stop_sale
from training.studies.surveillance import SurveillanceStudyData

DRAWN = 6  # cells in the picture: those furthest beyond, or nearest to, their alarm threshold
_WEEK = Column(name="week", title=Text(zh="周末日期", en="end of the week"))
_EVIDENCE = Column(name="evidence", title=Text(zh="对数证据", en="log evidence"), format="number")
_FAULTS = (
    Column(name="faults", title=Text(zh="实际故障", en="faults"), format="count"),
    Column(name="expected", title=Text(zh="预期故障", en="expected"), format="number"),
    Column(name="limit", title=Text(zh="偶然波动的上限", en="largest that chance explains"), format="count"),
)
PLAN = {
    "verdict": pl.String, "vehicles": pl.Int64, "to_inspect": pl.Int64, "call_in": pl.Int64,
    "horizon_years": pl.Float64, "faults_to_come": pl.Float64, "faults_avoided": pl.Float64, "avoided_low": pl.Float64,
    "avoided_high": pl.Float64, "complaints_avoided": pl.Float64, "customers_kept": pl.Float64, "cost": pl.Float64,
    "benefit": pl.Float64, "net": pl.Float64, "net_low": pl.Float64, "net_high": pl.Float64,
    "net_call_in_now": pl.Float64, "net_with_next_service": pl.Float64, "break_even_months": pl.Float64,
    "break_even_cost": pl.Float64, "break_even_value": pl.Float64, "break_even_value_all": pl.Float64,
    "parts_weeks": pl.Int64, "parts_to_stock": pl.Int64, "inspection_weeks": pl.Int64,
    "verdict_zh": pl.String, "verdict_en": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class AlarmRun:
    """Result of a weekly run, as returned by `alarms`.

    Attributes
    ----------
    alarms : DataFrame
        Columns of `ml.fault_rate.surveillance.SurveillanceResult.alarms`; `alarm_id` and `state` of the store; then the
        plan, as in `ml.fault_rate.request.Plan`: `verdict`, `vehicles` (affected), `to_inspect`, `call_in`;
        `inspection_weeks` after which all vehicles of a safety component are inspected (else null); within
        `horizon_years`: `faults_to_come` without an inspection, `faults_avoided` with `avoided_low` and `avoided_high`
        (90% interval), `complaints_avoided`, `customers_kept`; yuan: `cost`, `benefit`, `net` with `net_low` and
        `net_high`, and the `net` of the same vehicles with one moment for all; `parts_to_stock` for `parts_weeks`; and
        the verdict in words. Null without a fleet table; amounts are null without a fault cost.
    vehicles : DataFrame
        Affected vehicles, those to inspect first: `model`, `component`, `rank` (1 first), the columns of
        `ml.fault_rate.ranking.ranked_vehicles`, `reason_zh` and `reason_en`; and `inspection_week` (from 1) of the
        vehicles of safety components, in one schedule within `capacity_per_week` of the rules.
    stock : DataFrame
        Cars in stock of the builds of safety alarms, whose sale stops; as returned by
        `training.runs.stop_sale.stop_sale`.
    plans : tuple of InspectionPlan or None
        Inspection plan of each alarm; None without a fleet table.
    rules : AlarmRules
        Rules of the plans.
    surveillance : SurveillanceResult
        Weekly counts and evidence of every cell.
    reports : mapping of str to TableReport
        Validation of each raw table.
    until : date
        Last day of the reports.
    notes : tuple of str
        Records that were left out, and why; and stock that cannot be named.
    files : tuple of Path
        Files written.
    """

    alarms: pl.DataFrame
    vehicles: pl.DataFrame
    stock: pl.DataFrame
    plans: tuple[InspectionPlan | None, ...]
    rules: AlarmRules
    surveillance: SurveillanceResult
    reports: Mapping[str, TableReport]
    until: date
    notes: tuple[str, ...]
    files: tuple[Path, ...]


def alarms(
    config: TaskConfig,
    *,
    out: Path,
    rules: AlarmRules | None = None,
    as_of: datetime | None = None,
    raw: RawTables | None = None,
    progress: Progress | None = None,
) -> AlarmRun:
    """Test all cells, store the alarms, and write the alarms, the vehicles to inspect and a picture of the evidence.

    Parameters
    ----------
    config : TaskConfig
        ``training.config.load_config("fault_rate")``.
    out : Path
        File of the alarms: `.parquet` or `.csv`. The vehicles are written to `<name>.vehicles<suffix>` and the picture
        of the evidence to `<name>.png` beside it; where an alarm has costs, `<name>.vehicles.png` draws what each
        inspection saves and costs, with the cut.
    rules : AlarmRules, optional
        As returned by ``ml.fault_rate.rules.load_alarm_rules(Path("configs/fault_alarms.yaml"))``; names the alarm
        store and the snapshot file of the service. Without rules neither is written.
    as_of : datetime, optional
        With time zone. Records reported at or after it are left out; the end of the records by default.
    raw : RawTables, optional
        The tables, as returned by `training.studies.task_tables.read_task_tables`; read here by default.
    progress : Progress, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    AlarmRun
        `alarms` and `vehicles` (DataFrames, the rows of the two files), `surveillance` (`cells`, `count`, `expected`,
        `log_e` and `alarm_threshold` of every cell), `reports`, `files` (paths), and `until`, the last day of reports
        (date).

    Raises
    ------
    DataError, ConfigError
        A table, the configuration or the output path is unusable; no alarm was stored.

    Examples
    --------
    Needs the tables of the sources.

    >>> from pathlib import Path
    >>> from ml.fault_rate.rules import load_alarm_rules
    >>> from training.config import load_config
    >>> rules = load_alarm_rules(Path("configs/fault_alarms.yaml"))  # doctest: +SKIP
    >>> run = alarms(load_config("fault_rate"), out=Path("alarms.csv"), rules=rules)  # doctest: +SKIP
    """
    check_answer_path(out)
    study = SurveillanceStudyData.read(config, as_of=as_of, raw=raw, progress=progress)
    store = None if rules is None else AlarmStore(rules.store)
    surveillance = study.run_surveillance(reset_weeks=_reset_weeks(study, store))
    estimator = FaultEstimator(study.snapshot(surveillance))
    estimator.rules = rules or AlarmRules()
    raised = estimator.snapshot.alarms
    plans = [inspection_plan_of(estimator, row) for row in raised.to_dicts()]
    schedule = _schedule(plans, estimator.rules)
    weeks = [int(w.max()) if w is not None and len(w) else None for w in schedule]  # type: ignore[arg-type]
    plan_columns = pl.DataFrame([_plan(plan) for plan in plans], schema=PLAN)
    plan_columns = plan_columns.with_columns(inspection_weeks=pl.Series(weeks, dtype=pl.Int64))
    ranked = [
        with_reasons(plan.vehicles, plan)
        .with_columns(inspection_week=pl.lit(None, dtype=pl.Int64) if week is None else week)
        .select(
            pl.lit(row["model"]).alias("model"),
            pl.lit(row["component"]).alias("component"),
            pl.int_range(1, pl.len() + 1).alias("rank"),
            pl.all(),
        )
        for plan, week, row in zip(plans, schedule, raised.to_dicts(), strict=True)
        if plan is not None
    ]
    cell_columns = {"model": pl.String, "component": pl.String, "rank": pl.Int64}
    columns = {**cell_columns, **LISTED_COLUMNS, "inspection_week": pl.Int64}
    vehicles = pl.concat(ranked) if ranked else pl.DataFrame(schema=columns)
    at = int(clock_instants(study.as_of, timezone=study.timezone))
    stock, stock_notes, stock_files = stop_sale(config, raised, estimator.rules, as_of=at, out=out, progress=progress)
    picture, vehicle_file = out.with_suffix(".png"), out.with_name(f"{out.stem}.vehicles{out.suffix}")
    _draw_evidence(surveillance, picture, estimator.rules)
    campaigns = draw_campaigns(vehicles, vehicle_file.with_suffix(".png"), estimator.rules)
    write_answers(vehicles, vehicle_file)
    # The large files are written first: if the disk is full, the store is unchanged and the run can be repeated.
    if store is not None:
        store.record(raised, as_of=at, timezone=study.timezone)
    table = pl.concat([raised, _stored(raised, store), plan_columns], how="horizontal")
    write_answers(table, out)
    if rules is not None and estimator.snapshot.until_day >= snapshot_until(rules.snapshot):
        write_atomically(rules.snapshot, estimator.snapshot.to_file())
    until = instant(study.as_of - 1).date()
    files = (out, vehicle_file, picture, *campaigns, *stock_files)
    above = raised_note(surveillance.raised)
    notes = (*estimator.snapshot.notes, *([above] if above else []), *stock_notes)
    return AlarmRun(
        table, vehicles, stock, tuple(plans), estimator.rules, surveillance, study.raw.reports, until, notes, files
    )


def _schedule(plans: Sequence[InspectionPlan | None], rules: AlarmRules) -> list[pl.Series | None]:
    """Return the week of inspection of each vehicle of each safety plan, of one schedule; None for other plans."""
    lists = [plan.vehicles for plan in plans if plan is not None and plan.verdict == "inspect_all"]
    weeks = iter(inspection_weeks(lists, rules.safety.capacity_per_week))
    return [next(weeks) if plan is not None and plan.verdict == "inspect_all" else None for plan in plans]


def _reset_weeks(study: SurveillanceStudyData, store: AlarmStore | None) -> dict[tuple[str, str], int]:
    """Return the first full week after the closing of each closed alarm, by (model, component)."""
    if store is None:
        return {}
    first = study.exposure.first_day
    return {
        (model, component): int(np.ceil((local_clock(at, timezone=study.timezone) / DAY - first) / WEEK_DAYS))
        for model, component, at in store.closed().select("model", "component", "closed_at").iter_rows()
    }


def _stored(raised: pl.DataFrame, store: AlarmStore | None) -> pl.DataFrame:
    """Return `alarm_id` and `state` of each alarm; null without a store."""
    schema = {"alarm_id": pl.Int64, "state": pl.String}
    if store is None or raised.is_empty():
        return pl.DataFrame({n: [None] * raised.height for n in schema}, schema=schema)
    latest = store.alarms().sort("id").group_by("model", "component", maintain_order=True).last()
    stored = raised.select("model", "component").join(
        latest.select("model", "component", alarm_id="id", state="state"),
        on=["model", "component"], how="left", maintain_order="left",
    )  # fmt: skip
    return stored.select(pl.col(n).cast(t) for n, t in schema.items())


def _plan(inspection: InspectionPlan | None) -> dict[str, Any]:
    if inspection is None:
        return dict.fromkeys(PLAN)
    plan = plan_response(inspection)
    best, nets = plan.options[-1], {f"net_{o.name}": o.net for o in plan.options[:-1]}
    same: tuple[str, ...] = (
        "verdict",
        "vehicles",
        "to_inspect",
        "call_in",
        "complaints_avoided",
        "customers_kept",
        "parts_weeks",
    )
    same = (*same, "parts_to_stock", "break_even_value", "break_even_value_all")
    amounts = ("cost", "benefit", "net", "net_low", "net_high", "avoided_low", "avoided_high", "break_even_months")
    return {
        **dict.fromkeys(PLAN), **{n: getattr(plan, n) for n in same}, **nets,
        **{n: getattr(best, n) for n in (*amounts, "break_even_cost")}, "horizon_years": plan.years,
        "faults_to_come": plan.faults, "faults_avoided": best.avoided, "verdict_zh": plan.text.zh,
        "verdict_en": plan.text.en,
    }  # fmt: skip


def _draw_evidence(surveillance: SurveillanceResult, path: Path, rules: AlarmRules) -> None:
    """Draw log evidence and cumulative faults, week by week, of the six cells nearest to or beyond an alarm."""
    draw_sections(
        evidence_sections(surveillance, rules),
        path,
        title="Components nearest to a quality alarm",
        subtitle=f"reports until {_weeks(surveillance)[-1]}",
        columns=4,
    )


def evidence_sections(surveillance: SurveillanceResult, rules: AlarmRules) -> list[TimeSeries]:
    """Return two charts per cell: log evidence with its threshold, and cumulative faults with what chance explains.

    Parameters
    ----------
    surveillance : SurveillanceResult
        As returned by `ml.fault_rate.surveillance.run_surveillance`.
    rules : AlarmRules
        Its `component_names` are those of the titles.

    Returns
    -------
    list of TimeSeries
        `ml.report.sections.TimeSeries`, for the six cells that exceed their alarm threshold most, or come nearest to
        it.
    """
    margin = surveillance.log_e.max(axis=1) - surveillance.alarm_threshold
    weeks = _weeks(surveillance)
    return [
        section for row in np.argsort(-margin)[:DRAWN] for section in _evidence(surveillance, int(row), weeks, rules)
    ]


def _weeks(surveillance: SurveillanceResult) -> list[str]:
    """Return the last day of each week that is tested."""
    first = surveillance.exposure.first_day + WEEK_DAYS * (surveillance.start + 1)
    return [str(instant(int((first + WEEK_DAYS * k) * DAY)).date()) for k in range(surveillance.log_e.shape[1])]


def _evidence(
    surveillance: SurveillanceResult, row: int, weeks: list[str], rules: AlarmRules
) -> tuple[TimeSeries, TimeSeries]:
    model, component = surveillance.cells.row(row)
    name = rules.component_name(component)
    week = int(surveillance.detection_week[row])
    since = ("", "")
    if week >= 0:
        day = date_text(date.fromisoformat(weeks[week]))
        since = (f"：{day.zh}起预警", f", quality alarm since {day.en}")
    threshold = Threshold(value=float(surveillance.alarm_threshold[row]), title=Text(zh="预警线", en="alarm threshold"))
    evidence = TimeSeries(
        name=f"evidence_{row}",
        title=Text(zh=f"{model}：{name.zh}{since[0]}", en=f"{model}: {name.en}{since[1]}"),
        columns=(_WEEK, _EVIDENCE),
        y=_EVIDENCE,
        drawn=("evidence",),
        thresholds=(threshold,),
        rows=tuple({"week": w, "evidence": float(e)} for w, e in zip(weeks, surveillance.log_e[row], strict=True)),
    )
    own, level = surveillance.references[row], float(np.exp(-surveillance.alarm_threshold[row]))
    limit = chance_limit(surveillance.expected[row], shape=own.shape, drift=own.drift, level=level)
    counts = zip(weeks, surveillance.count[row], surveillance.expected[row], limit, strict=True)
    faults = TimeSeries(
        name=f"faults_{row}",
        title=Text(zh=f"{model}：{name.zh}，累计", en=f"{model}: {name.en}, cumulative"),
        columns=(_WEEK, *_FAULTS),
        y=Axis(title=Text(zh="累计故障次数", en="cumulative faults"), format="number"),
        drawn=("faults", "expected", "limit"),
        rows=tuple({"week": w, "faults": float(n), "expected": float(e), "limit": float(m)} for w, n, e, m in counts),
    )
    return evidence, faults
