"""Odometer readings that contradict other readings of the vehicle, and texts without a matching rule."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.errors import DataError
from features.sources.lines import UNMAPPED, ClassifiedLines
from features.sources.odometers import remove_implausible, write_unmapped

DAY = 86_400_000_000
KM = [1_000.0, 3_000.0, 400.0, 5_000.0, 7_000.0, None]
ROWS = pl.LazyFrame(
    {"vehicle_id": ["V"] * 6, "serviced_at": [i * 100 * DAY for i in range(6)], "odometer_km": KM, "cost": [1] * 6}
)


def test_a_reading_that_runs_backwards_becomes_null_and_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    frame, counts = remove_implausible(ROWS, path, where="service_records: x")
    rows = frame.collect()
    assert rows.columns == ROWS.collect_schema().names() and sum(counts.values()) == 1
    assert rows["odometer_km"].to_list() == [1_000.0, 3_000.0, None, 5_000.0, 7_000.0, None]
    (reason,) = pl.read_csv(path)["reason"]
    assert list(counts) == [f"odometer_km: {reason}"]


def test_readings_that_agree_stay_and_an_old_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("old")
    frame, counts = remove_implausible(ROWS.filter(pl.col("odometer_km") != 400.0), path, where="x")
    assert counts == {} and frame.collect().height == 4 and not path.exists()
    with pytest.raises(DataError, match="x: check_odometer needs the column odometer_km: map it"):
        remove_implausible(ROWS.drop("odometer_km"), path, where="x")


def test_unmapped_texts_come_with_the_most_frequent_first(tmp_path: Path) -> None:
    texts = pl.DataFrame({"text": ["a", "b", "c"], "lines": [1, 5, 3], "kind": [UNMAPPED, UNMAPPED, "fault"]})
    write_unmapped(tmp_path / "texts.csv", ClassifiedLines(texts))
    assert pl.read_csv(tmp_path / "texts.csv").rows() == [("b", 5), ("a", 1)]
