"""Report sections and columns that several kinds of problem use."""

from __future__ import annotations

from collections.abc import Mapping

from ml.bilingual import Text
from ml.metrics import Interval
from ml.report.columns import Column, axis, column
from ml.report.sections import Feature, Gain, Gains, Importance, Table

MONTH = column("month", "月份", "month")
ROWS = column("rows", "行数", "rows", "count")


def group_column(name: str) -> Column:
    """Return the first column of a table grouped by a column of the data.

    Parameters
    ----------
    name : str
        Name of that column; also the title, in both languages.

    Returns
    -------
    Column
        `name` is 'value', `title` (`zh`, `en`) the given name, `format` 'text'.

    Examples
    --------
    >>> group_column("province").name, group_column("province").title.en
    ('value', 'province')
    """
    return column("value", name, name)


def score_column(name: str) -> Column:
    """Return a report column with the values of a metric.

    Parameters
    ----------
    name : str
        Name of the metric; also key and title.

    Returns
    -------
    Column
        `name` and `title` are the name of the metric, `format` is 'score'.

    Examples
    --------
    >>> score_column("roc_auc").name, score_column("roc_auc").format
    ('roc_auc', 'score')
    """
    return column(name, name, name, "score")


def parts_section(parts: Mapping[str, Mapping[str, int]], *counts: Column) -> Table:
    """Return the table of rows by part of the data.

    Parameters
    ----------
    parts : mapping of str to mapping
        Counts by name of the part: `rows`, and a key for each column of `counts`.
    *counts : Column
        Further columns, such as ``ml.report.columns.column("faults", "故障", "faults", "count")``.

    Returns
    -------
    Table
        Named 'rows'; its `rows` are dicts with `part`, `rows` and the further keys (numbers of rows).

    Examples
    --------
    >>> section = parts_section({"train": {"rows": 600}, "test": {"rows": 200}})
    >>> section.rows[1], section.summary.en
    ({'part': 'test', 'rows': 200}, 'train 600, test 200')
    """
    columns = (column("part", "数据集", "part"), ROWS, *counts)
    rows = tuple({"part": name, **numbers} for name, numbers in parts.items())
    sizes = ", ".join(f"{name} {numbers['rows']:,}" for name, numbers in parts.items())
    title, summary = Text(zh="各数据集行数", en="Rows by part of the data"), Text(zh=sizes, en=sizes)
    return Table(name="rows", title=title, summary=summary, columns=columns, rows=rows)


def gain_row(metric: str, baseline: str, value: float, gain: Interval) -> Gain:
    """Return a row of the gains section.

    Parameters
    ----------
    metric, baseline : str
        Names of the metric and of the baseline.
    value : float
        Metric of the baseline.
    gain : Interval
        Gain over the baseline, as returned by `training.studies.measures.compare`; positive is better.

    Returns
    -------
    Gain
        `metric`, `baseline`, `baseline_value`, `gain`, `low` and `high` (95% interval), in the unit of the metric.

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> row = gain_row("roc_auc", "logistic regression", 0.7, Interval(0.05, 0.02, 0.08))
    >>> row.baseline_value, row.gain, row.low
    (0.7, 0.05, 0.02)
    """
    return Gain(metric=metric, baseline=baseline, baseline_value=value, gain=gain.value, low=gain.low, high=gain.high)


def gains_section(name: str, *rows: Gain, zh: str, en: str) -> Gains:
    """Return a report section of gains.

    Parameters
    ----------
    name : str
        Key of the section.
    *rows : Gain
        As returned by `training.studies.report_sections.gain_row`.
    zh, en : str
        Title in Chinese and English.

    Returns
    -------
    Gains
        `name`, `title` and `rows`, a tuple of `ml.report.sections.Gain`.

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> row = gain_row("roc_auc", "logistic regression", 0.7, Interval(0.05, 0.02, 0.08))
    >>> gains_section("gain", row, zh="提升", en="Gain").rows[0].metric
    'roc_auc'
    """
    return Gains(name=name, title=Text(zh=zh, en=en), rows=rows)


def importance_section(importance: Mapping[str, float]) -> Importance:
    """Return the report section of feature importance, sorted by decreasing importance.

    Parameters
    ----------
    importance : mapping of str to float
        Importance by feature, at least 0, as returned by the estimator's `importance`; may be empty.

    Returns
    -------
    Importance
        Named 'importance'; its `rows` have `name` and `importance`, in the unit of the argument.

    Examples
    --------
    >>> section = importance_section({"age": 0.2, "income": 0.5})
    >>> section.rows[0].name, section.summary.en
    ('income', 'most important: income, age')
    """
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    strongest = ", ".join(name for name, _ in ranked[:3])
    return Importance(
        name="importance",
        title=Text(zh="特征重要性", en="Feature importance"),
        summary=Text(zh=f"最重要：{strongest}", en=f"most important: {strongest}") if ranked else None,
        x=axis("重要性", "importance", "score"),
        rows=tuple(Feature(name=name, importance=value) for name, value in ranked),
    )
