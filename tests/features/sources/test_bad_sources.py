"""Invalid input of every kind: one clear error with the field and the remedy, before anything is written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from features.sources.config import ExtraFeatures, SourcesConfig, load_sources
from features.sources.reading import RawTables, read_tables

MIDNIGHT = 1_704_038_400_000_000  # 2024-01-01 00:00 in Shanghai
GOOD = {"application_id": ["A", "B"], "submitted_at": [MIDNIGHT, MIDNIGHT + 1]}


def read(
    folder: Path, source: dict[str, Any], *, table: str = "applications", share: float = 0.02, **options: Any
) -> RawTables:
    config = SourcesConfig(max_quarantined_share=share, tables={table: source})
    return read_tables(config, [table], quarantine_folder=folder / "quarantine", **options)


def parquet(folder: Path, data: Any) -> dict[str, str]:
    file = folder / "source.parquet"
    pl.DataFrame(data, strict=False).write_parquet(file)
    return {"parquet": str(file)}


def csv(folder: Path, text: str | bytes, **options: Any) -> dict[str, Any]:
    file = folder / "source.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"csv": str(file), **options}


def yaml_error(folder: Path, text: str) -> str:
    file = folder / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_sources(file)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("tabels: {}", ["sources.yaml: tabels: unknown key", "did you mean `tables`?"]),
        ("tables: {aplications: {csv: a.csv}}", ["`aplications` is not a raw table", "did you mean `applications`?"]),
        ("tables: {leads: {csv: a.csv, seperator: ';'}}", ["tables.leads.seperator: unknown key", "`separator`"]),
        (
            "tables: {leads: {csv: a, columns: {price: {from: p, factr: 2}}}}",
            ["tables.leads.columns.price.factr", "`factor`"],
        ),
        (
            "tables: {leads: {csv: a, columns: {price: 5}}}",
            ["tables.leads.columns.price", "{from: name", "5"],
        ),
        ("tables: {leads: {csv: a, columns: {price: {factor: 5}}}}", ["exactly one of `from`, `constant`"]),
        (
            "tables: {leads: {csv: a, columns: {price: {constant: 5, factor: 2}}}}",
            ["`factor` converts a source column"],
        ),
        ("tables: {leads: {csv: a, columns: {price: {from: p, factor: 0}}}}", ["must not be 0", "for example 100"]),
        (
            "tables: {leads: {csv: a, columns: {price: {from: p, map_other: keep}}}}",
            ["no effect without `map`"],
        ),
        ("tables: {leads: {csv: a, columns: {price: {from: p, format: x, unit: s}}}}", ["remove one of them"]),
        (
            "tables: {leads: {csv: a.csv, parquet: b}}",
            ["tables.leads", "exactly one of `parquet`, `csv`, `excel`, `sql` and `store`"],
        ),
        ("tables: {leads: {sql: SELECT 1}}", ["`sql` (the query) and `url` (its database) need each other"]),
        ("tables: {leads: {parquet: a, encoding: gb18030}}", ["`encoding` applies to `csv` only; remove it"]),
        ("tables: {leads: {csv: a, encoding: gbx}}", ["tables.leads.encoding", "no text encoding", "got 'gbx'"]),
        ("max_quarantined_share: 2", ["max_quarantined_share", "less than or equal to 1", "got 2"]),
        ("timezone: Asia/Shangai", ["timezone", "no such time zone", "Asia/Shanghai", "got 'Asia/Shangai'"]),
        ("timezone: Asia", ["timezone", "no such time zone", "got 'Asia'"]),
        ("timezone: ${CHEHANG_NO_SUCH_VARIABLE}", ["timezone", "CHEHANG_NO_SUCH_VARIABLE is not set", "set it"]),
        ("timezone: UTC\ntimezone: UTC", ["key `timezone` is given twice", "line 2"]),
        ("tables: [", ["not valid YAML", "correct that line"]),
        ("- a", ["must be keys and values", "got a list"]),
    ],
)
def test_the_error_of_an_invalid_yaml_has_file_field_and_remedy(tmp_path, text, parts):
    message = yaml_error(tmp_path, text)
    assert "sources.yaml" in message and "\n" not in message
    for part in parts:
        assert part in message


def test_a_yaml_that_is_not_there_or_not_utf8(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file"):
        load_sources(tmp_path / "none.yaml")
    (tmp_path / "gb.yaml").write_bytes("# 车行".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"not UTF-8 at byte 2; save the file as UTF-8"):
        load_sources(tmp_path / "gb.yaml")


def test_the_environment_fills_in_and_paths_are_relative_to_the_yaml(tmp_path, monkeypatch):
    monkeypatch.setenv("CHEHANG_TEST_FILE", "a: b#.csv")  # parsed first, filled in second: YAML signs are harmless
    (tmp_path / "sources.yaml").write_text(
        "max_quarantined_share: ${CHEHANG_TEST_SHARE:-0.5}\n"
        "tables: {leads: {csv: '${CHEHANG_TEST_FILE}', columns: {campaign: {from: c, map: {no: x, 010: y}}}}}"
    )
    config = load_sources(tmp_path / "sources.yaml")
    assert config.max_quarantined_share == 0.5
    assert config.tables["leads"].csv == str(tmp_path / "a: b#.csv")
    assert config.tables["leads"].columns["campaign"].map == {"no": "x", "010": "y"}  # texts, as they look


def test_a_missing_entry_file_and_column_are_all_reported_before_a_row_is_read(tmp_path):
    data = parquet(tmp_path, {"aplication_id": ["A"], "submitted_at": [MIDNIGHT]})
    config = SourcesConfig(tables={"applications": data, "leads": {"csv": str(tmp_path / "none.csv")}})
    with pytest.raises(DataError) as raised:
        read_tables(config, ["applications", "leads", "fleet"], quarantine_folder=tmp_path / "quarantine")
    message = str(raised.value)
    assert "applications: the source has no column `application_id` (did you mean `aplication_id`?)" in message
    assert "give the source column's name at sources: tables.applications.columns.application_id" in message
    assert (
        "none.csv: no such file" in message
        and "tables: the table `fleet` is needed and has no entry: add its source" in message
    )
    assert not (tmp_path / "quarantine").exists()


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"loan_amount": "amuont"}, ["tables.applications.columns.loan_amount", "`amuont`", "did you mean `amount`?"]),
        (
            {"housing": {"from": "amount", "factor": 2}},
            ["columns.housing: `factor` multiplies", "remove `factor`"],
        ),
        ({"housing": {"from": "amount", "unit": "s"}}, ["columns.housing: `unit` reads timestamps", "remove `unit`"]),
        (
            {"housing": {"from": "amount", "map": {"A": "own"}}},
            ["columns.housing.map: key `A` is no number", "numeric values"],
        ),
    ],
)
def test_an_invalid_mapping(tmp_path, columns, parts):
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, parquet(tmp_path, GOOD | {"amount": [1, 2]}) | {"columns": columns})
    for part in parts:
        assert part in str(raised.value)


def test_extra_features_that_are_not_there_or_are_contract_columns(tmp_path):
    source = parquet(tmp_path, GOOD | {"age": [1, 2]})
    with pytest.raises(ConfigError, match=r"no column `agee` \(did you mean `age`.*remove `agee` from extra_features"):
        read(tmp_path, source, extra={"applications": ExtraFeatures(numeric=["agee"])})
    with pytest.raises(ConfigError, match=r"extra_features: `gender` is a protected attribute.*remove it"):
        read(tmp_path, source, extra={"applications": ExtraFeatures(categorical=["gender"])})
    with pytest.raises(ValueError, match=r"`age` is listed more than once"):
        ExtraFeatures(numeric=["age"], categorical=["age"])


def test_a_filter_on_a_column_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"tables.applications.only: the source has no column `submited_at`; did you"):
        read(tmp_path, parquet(tmp_path, GOOD) | {"only": {"submited_at": [1]}})


def test_the_error_of_a_missing_time_column_names_the_setting_for_undated_data(tmp_path):
    with pytest.raises(
        DataError, match=r"no column `submitted_at`.*set `time: none` in the task's YAML if the table has no dates"
    ):
        read(tmp_path, parquet(tmp_path, {"application_id": ["A"]}))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_empty_table(tmp_path, kind):
    source = (
        parquet(tmp_path, pl.DataFrame(GOOD).clear())
        if kind == "parquet"
        else csv(tmp_path, "application_id,submitted_at\n")
    )
    with pytest.raises(DataError, match=r"source.*: has no rows: fill the table, or give another source"):
        read(tmp_path, source)


def test_filters_that_leave_no_row(tmp_path):
    with pytest.raises(
        DataError,
        match=r"leave none of the 2 rows: 2 rows whose .* is 'A' or 'B' were left out by .drop.",
    ):
        read(tmp_path, parquet(tmp_path, GOOD) | {"drop": {"application_id": ["A", "B"]}})


def test_a_required_column_that_is_null_in_every_row(tmp_path):
    source = parquet(tmp_path, pl.DataFrame({"application_id": ["A"], "defaulted": [None]}))
    with pytest.raises(DataError, match=r"`defaulted` has no value in any row: fill it in, or map another"):
        read(tmp_path, source, table="loan_outcomes")


def test_a_required_column_that_no_row_has_readable(tmp_path):
    source = parquet(tmp_path, GOOD | {"submitted_at": ["next week", "soon"]})
    with pytest.raises(
        DataError,
        match=r"no valid row is left.*submitted_at: wrong type in 2 rows, for example 'next week' \(give the strptime",
    ):
        read(tmp_path, source)


def test_a_key_that_is_null_in_every_row(tmp_path):
    source = parquet(tmp_path, GOOD | {"application_id": [None, None]})
    with pytest.raises(DataError, match=r"required column `application_id` has no value in any row"):
        read(tmp_path, source)


def test_dates_in_the_future(tmp_path):
    soon = time.time_ns() // 1000 + 3_600_000_000
    source = parquet(tmp_path, GOOD | {"submitted_at": [MIDNIGHT, soon]})
    with pytest.raises(
        DataError, match=r"submitted_at: in the future in 1 row, .*is less than 14 hours ahead: correct `timezone`"
    ):
        read(tmp_path, source)
    assert read(tmp_path, source | {"allow_future": True}).reports["applications"].rows_valid == 2


def test_duplicate_keys(tmp_path):
    source = parquet(tmp_path, {"application_id": ["A", "A", "B"], "submitted_at": [MIDNIGHT, MIDNIGHT + 1, MIDNIGHT]})
    with pytest.raises(
        DataError,
        match=r"application_id: duplicate key in 2 rows, for example 'A' \(keep one row for each application_id, or",
    ):
        read(tmp_path, source)


def test_mixed_types(tmp_path):
    source = csv(tmp_path, "application_id,submitted_at,term_months\nA,2024-01-01,12\nB,2024-01-01,a year\n")
    mapped = source | {"columns": {"term_months": "term_months"}}
    with pytest.raises(
        DataError, match=r"term_months: wrong type in 1 row, for example 'a year' \(if a year means missing, "
    ):
        read(tmp_path, mapped)
    assert "term_months" not in read(tmp_path, source).reports["applications"].columns  # found by name: set aside
    assert read(tmp_path, source, share=0.5).frames["applications"].collect()["term_months"].to_list() == [12]


def test_past_the_share_the_worst_rules_come_first_and_personal_values_are_not_shown(tmp_path):
    data = {
        "application_id": list("ABCDEF"),
        "submitted_at": [MIDNIGHT] * 6,
        "dependents": [777_777] * 5 + [1],
        "loan_amount": [199.5] * 4 + [1, 1],
        "secret": ["138-555"] * 3 + ["1"] * 3,
        "term_months": [999] * 2 + [1] * 4,
    }
    with pytest.raises(DataError) as raised:
        columns = {name: name for name in ("dependents", "loan_amount", "term_months")}
        source = parquet(tmp_path, data) | {"columns": columns}
        read(tmp_path, source, extra={"applications": ExtraFeatures(numeric=["secret"])})
    message = str(raised.value)
    assert "5 of 6 rows (83.3%) break the contract, and max_quarantined_share in sources is 2.0%" in message
    assert "dependents: not between 0 and 20 in 5 rows, for example <personal>" in message
    assert "loan_amount: not a whole number in 4 rows, for example 199.5 (amounts are whole numbers of fen" in message
    assert "secret: wrong type in 3 rows, for example <not shown>" in message and "and 1 more rule" in message
    text = message.replace(str(tmp_path), "")  # a temporary folder may be numbered like a phone
    assert "777" not in text and "138" not in text
    assert str(tmp_path / "quarantine" / "applications.parquet") in message
    assert pl.read_parquet(tmp_path / "quarantine" / "applications.parquet").height == 5  # there to be looked at


def test_gb18030_read_as_utf8_names_the_line_and_the_encoding(tmp_path):
    source = csv(tmp_path, b"application_id,submitted_at,region\nA,2024-01-01," + "华东\n".encode("gb18030"))
    with pytest.raises(DataError, match=r"for example line 2 is not valid utf-8 \(set `encoding: gb18030`, in which"):
        read(tmp_path, source)
    frame = read(tmp_path, source | {"encoding": "gb18030"}).frames["applications"].collect()
    assert frame["region"].to_list() == ["华东"]


def test_an_invalid_byte_far_into_the_file_quarantines_its_line_alone(tmp_path):
    rows = "".join(f"A{i},2024-01-01,华\n" for i in range(40_000))  # characters cross the ends of chunks
    text = b"application_id,submitted_at,region\n" + rows.encode() + b"B,2024-01-01,\xff\nC,2024-01-01,x\n"
    tables = read(tmp_path, csv(tmp_path, text))
    report = tables.reports["applications"]
    assert (report.rows_read, report.rows_valid, report.rows_quarantined) == (40_002, 40_001, 1)
    assert report.rules == {"line: not valid in its encoding": 1}
    quarantine = pl.read_parquet(tmp_path / "quarantine" / "applications.parquet")
    assert quarantine["broken_rules"].to_list() == [["line 40002 is not valid utf-8"]]
    assert quarantine["line_text"].to_list() == ["B,2024-01-01,\ufffd"]
    assert quarantine["source_row"].to_list() == [40_001]


def test_utf8_read_as_gb18030_where_that_fails(tmp_path):
    source = csv(tmp_path, "application_id,submitted_at,region\nA,2024-01-01,a€\n", encoding="gb18030")
    with pytest.raises(DataError, match=r"line 2 is not valid gb18030 \(set `encoding: utf-8`"):
        read(tmp_path, source)


def test_paths_of_the_wrong_kind(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.parquet").write_text("application_id,submitted_at\n")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1" + b"\0" * 40)
    (tmp_path / "nothing.csv").touch()
    (tmp_path / "ragged.csv").write_text("application_id,submitted_at\nA,1,2,3\n")
    for source, kind, message in (
        ({"csv": "folder"}, ConfigError, "is a folder: `csv` needs a file; use `parquet`"),
        ({"parquet": "folder"}, DataError, "the folder has no .*parquet file"),
        ({"parquet": "none.parquet"}, DataError, "no such file: correct `parquet`"),
        ({"parquet": "none*.parquet"}, DataError, "no such file: correct `parquet`"),
        ({"parquet": "text.parquet"}, DataError, "text.parquet is not a Parquet file: use `csv`"),
        ({"parquet": "cut.parquet"}, DataError, "cut.parquet.*cannot be read.*if the file is damaged, export it again"),
        ({"csv": "nothing.csv"}, DataError, "the file is empty, without a header line"),
        (
            {"csv": "ragged.csv"},
            DataError,
            r"line 2 has 4 fields, the header has 2 \(put quotes around a field",
        ),
    ):
        paths = {k: str(tmp_path / v) for k, v in source.items()}
        with pytest.raises(kind, match=message):
            read(tmp_path, paths)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_file_that_this_user_may_not_read(tmp_path, kind):
    source = (
        parquet(tmp_path, GOOD) if kind == "parquet" else csv(tmp_path, "application_id,submitted_at\nA,2024-01-01\n")
    )
    Path(source[kind]).chmod(0)
    root = os.geteuid() == 0
    if root:  # whom permissions do not stop
        for folder in tmp_path.parents[:3]:
            folder.chmod(0o755)
        tmp_path.chmod(0o755)
        os.seteuid(65_534)
    try:
        with pytest.raises(DataError, match=r"source\.\w+.*(?i:permission).*(give this user permission|permissions)"):
            read(tmp_path, source)
    finally:
        if root:
            os.seteuid(0)


def test_a_column_of_a_type_that_cannot_hold_the_contract(tmp_path):
    with pytest.raises(
        DataError,
        match=r"column `term_months` has type List.*cannot be converted.*export `term_months` as text",
    ):
        source = parquet(tmp_path, GOOD | {"term_months": [[1], [2]]})
        read(tmp_path, source | {"columns": {"term_months": "term_months"}})
    notes = read(tmp_path, source).reports["applications"].notes
    assert any("term_months set aside (taken by its name): its type List(Int64) is no integer" in n for n in notes)


FULL = """
import resource, sys
from pathlib import Path
import polars as pl
from features.errors import ConfigError
from features.sources import SourcesConfig, read_tables
source, quarantine = sys.argv[1:]
config = SourcesConfig(max_quarantined_share=1, tables={"applications": {"parquet": source}})
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    read_tables(config, ["applications"], quarantine_folder=Path(quarantine))
except ConfigError as error:
    print(error)
