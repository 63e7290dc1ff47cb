"""Report of a surveillance study: baseline rates on the test weeks, and weeks to detection of elevated rates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.plurals import count_text
from ml.bilingual import Text
from ml.fault_rate.baseline_rates import KINDS
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS
from ml.fault_rate.surveillance import SurveillanceResult
from ml.instants import instant
from ml.labels import Labels
from ml.report.columns import axis, column
from ml.report.report import Report
from ml.report.sections import Bars, Calibration, CalibrationBin, Section, TimeSeries
from training.studies.measures import measure
from training.studies.report_sections import MONTH, RATE_SPREAD, ROWS, group_column, importance_section, parts_section
from training.studies.report_words import MISSING, day_text
from training.studies.surveillance_data import SurveillanceData, rows_of_weeks
from training.studies.surveillance_power import power_sections, raised_sections

BINS = 10

_TIMES = Text(zh="次", en="count")
_NUMBER = axis("故障", "faults", "number", unit=_TIMES)
_DRAWN = ("observed", "predicted")
_FAULTS = (
    column("observed", "实际故障", "observed faults", "count"),
    column("predicted", "预期故障", "expected faults", "number", unit=_TIMES),
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
        parts_section(parts, column("faults", "故障次数", "faults", "count")),
        _calibration(cells),
        _month_section(cells),
        *(_segment_section(cells, by, config.labels) for by in segments),
        *raised_sections(surveillance.raised, study.params.false_alarm_rate),
        *power_sections(estimator.trained),
        importance_section(estimator.importance(), x=RATE_SPREAD, labels=config.labels),
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
        f"baseline rates estimated from the {start} weeks before {day_text(begin).en}, tested on the "
        f"{exposure.weeks - start} weeks after ({rows:,} cells of model, component, age, distance and month)"
    )


def _sums(cells: pl.DataFrame, by: str) -> pl.DataFrame:
    sums = cells.group_by(by).agg(rows=pl.len(), observed=pl.col("label").sum(), predicted=pl.col("expected").sum())
    return sums.sort(by)


def _segment_section(cells: pl.DataFrame, by: str, labels: Labels) -> Bars:
    """Return the sums of faults and expected faults by value, the most faults first."""
    sums = _sums(cells, by).sort("observed", by, descending=[True, False])
    rows = [{"value": str(row.pop(by) or MISSING), **row} for row in sums.to_dicts()]
    first, group = rows[0], group_column(by, [row["value"] for row in rows], labels=labels)
    most = {language: group.shown(first["value"], language) for language in ("zh", "en")}
    observed, expected = (f"{first[n]:,.0f}" for n in ("observed", "predicted"))
    title = Text(zh=f"按{group.title.zh}的实际与预期故障数", en=f"Faults and expected faults by {group.title.en}")
    summary = Text(
        zh=f"共 {len(rows)} 类；故障最多的是“{most['zh']}”：实际 {observed} 次，预期 {expected} 次",
        en=f"{count_text(len(rows), 'group')}; most faults: {most['en']}, {observed} observed, {expected} expected",
    )
    columns, name = (group, ROWS, *_FAULTS), f"by_{by}"
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
    return [*notes, left_variance_note(surveillance)]


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
