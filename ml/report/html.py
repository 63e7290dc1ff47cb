"""HTML renderer: one file or a fragment of a page, without scripts, external files or `style` attributes."""

from __future__ import annotations

from html import escape

from ml.report.cells import TextTable, text_table
from ml.report.charts import chart_of
from ml.report.columns import Interval
from ml.report.formats import Language, format_interval
from ml.report.metric_titles import metric_axis, metric_text, task_title
from ml.report.report import Report
from ml.report.sections import Paragraph, Section
from ml.report.style import CSS, PAPER
from ml.report.svg import legend, svg_of

LANGUAGES = {"zh": "zh-CN", "en": "en"}
_LABELS = {
    "data": {"zh": "数据表", "en": "Data table"},
    "notes": {"zh": "说明", "en": "Notes"},
    "baseline": {"zh": "基线", "en": "baseline"},
}
MAX_OPEN_ROWS, MAX_NARROW_COLUMNS = 12, 4  # a table with more rows is folded; with more columns it has full width


def html_page(report: Report, language: Language = "en") -> str:
    """Return a report as a complete HTML document that needs no other file; `language` is 'en' or 'zh'.

    A report is constructed as below, or read from the text of `report.json` of a version by
    ``Report.model_validate_json(text)``.

    Examples
    --------
    >>> from ml.report.report import Report
    >>> html_page(Report(task="credit_risk", protocol="in time order", sections=()))[:31]
    '<!doctype html><html lang="en">'
    """
    title = escape(getattr(task_title(report.task), language))
    return (
        f'<!doctype html><html lang="{LANGUAGES[language]}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        f"<style>body {{ margin: 0; background: {PAPER}; }}{CSS}</style></head>"
        f"<body><main>{html_fragment(report, language)}</main></body></html>"
    )


def html_fragment(report: Report, language: Language = "en") -> str:
    """Return a report as an `article` element, for a page that includes `ml.report.style.CSS`.

    `report` is an `ml.report.report.Report`; `language` is 'en' or 'zh'.

    Examples
    --------
    >>> from ml.report.report import Report
    >>> html_fragment(Report(task="credit_risk", protocol="in time order", sections=()))[:52]
    '<article class="report"><h1>Credit risk</h1><p class'
    """
    panels = "".join(_panel(section, language) for section in report.sections)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    if notes:
        panels += f'<section class="panel wide"><h2>{_LABELS["notes"][language]}</h2><ul>{notes}</ul></section>'
    return (
        f'<article class="report"><h1>{escape(headline(report, language))}</h1>'
        f'<p class="quiet">{escape(report.protocol)}</p><div class="grid">{panels}</div></article>'
    )


def headline(report: Report, language: Language = "en") -> str:
    """Return one line with the first metric, its 95 % interval and its value for the baseline.

    A report without metrics gives the title of its task. `language` is 'en' or 'zh'.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.report import Report
    >>> from ml.report.sections import Metric, Metrics
    >>> metric = Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5)
    >>> section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
    >>> headline(Report(task="credit_risk", protocol="in time order", sections=(section,)))
    'Credit risk: area under the ROC curve (AUC) 0.7500 (95% interval 0.7000 – 0.8000), baseline 0.5000'
    """
    metric, task = next(iter(report.metrics.values()), None), getattr(task_title(report.task), language)
    if metric is None:
        return str(task)
    colon, before, after, comma = "：（），" if language == "zh" else (": ", " (", ")", ", ")
    axis = metric_axis(metric.name)
    line = f"{task}{colon}{getattr(axis.title, language)} {metric_text(metric.name, metric.value, language)}"
    if interval := format_interval(metric.low, metric.high, axis.format, language):
        line += f"{before}{Interval().label(language)} {interval}{after}"
    if metric.baseline is not None:
        line += f"{comma}{_LABELS['baseline'][language]} {metric_text(metric.name, metric.baseline, language)}"
    return line


def _panel(section: Section, language: Language) -> str:
    title = str(getattr(section.title, language))
    summary = "" if section.summary is None else str(getattr(section.summary, language))
    parts = [f"<h2>{escape(title)}</h2>"]
    if summary:
        parts.append(f'<p class="quiet">{escape(summary)}</p>')
    if isinstance(section, Paragraph):
        return f'<section class="panel wide">{"".join(parts)}<p>{escape(section.shown(language))}</p></section>'
    chart, table = chart_of(section, language), text_table(section, language)
    if chart is not None:
        parts += [legend(chart), svg_of(chart, f"{title}. {summary}".strip(), language)]
    folded = chart is not None or len(table.rows) > MAX_OPEN_ROWS
    parts.append(_folded(_table(table, title), language) if folded else _table(table, title))
    wide = chart is None and len(table.header) > MAX_NARROW_COLUMNS
    return f'<section class="panel{" wide" if wide else ""}">{"".join(parts)}</section>'


def _folded(content: str, language: Language) -> str:
    return f"<details><summary>{_LABELS['data'][language]}</summary>{content}</details>"


def _table(table: TextTable, caption: str) -> str:
    head = "".join(
        f'<th scope="col"{_aligned(is_number)}>{escape(title)}</th>'
        for title, is_number in zip(table.header, table.is_number, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, table.is_number)}</tr>" for row in table.rows)
    note = f'<p class="quiet">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll"><table aria-label="{escape(caption)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}"
    )


def _cells(row: tuple[str, ...], is_number: tuple[bool, ...]) -> str:
    first = f'<th scope="row"{_aligned(is_number[0])}>{escape(row[0])}</th>'
    others = zip(row[1:], is_number[1:], strict=True)
    return first + "".join(f"<td{_aligned(number)}>{escape(text)}</td>" for text, number in others)


def _aligned(is_number: bool) -> str:
    return ' class="num"' if is_number else ""
