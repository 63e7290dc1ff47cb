"""Report of a surveillance study: baseline rates on the test weeks, and weeks to detection of elevated rates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from ml.bilingual import Text
from ml.domain.faults.detection_power import weeks_to_detection
from ml.fault_rate.baseline_rates import KINDS
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
SHORT_TERM = 26  # weeks
BINS = 10

_NUMBER = axis("故障次数", "number of faults", "number")
_DRAWN, _WEEKS = ("observed", "predicted"), Text(zh="周", en="weeks")
_FAULTS = (
    column("observed", "实际故障", "observed faults", "count"),
    column("predicted", "预期故障", "expected faults", "number"),
)
_POWER = (
    column("rate_ratio", "基准故障率的倍数", "times the baseline rate", "number"),
    column("expected_weekly", "每周预期故障", "expected faults per week", "number"),
    column(
        "median_weeks",
        "发现所需周数（中位数，空：超过 104）",
        "median weeks to detection (empty: over 104)",
        "count",
        unit=_WEEKS,
    ),
    column("detected_in_26_weeks", "26 周内发现", "detected in 26 weeks", "share"),
    column("false_alarm_rate", "总体误报率", "family-wise false-alarm rate", "share"),
)


def evaluate_faults(study: SurveillanceData, estimator: FaultEstimator, surveillance: SurveillanceResult) -> Report:
    """Return the report of baseline rates on the test weeks, and of the weeks to detection of elevated rates.

    Parameters
    ----------
    study : SurveillanceData
        ``training.studies.surveillance.SurveillanceStudyData.read(load_config("fault_rate"))``, with `load_config` of
        `training.config`.
    estimator : FaultEstimator
        ``study.fit().evaluated``.
    surveillance : SurveillanceResult
        ``study.result``.

    Returns
    -------
    Report
        `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` (calibration, faults by month
        and segment, weeks to detection) and `notes`.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.surveillance import SurveillanceStudyData
    >>> study = SurveillanceStudyData.read(load_config("fault_rate"))  # doctest: +SKIP
    >>> report = evaluate_faults(study, study.fit().evaluated, study.result)  # doctest: +SKIP
    """
    config, start = study.config, study.params.reference_weeks
    rows = study.test_weeks()
    training_rows = rows_of_weeks(study.exposure, surveillance, 0, start)
    y = rows["label"].to_numpy()
    answers = estimator.predict(rows)
    baseline = baseline_predictions(study, surveillance, rows)
    cells = rows.with_columns(expected=answers["expected"])
    parts = {
        "train": {"rows": training_rows.height, "faults": int(training_rows["label"].sum())},
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
    """Return the expected faults of `rows` at one rate per component, estimated from the reference weeks.

    Parameters
    ----------
    study : SurveillanceData
        ``training.studies.surveillance.SurveillanceStudyData.read(load_config("fault_rate"))``, with `load_config` of
        `training.config`.
    surveillance : SurveillanceResult
        ``study.result``.
    rows : DataFrame
        ``study.test_weeks()``.

    Returns
    -------
    ndarray of shape (n_rows,)
        Expected number of faults of each row.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.surveillance import SurveillanceStudyData
    >>> study = SurveillanceStudyData.read(load_config("fault_rate"))  # doctest: +SKIP
    >>> faults = baseline_predictions(study, study.result, study.test_weeks())  # doctest: +SKIP
    """
    training_rows = rows_of_weeks(study.exposure, surveillance, 0, study.params.reference_weeks)
    return study.problem.baseline(training_rows, training_rows["label"].to_numpy(), rows)


def _protocol(study: SurveillanceData, rows: int) -> str:
    start, exposure = study.params.reference_weeks, study.exposure
    begin = instant(int((exposure.first_day + WEEK_DAYS * start) * DAY)).date()
    return (
        f"baseline rates estimated from the {start} weeks before {begin}, tested on the {exposure.weeks - start} weeks "
        f"after ({rows:,} cells of model, component, age, distance and month)"
    )


def _sums(cells: pl.DataFrame, by: str) -> pl.DataFrame:
    sums = cells.group_by(by).agg(rows=pl.len(), observed=pl.col("label").sum(), predicted=pl.col("expected").sum())
    return sums.sort(by)


def _segment_section(cells: pl.DataFrame, by: str) -> Bars:
    """Return the sums of faults and expected faults by value, the most faults first."""
    sums = _sums(cells, by).sort("observed", by, descending=[True, False])
    rows = [{"value": str(row.pop(by) or "(missing)"), **row} for row in sums.to_dicts()]
    first = rows[0]
    observed, expected = (f"{first[n]:,.0f}" for n in ("observed", "predicted"))
    title = Text(zh=f"按 {by} 的实际与预期故障数", en=f"Faults and expected faults by {by}")
    summary = Text(
        zh=f"{len(rows)} 个取值；最多的 {first['value']} 实际 {observed}，预期 {expected}",
        en=f"{len(rows)} values; {first['value']} has the most faults: {observed}, expected {expected}",
    )
    columns, name = (group_column(by), ROWS, *_FAULTS), f"by_{by}"
    return Bars(name=name, title=title, summary=summary, columns=columns, y=_NUMBER, drawn=_DRAWN, rows=tuple(rows))


def _month_section(cells: pl.DataFrame) -> TimeSeries:
    sums = _sums(cells, "period")
    months = [str(np.datetime64(int(period), "M")) for period in sums["period"]]
    rows = [{"month": m, **row} for m, row in zip(months, sums.drop("period").to_dicts(), strict=True)]
    observed, predicted = float(sums["observed"].sum()), float(sums["predicted"].sum())
    title = Text(zh="各月实际与预期故障数", en="Faults by month, observed and expected")
    figures = f"共 {observed:,.0f} 次，预期 {predicted:,.0f} 次", f"{observed:,.0f} faults, expected {predicted:,.0f}"
    return TimeSeries(
        name="by_month", title=title, summary=Text(zh=figures[0], en=figures[1]), columns=(MONTH, ROWS, *_FAULTS),
        y=_NUMBER, drawn=_DRAWN, rows=tuple(rows),
    )  # fmt: skip


def _calibration(cells: pl.DataFrame) -> Calibration:
    """Return observed and expected faults per vehicle-year, in bins of equal expected faults."""
    rate = cells.filter(pl.col("expected") > 0).with_columns(rate=pl.col("expected") / pl.col("vehicle_years"))
    rate = rate.sort("rate").with_columns(cumulative=pl.col("expected").cum_sum() / pl.col("expected").sum())
    bins = rate.with_columns(bin=(pl.col("cumulative") * BINS).ceil().clip(1, BINS)).group_by("bin")
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
    """Return the weeks to detection of elevated rates in the cell with the median number of expected faults."""
    title = Text(
        zh=f"发现所需周数（总体误报率不超过 {false_alarm_rate:.0%}）",
        en=f"Weeks to detection of an elevated rate, at a family-wise false-alarm rate of {false_alarm_rate:.0%}",
    )
    rows = tuple({**row, "false_alarm_rate": false_alarm_rate} for row in _power(estimator))
    return Table(name="detection_power", title=title, columns=_POWER, rows=rows)


def _power(estimator: FaultEstimator) -> list[dict[str, float | None]]:
    snapshot = estimator.trained
    exposed = np.flatnonzero(snapshot.expected_weekly > 0)
    if not len(exposed):
        return []
    row = int(exposed[np.argsort(snapshot.expected_weekly[exposed])[len(exposed) // 2]])
    weekly, alarm_threshold = float(snapshot.expected_weekly[row]), float(snapshot.alarm_threshold[row])
    rows: list[dict[str, float | None]] = []
    for ratio in RATIOS:
        detection = weeks_to_detection(
            np.full(104, weekly),
            ratio=ratio,
            alarm_threshold=alarm_threshold,
            between_model_variance=1 / float(snapshot.test_shape[row]),
            samples=500,
        )
        delay = {"median_weeks": detection.quantile(0.5), "detected_in_26_weeks": detection.share(SHORT_TERM)}
        rows.append({"rate_ratio": ratio, "expected_weekly": weekly, **delay})
    return rows


def _notes(surveillance: SurveillanceResult) -> list[str]:
    kinds = surveillance.expected_faults.baseline_rates.model_kinds
    models = [f"{kind} for {kinds.count(kind)}" for kind in KINDS if kind in kinds]
    notes = [f"baseline rates by {', '.join(models)} of {len(kinds)} components, selected on held-out weeks"]
    unknown = [n for n, kind in zip(surveillance.exposure.components, kinds, strict=True) if kind == "unknown"]
    if unknown:
        notes.append(
            f"no vehicle had {', '.join(unknown)} in the reference weeks: their expected faults are 0 and "
            "they raise no alarm"
        )
    if not surveillance.expected_faults.baseline_rates.seasonal:
        notes.append("fewer than 52 reference weeks: baseline rates have no season")
    return [
        *notes,
        left_variance_note(surveillance),
        *([raised_note(surveillance)] if surveillance.raised.height else []),
    ]


def left_variance_note(surveillance: SurveillanceResult) -> str:
    """Return how much models differ, and how much of it the reference weeks leave unknown for the median fault."""
    shapes = np.array([reference.test_shape for reference in surveillance.references])
    order = np.argsort(shapes)
    faults = surveillance.expected[order, -1].cumsum()
    left = 1 / math.sqrt(shapes[order][int(np.searchsorted(faults, faults[-1] / 2))])
    smallest, largest = 1 / math.sqrt(shapes.max()), 1 / math.sqrt(shapes.min())
    return (
        f"fault rates of a component differ between models by {math.sqrt(surveillance.population.variance):.0%} (one "
        f"standard deviation); after the reference weeks the normal rate of a model is known to within {left:.0%} for "
        f"half of the faults (from {smallest:.0%} to {largest:.0%})"
    )


def raised_note(surveillance: SurveillanceResult) -> str:
    """Return the models and components whose rate was raised in the reference weeks already."""
    cells = ", ".join(
        f"{model} {component} {ratio:.2f} times ({low:.2f} to {high:.2f})"
        for model, component, _, _, ratio, low, high in surveillance.raised.iter_rows()
    )
    return f"above the other models from the start, so that no alarm is due to it: {cells}"
