"""CSV files as people export them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from features.sources.csv_files import CsvFile, CsvOptions

NAMES = frozenset({"id", "who", "price"})
ROWS = [("L1", "Ann", "10"), ("L2", "Bob", "20")]


def _open(folder: Path, content: str | bytes, name: str = "leads.csv", **options: Any) -> CsvFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CsvFile(path, CsvOptions(**{"names": NAMES, "mapped": NAMES, **options}), where="leads: leads.csv")


def _rows(file: CsvFile) -> list[tuple[str | None, ...]]:
    return [row[1:] for row in file.scan().collect().rows()]


def _positions(file: CsvFile) -> list[int]:
    return file.scan().collect()["__row__"].to_list()


def _reasons(file: CsvFile) -> list[str]:
    return [] if file.log.bad_lines is None else file.log.bad_lines.frame["reason"].to_list()


@pytest.mark.parametrize(
    "text",
    [
        "id,who,price\nL1,Ann,10\nL2,Bob,20\n",
        "id,who,price\nL1,Ann,10\nL2,Bob,20",
        "id,who,price\r\nL1,Ann,10\r\nL2,Bob,20\r\n",
        "id,who,price\rL1,Ann,10\rL2,Bob,20\r",
        "id,who,price\rL1,Ann,10\rL2,Bob,20",
        "id,who,price\r\nL1,Ann,10\nL2,Bob,20\r\n",
        "id,who,price\nL1,Ann,10\rL2,Bob,20\n",
        "\ufeffid,who,price\nL1,Ann,10\nL2,Bob,20\n",
        "\n\nid,who,price\n\nL1,Ann,10\n\n\nL2,Bob,20\n\n",
        "\r\n\r\nid,who,price\r\n\r\nL1,Ann,10\r\n\r\n\r\nL2,Bob,20\r\n\r\n",
        "id,who,price\nL1,Ann,10\nL2,Bob,20\n,,\n,,\n",
        "id,who,price\nL1,Ann,10\nL2,Bob,20\n   \n\x1a",
        '"id","who","price"\n"L1","Ann","10"\n"L2","Bob","20"\n',
        " id , who ,price \nL1,Ann,10\nL2,Bob,20\n",
        "sep=,\nid,who,price\nL1,Ann,10\nL2,Bob,20\n",
        "SEP=;\r\nid;who;price\r\nL1;Ann;10\r\nL2;Bob;20\r\n",
        '"sep=\t"\nid\twho\tprice\nL1\tAnn\t10\nL2\tBob\t20\n',
        "sep=;;;\nid;who;price\nL1;Ann;10\nL2;Bob;20\n",
    ],
)
def test_line_ends_blank_lines_and_the_separator_line_do_not_change_the_rows(tmp_path: Path, text: str) -> None:
    file = _open(tmp_path, text)
    assert file.header.names == ("id", "who", "price")
    assert _rows(file) == ROWS and _reasons(file) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_gives_the_encoding(tmp_path: Path, encoding: str) -> None:
    file = _open(tmp_path, "id,who,price\nL1,Besançon 型号,10\n".encode(encoding))
    assert _rows(file) == [("L1", "Besançon 型号", "10")] and file.log.notes == []
    other = _open(tmp_path, "id,who\nL1,é\n".encode(encoding), encoding="gb18030", states_encoding=True)
    assert _rows(other) == [("L1", "é")]
    assert "takes precedence over `encoding: gb18030`" in other.log.notes[0]


def test_the_byte_order_mark_of_utf16_in_both_orders(tmp_path: Path) -> None:
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        file = _open(tmp_path, mark + "id,who\r\nL1,Ann\r\n".encode(name))
        assert file.encoding == name and _rows(file) == [("L1", "Ann")]


@pytest.mark.parametrize(
    ("encoding", "who"),
    [("cp1252", "Peña"), ("big5", "臺北"), ("gb18030", "华东"), ("shift_jis", "さくら"), ("iso8859-15", "10 €")],
)
def test_an_encoding_of_python_is_read(tmp_path: Path, encoding: str, who: str) -> None:
    file = _open(tmp_path, f"id,who\nL1,{who}\n".encode(encoding), encoding=encoding)
    assert _rows(file) == [("L1", who)]


@pytest.mark.parametrize(
    ("encoding", "other", "who"),
    [("big5", "gb18030", "臺北"), ("gbk", "cp1252", "北京店"), ("cp1252", "gb18030", "Peña")],
)
def test_text_that_is_valid_but_not_plausible_in_its_encoding_is_noted(
    tmp_path: Path, encoding: str, other: str, who: str
) -> None:
    content = f"id,who,price\nL1,{who},5\n".encode(encoding)
    notes = _open(tmp_path, content, encoding=other, states_encoding=True).log.notes
    proposal = "gb18030" if encoding == "gbk" else encoding
    assert notes[0].startswith(f"the text is hardly plausible in {other}: set `encoding: {proposal}`")
    assert _open(tmp_path, content, encoding=encoding, states_encoding=True).log.notes == []


def test_utf16_without_a_mark_is_recognised_but_not_assumed(tmp_path: Path) -> None:
    content = "id,who,price\nL1,Ann,10\n".encode("utf-16-le")
    with pytest.raises(DataError, match=r"every other byte is NUL, as in utf-16: set `encoding: utf-16-le`"):
        _open(tmp_path, content)
    with pytest.raises(DataError, match=r"has no byte order mark of utf-16: set `encoding: utf-16-le`"):
        _open(tmp_path, content, encoding="utf-16", states_encoding=True)
    assert _rows(_open(tmp_path, content, encoding="utf-16-le")) == ROWS[:1]


def test_a_header_in_another_encoding_is_an_error_with_the_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1 is not valid utf-8: set `encoding: cp1252`, in which the whole"):
        _open(tmp_path, "id,prénom\nL1,Chloé\n".encode("cp1252"))


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        (["L3,Smith, John,30"], ["line 3 has 4 fields, the header has 3"]),
        (["L3,Ann"], ["line 3 has 2 fields, the header has 3"]),
        (["L3"], ["line 3 has 1 field, the header has 3"]),
        (["L3,Ann,1,2", "L4,Ann"], ["line 3 has 4 fields, the header has 3", "line 4 has 2 fields, the header has 3"]),
        (['L3,"Ann,30'], ["line 3 opens a quote that is not closed"]),
        (['L3,"Ann" x,30'], ["line 3 has text beside a quoted field"]),
        (['L3,"Smith, J",30,40'], ["line 3 has 4 fields, the header has 3"]),
    ],
)
def test_a_line_that_is_no_row_is_left_out_with_its_number(
    tmp_path: Path, lines: list[str], reasons: list[str]
) -> None:
    file = _open(tmp_path, "\n".join(["id,who,price", "L1,Ann,10", *lines, "L2,Bob,20", ""]))
    assert _rows(file) == ROWS and _reasons(file) == reasons
    assert _positions(file) == [0, len(lines) + 1]
    bad = file.log.bad_lines
    assert bad is not None and bad.frame["text"].to_list() == lines and bad.lines_read == len(lines) + 2
    assert bad.frame["__row__"].to_list() == list(range(1, len(lines) + 1))


def test_an_open_quote_swallows_no_rows_up_to_the_next_quote(tmp_path: Path) -> None:
    file = _open(tmp_path, 'id,who,price\nL0,"Eve,5\nL1,Ann,10\nL2,"Bob",20\n')
    assert _rows(file) == ROWS and _reasons(file) == ["line 2 opens a quote that is not closed"]
    closed = _open(tmp_path, 'id,who,price\nL0,"Eve,5\nL1,Ann,10\nL2,Bob,20\nL3,Cy",30\n')
    assert _rows(closed) == [*ROWS, ("L3", 'Cy"', "30")]


def test_quoted_line_ends_separators_and_quotes_are_text(tmp_path: Path) -> None:
    text = 'id,who,price\nL1,"Ann\nLee, ""Jr""",10\nL2,"a\r\nb",20\n'
    regular, irregular = _open(tmp_path, text), _open(tmp_path, text + "L3\n", "b.csv")
    rows = [("L1", 'Ann\nLee, "Jr"', "10"), ("L2", "a\r\nb", "20")]
    assert _rows(regular) == rows
    without_cr = [tuple(v.replace("\r", "") for v in row) for row in rows]
    assert [tuple((v or "").replace("\r", "") for v in row) for row in _rows(irregular)] == without_cr
    assert _reasons(irregular) == ["line 6 has 1 field, the header has 3"]


