"""The rows of a section as texts, for a terminal, a page and a figure alike."""

from __future__ import annotations

from dataclasses import dataclass

from ml.report.formats import Language, format_figure, format_interval
from ml.report.sections import Rows


@dataclass(frozen=True)
class TextTable:
    """A table of texts.

    Attributes
    ----------
    header : tuple of str
        Column titles with units.
    is_number : tuple of bool
        Whether a column is aligned to the right.
    rows : tuple of tuple of str
        The cells.
    """

    header: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def text_table(section: Rows, language: Language = "en") -> TextTable:
    """Return the cells of a section; an interval stands in a column of its own behind its value."""
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
