"""Report of a monitoring run, as typed sections, and its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from features.plurals import count_text
from ml.bilingual import Text
from ml.home import write_atomically
from ml.report.columns import Interval, column
from ml.report.files import write_report
from ml.report.html import html_page
from ml.report.report import Report
from ml.report.sections import Paragraph, Section, Table, TimeSeries
from training.monitoring.series import MonitoredSeries, MonitorResult, Status
from training.studies.report_sections import MONTH, ROWS

MAX_CHARTS = 8
_GROUPS = {"drift": Text(zh="漂移", en="drift"), "performance": Text(zh="表现", en="outcomes")}
STATUS: dict[Status, Text] = {
    "quiet": Text(zh="没有异常", en="quiet"),
    "not tested": Text(zh="数据太少，没有检验", en="not tested, too few rows"),
    "drift": Text(zh="有漂移", en="drift"),
    "performance": Text(zh="预测变差", en="predictions are worse"),
}


def report_of(result: MonitorResult) -> Report:
    """Return the report of a monitoring run.

    Parameters
    ----------
    result : MonitorResult
        As returned by `training.monitoring.run.monitor`.

    Returns
    -------
    Report
        Sections: summary, alarms, a chart for each of at most 8 alarms, all series, what is not computed.
    """
    period, alarms = result.findings.period, list(result.alarms)
    protocol = (
        f"version {result.version}, {period.month} ({period.rows:,} rows) compared with {period.reference_first} to "
        f"{period.reference_last} ({period.reference_rows:,} rows), seen as of {period.as_of}"
    )
    sections: list[Section] = [_summary(result)]
    if alarms:
        sections.append(_alarms(result, alarms))
    sections += [chart for series in alarms[:MAX_CHARTS] if (chart := _chart(series)) is not None]
    sections += _all_series(result)
    if result.findings.not_computed:
        texts = result.findings.not_computed
        text = Text(zh="；".join(t.zh for t in texts), en="; ".join(t.en for t in texts))
        sections.append(Paragraph(name="not_computed", title=Text(zh="没有计算", en="Not computed"), text=text))
    return Report(task=result.task, protocol=protocol, sections=tuple(sections), notes=result.findings.notes)


def _summary(result: MonitorResult) -> Paragraph:
    status, tested = STATUS[result.status], sum(s.is_tested for s in result.findings.series)
    n = len(result.alarms)
    zh = (
        f"{status.zh}：检验 {tested} 项，{n} 项超出正常波动（若一切不变，所有项目合计预计每月误报 "
        f"{result.false_alarms_a_month:g} 次）。{''.join(t.zh for t in result.advice)}"
    )
    en = (
        f"{status.en}: {count_text(tested, 'series', 'series')} tested, {n} beyond chance (while nothing changes, "
        f"{result.false_alarms_a_month:g} false alarms a month are expected over all of them). "
        f"{' '.join(t.en for t in result.advice)}"
    )
    title = Text(zh=f"{result.findings.period.month} 的结论", en=f"Result for {result.findings.period.month}")
    return Paragraph(name="summary", title=title, text=Text(zh=zh, en=en))


def _words(series: list[MonitoredSeries]) -> dict[str, Text]:
    return {s.name: s.axis.title for s in series}


def _details(series: list[MonitoredSeries]) -> dict[str, Text]:
    return {s.name: s.detail or s.reason or Text(zh="–", en="–") for s in series}


def _alarms(result: MonitorResult, alarms: list[MonitoredSeries]) -> Table:
    rows: list[dict[str, Any]] = [
        {
            "series": s.name,
            "group": s.group,
            "detail": f"detail:{s.name}",
            "effect": s.months[-1].effect,
            "since": s.since,
            "p_value": s.months[-1].p_value,
            "first_reported": result.first_reported.get(s.name),
        }
        for s in alarms
    ]
    details = {f"detail:{name}": text for name, text in _details(alarms).items()}
    columns = (
        column("series", "项目", "series", words=_words(alarms)),
        column("group", "类别", "kind", words=_GROUPS),
        column("detail", "变化", "change", words=details),
        column("effect", "幅度", "effect size", "number"),
        column("since", "始于", "since"),
        column("p_value", "p 值", "p-value", "score"),
        column("first_reported", "首次报告", "first reported"),
    )
    title = Text(zh="超出正常波动的项目", en="Series beyond chance")
    return Table(name="alarms", title=title, columns=columns, rows=tuple(rows))


def _chart(series: MonitoredSeries) -> TimeSeries | None:
    figures = [f for f in series.months if f.value is not None]
    if len(figures) < 2:
        return None
    axis = series.axis
    band = {"reference": series.before, "low": series.low, "high": series.high}
    rows = tuple({"month": f.month, "rows": f.rows, "value": f.value, **band} for f in figures)
    value = column("value", axis.title.zh, axis.title.en, axis.format, unit=axis.unit)
    reference = column(
        "reference", "参照（训练期或留出集）", "reference (training or hold-out rows)", axis.format, unit=axis.unit,
        interval=Interval(),
    )  # fmt: skip
    return TimeSeries(
        name=f"months.{series.name}", title=axis.title, summary=series.detail, rows=rows, y=axis,
        columns=(MONTH, ROWS, value, reference), drawn=("value", "reference"),
    )  # fmt: skip


def _all_series(result: MonitorResult) -> list[Table]:
    tables = []
    for group, title in (
        ("drift", Text(zh="特征与预测", en="Features and predictions")),
        ("performance", Text(zh="校准与表现", en="Calibration and performance")),
    ):
        series = [s for s in result.findings.series if s.group == group]
        if not series:
            continue
        details = {f"detail:{name}": text for name, text in _details(series).items()}
        columns = [
            column("series", "项目", "series", words=_words(series)),
            column("detail", "变化", "change", words=details),
            column("effect", "幅度", "effect size", "number"),
            column("p_value", "p 值", "p-value", "score"),
            column("is_alarm", "超出正常波动", "beyond chance", "flag"),
        ]
        if group == "drift":
            columns += [
                column("psi", "PSI", "PSI", "score"),
                column("psi_expected", "无漂移时的 PSI", "PSI expected without drift", "score"),
            ]
        rows = [
            {
                "series": s.name,
                "detail": f"detail:{s.name}",
                "effect": s.last.effect if s.last is not None and s.is_tested else None,
                "p_value": s.last.p_value if s.last is not None else None,
                "is_alarm": s.is_alarm,
                **({"psi": s.psi, "psi_expected": s.psi_expected} if group == "drift" else {}),
            }
            for s in series
        ]
        tables.append(Table(name=f"all_{group}", title=title, columns=tuple(columns), rows=tuple(rows)))
    return tables


def write_files(result: MonitorResult, folder: Path) -> None:
    """Write `monitor.json`, and the report as JSON, HTML (`report.html`, `report.zh.html`) and PNG, into a folder.

    Parameters
    ----------
    result : MonitorResult
        As returned by `training.monitoring.run.monitor`.
    folder : Path
        Created if it is missing; its files of these names are replaced.

    Raises
    ------
    ConfigError
        A file cannot be written.
    """
    report = report_of(result)
    write_report(report, folder)
    write_atomically(folder / "report.zh.html", html_page(report, "zh").encode())
    content = json.dumps(result.as_dict(), ensure_ascii=False, indent=1, allow_nan=False, default=str)
    write_atomically(folder / "monitor.json", content.encode())