def test_quotes_inside_a_plain_field_are_text(tmp_path: Path) -> None:
    assert _rows(_open(tmp_path, 'id,who,price\nL1,17" rim,10\nL2,2" x 3",20\n')) == [
        ("L1", '17" rim', "10"),
        ("L2", '2" x 3"', "20"),
    ]


def test_separators_at_the_ends_of_lines(tmp_path: Path) -> None:
    file = _open(tmp_path, "id,who,price\nL1,Ann,10,\nL2,Bob,20,,\n")
    assert _rows(file) == ROWS
    assert file.log.notes == ["2 lines end with separators beyond the header's fields, which were left out"]
    header = _open(tmp_path, "id,who,price,\nL1,Ann,10,\nL2,Bob,20\n")
    assert header.header.names == ("id", "who", "price", "column 4")
    assert [row[:3] for row in _rows(header)] == ROWS and _reasons(header) == []


def test_nul_characters_are_removed_and_noted(tmp_path: Path) -> None:
    file = _open(tmp_path, "id,who,price\nL1,Ann\0\0,10\nL2,Bob,20\n")
    assert _rows(file) == ROWS and file.log.notes == ["NUL characters were removed from 1 line"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_compressed_files_are_recognised_by_their_content(tmp_path: Path, encoding: str) -> None:
    import pyarrow as pa

    content = "id,who,price\nL1,Ann,10\nL2,Bob,20\n".encode(encoding)
    for name, data in (("a.csv", gzip.compress(content)), ("b.dat", pa.compress(content, "zstd", asbytes=True))):
        assert _rows(_open(tmp_path, data, name)) == ROWS
    with zipfile.ZipFile(tmp_path / "c.csv", "w") as archive:
        archive.writestr("__MACOSX/._a.csv", b"x")
        archive.writestr("readme.md", b"x")
        archive.writestr("folder/a.csv", content)
    assert _rows(CsvFile(tmp_path / "c.csv", CsvOptions(names=NAMES), where="leads")) == ROWS


def test_a_file_of_an_archive_is_named_by_its_path(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a.csv", b"id\n1\n")
        archive.writestr("b.csv", b"id\n2\n")
    options = CsvOptions(names=NAMES)
    assert _rows(CsvFile(tmp_path / "c.zip" / "b.csv", options, where="leads")) == [("2",)]
    with pytest.raises(DataError, match=r"has 2 text files \(a\.csv, b\.csv\): name one, as in `csv: c\.zip/a\.csv`"):
        CsvFile(tmp_path / "c.zip", options, where="leads")
    with pytest.raises(DataError, match=r"the archive has no `d\.csv`; it has a\.csv, b\.csv"):
        CsvFile(tmp_path / "c.zip" / "d.csv", options, where="leads")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            gzip.compress(b"id,who\n" + bytes(range(32, 127)) * 100, mtime=0)[:60],
            "the gz file is damaged or incomplete",
        ),
        (b"PK\x03\x04 no archive", "the zip file is damaged or incomplete"),
        (b"\x28\xb5\x2f\xfd no frame", "the zst file is damaged or incomplete"),
        (b"%PDF-1.7", "is a PDF document: export the table as CSV"),
        (b"PAR1....", "is a Parquet file: use `parquet` instead of `csv`"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook: use `excel` instead of `csv`"),
        (b"<html><table>", "is a web page or XML, not CSV"),
        (b"", "the file is empty, without a header line"),
        (b"\n \n", "the file is empty, without a header line"),
    ],
)
def test_the_error_of_a_file_of_another_kind_says_what_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _open(tmp_path, content)


