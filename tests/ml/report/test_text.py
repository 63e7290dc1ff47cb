"""Reports in the terminal."""

from __future__ import annotations

from rich.console import Console

from ml.report.cells import text_table
from ml.report.formats import Language
from ml.report.report import Report
from ml.report.sections import Table
from ml.report.text import MAX_ROWS, text_of
from tests.ml.report.small_report import NAME, sections, small_report, text


def printed(report: Report, language: Language = "en") -> str:
    console = Console(highlight=False, width=140, record=True)
    for part in text_of(report, language):
        console.print(part)
    return " ".join(console.export_text().split())


def test_each_section_is_its_summary_or_its_table() -> None:
    words = printed(small_report())
    assert words.startswith("credit_risk: in time order Metrics")
    assert (
        "curve (AUC) │ 0.7500 │ 0.7000 – 0.8000 │ 0.5000 │ higher is better" in words
        and "covered │ 0.8000 │ – │ │" in words
    )
    assert "logistic regression │ 0.7000 │ +0.0500 │ +0.0100 – +0.0900" in words
    assert (
        "Calibration: close to the diagonal" in words and "20.0%" not in words.split("Calibration")[1].split("Rows")[0]
    )
    assert "approve │ 1.25% │ 1.00% – 2.00%" in words and "10,000 │ 10.0%" in words
    assert words.endswith("Assumptions: costs as shipped")
    assert "指标 ┃ 数值 ┃ 95% 区间" in printed(small_report(), "zh")


def test_markup_in_names_is_text_and_long_tables_end() -> None:
    rows = [{"name": f"[red]{i}"} for i in range(MAX_ROWS + 2)]
    words = printed(small_report(Table(name="t", title=text("Many"), columns=(NAME,), rows=rows)))
    assert "[red]11" in words and "[red]12" not in words and words.endswith("and 2 more rows")


def test_figures_stand_to_the_right() -> None:
    table = text_table(sections()[4].table())
    assert table.header == ("band", "bad rate", "95% interval") and table.is_number == (False, True, True)
    assert table.rows[1] == ("decline", "", "")
