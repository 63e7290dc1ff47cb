"""Drift of features and scores: every complete month after the training against the training period."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.bilingual import Text
from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.statistics.month_shift import month_means, month_shift
from ml.labels import unit_label
from ml.metrics import population_stability_index, reference_bins, stability_noise
from ml.problem import BinaryProblem
from ml.report.columns import Axis
from ml.report.formats import format_figure
from ml.signature import FEN, Field
from training.monitoring.months import MonthlyRows, month_name
from training.monitoring.rows import MonitoredRows
from training.monitoring.rules import MonitorRules
from training.monitoring.series import MonitoredSeries, MonthFigure
from training.monitoring.shifts import Component, FeatureReference, Kind, Shift

_SHARES: dict[Kind, Text] = {
    "missing": Text(zh="缺失占比", en="share missing"),
    "unseen": Text(zh="新取值占比", en="share of values that the training never had"),
}
_SCORE = Text(zh="模型预测", en="prediction of the model")
_TOO_FEW = "too few rows to compare"


def drift_series(rows: MonitoredRows, rules: MonitorRules) -> list[MonitoredSeries]:
    """Return the drift of the predictions and of each feature of the model.

    Parameters
    ----------
    rows : MonitoredRows
        As returned by `training.monitoring.rows.read_rows`.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.

    Returns
    -------
    list of MonitoredSeries
        The predictions first; not judged yet.
    """
    estimator = rows.model.estimator
    binary = isinstance(rows.model.task.problem, BinaryProblem)
    score = rows.predictions.to_series(0).cast(pl.Float64)
    yuan = Text(zh="元", en="yuan")
    axis = Axis(title=_SCORE, unit=None if binary else yuan, format="share" if binary else "amount")
    series = [month_series("score", score, rows, rules, axis=axis)]
    for field in estimator.signature.fields:
        if field.feature:
            values = rows.frame[field.name]
            series.append(
                month_series(f"feature.{field.name}", values, rows, rules, axis=_axis(field, values, rows), field=field)
            )
    return series


def _axis(field: Field, values: pl.Series, rows: MonitoredRows) -> Axis:
    title = rows.model.estimator.signature.column_label(field.name)
    if values.dtype == pl.Boolean:
        return Axis(title=title, format="share")
    return Axis(title=title, unit=unit_label(field.unit), format="amount" if field.unit == "fen" else "number")


def month_series(
    name: str, values: pl.Series, rows: MonthlyRows, rules: MonitorRules, *, axis: Axis, field: Field | None = None
) -> MonitoredSeries:
    """Return the drift of one quantity in every complete month after the training.

    Parameters
    ----------
    name : str
        Of the series.
    values : polars.Series
        One value for each row of `rows`.
    rows : MonthlyRows
        Months of the rows, such as the result of `training.monitoring.rows.read_rows`.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    axis : Axis
        Name, unit and format of the values.
    field : Field, optional
        Field of the model's signature; amounts in fen are shown in yuan.

    Returns
    -------
    MonitoredSeries
        Not judged yet.
    """
    if field is not None and field.unit == "fen":
        values = values.cast(pl.Float64) / FEN
    reference_rows = rows.is_reference
    reference = FeatureReference(
        values.filter(pl.Series(reference_rows)), rows.months[reference_rows], floor=rules.smallest_shift
    )
    first = max(rows.new.first, rows.new.last - rules.history_months + 1)
    shifts = {month: _shift(reference, values, rows, rules, month) for month in range(first, rows.new.last + 1)}
    tested = [shift for shift in shifts.values() if shift is not None]
    last = shifts.get(rows.new.last)
    main = last.shown if last is not None else tested[-1].shown if tested else None
    shown, axis = _quantity(values, reference, main, axis)
    figures = tuple(_figure(month, shift, shown, rows) for month, shift in shifts.items())
    before, low, high = _band(shown, rows, reference_rows)
    is_last = rows.months == rows.new.last
    psi, psi_expected = _stability(values, reference_rows, is_last)
    return MonitoredSeries(
        name, "drift", axis, before, figures, rules.smallest_shift, low, high,
        detail=None if last is None else _detail(last.shown, before, figures[-1].value, axis),
        psi=psi, psi_expected=psi_expected,
        reason=None if last is not None else _reason(rows, int(is_last.sum())),
    )  # fmt: skip


def _shift(
    reference: FeatureReference, values: pl.Series, rows: MonthlyRows, rules: MonitorRules, month: int
) -> Shift | None:
    """Return the shift of a month, alone or together with those before it; None if there are too few rows."""
    results: list[Shift] = []
    for window in rules.windows:
        begin = max(month - window + 1, rows.new.first)
        if window > rules.months and month - begin + 1 <= rules.months:
            continue
        inside = (rows.months >= begin) & (rows.months <= month)
        if inside.sum() >= rules.minimum_rows:
            results.append(reference.compare(values.filter(pl.Series(inside)), months=month - begin + 1))
    if not results:
        return None
    n = len(rules.windows)
    components = tuple(
        Component(c.kind, min(c.p_value * n, 1.0), c.effect, c.before, c.after, c.value)
        for shift in results
        for c in shift.components
    )
    return Shift(components, rules.smallest_shift)


def _quantity(
    values: pl.Series, reference: FeatureReference, main: Component | None, axis: Axis
) -> tuple[FloatArray, Axis]:
    """Return the quantity that is shown for each row, NaN where there is none, and its axis."""
    kind = None if main is None else main.kind
    if kind == "missing" or (not reference.is_number and main is None):
        return _missing(values).astype(np.float64), _share_axis(axis, _SHARES["missing"])
    if reference.is_number:
        return values.cast(pl.Float64).fill_null(np.nan).to_numpy(), axis
    texts = values.cast(pl.String)
    present = ~_missing(values)
    if kind == "unseen":
        hits = ~texts.is_in(list(reference.categories)).fill_null(False).to_numpy()
        return np.where(present, hits, np.nan), _share_axis(axis, _SHARES["unseen"])
    assert main is not None
    hits = (
        (texts == main.value).fill_null(False).to_numpy()
        if main.value in reference.values
        else ~np.isin(texts.to_numpy(), reference.values)
    )
    return np.where(present, hits, np.nan), _share_axis(
        axis, Text(zh=f"“{main.value}”占比", en=f"share of '{main.value}'")
    )


def _missing(values: pl.Series) -> BoolArray:
    missing = values.is_null()
    return np.asarray(
        (missing | ~values.is_finite().fill_null(False)).to_numpy() if values.dtype.is_float() else missing.to_numpy()
    )


def _share_axis(axis: Axis, what: Text) -> Axis:
    return Axis(title=Text(zh=f"{axis.title.zh}：{what.zh}", en=f"{axis.title.en}: {what.en}"), format="share")


def _figure(month: int, shift: Shift | None, shown: FloatArray, rows: MonthlyRows) -> MonthFigure:
    inside = rows.months == month
    present = shown[inside]
    present = present[np.isfinite(present)]
    value = float(present.mean()) if len(present) else None
    if shift is None:
        return MonthFigure(month_name(month), int(inside.sum()), value)
    return MonthFigure(month_name(month), int(inside.sum()), value, shift.main.p_value, shift.main.effect)


def _band(
    shown: FloatArray, rows: MonthlyRows, reference: BoolArray
) -> tuple[float | None, float | None, float | None]:
    """Return the mean of the reference, and the limits of 95 % of months of the size of the last one."""
    present = reference & np.isfinite(shown)
    if not present.any():
        return None, None, None
    means = month_means(shown[present], rows.months[present])
    count = int(((rows.months == rows.new.last) & np.isfinite(shown)).sum())
    if count == 0:
        return means.mean, None, None
    low, high = month_shift(means, means.mean, count).interval()
    return means.mean, means.mean + low, means.mean + high


def _stability(values: pl.Series, reference: BoolArray, new: BoolArray) -> tuple[float | None, float | None]:
    """Return the population stability index of a number, and its expected value without drift."""
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean) or not new.any():
        return None, None
    numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    bins = reference_bins(numbers[reference])
    return float(population_stability_index(bins, numbers[new])), float(stability_noise(bins, int(new.sum())))


def _detail(main: Component, before: float | None, after: float | None, axis: Axis) -> Text:
    """Return the change in words, in the unit of the feature."""
    unit = axis.unit
    zh_unit, en_unit = ("", "") if unit is None else (f" {unit.zh}", f" {unit.en}")
    old, new = (format_figure(v, axis.format) or "–" for v in (before, after))
    mean = main.kind in ("location", "shape")
    zh, en = f"{'均值 ' if mean else ''}{old} → {new}{zh_unit}", f"{'mean ' if mean else ''}{old} → {new}{en_unit}"
    if main.kind == "shape" and main.before is not None and main.after is not None:
        shares = f"{main.before:.1%} → {main.after:.1%}"
        zh, en = f"{zh}；{main.value} 占比 {shares}", f"{en}; share in {main.value}: {shares}"
    if main.kind == "unseen" and main.value:
        zh, en = f"{zh}（{main.value}）", f"{en} ({main.value})"
    return Text(zh=zh, en=en)


def _reason(rows: MonthlyRows, count: int) -> Text:
    month = month_name(rows.new.last)
    return Text(zh=f"{month} 只有 {count:,} 行，太少，不作比较", en=f"{month} has {count:,} rows: {_TOO_FEW}")
