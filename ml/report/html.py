"""A report as one HTML file, or as a fragment for a page: no script, no other host, no `style` attribute."""

from __future__ import annotations

from html import escape

from ml.report.cells import TextTable, text_table
from ml.report.charts import chart_of
from ml.report.formats import Language, format_figure, format_interval
from ml.report.report import Report
from ml.report.sections import Paragraph, Section
from ml.report.style import CSS, PAPER
from ml.report.svg import legend, svg_of

LANGUAGES = {"zh": "zh-CN", "en": "en"}
_WORDS = {
    "figures": {"zh": "数据表", "en": "Figures"},
    "notes": {"zh": "使用限制", "en": "Limits"},
    "baseline": {"zh": "基线", "en": "baseline"},
}
LONG, NARROW = 12, 4  # rows of a table that is not folded; columns of one that fits into half the width


def html_page(report: Report, language: Language = "en") -> str:
    """Return a whole document that needs no other file.

    Examples
    --------
    >>> html_page(Report(task="credit_risk", protocol="in time order", sections=()))[:31]
    '<!doctype html><html lang="en">'
    """
    return (
        f'<!doctype html><html lang="{LANGUAGES[language]}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(report.task)}</title>'
        f"<style>body {{ margin: 0; background: {PAPER}; }}{CSS}</style></head>"
        f"<body><main>{html_fragment(report, language)}</main></body></html>"
    )


def html_fragment(report: Report, language: Language = "en") -> str:
    """Return one `article`; the page around it brings `ml.report.style.CSS`."""
    panels = "".join(_panel(section, language) for section in report.sections)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    if notes:
        panels += f'<section class="panel wide"><h2>{_WORDS["notes"][language]}</h2><ul>{notes}</ul></section>'
    return (
        f'<article class="report"><h1>{escape(headline(report, language))}</h1>'
        f'<p class="quiet">{escape(report.protocol)}</p><div class="grid">{panels}</div></article>'
    )


def headline(report: Report, language: Language = "en") -> str:
    """Return the answer in one line: the first metric with its interval, beside the baseline."""
    metric = next(iter(report.metrics.values()), None)
    if metric is None:
        return report.task
    words = f"{report.task}: {metric.name} {format_figure(metric.value, 'score', language)}"
    if interval := format_interval(metric.low, metric.high, "score", language):
        words += f" (95%: {interval})"
    if metric.baseline is not None:
        words += f", {_WORDS['baseline'][language]} {format_figure(metric.baseline, 'score', language)}"
    return words


def _panel(section: Section, language: Language) -> str:
    title = str(getattr(section.title, language))
    summary = "" if section.summary is None else str(getattr(section.summary, language))
    parts = [f"<h2>{escape(title)}</h2>"]
    if summary:
        parts.append(f'<p class="quiet">{escape(summary)}</p>')
    if isinstance(section, Paragraph):
        return f'<section class="panel wide">{"".join(parts)}<p>{escape(section.text)}</p></section>'
    chart, table = chart_of(section, language), text_table(section.table(), language)
    if chart is not None:
        parts += [legend(chart), svg_of(chart, f"{title}. {summary}".strip(), language)]
    folded = chart is not None or len(table.rows) > LONG
    parts.append(_folded(_table(table, title), language) if folded else _table(table, title))
    wide = chart is None and len(table.header) > NARROW
    return f'<section class="panel{" wide" if wide else ""}">{"".join(parts)}</section>'


def _folded(content: str, language: Language) -> str:
    return f"<details><summary>{_WORDS['figures'][language]}</summary>{content}</details>"


def _table(table: TextTable, title: str) -> str:
    head = "".join(
        f'<th scope="col"{_aligned(is_number)}>{escape(words)}</th>'
        for words, is_number in zip(table.header, table.is_number, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, table.is_number)}</tr>" for row in table.rows)
    return (
        f'<div class="scroll"><table aria-label="{escape(title)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(row: tuple[str, ...], is_number: tuple[bool, ...]) -> str:
    first = f'<th scope="row"{_aligned(is_number[0])}>{escape(row[0])}</th>'
    others = zip(row[1:], is_number[1:], strict=True)
    return first + "".join(f"<td{_aligned(number)}>{escape(words)}</td>" for words, number in others)


def _aligned(is_number: bool) -> str:
    return ' class="num"' if is_number else ""