"""


def test_a_disk_that_fills_up_while_the_quarantine_is_written_leaves_no_half_file(tmp_path):
    assert resource.RLIM_INFINITY  # a limit on file size stands in for the full disk: no mount, no root needed
    rows = 20_000
    data = {"application_id": [f"{i * 7919 % 65_521:x}-{i}" for i in range(rows)], "submitted_at": [MIDNIGHT] * rows}
    source = parquet(tmp_path, data | {"term_months": [0] * (rows - 1) + [1]})
    (tmp_path / "quarantine").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FULL, source["parquet"], str(tmp_path / "quarantine")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert "applications.parquet: cannot be written: " in done.stdout, done.stdout + done.stderr
    assert "free disk space, make its folder writable" in done.stdout
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_a_quarantine_folder_that_is_not_writable(tmp_path):
    (tmp_path / "quarantine").write_text("a file")
    with pytest.raises(ConfigError, match=r"applications.parquet: cannot be written: .*make its folder writable"):
        read(tmp_path, parquet(tmp_path, GOOD | {"term_months": [0, 1]}), share=1.0)


@pytest.mark.parametrize("text", [b'{"id": 1, "day": "2024-01-01"}\n{"id": 2}\n', b'[{"id": 1}]'])
def test_json_is_called_what_it_is(tmp_path, text):
    with pytest.raises(DataError, match="is JSON, not CSV: export the rows as CSV or Parquet"):
        read(tmp_path, csv(tmp_path, text))
