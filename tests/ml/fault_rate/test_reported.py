"""Records reported before an instant: an undated report counts at its visit."""

from __future__ import annotations

import polars as pl

from ml.fault_rate.reported import reported_before, reported_records, reports_are_dated


def test_a_record_counts_when_it_was_reported() -> None:
    records = pl.DataFrame({"serviced_at": [1, 2, 3, 5], "reported_at": [4, None, 6, 4]})
    assert reported_before(records, 5)["serviced_at"].to_list() == [1, 2]
    rows, backwards = reported_records(records, since=2, as_of=7)
    assert rows["serviced_at"].to_list() == [2, 3] and backwards == 1
    assert reports_are_dated(records) and not reports_are_dated(records.with_columns(reported_at=pl.lit(None)))
