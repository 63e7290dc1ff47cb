"""How good a watch of faults is: usual rates on weeks they were not learnt from, and how soon it would know."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from ml.bilingual import Text
from ml.domain.faults.detection_power import weeks_to_detection
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS
from ml.fault_rate.surveillance import SurveillanceResult
from ml.instants import instant
from ml.report.columns import axis, column
from ml.report.report import Report
from ml.report.sections import Bars, Calibration, CalibrationBin, Section, Table, TimeSeries
from training.studies.measures import measure
from training.studies.report_sections import MONTH, ROWS, group_column, importance_section, parts_section
from training.studies.surveillance_data import SurveillanceData, rows_of_weeks

RATIOS = (1.5, 2.0, 3.0)
SOON = 26
BINS = 10

_NUMBER = axis("故障次数", "number of faults", "number")
_DRAWN, _WEEKS = ("observed", "predicted"), Text(zh="周", en="weeks")
_FAULTS = (
    column("observed", "实际故障", "observed faults", "count"),
    column("predicted", "预期故障", "expected faults", "number"),
)
_POWER = (
    column("rate_ratio", "基准故障率的倍数", "times the baseline rate", "number"),
    column("expected_weekly", "每周预期故障", "expected faults a week", "number"),
    column("median_weeks", "检出所需中位数，空为超过 104", "median detection, none over 104", "count", unit=_WEEKS),
    column("detected_in_26_weeks", "26 周内检出", "detected in 26 weeks", "share"),
    column("false_alarm_rate", "误报概率", "false-alarm rate", "share"),
)


def evaluate_faults(study: SurveillanceData, estimator: FaultEstimator, surveillance: SurveillanceResult) -> Report:
    """Measure usual rates on the test weeks, beside one rate for all, and say how soon a fault would be known."""
    config, start = study.config, study.params.reference_weeks
    rows = study.test_weeks()
    learnt = rows_of_weeks(study.exposure, surveillance, 0, start)
    y = rows["label"].to_numpy()
    answers = estimator.predict(rows)
    baseline = baseline_predictions(study, surveillance, rows)
    cells = rows.with_columns(expected=answers["expected"])
    parts = {
        "train": {"rows": learnt.height, "faults": int(learnt["label"].sum())},
        "test": {"rows": rows.height, "faults": int(y.sum())},
    }
    segments = [c for c in dict.fromkeys(("component", *config.segments)) if c in cells.columns]
    groups = rows["group"].to_numpy()
    sections: list[Section] = [
        measure(study.problem.metrics, y, answers, baseline=baseline, groups=groups, n=config.bootstraps),
        parts_section(parts, column("faults", "故障", "faults", "count")),
        _calibration(cells),
        _month_section(cells),
        *(_segment_section(cells, by) for by in segments),
        _power_section(estimator, study.params.false_alarm_rate),
        importance_section(estimator.importance()),
    ]
    notes = (*study.notes, *_notes(surveillance))
    return Report(task=config.task, protocol=_protocol(study, len(rows)), sections=tuple(sections), notes=notes)


def baseline_predictions(
    study: SurveillanceData, surveillance: SurveillanceResult, rows: pl.DataFrame
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What one rate for all, of the reference weeks, expects of some rows."""
    learnt = rows_of_weeks(study.exposure, surveillance, 0, study.params.reference_weeks)
    return study.problem.baseline(learnt, learnt["label"].to_numpy(), rows)


def _protocol(study: SurveillanceData, rows: int) -> str:
    start, exposure = study.params.reference_weeks, study.exposure
    begin = instant(int((exposure.first_day + WEEK_DAYS * start) * DAY)).date()
    return (
        f"usual rates learnt from the {start} weeks before {begin}, tested on the {exposure.weeks - start} weeks from "
        f"then on ({rows:,} cells of model, component, age, distance and month)"
    )


def _sums(cells: pl.DataFrame, by: str) -> pl.DataFrame:
    sums = cells.group_by(by).agg(rows=pl.len(), observed=pl.col("label").sum(), predicted=pl.col("expected").sum())
    return sums.sort(by)


def _segment_section(cells: pl.DataFrame, by: str) -> Bars:
    """Faults and expected faults by value, the most faults first: sums, not means."""
    sums = _sums(cells, by).sort("observed", by, descending=[True, False])
    rows = [{"value": str(row.pop(by) or "(missing)"), **row} for row in sums.to_dicts()]
    most = rows[0]
    observed, expected = (f"{most[n]:,.0f}" for n in ("observed", "predicted"))
    title = Text(zh=f"按 {by} 的实际与预期故障数", en=f"Faults and expected faults by {by}")
    summary = Text(
        zh=f"{len(rows)} 个取值；最多的 {most['value']} 实际 {observed}，预期 {expected}",
        en=f"{len(rows)} values; {most['value']} has the most faults, {observed}, {expected} expected",
    )
    columns, name = (group_column(by), ROWS, *_FAULTS), f"by_{by}"
    return Bars(name=name, title=title, summary=summary, columns=columns, y=_NUMBER, drawn=_DRAWN, rows=tuple(rows))


