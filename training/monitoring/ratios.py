"""Ratios of two sums by month, such as faults / expected faults, against reference months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.bilingual import Text
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.statistics.month_shift import month_means, month_shift
from ml.report.columns import Axis
from ml.report.formats import format_figure
from training.monitoring.months import month_name
from training.monitoring.rules import MonitorRules
from training.monitoring.series import Group, MonitoredSeries, MonthFigure

Alarm = Literal["either", "higher", "lower"]


@dataclass(frozen=True)
class RatioRows:
    """Rows whose numerators and denominators are summed; one array element per row.

    Attributes
    ----------
    numerator, denominator : ndarray of float64
        In any unit.
    months : ndarray of int
        Months since January 1970.
    """

    numerator: FloatArray
    denominator: FloatArray
    months: IntArray

    def filter(self, mask: BoolArray) -> RatioRows:
        """Return the rows where a mask is true."""
        return RatioRows(self.numerator[mask], self.denominator[mask], self.months[mask])

    @property
    def ratio(self) -> float | None:
        """Return the sum of the numerators over that of the denominators; None if that is 0."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else None


def ratio_series(
    name: str,
    reference: RatioRows,
    new: RatioRows,
    months: Sequence[int],
    rules: MonitorRules,
    *,
    axis: Axis,
    floor: float,
    relative: bool = True,
    alarm: Alarm = "either",
    group: Group = "performance",
) -> MonitoredSeries:
    """Return a ratio of sums in new months against the reference.

    The mean of ``numerator - ratio of the reference * denominator`` is 0 in the reference; its mean in the new months
    is tested by `ml.domain.statistics.month_shift`, which is the linearised test of a ratio.

    Parameters
    ----------
    name : str
        Of the series.
    reference, new : RatioRows
        Rows of the reference, and of the new months and those before them.
    months : sequence of int
        New months, ascending; each is judged together with the `outcome_months` up to it.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    axis : Axis
        Name, unit and format of the ratio.
    floor : float
        Smallest change that raises an alarm.
    relative : bool
        Whether `floor` is relative to the ratio of the reference.
    alarm : {'either', 'higher', 'lower'}
        Direction of the changes that raise an alarm.
    group : {'drift', 'performance'}
        What an alarm means.

    Returns
    -------
    MonitoredSeries
        Not judged yet.

    Examples
    --------
    >>> from ml.report.columns import axis
    >>> rng = np.random.default_rng(0)
    >>> def rows(rate, months):
    ...     month = np.repeat(months, 100)
    ...     return RatioRows(rng.poisson(rate, len(month)) * 1.0, np.ones(len(month)), month)
    >>> ratio = axis("比值", "ratio", "number")
    >>> before, after = rows(1.0, range(12)), rows(2.0, [12])
    >>> series = ratio_series("faults", before, after, [12], MonitorRules(), axis=ratio, floor=0.1)
    >>> series.judged(0.01).is_alarm, round(series.before, 1), round(series.months[0].value, 1)
    (True, 1.0, 2.0)
    """
    before = reference.ratio
    if before is None or not len(new.numerator):
        return MonitoredSeries(name, group, axis, before, (), floor, reason=_NO_ROWS)
    residuals = month_means(reference.numerator - before * reference.denominator, reference.months)
    figures, low, high = [], None, None
    for month in months:
        begin = max(month - rules.outcome_months + 1, int(new.months.min()))
        window = new.filter((new.months >= begin) & (new.months <= month))
        rows = int((new.months == month).sum())
        scale = float(window.denominator.mean()) if len(window.numerator) else 0.0
        if len(window.numerator) < rules.minimum_rows or scale <= 0:
            figures.append(MonthFigure(month_name(month), rows, window.ratio))
            continue
        residual = window.numerator - before * window.denominator
        variance = max(float(np.var(residual)), residuals.variance)
        shift = month_shift(
            residuals, float(residual.mean()), len(residual), variance=variance, months=month - begin + 1
        )
        change = shift.difference / scale
        reach = (shift.interval()[1] - shift.difference) / scale
        low, high = before - reach, before + reach
        effect = change / abs(before) if relative and before else change
        is_bad = alarm == "either" or (effect > 0) == (alarm == "higher")
        figures.append(MonthFigure(month_name(month), rows, window.ratio, shift.p_value, effect if is_bad else 0.0))
    last = figures[-1] if figures else None
    tested = last is not None and last.p_value is not None
    detail = None
    if last is not None and last.value is not None:
        old, now = (format_figure(v, axis.format) for v in (before, last.value))
        detail = Text(zh=f"此前 {old}，现在 {now}", en=f"{old} before, {now} now")
    return MonitoredSeries(
        name, group, axis, before, tuple(figures), floor, low, high, detail, reason=None if tested else _TOO_FEW
    )


_NO_ROWS = Text(zh="没有新的行", en="no new rows")
_TOO_FEW = Text(zh="行数太少，不作比较", en="too few rows to compare")
