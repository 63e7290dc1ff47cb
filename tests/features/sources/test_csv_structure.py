from __future__ import annotations

from pathlib import Path

import pytest

from features.sources.csv_structure import is_regular


def _is_regular(folder: Path, content: bytes, **options: int) -> bool:
    file = folder / "a.csv"
    file.write_bytes(content)
    return is_regular(file, ",", **{"n_lines": 1, "n_fields": 3, "n_required": 3} | options)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (b"1,2,3\n4,5,6\n", True),
        (b"1,2,3\r\n4,5,6\r\n", True),
        (b"1,2,3\n\n4,5,6", True),
        (b"1,2,3\r\n\r\n4,5,6", True),
        (b"", True),
        (b'"1,1","2\n2","3""3"\n', True),
        (b"1,2,3,4\n1,2\n", False),  # the number of separators is right in total
        (b"1,2\n", False),
        (b"1,2,3\n4,5", False),
        (b"1,2,3\r4,5,6\r", False),
        (b'1,"2,3\n', False),
        (b'1,"2" x,3\n', False),
        (b'1,2" rim,3\n4,5" rim,6\n', False),
        (b"1,2,\0\n", False),
        (b"1,2,\xff\n", False),
        ("1,2,华\n".encode()[:-2], False),
    ],
)
def test_a_file_is_regular_if_every_line_is_a_row(tmp_path: Path, rows: bytes, expected: bool) -> None:
    assert _is_regular(tmp_path, b"a,b,c\n" + rows) is expected


@pytest.mark.parametrize("row", ["1,2,3\n", '1,"华\n,",3\n', "1,2,华\r\n"])
def test_lines_and_quotes_continue_from_one_chunk_to_the_next(tmp_path: Path, row: str) -> None:
    content = ("a,b,c\n" + row * 200_000).encode()
    assert _is_regular(tmp_path, content)
    assert not _is_regular(tmp_path, content + b"1,2\n")


def test_fields_without_a_name_at_the_end_may_be_missing(tmp_path: Path) -> None:
    assert _is_regular(tmp_path, b"a,b,\n1,2\n1,2,3\n", n_required=2)
    assert not _is_regular(tmp_path, b"a,b,\n1\n", n_required=2)