def _month_section(cells: pl.DataFrame) -> TimeSeries:
    sums = _sums(cells, "period")
    months = [str(np.datetime64(int(period), "M")) for period in sums["period"]]
    rows = [{"month": m, **row} for m, row in zip(months, sums.drop("period").to_dicts(), strict=True)]
    observed, predicted = float(sums["observed"].sum()), float(sums["predicted"].sum())
    title = Text(zh="各月实际与预期故障数", en="Faults by month, observed and expected")
    figures = f"共 {observed:,.0f} 次，预期 {predicted:,.0f} 次", f"{observed:,.0f} faults, {predicted:,.0f} expected"
    return TimeSeries(
        name="by_month", title=title, summary=Text(zh=figures[0], en=figures[1]), columns=(MONTH, ROWS, *_FAULTS),
        y=_NUMBER, drawn=_DRAWN, rows=tuple(rows),
    )  # fmt: skip


def _calibration(cells: pl.DataFrame) -> Calibration:
    """Faults a vehicle-year, expected and observed, in bins of equal expected faults."""
    rate = cells.filter(pl.col("expected") > 0).with_columns(rate=pl.col("expected") / pl.col("vehicle_years"))
    rate = rate.sort("rate").with_columns(so_far=pl.col("expected").cum_sum() / pl.col("expected").sum())
    bins = rate.with_columns(bin=(pl.col("so_far") * BINS).ceil().clip(1, BINS)).group_by("bin")
    sums = bins.agg(pl.col("label", "expected", "vehicle_years").sum()).sort("bin")
    rows = [
        CalibrationBin(predicted=e / years, observed=n / years)
        for n, e, years in sums.select("label", "expected", "vehicle_years").iter_rows()
    ]
    unit = Text(zh="次/车年", en="per vehicle-year")
    title = Text(zh="每车年故障数的校准", en="Calibration of faults per vehicle-year")
    summary = Text(zh=f"{len(rows)} 档，预期故障数相等", en=f"{len(rows)} bins of equal expected faults")
    x = axis("预期故障", "expected faults", "score", unit=unit)
    y = axis("实际故障", "observed faults", "score", unit=unit)
    return Calibration(name="calibration", title=title, summary=summary, x=x, y=y, rows=tuple(rows))


def _power_section(estimator: FaultEstimator, false_alarm_rate: float) -> Table:
    """Weeks until a raised rate would be detected, in the cell for which the median number of faults is expected."""
    title = Text(
        zh=f"检出能力（全部部件误报概率不超过 {false_alarm_rate:.0%}）",
        en=f"Detection of a raised rate, with a family-wise false-alarm rate of {false_alarm_rate:.0%}",
    )
    rows = tuple({**row, "false_alarm_rate": false_alarm_rate} for row in _power(estimator))
    return Table(name="detection_power", title=title, columns=_POWER, rows=rows)


def _power(estimator: FaultEstimator) -> list[dict[str, float | None]]:
    """Weeks until a raised rate would be known, in the cell of which a fault of median size is expected."""
    now = estimator.trained
    there = np.flatnonzero(now.expected_weekly > 0)
    if not len(there):
        return []
    row = int(there[np.argsort(now.expected_weekly[there])[len(there) // 2]])
    weekly, alarm_threshold = float(now.expected_weekly[row]), float(now.alarm_threshold[row])
    rows: list[dict[str, float | None]] = []
    for ratio in RATIOS:
        power = weeks_to_detection(
            np.full(104, weekly),
            ratio=ratio,
            alarm_threshold=alarm_threshold,
            between_model_variance=now.between_model_variance,
            samples=500,
        )
        delay = {"median_weeks": power.quantile(0.5), "detected_in_26_weeks": power.share(SOON)}
        rows.append({"rate_ratio": ratio, "expected_weekly": weekly, **delay})
    return rows


def _notes(surveillance: SurveillanceResult) -> list[str]:
    chosen = surveillance.expected_faults.baseline_rates.model_kinds
    models = [f"{kind} for {chosen.count(kind)}" for kind in ("regression", "trees", "constant") if kind in chosen]
    notes = [f"usual rates by {', '.join(models)} of {len(chosen)} components, whichever was better on held-out weeks"]
    unknown = [n for n, kind in zip(surveillance.exposure.components, chosen, strict=True) if kind == "unknown"]
    if unknown:
        notes.append(
            f"no vehicle had {', '.join(unknown)} in the reference weeks: nothing is expected of them, no alarm"
        )
    if not surveillance.expected_faults.baseline_rates.seasonal:
        notes.append("less than a year of reference: seasons are not told apart")
    spread = np.exp(np.sqrt(surveillance.between_model_variance))
    notes.append(f"models differ by a factor of {spread:.2f} for good (upper limit)")
    return notes
