"""The pack: whole or not at all, never overwritten, each file with the digest of the manifest."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from features.errors import ConfigError
from ml.report.report import Report
from serving.audit.figures import figures_of
from serving.audit.pack import MANIFEST, check_pack_path, write_pack
from serving.audit.sections import figure_sections
from tests.serving.audit.content import ALL_TIME, sample_log


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Return the report on the log of `sample_log`."""
    figures = figures_of(sample_log(tmp_path / "log"), ALL_TIME, end=99)
    return Report(task="decision_audit", protocol="2026", sections=tuple(figure_sections(figures, ALL_TIME, {})))


def test_a_folder_has_reports_tables_and_a_manifest_of_all(report: Report, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    names = write_pack(folder, report, {"period": "2026"})
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["period"] == "2026"
    assert sorted([MANIFEST, *(f["name"] for f in manifest["files"])]) == names
    for file in manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    assert "Audit of decisions" in (folder / "report.en.html").read_text()
    assert "决策审计" in (folder / "report.zh.html").read_text()
    assert Report.model_validate_json((folder / "report.json").read_text()) == report
    rows = list(csv.DictReader((folder / "tables" / "by_store.csv").open(encoding="utf-8-sig", newline="")))
    assert [(row["store"], row["decisions"]) for row in rows] == [("S0001", "3"), ("S0002", "2")]
    officers = (folder / "tables" / "overrides_by_officer.csv").read_text(encoding="utf-8-sig")
    assert "'=li.wei" in officers


def test_a_zip_file_has_the_same_files(report: Report, tmp_path: Path) -> None:
    names = write_pack(tmp_path / "a.zip", report, {})
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert sorted(archive.namelist()) == [f"a/{name}" for name in names]
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "log"}


def test_a_pack_is_not_overwritten_and_a_failure_leaves_nothing(report: Report, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(ConfigError, match="exists; a pack is never overwritten"):
        check_pack_path(tmp_path / "old")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="free space there or choose another place"):
        write_pack(tmp_path / "file" / "audit", report, {})
