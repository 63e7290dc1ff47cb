"""Rows pass the filters once, whatever the kind of source, and only mapped columns are read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.errors import DataError
from features.sources import ExtraFeatures, TableSource
from features.sources.column_mapping import map_columns
from features.sources.scans import open_source
from features.sources.selection import select_rows
from features.tables import TABLES

TABLE = pl.DataFrame(
    {"application_id": ["A", "B", "C"], "defaulted": [0, 1, 1], "branch": ["x", "y", "x"], "n": [1, 2, 3]}
)


def selected(source: TableSource) -> tuple[list[tuple[object, ...]], tuple[str, ...]]:
    scan = open_source("loan_outcomes", source)
    options = {"extra": ExtraFeatures(), "undated": True, "file": "sources.yaml"}
    rows = select_rows(scan, source, map_columns(TABLES["loan_outcomes"], source, scan.columns, **options))  # type: ignore[arg-type]
    return rows.rows.collect().rows(), rows.counts.notes


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_filter_column_need_not_be_mapped(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    getattr(TABLE, f"write_{kind}")(path)
    rows, notes = selected(TableSource(**{kind: str(path), "only": {"branch": ["x"]}}))
    assert rows == [(0, "A", rows[0][2]), (2, "C", rows[1][2])]
    assert notes == ("1 row whose `branch` is not 'x' was left out by `only`",)


def test_without_filters_nothing_is_counted(tmp_path: Path) -> None:
    TABLE.write_csv(tmp_path / "t.csv")
    rows, notes = selected(TableSource(csv=str(tmp_path / "t.csv")))
    assert len(rows) == 3 and notes == ()


def test_nothing_left_shows_the_values_of_the_column(tmp_path: Path) -> None:
    TABLE.write_csv(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"none of the 3 rows: .*`only`. The values of `branch` are 'x', 'y': correct"):
        selected(TableSource(csv=str(tmp_path / "t.csv"), only={"branch": ["X"]}))
