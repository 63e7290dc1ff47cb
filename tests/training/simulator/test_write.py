"""A sample dealership is written to a folder whole or not at all, in the contract of its tables."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError
from features.tables import TABLES
from tests.training.simulator.small_group import START, TINY
from training.simulator.write import (
    MAKER,
    atomic_folder,
    cast_instants,
    select_contract_columns,
    write_manifest,
    write_table,
    write_truth,
)


def _write(out: Path, quantity: float = 1.0) -> None:
    stock = pl.DataFrame({"store_id": ["S1"], "model": ["M"], "snapshot_at": [START], "quantity": [quantity]})
    with atomic_folder(out) as folder:
        rows = write_table(folder, "stock", [stock])
        write_manifest(folder, TINY, {"stock": rows})


def _quantity(out: Path) -> float:
    value: float = pl.read_parquet(out / "tables" / "stock.parquet")["quantity"][0]
    return value


def test_a_new_an_empty_and_an_earlier_folder_are_written(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    _write(out)
    _write(out, quantity=2.0)
    assert _quantity(out) == 2.0
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    (tmp_path / "empty").mkdir()
    _write(tmp_path / "empty")
    assert (tmp_path / "empty" / "manifest.json").exists()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"^out: .*'thesis.txt'"):
        _write(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_sample_with_something_added_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "out")
    (tmp_path / "out" / "tables" / "notes.md").write_text("mine")
    with pytest.raises(ConfigError, match=r"'tables/notes.md'"):
        _write(tmp_path / "out")


@pytest.mark.parametrize("manifest", ["{", "[]", json.dumps({"maker": "somebody else", "sha256": {"a.txt": ""}})])
def test_a_manifest_that_is_not_ours_gives_no_leave_to_replace(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"'a.txt'"):
        _write(tmp_path)


def test_a_block_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    _write(tmp_path / "out")
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "out") as folder:
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt
    assert _quantity(tmp_path / "out") == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/sample")):
        with pytest.raises(ConfigError, match=r"^out: must be .*; give another folder$"):
            _write(out)


def test_a_reader_who_goes_away_is_no_fault_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), atomic_folder(tmp_path / "out"):
        raise BrokenPipeError
    assert list(tmp_path.iterdir()) == []


def test_a_table_has_the_columns_and_types_of_its_contract() -> None:
    frame = select_contract_columns(
        "stock", pl.DataFrame({"model": ["M"], "store_id": ["S1"], "quantity": [3], "colour": ["red"]})
    )
    assert frame.columns == list(TABLES["stock"].columns)
    assert frame["quantity"].to_list() == [3.0] and frame["quantity"].dtype == pl.Float64
    assert frame["price"].to_list() == [None]


def test_instants_are_shown_as_date_times_in_utc() -> None:
    frame = cast_instants(pl.DataFrame({"at": [START], "n": [START]}), ["at"])
    assert frame.row(0) == (datetime(2023, 1, 1, tzinfo=UTC), START)


def test_a_table_is_written_piece_by_piece(tmp_path: Path) -> None:
    pieces = [pl.DataFrame({"store_id": ids}) for ids in (["S1", "S2"], ["S3"])]
    assert write_table(tmp_path, "stock", pieces) == 3
    assert pl.read_parquet(tmp_path / "tables" / "stock.parquet")["store_id"].to_list() == ["S1", "S2", "S3"]
    assert write_truth(tmp_path, "faults", pl.DataFrame({"happened_at": [START], "n": [1]})) == 1
    assert pl.read_parquet(tmp_path / "truth" / "faults.parquet").schema == {
        "happened_at": pl.Datetime("us", "UTC"), "n": pl.Int64,
    }  # fmt: skip


def test_the_manifest_lists_size_rows_and_the_checksum_of_every_file(tmp_path: Path) -> None:
    _write(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((tmp_path / "out" / "tables" / "stock.parquet").read_bytes()).hexdigest()
    assert manifest["maker"] == MAKER and manifest["format"] == 1
    assert manifest["sha256"] == {"tables/stock.parquet": digest}
    assert manifest["rows"] == {"stock": 1}
    assert manifest["size"] == {"stores": 1, "customers": 100, "months": 3, "seed": 7, "start": "2023-01-01"}
