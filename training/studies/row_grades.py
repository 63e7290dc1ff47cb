"""Report sections on the grades of leads: does grade A hold what it promises, in number and in sales?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from ml.bilingual import Text
from ml.domain.arrays import BoolArray
from ml.domain.statistics.proportions import proportion
from ml.instants import local_day
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.problem import RowEstimator
from ml.report.columns import Interval, axis, column
from ml.report.formats import format_figure, format_interval
from ml.report.sections import Bars, Section, Table
from training.studies.report_sections import MONTH
from training.studies.row_sections import HoldoutPredictions

GRADES = ("A", "B", "C", "D")
DAYS_PER_WEEK = 7
_GRADE = column("grade", "线索等级", "grade")
_FIGURES = (
    column("leads", "线索数", "leads", "count"),
    column("per_day", "每个工作日", "per working day", "number", unit=Text(zh="条线索", en="leads")),
    column("predicted", "预测成交率", "predicted conversion", "share"),
    column("observed", "实际成交率", "observed conversion", "share", interval=Interval()),
    column("within", "预测在 95% 区间内", "predicted within the 95% interval", "flag"),
)


def grade_sections(test: HoldoutPredictions, estimator: RowEstimator) -> list[Section]:
    """Return the number of leads and the conversion by grade, over the test period and by month.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    estimator : RowEstimator
        Fitted: `examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])`, with `examples` of
        `training.studies.row_data.LabelledRows.read`.

    Returns
    -------
    list of Section
        'by_grade' (Bars) and, if the data has time, 'by_grade_and_month' (Table): `leads`, `per_day` (per working
        day), `predicted`, `observed` with its 95% interval (shares) and `within`. Empty for other estimators.
    """
    if not isinstance(estimator, LeadScoringEstimator):
        return []
    grade = test.predictions["grade"].to_numpy()
    everything = np.ones(len(grade), dtype=bool)
    columns = (_GRADE, *_FIGURES)
    if test.examples.config.timeless:
        rows = [_row(test, grade == g, days=None) | {"grade": g} for g in GRADES if (grade == g).any()]
        return [_overall(rows, estimator, [c for c in columns if c.name != "per_day"])]
    days = _working_days(test, everything, estimator)
    rows = [_row(test, grade == g, days=days) | {"grade": g} for g in GRADES if (grade == g).any()]
    cells = [
        _row(test, (grade == g) & inside, days=_working_days(test, inside, estimator)) | {"grade": g, "month": month}
        for month in sorted(set(test.months.tolist()))
        for g in GRADES
        if ((grade == g) & (inside := test.months == month)).any()
    ]
    share = sum(bool(c["within"]) for c in cells) / len(cells)
    by_month = Table(
        name="by_grade_and_month",
        title=Text(zh="按等级和月份的成交率", en="Conversion by grade and month"),
        summary=Text(
            zh=f"{len(cells)} 个单元格中，{share:.0%} 的预测成交率落在实际成交率的 95% 区间内",
            en=f"predicted conversion within the 95% interval of the observed one in {share:.0%} of {len(cells)} cells",
        ),
        columns=(MONTH, *columns),
        rows=tuple(cells),
    )
    return [_overall(rows, estimator, columns), by_month]


def _row(test: HoldoutPredictions, inside: BoolArray, *, days: float | None) -> dict[str, Any]:
    n, sales, predicted = int(inside.sum()), int(test.y[inside].sum()), float(test.p[inside].mean())
    observed = proportion(sales, n)
    figures = {"observed": observed.value, "low": observed.low, "high": observed.high}
    within = bool(observed.low <= predicted <= observed.high)
    return {"leads": n, "predicted": predicted, **figures, "within": within} | (
        {} if days is None else {"per_day": n / days}
    )


def _working_days(test: HoldoutPredictions, inside: BoolArray, estimator: LeadScoringEstimator) -> float:
    """Return the working days of the part of a month (or of all months) that the test rows cover."""
    as_of = test.X["as_of"].to_numpy()
    whole = [local_day(int(v), test.examples.timezone) for v in (as_of.min(), as_of.max())]
    own = [local_day(int(v), test.examples.timezone) for v in (as_of[inside].min(), as_of[inside].max())]
    if inside.all():
        first, last = whole
    else:
        first, last = max(whole[0], own[0].replace(day=1)), min(whole[1], _month_end(own[1]))
    return ((last - first).days + 1) * estimator.params.working_days_per_week / DAYS_PER_WEEK


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _overall(rows: Sequence[dict[str, Any]], estimator: LeadScoringEstimator, columns: Sequence[Any]) -> Bars:
    best, limits = rows[0], estimator.grades_
    predicted, observed = (format_figure(best[n], "share") for n in ("predicted", "observed"))
    interval = format_interval(best["low"], best["high"], "share")
    interval_zh = format_interval(best["low"], best["high"], "share", "zh")
    name, shares = best["grade"], f"predicted conversion {predicted}, observed {observed}"
    number_zh = number_en = ""
    if "per_day" in best:
        number_zh = f"每个工作日 {best['per_day']:.1f} 条"
        number_en = f"{best['per_day']:.1f} leads a working day"
        if limits.a_per_working_day is not None and name == "A":
            number_zh += f"（外呼能力 {limits.a_per_working_day:.1f} 条）"
            number_en += f" (the desk can call {limits.a_per_working_day:.1f})"
        number_zh, number_en = f"{number_zh}，", f"{number_en}, "
    return Bars(
        name="by_grade",
        title=Text(zh="按等级的线索数与成交率", en="Leads and conversion by grade"),
        summary=Text(
            zh=f"{name} 级：{number_zh}预测成交率 {predicted}，实际 {observed}（95% 区间 {interval_zh}）",
            en=f"grade {name}: {number_en}{shares} (95% interval {interval})",
        ),
        columns=tuple(columns),
        y=axis("成交率", "conversion", "share"),
        drawn=("predicted", "observed"),
        rows=tuple(rows),
    )
