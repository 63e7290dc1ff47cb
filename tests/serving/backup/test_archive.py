"""Format of an archive."""

from __future__ import annotations

import io
import tarfile

import pytest

from serving.backup.archive import FORMAT, ArchiveError, HashingFile, add_file, check_header, safe_path

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "home", "home/", "home/../x", "home/a/../../x", "home//x", "home/./x", "other/x", "home/a\\b"],
)
def test_a_path_that_leaves_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ArchiveError, match="that no backup writes: do not use it"):
        safe_path(name)


def test_an_archive_of_a_newer_version_is_refused() -> None:
    for header in ({"format": FORMAT}, {"format": FORMAT, "chehang": "0.0.1"}):
        check_header(header)
    for format_, version in ((FORMAT + 1, "0.1.0"), (FORMAT, "99.0"), (None, "0.1.0")):
        with pytest.raises(ArchiveError, match=rf"written by chehang {version} \(format .*: install that version"):
            check_header({"format": format_, "chehang": version})


def test_a_file_that_grows_is_cut_and_one_that_shrinks_is_an_error() -> None:
    parts: list[int] = []
    with tarfile.open(fileobj=io.BytesIO(), mode="w|") as tar:
        entry = add_file(tar, "home/a", io.BytesIO(b"abcdef"), size=3, mode=0o100640, progress=parts.append)
        assert (entry.size, entry.sha256, entry.mode, sum(parts)) == (3, SHA256_OF_ABC, 0o640, 3)
        with pytest.raises(OSError, match="unexpected end of data"):
            add_file(tar, "home/b", io.BytesIO(b"ab"), size=3, mode=0o600, progress=parts.append)


def test_the_checksum_covers_what_is_written() -> None:
    inner = io.BytesIO()
    file = HashingFile(inner)
    assert (file.write(b"ab"), file.write(b"c"), file.sha256, inner.getvalue()) == (2, 1, SHA256_OF_ABC, b"abc")
