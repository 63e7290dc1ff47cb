"""Sources opened without reading their rows."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from features.sources.scans import ROW, open_source, read_error
from features.sources.table_source import TableSource


def test_months_of_parquet_with_different_columns_are_one_table(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "01.parquet")
    pl.DataFrame({"a": [2.5], "b": ["x"]}).write_parquet(tmp_path / "02.parquet")
    pl.DataFrame({"a": [9]}).write_parquet(tmp_path / "_hidden.parquet")
    scan = open_source("leads", TableSource(parquet=str(tmp_path)))
    assert scan.columns == ("a", "b") and scan.cheap_to_repeat
    assert scan.rows().collect().to_dict(as_series=False) == {ROW: [0, 1], "a": [1.0, 2.5], "b": [None, "x"]}


def test_a_csv_is_all_text_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a;b\n1;x\n\n2;-\n")
    scan = open_source("leads", TableSource(csv=str(tmp_path / "a.csv"), separator=";", null_values=["-"]))
    assert scan.columns == ("a", "b") and not scan.cheap_to_repeat
    assert scan.rows().collect().select("a", "b").rows() == [("1", "x"), ("2", None)]


def test_columns_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("day,hour\n2024-01-31,10:00\n")
    source = TableSource(csv=str(tmp_path / "a.csv"), combine={"at": ["day", "hour"]})
    assert open_source("leads", source).rows().collect()["at"].to_list() == ["2024-01-31 10:00"]
    with pytest.raises(DataError, match=r"has no column `minute`, used in `combine\.at`"):
        open_source("leads", source.model_copy(update={"combine": {"at": ("day", "minute")}}))
    with pytest.raises(DataError, match="`combine` adds column `hour`, which the source already has"):
        open_source("leads", source.model_copy(update={"combine": {"hour": ("day",)}}))


@pytest.mark.parametrize(
    ("kind", "name", "error", "message"),
    [
        ("csv", "none.csv", DataError, r"leads: .*none\.csv: no such file"),
        ("csv", "folder", ConfigError, "is a folder: `csv` needs a file"),
        ("csv", "empty.csv", DataError, "the file is empty, without a header line"),
        ("parquet", "folder", DataError, r"the folder has no \*\.parquet file"),
        ("parquet", "none*.parquet", DataError, "no such file: correct `parquet`"),
        ("parquet", "text.parquet", DataError, r"text\.parquet is not a Parquet file: use `csv`"),
    ],
)
def test_the_error_of_a_source_that_cannot_be_opened_has_the_reason(
    tmp_path: Path, kind: str, name: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "text.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(error, match=message):
        open_source("leads", TableSource(**{kind: str(tmp_path / name)}))


def test_an_error_of_ours_stays_and_another_becomes_one_line() -> None:
    own = DataError("a complete message")
    assert read_error("x", own) is own
    assert str(read_error("x", OSError("a\n\nb"))) == ("x: cannot be read: a: if the file is damaged, export it again")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (PermissionError(13, "Permission denied"), "give this user permission to read it"),
        (OSError(errno.ENOSPC, "No space left on device"), "free disk space, or set TMPDIR"),
        (FileNotFoundError(2, "No such file"), "the file was moved while it was read"),
        (pl.exceptions.SchemaError("type String is incompatible"), "export all files of the table with the same types"),
        (pl.exceptions.ComputeError("parquet: File out of specification"), "if the file is damaged"),
        (pl.exceptions.ComputeError("could not parse"), "export the table again"),
    ],
)
def test_the_remedy_of_an_error_of_reading_fits_its_kind(error: Exception, remedy: str) -> None:
    assert remedy in str(read_error("leads: a.csv", error))


def test_months_of_parquet_with_numbers_and_texts_are_text(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "01.parquet")
    pl.DataFrame({"a": ["x"]}).write_parquet(tmp_path / "02.parquet")
    rows = open_source("leads", TableSource(parquet=str(tmp_path))).rows().collect()
    assert rows["a"].to_list() == ["1", "x"]


def test_a_workbook_given_as_parquet_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PK\x03\x04....")
    with pytest.raises(DataError, match="is not a Parquet file: use `excel` for a workbook"):
        open_source("leads", TableSource(parquet=str(tmp_path / "a.parquet")))


def test_a_broken_link_among_parquet_files_is_named(tmp_path: Path) -> None:
    pl.DataFrame({"lead_id": ["L1"]}).write_parquet(tmp_path / "1.parquet")
    (tmp_path / "2.parquet").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"2\.parquet: No such file or directory: remove it, or put a Parquet file"):
        open_source("leads", TableSource(parquet=str(tmp_path)))
