from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import DataError
from features.sources import RawTables, SourcesConfig, TableSource, read_tables
from features.sources.joins import join_columns, repeated_key, unmatched_rows


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["1038", "7"], ["1038.0", "7.0"]),
        (["1038.0", " 7"], [1038, 7]),
        ([1038, 7], [1038.0, 7.0]),
        ([1038.0, 7.0], ["1038", "7"]),
        ([date(2024, 1, 1), date(2024, 2, 1)], ["2024-01-01", "2024-02-01"]),
        ([True, False], ["true", "false"]),
    ],
)
def test_keys_meet_whatever_program_wrote_them(left: list[Any], right: list[Any]) -> None:
    rows, other = pl.LazyFrame({"no": left}), pl.LazyFrame({"no": right, "model": ["M1", "M2"]})
    assert join_columns(rows, other, ["no"]).collect()["model"].to_list() == ["M1", "M2"]
    assert join_columns(rows, other, ["no"]).collect()["no"].to_list() == left


def test_leading_zeros_are_part_of_a_key_and_a_missing_key_has_no_partner() -> None:
    rows = pl.LazyFrame({"no": ["007", None, "8"]})
    other = pl.LazyFrame({"no": ["7", None, "8"], "model": ["M1", "M2", "M3"]})
    assert join_columns(rows, other, ["no"]).collect()["model"].to_list() == [None, None, "M3"]
    unmatched = unmatched_rows(rows, other, ["no"], where="models.csv")
    assert (unmatched.rows, unmatched.unmatched, unmatched.examples) == (2, 1, ("no 007",))
    assert unmatched_rows(rows, other, ["no"], where="models.csv", personal={"no"}).examples == ()


def test_two_spellings_of_one_key_are_a_repeated_key() -> None:
    rows = pl.LazyFrame({"no": [1, 2]})
    assert repeated_key(rows, pl.LazyFrame({"no": ["1", "1.0", "2"]}), ["no"]) == ("no 1", 2)
    assert repeated_key(rows, pl.LazyFrame({"no": ["1", "2"]}), ["no"]) is None


def _read(folder: Path, **options: Any) -> RawTables:
    (folder / "sales.csv").write_text("sale_id,sold_at,vin\n1,2024-01-01,A\n2,2024-01-01,B\n3,2024-01-01,\n")
    (folder / "cars.csv").write_text("vin,model\nA,M1\n")
    source = {"csv": str(folder / "sales.csv"), "join": [{"csv": str(folder / "cars.csv"), "on": ["vin"]}], **options}
    config = SourcesConfig(tables={"sales": TableSource.model_validate(source)})
    return read_tables(config, ["sales"], quarantine_folder=folder / "quarantine")


def test_rows_without_a_partner_are_counted(tmp_path: Path) -> None:
    tables = _read(tmp_path, max_unmatched_share=0.5)
    assert tables.frames["sales"].collect()["model"].to_list() == ["M1", None, None]
    notes = tables.reports["sales"].notes
    assert [n for n in notes if "partner" in n] == [
        f"1 of 2 rows have no partner in {tmp_path}/cars.csv (`join` on vin), for example vin B: its columns are "
        "missing there"
    ]


def test_too_many_rows_without_a_partner_stop_the_read(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        _read(tmp_path)
    assert "1 of 2 rows have no partner" in str(error.value)
    assert "max_unmatched_share is 20.0%" in str(error.value)
    assert "raise `max_unmatched_share` at sources: tables.sales" in str(error.value)
