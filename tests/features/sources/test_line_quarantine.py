"""Bad lines count as rows of the table; those of a joined file are limited and noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from features.sources import RawTables, SourcesConfig, read_tables
from features.sources.bad_lines import TOO_MANY, BadLines, ReadLog
from features.sources.line_quarantine import count_bad_lines, log_notes


def _read(folder: Path, text: str, *, share: float = 0.5, **options: Any) -> RawTables:
    (folder / "outcomes.csv").write_text(text)
    source = {"csv": str(folder / "outcomes.csv"), **options}
    config = SourcesConfig(max_quarantined_share=share, tables={"loan_outcomes": source})
    return read_tables(config, ["loan_outcomes"], quarantine_folder=folder, undated=["loan_outcomes"])


def test_bad_lines_are_counted_written_and_noted(tmp_path: Path) -> None:
    text = "application_id,defaulted\nA,yes\nB,no,late\nC,perhaps\nD,no\n"
    report = _read(tmp_path, text).reports["loan_outcomes"]
    assert (report.rows_read, report.rows_valid, report.rows_quarantined) == (4, 2, 2)
    assert report.rules == {"defaulted: wrong type": 1, "line: more fields than the header": 1}
    assert report.notes == (
        "quarantined lines: more fields than the header in 1 of 4, for example line 3 has 3 fields, the header "
        "has 2 (put quotes around a field that contains the separator)",
    )
    quarantine = pl.read_parquet(tmp_path / "loan_outcomes.parquet")
    assert quarantine.select("source_row", "broken_rules", "line_text", "defaulted").rows() == [
        (2, ["line 3 has 3 fields, the header has 2"], "B,no,late", None),
        (3, ["defaulted: wrong type"], None, "perhaps"),
    ]


def test_bad_lines_past_the_share_stop_the_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 3 rows \(33\.3%\) break the contract.*line 3 has 3 fields"):
        _read(tmp_path, "application_id,defaulted\nA,yes\nB,no,late\nD,no\n", share=0.1)


def test_bad_lines_of_a_joined_file_are_noted_or_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "flags.csv").write_text("application_id,defaulted\nA,yes\nB,no,x\nC,no\n")
    options = {"join": [{"csv": str(tmp_path / "flags.csv"), "on": ["application_id"]}]}
    text = "application_id,kind\nA,x\nC,y\n"
    tables = _read(tmp_path, text, **options)
    assert tables.frames["loan_outcomes"].collect().rows() == [("A", True), ("C", False)]
    assert "that are not joined: more fields than the header in 1 of 3" in tables.reports["loan_outcomes"].notes[0]
    with pytest.raises(
        DataError, match=r"1 of 3 lines cannot be joined, and max_quarantined_share in sources is 10\.0%"
    ):
        _read(tmp_path, text, share=0.1, **options)


def test_without_bad_lines_nothing_changes() -> None:
    assert log_notes([ReadLog()], share=0, unmatched_share=0, file="sources.yaml", table="leads") == []
    assert count_bad_lines.__name__ and BadLines("a", pl.DataFrame({"rule": [TOO_MANY]}), 1, {}).rules == {TOO_MANY: 1}
