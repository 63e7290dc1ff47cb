"""HTML of reports: complete, accessible, and valid under a strict content security policy."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from ml.report.charts import chart_of
from ml.report.html import headline, html_fragment, html_page
from ml.report.sections import Table
from ml.report.style import CSS, SERIES
from ml.report.svg import legend, svg_of
from tests.ml.report.small_report import NAME, sections, small_report, text


def test_a_page_needs_nothing_else_and_runs_nothing() -> None:
    page = html_page(small_report())
    assert not re.search(r"<script|\sstyle=|\son\w+=|https?://|url\(|@import|<link|<img", page)
    assert page.count("<style>") == 1 and CSS in page and "<style>" not in html_fragment(small_report())


def test_a_fragment_is_well_formed_with_each_figure_in_a_table() -> None:
    article = ET.fromstring(html_fragment(small_report()))
    assert (
        article.findtext("h1")
        == "Credit risk: area under the ROC curve (AUC) 0.7500 (95% interval 0.7000 – 0.8000), baseline 0.5000"
    )
    panels = article.findall(".//section")
    assert [p.findtext("h2") for p in panels][-2:] == ["Assumptions", "Notes"]
    assert len(article.findall(".//table")) == 8 and len(article.findall(".//svg[@role='img']")) == 5
    headings = [h.text for h in article.findall(".//table")[0].iter("th")]
    assert headings == [
        "metric",
        "value",
        "95% interval",
        "baseline",
        "how to read it",
        "area under the ROC curve (AUC)",
        "covered",
    ]


def test_names_from_the_data_are_escaped() -> None:
    table = Table(name="t", title=text("a < b"), columns=(NAME,), rows=({"name": "<b>&\"'"},))
    page = html_page(small_report(table, notes=("<i>",)))
    assert "<b>" not in page and "<i>" not in page and "&lt;b&gt;&amp;&quot;" in page


def test_chinese_pages_say_so() -> None:
    page = html_page(small_report(), "zh")
    assert page.startswith('<!doctype html><html lang="zh-CN">') and "说明" in page and "基线" in page
    assert "<h1>信贷风险：ROC 曲线下面积（AUC） 0.7500（95% 区间 0.7000～0.8000），基线 0.5000</h1>" in page
    assert headline(small_report(sections()[3])) == "Credit risk"


@pytest.mark.parametrize("section", [s for s in sections() if chart_of(s)], ids=lambda s: s.kind)
def test_charts_have_a_sentence_and_colours_of_the_palette(section: object) -> None:
    chart = chart_of(section)  # type: ignore[arg-type]
    assert chart is not None
    svg = ET.fromstring(svg_of(chart, 'what "it" says'))
    assert svg.get("role") == "img" and svg.get("aria-label") == 'what "it" says'
    assert SERIES[0] in svg_of(chart, "") and "nan" not in svg_of(chart, "")


def test_a_gap_breaks_the_line_and_a_legend_names_what_is_drawn() -> None:
    months, bands = chart_of(sections()[6]), chart_of(sections()[4])
    assert months is not None and bands is not None
    assert "M0.00 83.33 M100.00 0.00" in svg_of(months, "")
    assert "act from 0.25" in legend(months) and "95% interval" in legend(bands)
    assert legend(chart_of(sections()[7])) == ""  # type: ignore[arg-type]
