"""Sections of the report, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

from ml.bilingual import Text
from ml.report.html import html_page
from ml.report.report import Report
from tests.training.monitoring.test_series import result, series
from training.monitoring.report import report_of, write_files
from training.monitoring.run import judged


def test_sections_of_an_alarm() -> None:
    report = report_of(result(series(0.5, 0.0)))
    assert [s.name for s in report.sections] == ["summary", "alarms", "months.score", "all_drift"]
    assert Report.model_validate(report.as_dict()) == report
    assert report.rows("alarms")[0]["since"] == "2026-02"
    assert "有漂移" in html_page(report, "zh") and "drift" in html_page(report, "en")


def test_files(tmp_path: Path) -> None:
    write_files(result(series(0.5)), tmp_path)
    assert json.loads((tmp_path / "monitor.json").read_text())["status"] == "quiet"
    assert (tmp_path / "report.png").stat().st_size > 1_000


def test_levels_share_the_false_alarms() -> None:
    from training.monitoring.rules import MonitorRules

    all_series = [series(0.5, name=f"feature.{i}") for i in range(9)] + [series(0.5, group="performance")]
    findings = result(*all_series, source=Text(zh="空", en="empty")).findings
    levels = judged(findings, MonitorRules(false_alarms_a_month=0.1), task="credit_risk", version=1).levels
    assert levels == {"drift": 0.1 / 2 / 9, "performance": 0.1 / 2}
