"""Reports of all six tasks: units, both languages, no codes of the tables, and intervals that contain their value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ml import champions
from ml.bilingual import Text
from ml.registry import TASKS
from ml.report.cells import text_table
from ml.report.charts import chart_of
from ml.report.columns import Axis
from ml.report.html import headline, html_page
from ml.report.report import Report
from ml.report.sections import Calibration, Gains, Importance, Metrics, Rows, Section

CODE = re.compile(r"(?<![\w“])[a-z][a-z0-9]*(_[a-z0-9]+)+(?![\w”])")  # snake_case that is not in quotes
CHINESE = re.compile(r"[\u4e00-\u9fff]")
HAVE_A_UNIT = ("text", "flag", "count", "share", "change", "points", "score", "gain")  # a score is without unit


@pytest.fixture(params=list(TASKS))
def report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Return the report of the trained version of a task."""
    monkeypatch.setenv("CHEHANG_HOME", str(request.getfixturevalue(request.param).home))
    with champions.report_files(champions.version(request.param)) as folder:
        return Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))


def texts(value: Any) -> Iterator[Text]:
    """Yield every text in both languages of a section."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from texts(part)
    elif hasattr(value, "__dict__"):
        yield from texts(dict(vars(value)))


def axes(section: Section) -> list[Axis]:
    shown = [section.x] if isinstance(section, Calibration | Importance) else []
    shown += [section.y] if hasattr(section, "y") else []
    return shown if isinstance(section, Metrics | Gains) else [*shown, *section.table().columns]


def test_every_number_has_a_unit_or_a_format_that_implies_it(report: Report) -> None:
    for section in report.sections:
        for axis in axes(section):
            assert axis.unit is not None or axis.format in HAVE_A_UNIT, (section.name, axis.title.en)


def test_no_text_has_a_code_of_the_tables_and_both_languages_are_written(report: Report) -> None:
    for section in report.sections:
        for text in texts(section):
            assert text.zh.strip() and text.en.strip(), section.name
            assert not CODE.search(text.zh) and not CODE.search(text.en), (section.name, text)
        for axis in axes(section):
            assert axis.title.zh != axis.title.en or not axis.title.en.islower() or "“" in axis.title.en, axis.title
            assert not CHINESE.search(axis.title.en), axis.title


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_charts_and_pages_show_no_code(report: Report, language: Any) -> None:
    assert not CODE.search(headline(report, language))
    for section in report.sections:
        table = text_table(section, language)
        for cell in (*table.header, *(cell for row in table.rows for cell in row), table.note):
            assert not CODE.search(cell), (section.name, cell)
        chart = chart_of(section, language)
        for name in getattr(chart, "categories", ()):
            assert not CODE.search(name), (section.name, name)
    page = re.sub(r"<(script|style).*?</\1>|<[^>]*>|<p class=\"quiet\">.*?</p>", " ", html_page(report, language))
    notes = page.find("说明" if language == "zh" else "Notes")
    assert not CODE.search(page[:notes] if notes > 0 else page)


def intervals(section: Section) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield the value and the limits of every interval of a section."""
    if isinstance(section, Metrics):
        yield from ((m.name, m.value, m.low, m.high) for m in section.rows)
    elif isinstance(section, Gains):
        yield from ((g.metric, g.gain, g.low, g.high) for g in section.rows)
    elif isinstance(section, Rows):
        for c in section.columns:
            for i in c.intervals:
                yield from ((c.name, row[c.name], row[i.low], row[i.high]) for row in section.rows)


def test_every_interval_contains_its_value(report: Report) -> None:
    count = 0
    for section in report.sections:
        for name, value, low, high in intervals(section):
            assert (low is None) == (high is None), (section.name, name)
            if low is not None:
                count += 1
                assert low <= value <= high, (section.name, name, value, low, high)
    assert count > 0
