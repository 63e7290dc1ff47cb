"""Report sections and columns that several kinds of problem use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml.bilingual import Text
from ml.labels import Labels
from ml.metrics import Interval
from ml.report.columns import Axis, Column, axis, column
from ml.report.metric_titles import metric_axis
from ml.report.sections import Feature, Gain, Gains, Importance, Table
from training.studies.report_words import BASELINES, GROUPS, LISTS, PANEL, PARTS, feature_words, value_words

MONTH = column("month", "月份", "month")
ROW_UNIT = Text(zh="行", en="rows")
ROWS = column("rows", "行数", "rows", "count")
# Definitions of feature importance, which differ between the studies.
LOG_ODDS = axis("对预测的平均影响（绝对值）", "mean absolute effect on a prediction", "number",
                unit=Text(zh="对数几率", en="log-odds"))  # fmt: skip
LOG_PRICE = axis("对价格的平均影响（绝对值）", "mean absolute effect on the price", "share")
GAIN_SHARE = axis("占树模型增益的比例", "share of the trees' gain", "share")
BLEND_WEIGHT = axis("混合权重", "weight in the blend", "share")
RATE_SPREAD = axis("各分组故障率与均值的典型差异", "typical difference of the fault rate between bands", "share")


def group_column(name: str, values: Iterable[str] = (), *, labels: Labels | None = None) -> Column:
    """Return the first column of a table grouped by a column of the data.

    Parameters
    ----------
    name : str
        Name of that column.
    values : iterable of str
        Values of the column that the table shows.
    labels : Labels, optional
        Names of columns and values of the configuration; default: the built-in names.

    Returns
    -------
    Column
        `name` is 'value', `title` (`zh`, `en`) the readable name of the column, `format` 'text', `words` the readable
        names of the values.

    Examples
    --------
    >>> column = group_column("energy_type", ["hybrid"])
    >>> column.name, column.title.zh, column.shown("hybrid", "zh")
    ('value', '能源类型', '油电混动')
    """
    own = labels or Labels()
    title = group_title(name, own)
    return column("value", title.zh, title.en, words={**PANEL, **LISTS, **value_words(name, values, own)})


def group_title(name: str, labels: Labels) -> Text:
    """Return the readable name of a column by which a report groups rows.

    Parameters
    ----------
    name : str
        Column of the data, or a grouping of the report such as 'demand_class'.
    labels : Labels
        Names of the configuration.

    Examples
    --------
    >>> group_title("store_id", Labels()).zh, group_title("demand_class", Labels()).en
    ('门店', 'demand class')
    """
    return GROUPS[name] if name in GROUPS else labels.column(name)


def score_column(name: str) -> Column:
    """Return a report column with the values of a metric.

    Parameters
    ----------
    name : str
        Name of the metric; also the key.

    Returns
    -------
    Column
        `title`, `unit` and `format` are those of the metric.

    Examples
    --------
    >>> score_column("roc_auc").name, score_column("roc_auc").label(), score_column("hit_rate_at_10").format
    ('roc_auc', 'area under the ROC curve (AUC)', 'share')
    """
    return Column(name=name, **dict(metric_axis(name)))


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
    ({'part': 'test', 'rows': 200}, 'training 600, test 200')
    """
    columns = (column("part", "数据集", "part", words=PARTS), ROWS, *counts)
    rows = tuple({"part": name, **numbers} for name, numbers in parts.items())
    names = {name: PARTS.get(name, Text(zh=name, en=name)) for name in parts}
    sizes = {name: f"{numbers['rows']:,}" for name, numbers in parts.items()}
    title = Text(zh="各数据集行数", en="Rows by part of the data")
    summary = Text(
        zh="，".join(f"{names[n].zh} {size} 行" for n, size in sizes.items()),
        en=", ".join(f"{names[n].en} {size}" for n, size in sizes.items()),
    )
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
    words = {row.baseline: BASELINES[row.baseline] for row in rows if row.baseline in BASELINES}
    return Gains(name=name, title=Text(zh=zh, en=en), rows=rows, words=words)


def importance_section(
    importance: Mapping[str, float], *, x: Axis, labels: Labels | None = None, words: Mapping[str, Text] | None = None
) -> Importance:
    """Return the report section of feature importance, sorted by decreasing importance.

    Parameters
    ----------
    importance : mapping of str to float
        Importance by feature, at least 0, as returned by the estimator's `importance`; may be empty.
    x : Axis
        Definition of the importance, with its unit; also the title of the section.
    labels : Labels, optional
        Names of features of the configuration; default: the built-in names.
    words : mapping of str to Text, optional
        Names of further features.

    Returns
    -------
    Importance
        Named 'importance'; its `rows` have `name` and `importance`, in the unit of `x`.

    Examples
    --------
    >>> section = importance_section({"age": 0.2, "monthly_income": 0.5}, x=LOG_ODDS)
    >>> section.rows[0].name, section.summary.en, section.summary.zh
    ('monthly_income', 'most important: monthly income, time in use', '最重要：月收入、使用时间')
    """
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    names = {**feature_words(importance, labels or Labels()), **(words or {})}
    strongest = [names[name] for name, _ in ranked[:3]]
    return Importance(
        name="importance",
        title=Text(zh=f"特征重要性——{x.title.zh}", en=f"Feature importance ({x.title.en})"),
        summary=Text(
            zh=f"最重要：{'、'.join(t.zh for t in strongest)}",
            en=f"most important: {', '.join(t.en for t in strongest)}",
        )
        if ranked
        else None,
        x=x,
        rows=tuple(Feature(name=name, importance=value) for name, value in ranked),
        words=names,
    )
