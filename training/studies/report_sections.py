"""Sections and columns that the reports of several kinds of problem have."""

from __future__ import annotations

from collections.abc import Mapping

from ml.bilingual import Text
from ml.metrics import Interval
from ml.report.columns import Column, axis, column
from ml.report.sections import Feature, Gain, Gains, Importance, Table

MONTH = column("month", "月份", "month")
ROWS = column("rows", "行数", "rows", "count")


def group_column(name: str) -> Column:
    """Return the first column of a table by the values of another column, whose name is its title."""
    return column("value", name, name)


def score_column(name: str) -> Column:
    """Return the column of a metric."""
    return column(name, name, name, "score")


def parts_section(parts: Mapping[str, Mapping[str, int]], *counts: Column) -> Table:
    """Return how many rows, and of what else, each part of the data has."""
    columns = (column("part", "部分", "part"), ROWS, *counts)
    rows = tuple({"part": name, **numbers} for name, numbers in parts.items())
    sizes = ", ".join(f"{name} {numbers['rows']:,}" for name, numbers in parts.items())
    title, summary = Text(zh="数据划分行数", en="Rows of each part"), Text(zh=sizes, en=sizes)
    return Table(name="rows", title=title, summary=summary, columns=columns, rows=rows)


def gain_row(metric: str, baseline: str, value: float, gain: Interval) -> Gain:
    """Return the gain over a baseline whose metric has a value."""
    return Gain(metric=metric, baseline=baseline, baseline_value=value, gain=gain.value, low=gain.low, high=gain.high)


def gains_section(name: str, *rows: Gain, zh: str, en: str) -> Gains:
    """Return gains under a title in both languages."""
    return Gains(name=name, title=Text(zh=zh, en=en), rows=rows)


def importance_section(importance: Mapping[str, float]) -> Importance:
    """Return the features, the strongest first."""
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    strongest = ", ".join(name for name, _ in ranked[:3])
    return Importance(
        name="importance",
        title=Text(zh="特征重要性", en="Importance of the features"),
        summary=Text(zh=f"最强：{strongest}", en=f"strongest: {strongest}") if ranked else None,
        x=axis("平均贡献", "mean contribution to the answer", "score"),
        rows=tuple(Feature(name=name, importance=value) for name, value in ranked),
    )
