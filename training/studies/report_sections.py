"""Sections and columns that the reports of several kinds of problem have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml.bilingual import Text
from ml.report.columns import Axis, Column
from ml.report.sections import Feature, Importance, Table

MONTH = Column(name="month", title=Text(zh="月份", en="month"))
ROWS = Column(name="rows", title=Text(zh="行数", en="rows"), format="count")


def group(name: str) -> Column:
    """Return the first column of a table by the values of another column, whose name is its title."""
    return Column(name="value", title=Text(zh=name, en=name))


def score(name: str) -> Column:
    """Return the column of a metric."""
    return Column(name=name, title=Text(zh=name, en=name), format="score")


def parts_section(parts: Mapping[str, Mapping[str, int]], counts: Iterable[Column] = ()) -> Table:
    """Return how many rows, and of what else, each part of the data has."""
    part = Column(name="part", title=Text(zh="部分", en="part"))
    rows = tuple({"part": name, **numbers} for name, numbers in parts.items())
    sizes = ", ".join(f"{name} {numbers['rows']:,}" for name, numbers in parts.items())
    return Table(
        name="rows",
        title=Text(zh="数据划分行数", en="Rows of each part"),
        summary=Text(zh=sizes, en=sizes),
        columns=(part, ROWS, *counts),
        rows=rows,
    )


def count(name: str, *, zh: str, en: str) -> Column:
    """Return a column of counts."""
    return Column(name=name, title=Text(zh=zh, en=en), format="count")


def importance_section(importance: Mapping[str, float]) -> Importance:
    """Return the features, the strongest first."""
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    strongest = ", ".join(name for name, _ in ranked[:3])
    return Importance(
        name="importance",
        title=Text(zh="特征重要性", en="Importance of the features"),
        summary=Text(zh=f"最强：{strongest}", en=f"strongest: {strongest}") if ranked else None,
        x=Axis(title=Text(zh="平均贡献", en="mean contribution to the answer"), format="score"),
        rows=tuple(Feature(name=name, importance=value) for name, value in ranked),
    )
