"""Terminal renderer."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text as RichText

from ml.report.cells import text_table
from ml.report.formats import Language
from ml.report.report import Report
from ml.report.sections import Paragraph, Section

MAX_ROWS = 12  # of a table; report.html shows all rows


def text_of(report: Report, language: Language = "en") -> Iterator[RenderableType]:
    """Yield the lines and tables of a report for rich's console: the summary or else the table of each section.

    A table has at most 12 rows. ``rich.console.Console().print(*text_of(report), sep="\\n")`` prints them.

    Parameters
    ----------
    report : Report
        ``ml.report.report.Report(task=..., protocol=..., sections=())``, or ``Report.model_validate_json(text)`` of the
        `report.json` of a model version (`ml.champions.report_files`).
    language : {'en', 'zh'}
        Language of titles.

    Examples
    --------
    >>> from ml.report.report import Report
    >>> [str(line) for line in text_of(Report(task="credit_risk", protocol="in time order", sections=()))]
    ['credit_risk: in time order']
    """
    yield RichText.assemble((report.task, "bold"), f": {report.protocol}")
    for section in report.sections:
        yield from _section(section, language)


def _section(section: Section, language: Language) -> Iterator[RenderableType]:
    title = getattr(section.title, language)
    summary = section.summary and getattr(section.summary, language)
    line = section.shown(language) if isinstance(section, Paragraph) else summary
    if line:
        yield RichText.assemble((title, "bold"), f"{'：' if language == 'zh' else ': '}{line}")
        return
    content = text_table(section, language)
    table = RichTable(title=title, title_justify="left", title_style="bold")
    for name, is_number in zip(content.header, content.is_number, strict=True):
        table.add_column(RichText(name), justify="right" if is_number else "left")
    for row in content.rows[:MAX_ROWS]:
        table.add_row(*map(RichText, row))
    yield table
    if content.note:
        yield RichText(content.note)
    if (more := len(content.rows) - MAX_ROWS) > 0:
        yield RichText(f"另有 {more:,} 行" if language == "zh" else f"and {more:,} more rows")
