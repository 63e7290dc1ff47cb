"""Tables of formatted texts, which the terminal, HTML and PNG renderers share."""

from __future__ import annotations

from dataclasses import dataclass

from ml.report.formats import Language, format_figure, format_interval
from ml.report.sections import Rows


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
    """

    header: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def text_table(section: Rows, language: Language = "en") -> TextTable:
    """Return the formatted table of a section; each interval has its own column after the value.

    Parameters
    ----------
    section : Rows
        As returned by ``section.table()`` for any section of `ml.report.report.Report.sections`.
    language : {'en', 'zh'}
        Language of the header.

    Returns
    -------
    TextTable
        Header, alignment and rows; a value that is None is the empty text.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.sections import Metric, Metrics
    >>> metric = Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5)
    >>> section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
    >>> text_table(section.table()).header
    ('metric', 'value', '95% interval', 'baseline')
    >>> text_table(section.table()).rows
    (('roc_auc', '0.7500', '0.7000 – 0.8000', '0.5000'),)
    """
    header, is_number = [], []
    for column in section.columns:
        header += [column.label(language), *(i.label(language) for i in column.intervals)]
        is_number += [column.format not in ("text", "flag"), *(True for _ in column.intervals)]
    rows = []
    for row in section.rows:
        cells: list[str] = []
        for c in section.columns:
            cells.append(format_figure(row[c.name], c.format, language))
            cells += [format_interval(row[i.low], row[i.high], c.format, language) for i in c.intervals]
        rows.append(tuple(cells))
    return TextTable(tuple(header), tuple(is_number), tuple(rows))
