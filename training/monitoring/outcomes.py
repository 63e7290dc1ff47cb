"""Calibration and performance of ripe outcomes against the hold-out rows of the version, overall and by segment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from features.errors import ChehangError
from ml.bilingual import Text
from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.statistics.metric_change import worsening_p_value
from ml.domain.statistics.month_shift import month_means, month_shift
from ml.labels import Labels
from ml.metrics import Interval
from ml.problem import BinaryProblem, RowMetric, RowProblem
from ml.report.columns import Axis
from ml.report.formats import format_figure
from ml.report.metric_titles import metric_axis
from training.monitoring.months import month_name
from training.monitoring.rows import MonitoredRows, Outcomes
from training.monitoring.rules import MonitorRules
from training.monitoring.series import MonitoredSeries, MonthFigure
from training.studies.measures import metric_interval

MIN_CASES = 5.0  # predicted cases, and predicted non-cases, from which a rate is nearly normal
BOOTSTRAPS = 100
_RATIO = Axis(title=Text(zh="实际与预测之比", en="observed / predicted"), format="number")


def outcome_series(
    rows: MonitoredRows, rules: MonitorRules, labels: Labels
) -> tuple[list[MonitoredSeries], list[Text]]:
    """Return calibration and primary metric of the ripe outcomes, overall and by segment.

    Parameters
    ----------
    rows : MonitoredRows
        As returned by `training.monitoring.rows.read_rows`.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    labels : Labels
        Names of the configuration.

    Returns
    -------
    series : list of MonitoredSeries
        Not judged yet.
    not_computed : list of Text
        Why something is not computed.
    """
    holdout, ripe = rows.holdout, rows.ripe
    if holdout is None:
        return [], [Text(zh="表现：该版本没有保存留出集", en="performance: the version has no stored hold-out rows")]
    if len(ripe.label) == 0:
        return [], [
            Text(
                zh="校准和表现：留出集之后还没有结果已成熟的行",
                en="calibration and performance: no row after the hold-out rows has a ripe outcome yet",
            )
        ]
    problem = rows.model.task.problem
    assert isinstance(problem, RowProblem)
    primary = rows.model.task.primary_metric
    metric = problem.metrics[primary]
    series = [_calibration("calibration", None, holdout, ripe, problem, rules)]
    series.append(_metric(primary, None, metric, holdout, ripe, rules))
    for column, value, old, new in _segments(rows, holdout, ripe, rules):
        name = Text(
            zh=f"{labels.column(column).zh} {labels.value(column, value).zh}",
            en=f"{labels.column(column).en} {labels.value(column, value).en}",
        )
        part = f"{column}={value}"
        series.append(_calibration(f"calibration.{part}", name, old, new, problem, rules))
        series.append(_metric(f"{primary}.{part}", name, metric, old, new, rules, metric_name=primary))
    return series, []


def _segments(
    rows: MonitoredRows, holdout: Outcomes, ripe: Outcomes, rules: MonitorRules
) -> Iterator[tuple[str, str, Outcomes, Outcomes]]:
    for column in rows.segments:
        if column not in holdout.rows.columns:
            continue
        old, new = (part.rows[column].cast(pl.String).to_numpy() for part in (holdout, ripe))
        values = sorted({v for v in new if v is not None} & {v for v in old if v is not None})
        for value in values:
            before, after = holdout.filter(old == value), ripe.filter(new == value)
            if min(len(before.label), len(after.label)) >= rules.minimum_rows:
                yield column, value, before, after


def _title(axis: Axis, segment: Text | None) -> Axis:
    if segment is None:
        return axis
    title = Text(zh=f"{axis.title.zh}（{segment.zh}）", en=f"{axis.title.en}, {segment.en}")
    return axis.model_copy(update={"title": title})


def _residuals(part: Outcomes, *, binary: bool) -> FloatArray:
    """Return label minus probability, or the logarithm of observed / predicted amount."""
    if binary:
        return part.label - part.prediction
    return np.log(np.maximum(part.label, 1e-9) / np.maximum(part.prediction, 1e-9))


def _ratio(part: Outcomes, *, binary: bool) -> float | None:
    if not len(part.label):
        return None
    if binary:
        total = float(part.prediction.sum())
        return float(part.label.sum()) / total if total > 0 else None
    return float(np.exp(_residuals(part, binary=False).mean()))


def _calibration(
    name: str, segment: Text | None, holdout: Outcomes, ripe: Outcomes, problem: RowProblem, rules: MonitorRules
) -> MonitoredSeries:
    binary = isinstance(problem, BinaryProblem)
    floor = rules.smallest_rate_change if binary else rules.smallest_amount_change
    # The rows are one group: months whose rates differ from the predictions are what is looked for, and no noise.
    reference = month_means(_residuals(holdout, binary=binary), np.zeros(len(holdout.label)))
    before = _ratio(holdout, binary=binary)
    figures, low, high = [], None, None
    for month, part, window in _windows(ripe, rules):
        value = _ratio(part, binary=binary)
        rows = int((ripe.months == month).sum())
        if len(part.label) < rules.minimum_rows or (binary and not _enough_cases(part, holdout)):
            figures.append(MonthFigure(month_name(month), rows, value))
            low = high = None
            continue
        residuals = _residuals(part, binary=binary)
        own = float(np.mean(part.prediction * (1 - part.prediction))) if binary else float(np.var(residuals))
        shift = month_shift(
            reference,
            float(residuals.mean()),
            len(residuals),
            variance=max(own, float(np.var(residuals))),
            months=window,
        )
        scale = float(part.prediction.mean()) if binary else 1.0
        figures.append(MonthFigure(month_name(month), rows, value, shift.p_value, shift.difference / scale))
        reach = shift.interval()[1] - shift.difference
        low, high = (_moved(before, sign * reach / scale, binary=binary) for sign in (-1, 1))
    last = figures[-1].value if figures else None
    detail = None
    if before is not None and last is not None:
        detail = Text(
            zh=f"实际与预测之比：留出集 {before:.2f}，现在 {last:.2f}",
            en=f"observed / predicted: {before:.2f} on the hold-out rows, {last:.2f} now",
        )
    tested = bool(figures) and figures[-1].p_value is not None
    return MonitoredSeries(
        name, "performance", _title(_RATIO, segment), before, tuple(figures), floor, low, high, detail,
        reason=None if tested else _too_few(len(ripe.label)),
    )  # fmt: skip


def _moved(before: float | None, change: float, *, binary: bool) -> float | None:
    if before is None:
        return None
    return max(before + change, 0.0) if binary else float(before * np.exp(change))


def _enough_cases(*parts: Outcomes) -> bool:
    return all(min(float(p.prediction.sum()), float((1 - p.prediction).sum())) >= MIN_CASES for p in parts)


def _windows(ripe: Outcomes, rules: MonitorRules) -> Iterator[tuple[int, Outcomes, int]]:
    """Yield the last months with ripe outcomes, each with its rows and those of the months before it."""
    first, last = int(ripe.months.min()), int(ripe.months.max())
    for month in range(max(first, last - rules.history_months + 1), last + 1):
        begin = max(month - rules.outcome_months + 1, first)
        inside: BoolArray = (ripe.months >= begin) & (ripe.months <= month)
        if inside.any():
            yield month, ripe.filter(inside), month - begin + 1


def _interval(metric: RowMetric, part: Outcomes) -> Interval | None:
    """Return the metric with its interval; None if it cannot be computed, as for labels that are all equal."""
    try:
        return metric_interval(
            metric, part.label, metric.select(part.predictions), groups=np.arange(len(part.label)), n=BOOTSTRAPS
        )
    except (ChehangError, ValueError):
        return None


def _metric(
    name: str,
    segment: Text | None,
    metric: RowMetric,
    holdout: Outcomes,
    ripe: Outcomes,
    rules: MonitorRules,
    *,
    metric_name: str | None = None,
) -> MonitoredSeries:
    axis = metric_axis(metric_name or name)
    before = _interval(metric, holdout)
    figures: list[MonthFigure] = []
    for month, part, _ in _windows(ripe, rules):
        rows = int((ripe.months == month).sum())
        after = _interval(metric, part) if len(part.label) >= rules.minimum_rows else None
        p_value = None if before is None or after is None else worsening_p_value(before, after, better=metric.better)
        if before is None or after is None or p_value is None:
            figures.append(MonthFigure(month_name(month), rows, None if after is None else after.value))
            continue
        change = (after.value - before.value) / abs(before.value) if before.value else 0.0
        is_worse = change < 0 if metric.better == "higher" else change > 0
        figures.append(MonthFigure(month_name(month), rows, after.value, p_value, change if is_worse else 0.0))
    value = None if before is None else before.value
    last = figures[-1].value if figures else None
    detail = None
    if value is not None and last is not None:
        old, new = (format_figure(v, axis.format) for v in (value, last))
        detail = Text(zh=f"留出集 {old}，现在 {new}", en=f"{old} on the hold-out rows, {new} now")
    tested = bool(figures) and figures[-1].p_value is not None
    return MonitoredSeries(
        f"metric.{name}", "performance", _title(axis, segment), value, tuple(figures), rules.smallest_metric_change,
        None if before is None else before.low, None if before is None else before.high, detail,
        reason=None if tested else _too_few(len(ripe.label)),
    )  # fmt: skip


def _too_few(rows: int) -> Text:
    return Text(
        zh=f"{rows:,} 行已有结果，案例太少，不作比较", en=f"{rows:,} rows with a ripe outcome: too few cases to compare"
    )
