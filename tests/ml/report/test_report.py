"""Reports: sections by name, and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.errors import ConfigError
from ml.report.files import write_report
from ml.report.report import Report
from tests.ml.report.small_report import small_report


def test_sections_are_reached_by_name() -> None:
    report = small_report()
    assert report.metrics["roc_auc"].baseline == 0.5 and "drift" in report and "fairness" not in report
    assert report.rows("rows")[0] == {"name": "train", "rows": 1_200}
    with pytest.raises(KeyError, match=r"credit_risk: no section 'fairness'; the report has metrics, gains"):
        report["fairness"]


def test_the_files_are_written_and_read_back(tmp_path: Path) -> None:
    report = small_report()
    write_report(report, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json", "report.png"]
    assert Report.model_validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))) == report
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another place"):
        write_report(report, tmp_path / "file")
