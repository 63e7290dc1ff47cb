from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from features.errors import DataError
from features.sources import compression
from features.sources.compression import LimitedReader, is_compressed, open_bytes


def test_a_file_that_expands_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_UNCHECKED_BYTES", 100)
    reader = LimitedReader(io.BytesIO(bytes(3000)), compressed_bytes=2, where="leads: a.gz")
    assert len(reader.read(2000)) == 2000
    with pytest.raises(DataError, match=r"leads: a\.gz: expands to more than 1,000 times its size"):
        reader.read(2000)


def test_a_file_that_does_not_fit_on_the_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MIN_FREE_BYTES", 1 << 62)
    reader = LimitedReader(io.BytesIO(bytes(1 << 22)), compressed_bytes=1 << 20, where="leads: a.gz")
    with pytest.raises(DataError, match=r"does not fit on the disk of .*set TMPDIR"):
        reader.read(1 << 22)


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_text("a,b\n")  # the suffix does not matter
    assert not is_compressed(tmp_path / "a.gz")
    with open_bytes(tmp_path / "a.gz", where="leads") as content:
        assert content.read(10) == b"a,b\n"


def test_a_workbook_is_no_archive_of_text(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("[Content_Types].xml", b"<x/>")
    with pytest.raises(DataError, match="is a workbook: use `excel`"), open_bytes(tmp_path / "a.csv", where="leads"):
        pass
