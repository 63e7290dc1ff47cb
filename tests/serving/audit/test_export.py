"""Files of entries: the three formats have the same rows, texts are no formulas, and the manifest names the ends."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import fastexcel
import pytest
import sqlalchemy as sa

from features.errors import ConfigError
from serving.audit.export import COLUMNS, ExportedEntry, check_format, export_entries, file_digest, write_manifest
from serving.audit.logged_entries import Selection, logged_entries
from serving.audit.personal import with_personal
from serving.decisions.entries import Head
from tests.serving.audit.content import ALL_TIME, sample_log
from tests.serving.decisions.logs import KEYS, rows


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    """Return the log of `sample_log`."""
    return sample_log(tmp_path)


def exported(engine: sa.Engine, path: Path, *, personal: bool = False) -> Path:
    entries = logged_entries(engine, Selection(ALL_TIME), end=99)
    items = with_personal(engine, KEYS, entries) if personal else ((entry, None) for entry in entries)
    file = export_entries(path, (ExportedEntry(*item) for item in items), ALL_TIME, personal=personal)
    stored = rows(engine)
    assert (file.rows, file.first, file.last) == (9, Head(1, stored[0].hash), Head(9, stored[8].hash))
    assert (file.size, file.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    assert file.sha256 == file_digest(path)
    return path


def test_a_csv_file_opens_in_excel_and_has_no_formula(engine: sa.Engine, tmp_path: Path) -> None:
    path = exported(engine, tmp_path / "new" / "decisions.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))
    assert tuple(table[0]) == COLUMNS and len(table) == 9
    first = {name: table[0][name] for name in ("sequence", "at", "decision_id", "models", "outcome", "personal_part")}
    assert first == {
        "sequence": "1", "at": "2026-01-10 12:00:00", "decision_id": "d1", "models": "credit_risk 1",
        "outcome": "approve", "personal_part": "stored",
    }  # fmt: skip
    assert (table[1]["reasons"], table[4]["offers"], table[4]["band"]) == ("BUREAU", "o-1", "approve")
    assert (table[6]["who"], table[6]["why"]) == ("'=li.wei", "'=cmd")
    assert "monthly_income" not in path.read_text(encoding="utf-8")


def test_an_excel_file_has_the_same_rows_and_the_texts_as_they_are(engine: sa.Engine, tmp_path: Path) -> None:
    frame = fastexcel.read_excel(exported(engine, tmp_path / "decisions.xlsx")).load_sheet("decisions").to_polars()
    assert tuple(frame.columns) == COLUMNS
    assert frame["sequence"].to_list() == list(range(1, 10))
    assert (frame["who"][6], frame["why"][6]) == ("=li.wei", "=cmd")


def test_json_lines_have_every_column_and_the_whole_content(engine: sa.Engine, tmp_path: Path) -> None:
    path = exported(engine, tmp_path / "decisions.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    stored = rows(engine)
    assert [line["hash"] for line in lines] == [entry.hash for entry in stored]
    assert [line["content"] for line in lines] == [json.loads(entry.content) for entry in stored]
    assert "personal" not in lines[0]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.jsonl"])
def test_personal_fields_are_a_column_of_their_own(engine: sa.Engine, tmp_path: Path, name: str) -> None:
    path = exported(engine, tmp_path / name, personal=True)
    if name == "a.jsonl":
        values = [json.loads(line)["personal"] for line in path.read_text(encoding="utf-8").splitlines()]
    elif name == "a.csv":
        table = csv.DictReader(path.open(encoding="utf-8-sig", newline=""))
        values = [json.loads(row["personal"] or "null") for row in table]
    else:
        texts = fastexcel.read_excel(path).load_sheet(0).to_polars()["personal"]
        values = [json.loads(text or "null") for text in texts]
    assert values[0] == {"inputs": {"gender": "female", "monthly_income": 9_000}} and values[3] is None


def test_an_interrupted_export_leaves_the_old_file(engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("old")

    def interrupted() -> object:
        yield ExportedEntry(next(logged_entries(engine, Selection(ALL_TIME), end=9)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_entries(path, interrupted(), ALL_TIME, personal=False)  # type: ignore[arg-type]
    assert path.read_text() == "old" and not list(tmp_path.glob(".decisions*"))


def test_an_empty_selection_is_a_file_with_a_header(tmp_path: Path) -> None:
    file = export_entries(tmp_path / "none.csv", (), ALL_TIME, personal=False)
    assert (file.rows, file.first, file.last) == (0, None, None)
    assert file.path.read_text(encoding="utf-8-sig").strip() == ",".join(COLUMNS)


def test_other_endings_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.csv, \.xlsx or \.jsonl, got '\.parquet'"):
        check_format(tmp_path / "a.parquet")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="free space there or choose another place"):
        export_entries(tmp_path / "file" / "a.csv", (), ALL_TIME, personal=False)


def test_a_manifest_has_heads_as_objects(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.json", {"last": Head(3, "ab"), "first": None, "文件": "a"})
    assert json.loads((tmp_path / "m.json").read_text()) == {
        "last": {"sequence": 3, "hash": "ab"}, "first": None, "文件": "a"
    }  # fmt: skip