def test_null_values_are_the_same_in_regular_and_irregular_files(tmp_path: Path) -> None:
    text = 'id,who,price\nL1,-,\n"L2","-",""\n'
    regular = _rows(_open(tmp_path, text, null_values=("-",)))
    irregular = _rows(_open(tmp_path, text + "L3,x\n", "b.csv", null_values=("-",)))
    assert [[v or None for v in row] for row in regular] == [[v or None for v in row] for row in irregular]
    assert regular[0] == ("L1", None, None)


CELLS = st.text(st.sampled_from('ab "\n,;é华\r'), max_size=6)


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8), is_irregular=st.booleans())
def test_what_a_program_writes_as_csv_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], is_irregular: bool
) -> None:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "who", "price"), *(("x" + a, b, c) for a, b, c in rows)])
    text = content.getvalue() + ("one field\r\n" if is_irregular else "")
    file = _open(tmp_path_factory.mktemp("csv"), text)
    expected = [("x" + a, b, c) for a, b, c in rows]

    def plain(values: list[tuple[Any, ...]]) -> list[list[str]]:
        return [[re.sub(r"[\r\n]+", "\n", v or "") for v in row] for row in values]

    assert plain(_rows(file)) == plain(expected)
    assert len(_reasons(file)) == is_irregular


def test_blank_lines_of_a_file_with_thousands_of_columns_are_no_rows(tmp_path: Path) -> None:
    header = ["id", *(f"c{i}" for i in range(3_000))]
    lines = [",".join(header), "," * 3_000, "L1" + "," * 3_000, "," * 3_000 + "5"]
    file = _open(tmp_path, "\n".join(lines) + "\n", names=frozenset(header), mapped=frozenset({"id"}))
    rows = file.scan().select("__row__", "id", "c2999").collect()  # a minute, if the filter were inside of the scan
    assert rows.rows() == [(1, "L1", None), (2, None, "5")]
