"""Tables of formatted texts, which the terminal, HTML and PNG renderers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml.report.columns import Interval
from ml.report.formats import Cell, Format, Language, format_figure, format_interval
from ml.report.metric_titles import direction_text, gain_format, metric_axis
from ml.report.sections import Gains, Metrics, Section

NO_LIMITS = "–"
_NOTE = {
    "zh": "“–”：没有区间。只有一个分组、每次重抽样的结果都相同，或与自身比较。",
    "en": "–: no interval, because there is a single group, every resample gives the same figure, or a row is compared "
    "with itself.",
}
_METRIC_HEADER = {"zh": ("指标", "数值", "基线", "说明"), "en": ("metric", "value", "baseline", "how to read it")}
_GAIN_HEADER = {
    "zh": ("指标", "比较对象", "比较对象的数值", "提升（大于 0 为更好）"),
    "en": ("metric", "compared with", "its value", "gain (above 0 is better)"),
}


@dataclass(frozen=True)
class TextTable:
    """A table of formatted texts, as returned by `text_table`.

    Attributes
    ----------
    header : tuple of str
        Column titles with units.
    is_number : tuple of bool
        For each column, whether it has numbers and is aligned to the right.
    rows : tuple of tuple of str
        One text for each column.
    note : str
        Why some values have no interval; the empty text if all have one.
    """

    header: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def text_table(section: Section, language: Language = "en") -> TextTable:
    """Return the formatted table of a section; each interval has its own column after the value.

    Parameters
    ----------
    section : Section
        Instance of a class of `ml.report.sections`.
    language : {'en', 'zh'}
        Language of the header and of the values.

    Returns
    -------
    TextTable
        Header, alignment and rows; a value that is None is the empty text, a missing interval of a value is "–". The
        figures of metrics have their own formats and units.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.sections import Metric, Metrics
    >>> metric = Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5)
    >>> section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
    >>> text_table(section).header
    ('metric', 'value', '95% interval', 'baseline', 'how to read it')
    >>> text_table(section).rows
    (('area under the ROC curve (AUC)', '0.7500', '0.7000 – 0.8000', '0.5000', 'higher is better'),)
    """
    if isinstance(section, Metrics):
        return _metrics(section, language)
    if isinstance(section, Gains):
        return _gains(section, language)
    header, is_number = [], []
    table = section.table()
    for column in table.columns:
        header += [column.label(language), *(i.label(language) for i in column.intervals)]
        is_number += [column.format not in ("text", "flag"), *(True for _ in column.intervals)]
    rows, complete = [], True
    for row in table.rows:
        cells: list[str] = []
        for c in table.columns:
            cells.append(c.shown(row[c.name], language))
            limits = [_limits(row[c.name], row[i.low], row[i.high], c.format, language) for i in c.intervals]
            complete = complete and NO_LIMITS not in limits
            cells += limits
        rows.append(tuple(cells))
    return TextTable(tuple(header), tuple(is_number), tuple(rows), "" if complete else _NOTE[language])


def _limits(value: Cell, low: Cell, high: Cell, format: Format, language: Language) -> str:
    return "" if value is None else format_interval(low, high, format, language) or NO_LIMITS


def _metrics(section: Metrics, language: Language) -> TextTable:
    name, value, baseline, reading = _METRIC_HEADER[language]
    rows = []
    for m in section.rows:
        axis, direction = metric_axis(m.name), direction_text(m.name, m.value)
        value_text, baseline_text = (format_figure(v, axis.format, language) for v in (m.value, m.baseline))
        limits = _limits(m.value, m.low, m.high, axis.format, language)
        words = "" if direction is None else str(getattr(direction, language))
        rows.append((axis.label(language), value_text, limits, baseline_text, words))
    header = (name, value, Interval().label(language), baseline, reading)
    return TextTable(header, (False, True, True, True, False), tuple(rows), _note(rows, 2, language))


def _gains(section: Gains, language: Language) -> TextTable:
    metric, baseline, value, gain = _GAIN_HEADER[language]
    rows = []
    for g in section.rows:
        axis, shape = metric_axis(g.metric), gain_format(g.metric)
        other = getattr(section.words[g.baseline], language) if g.baseline in section.words else g.baseline
        value_text = format_figure(g.baseline_value, axis.format, language)
        limits = _limits(g.gain, g.low, g.high, shape, language)
        rows.append((axis.label(language), other, value_text, format_figure(g.gain, shape, language), limits))
    header = (metric, baseline, value, gain, Interval().label(language))
    return TextTable(header, (False, False, True, True, True), tuple(rows), _note(rows, 4, language))


def _note(rows: Sequence[tuple[str, ...]], place: int, language: Language) -> str:
    return _NOTE[language] if any(row[place] == NO_LIMITS for row in rows) else ""
