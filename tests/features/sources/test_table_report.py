"""The report on the read of one table."""

from __future__ import annotations

from pathlib import Path

from features.sources.config import SourcesConfig
from features.sources.reading import read_tables
from features.sources.table_report import TableReport


def test_numbers_of_rows_agree_with_their_noun_and_columns_found_by_name_come_first() -> None:
    report = TableReport("leads", 1, 1, 0, {}, "0", ("lead_id", "price"), ("a note",), by_name=("price",))
    assert report.counts == "1 row read, 1 valid, 0 quarantined"
    assert report.all_notes[0].startswith("taken by its name: price") and report.all_notes[1:] == ("a note",)
    assert TableReport("leads", 1_200, 1_000, 200, {}, "0", ("lead_id",)).counts.startswith("1,200 rows read, 1,000 ")


def test_unread_columns_are_named_those_that_sound_like_an_outcome_first() -> None:
    names = ("who", "note", "Lead Stage", *(f"c{i}" for i in range(12)))
    report = TableReport("leads", 1, 1, 0, {}, "0", ("lead_id",), unread_columns=names)
    assert report.unread_text.startswith("; columns of the source that are not read: `Lead Stage`, `who`, `note`, `c0`")
    assert report.unread_text.endswith("`c8` and 3 more")
    assert TableReport("leads", 1, 1, 0, {}, "0", ("lead_id",)).unread_text == ""


def test_columns_that_nothing_reads_are_in_the_report(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,day,stage\n1,2024-01-02,Won\n")
    columns = {"lead_id": "id", "created_at": "day"}
    config = SourcesConfig.model_validate({"tables": {"leads": {"csv": str(tmp_path / "a.csv"), "columns": columns}}})
    assert read_tables(config, ["leads"], quarantine_folder=tmp_path).reports["leads"].unread_columns == ("stage",)
