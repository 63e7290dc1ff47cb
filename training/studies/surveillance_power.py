"""Sections of the surveillance report: weeks to detection by rate ratio, and models above the others from the start."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.bilingual import Text
from ml.fault_rate.power_curve import WEEKS, cell_power, power_rows
from ml.fault_rate.snapshot import Snapshot
from ml.label_names import VALUES
from ml.report.columns import Interval, axis, column
from ml.report.sections import Curve, Table

NEWEST_SHARE = 1 / 3  # share of the faults that belongs to affected vehicles in the second curve
_WEEKS, _TIMES, _FAULTS = Text(zh="周", en="weeks"), Text(zh="倍", en="times"), Text(zh="次", en="faults")
_POWER = (
    column("rate_ratio", "故障率相对正常", "fault rate relative to normal", "number", unit=_TIMES),
    column("weeks_p50", "一半的情况下", "in half of the cases", "count", unit=_WEEKS),
    column("weeks_p90", "九成的情况下", "in 9 of 10 cases", "count", unit=_WEEKS),
    column("weeks_p10", "一成的情况下", "in 1 of 10 cases", "count", unit=_WEEKS),
    column("detected_in_26_weeks", "26 周内发现的概率", "probability of detection in 26 weeks", "share"),
    column("detected_in_52_weeks", "52 周内发现的概率", "probability of detection in 52 weeks", "share"),
)
_COMPONENTS = {code: Text(zh=zh, en=en) for code, (zh, en) in VALUES["component"].items()}
_RATIO = Interval(low="low", high="high", level=0.9)
_RAISED = (
    column("model", "车型", "model"),
    column("component", "部件", "component", words=_COMPONENTS),
    column("count", "基准期故障", "faults in the reference weeks", "count"),
    column("expected", "按其他车型应有", "expected at the rate of the other models", "number", unit=_FAULTS),
    column("rate_ratio", "相对其他车型", "relative to the other models", "number", unit=_TIMES, interval=_RATIO),
)


def power_sections(snapshot: Snapshot) -> tuple[Curve, ...]:
    """Return the weeks to detection by rate ratio of the median fault's cell: all builds, and the newest third.

    Half of the expected faults occur in cells as large as this one or larger.

    Parameters
    ----------
    snapshot : Snapshot
        As returned by `ml.fault_rate.snapshot.Snapshot.of`.

    Returns
    -------
    tuple of Curve
        Empty where no cell has expected faults.
    """
    order = np.argsort(snapshot.expected_weekly)
    faults = snapshot.expected_weekly[order].cumsum()
    if not len(faults) or faults[-1] <= 0:
        return ()
    row = int(order[int(np.searchsorted(faults, faults[-1] / 2))])
    newest = Text(zh="最新三分之一的车辆", en="the newest third of the builds")
    return (
        _curve(snapshot, row, "detection_power", 1.0, Text(zh="全部车辆", en="all builds")),
        _curve(snapshot, row, "detection_power_newest", NEWEST_SHARE, newest),
    )


def _curve(snapshot: Snapshot, row: int, name: str, share: float, vehicles: Text) -> Curve:
    model, component = snapshot.cells.row(row)
    power = cell_power(snapshot, row, newest_share=share)
    rows, part = power_rows(power), _COMPONENTS.get(component, Text(zh=component, en=component))
    yearly = 52 * float(snapshot.expected_weekly[row])
    title = Text(
        zh=f"{vehicles.zh}的故障率升高后多少周触发质量预警：{model}，{part.zh}",
        en=f"Weeks until a raised rate of {vehicles.en} is detected: {model}, {part.en}",
    )
    double = next(point for point in rows if point["rate_ratio"] == 2.0)["weeks_p50"]
    zh, en = f"{WEEKS} 周内难以发现", f"not detected within {WEEKS} weeks"
    if double is not None:
        zh, en = f"{double} 周（中位数）", f"detected after {double} weeks (median)"
    detectable = power.smallest_ratio(52)
    if detectable is not None:
        zh += f"；一年内可发现的最小升幅为 {detectable:.1f} 倍"
        en += f"; the smallest rise detected within a year is {detectable:.1f} times"
    summary = Text(
        zh=f"该车型该部件每年约 {yearly:.0f} 次故障（一半的故障出在同样大或更大的单元）；故障率翻倍：{zh}；"
        f"空白表示 {WEEKS} 周内发现不了；总体误报率不超过 {snapshot.alpha:.0%}",
        en=f"about {yearly:.0f} faults a year (half of all faults occur in cells as large or larger); twice the "
        f"normal rate: {en}; empty: later than {WEEKS} weeks; family-wise false-alarm rate at most "
        f"{snapshot.alpha:.0%}",
    )
    return Curve(
        name=name,
        title=title,
        summary=summary,
        columns=_POWER,
        y=axis("发现所需周数", "weeks to detection", "count"),
        drawn=("weeks_p50", "weeks_p90", "weeks_p10"),
        rows=tuple(rows),
    )


def raised_sections(raised: pl.DataFrame, alpha: float) -> tuple[Table, ...]:
    """Return a table of the models that were above the others in the reference weeks already; empty where none was.

    Parameters
    ----------
    raised : DataFrame
        As returned by `ml.fault_rate.model_effects.raised_cells`.
    alpha : float
        Upper limit of the expected number of cells listed wrongly.
    """
    if raised.is_empty():
        return ()
    title = Text(
        zh="基准期内故障率就高于其他车型的部件：较高的水平不再触发预警",
        en="Above the other models from the start: their higher rate raises no alarm",
    )
    summary = Text(
        zh=f"{raised.height} 个单元；误列的期望个数不超过 {alpha:g}",
        en=f"{raised.height} of the cells; the expected number of cells listed wrongly is at most {alpha:g}",
    )
    return (Table(name="raised", title=title, summary=summary, columns=_RAISED, rows=tuple(raised.to_dicts())),)
