"""The report on the read of one table."""

from __future__ import annotations

from features.sources.table_report import TableReport


def test_numbers_of_rows_agree_with_their_noun_and_columns_found_by_name_come_first() -> None:
    report = TableReport("leads", 1, 1, 0, {}, "0", ("lead_id", "price"), ("a note",), by_name=("price",))
    assert report.counts == "1 row read, 1 valid, 0 quarantined"
    assert report.all_notes[0].startswith("taken by its name: price") and report.all_notes[1:] == ("a note",)
    assert TableReport("leads", 1_200, 1_000, 200, {}, "0", ("lead_id",)).counts.startswith("1,200 rows read, 1,000 ")
