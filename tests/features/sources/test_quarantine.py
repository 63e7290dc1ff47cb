"""Quarantine files: complete, readable by their owner only, and deleted when no row is broken."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from features.sources.quarantine import write_quarantine, write_table
from features.sources.scans import ROW


def test_broken_rows_are_as_the_source_has_them_with_their_place_and_rules_in_front(tmp_path: Path) -> None:
    rows = pl.LazyFrame({"age": ["x", "3", "-1"], "broken_rules": ["own", "own", "own"]}).with_row_index(ROW)
    rules = pl.Series([["age: range", "age: type"], ["age: type"]])
    broken = pl.DataFrame({ROW: pl.Series([2, 0], dtype=pl.UInt32), "broken_rules": rules})
    path = tmp_path / "quarantine" / "t.parquet"
    assert write_quarantine(path, rows, broken) == path
    assert pl.read_parquet(path).to_dicts() == [
        {"source_row": 3, "broken_rules": ["age: range", "age: type"], "age": "-1", "broken_rules (source)": "own"},
        {"source_row": 1, "broken_rules": ["age: type"], "age": "x", "broken_rules (source)": "own"},
    ]
    assert path.stat().st_mode & 0o077 == 0
    assert write_quarantine(path, rows, broken.clear()) is None
    assert list(path.parent.iterdir()) == []


def test_the_suffix_decides_the_format_and_an_invalid_path_is_refused(tmp_path: Path) -> None:
    assert write_table(tmp_path / "t.csv", pl.DataFrame({"a": [1]})) == tmp_path / "t.csv"
    assert (tmp_path / "t.csv").read_text() == "a\n1\n"
    with pytest.raises(ConfigError, match=r"t\.csv/x\.csv: cannot be written: .*make its folder writable"):
        write_table(tmp_path / "t.csv" / "x.csv", pl.DataFrame({"a": [1]}))


def test_without_broken_rows_the_source_is_not_read_and_an_older_file_is_deleted(tmp_path: Path) -> None:
    def fail(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("the rows are read")

    schema = {ROW: pl.UInt32(), "VIN": pl.String()}
    rows = pl.LazyFrame(schema=schema).map_batches(fail, schema=schema)
    path = tmp_path / "vehicles.parquet"
    path.write_bytes(b"of an earlier run")
    broken = pl.DataFrame(schema={ROW: pl.UInt32(), "broken_rules": pl.List(pl.String())})
    assert write_quarantine(path, rows, broken) is None and not path.exists()
