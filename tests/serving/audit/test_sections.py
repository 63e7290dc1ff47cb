"""The figures of a report are those of the log, with their denominators in words."""

from __future__ import annotations

from pathlib import Path

from ml.report.report import Report
from serving.audit.figures import Figures, figures_of
from serving.audit.sections import figure_sections, group_row
from tests.serving.audit.content import ALL_TIME, sample_log


def test_tables_have_counts_rates_intervals_and_names_of_keys(tmp_path: Path) -> None:
    figures = figures_of(sample_log(tmp_path), ALL_TIME, end=99)
    report = Report(
        task="decision_audit",
        protocol="",
        sections=tuple(figure_sections(figures, ALL_TIME, {"k_desk": "desk S0001"})),
    )
    (row,) = report.rows("overview")
    assert (row["decisions"], row["approve"], row["refer"], row["decline"], row["other"]) == (5, 3, 1, 1, 0)
    rate, low, high = (row[name] for name in ("approval_rate", "low", "high"))
    assert rate == 0.6 and isinstance(low, float) and isinstance(high, float) and 0.15 < low < 0.6 < high < 0.95
    assert [r["store"] for r in report.rows("by_store")] == ["S0001", "S0002"]
    assert [r["month"] for r in report.rows("by_month")] == ["2026-01", "2026-02"]
    assert report["by_key"].table().columns[0].shown("k_desk") == "desk S0001 (k_desk)"
    assert {(r["band"], r["outcome"]): r["decisions"] for r in report.rows("overrides")} == {
        ("decline", "approve"): 1, ("refer", "decline"): 1
    }  # fmt: skip
    summary = report["overrides"].summary
    assert summary is not None
    assert "2 of 5 decisions of the period (40.0%)" in summary.en and "1 of them reverse" in summary.en
    assert "(25.0% of 4)" in summary.en
    assert report.rows("reasons") == [{"code": "BUREAU", "decisions": 2, "share": 1.0}]
    overview = report["overview"].summary
    assert overview is not None and "probability below 1: 1" in overview.en and "stored, encrypted: 4" in overview.en
    (access,) = report.rows("accesses")
    assert (access["who"], access["decision"], access["fields"]) == ("li.wei", "d2", "gender, reference")
    assert [(r["first"], r["last"], r["parts"]) for r in report.rows("purges")] == [(90, 95, 6)]


def test_an_empty_period_has_tables_without_rates() -> None:
    sections = figure_sections(Figures(), ALL_TIME, {})
    assert [s.name for s in sections][:2] == ["overview", "by_endpoint"]
    assert group_row(Figures().total)["approval_rate"] is None
