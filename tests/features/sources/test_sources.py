"""Raw tables from files: mapping, conversion, quarantine and fingerprint, on rows one can check by eye."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.sources.config import ExtraFeatures, SourcesConfig, load_sources
from features.sources.reading import RawTables, read_tables
from features.sources.rules import contract_rules
from features.tables import APPLICATIONS, EARLIEST, EVENTS, TABLES
from tests.features.pandera_schema import pandera_schema

ROOT = Path(__file__).resolve().parents[3]
MIDNIGHT = 1_704_038_400_000_000  # 2024-01-01 00:00 in Shanghai


def read(
    folder: Path, table: str, data: dict[str, Any] | pl.DataFrame, *, share: float = 1.0, **options: Any
) -> RawTables:
    """Read one table that a source has as Parquet; `options` go to its source or to `read_tables`."""
    file = folder / f"{table}-source.parquet"
    pl.DataFrame(data, strict=False).write_parquet(file)
    reading = {k: options.pop(k) for k in ("extra", "undated", "progress") if k in options}
    config = SourcesConfig(max_quarantined_share=share, tables={table: {"parquet": str(file), **options}})
    return read_tables(config, [table], quarantine_folder=folder / "quarantine", **reading)


def column(
    folder: Path, name: str, values: Any, spec: Any = None, *, share: float = 1.0
) -> tuple[list[Any], dict[str, int]]:
    """One application column after reading, by key, and the rules that rows broke."""
    series = values if isinstance(values, pl.Series) else pl.Series("src", values)
    keys = [str(i) for i in range(len(series))]
    data = pl.DataFrame({"application_id": keys, "submitted_at": [MIDNIGHT] * len(keys)}).with_columns(
        series.alias("src")
    )
    tables = read(folder, "applications", data, share=share, columns={name: spec or "src"})
    values_by_key = dict(tables.frames["applications"].select("application_id", name).collect().iter_rows())
    return [values_by_key.get(k, "quarantined") for k in keys], tables.reports["applications"].rules


def good(rows: int) -> dict[str, Any]:
    return {"application_id": [f"A{i}" for i in range(rows)], "submitted_at": [MIDNIGHT + i for i in range(rows)]}


def test_the_default_config_reads_the_ten_tables_of_the_sample_dealership(monkeypatch, tmp_path):
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    config = load_sources(ROOT / "configs" / "sources.yaml")
    assert set(config.tables) == set(TABLES) - {"denominators"}
    assert config.tables["fleet"].parquet == str(tmp_path / "sample" / "tables" / "fleet.parquet")


def test_columns_are_renamed_scaled_mapped_made_constant_and_left_out(tmp_path):
    data = {
        "no": [1, 2],
        "apply_date": ["31/01/2024", "01/02/2024"],
        "yuan": ["12,000", " 35 "],
        "home": ["A", "B"],
        "gender": ["female", "male"],
        "region": ["East", "  "],
        "unknown_to_the_contract": [1, 1],
    }
    columns = {
        "application_id": "no",
        "submitted_at": {"from": "apply_date", "format": "%d/%m/%Y"},
        "loan_amount": {"from": "yuan", "factor": 100},
        "housing": {"from": "home", "map": {"A": "own", "B": "rent"}},
        "use": {"constant": "private"},
        "gender": None,
    }
    frame = read(tmp_path, "applications", data, columns=columns).frames["applications"].collect()
    assert frame.to_dicts() == [
        {
            "application_id": "1",
            "submitted_at": 1_706_630_400_000_000,
            "region": "East",
            "use": "private",
            "loan_amount": 1_200_000,
            "housing": "own",
        },
        {
            "application_id": "2",
            "submitted_at": 1_706_716_800_000_000,
            "region": None,
            "use": "private",
            "loan_amount": 3_500,
            "housing": "rent",
        },
    ]


@pytest.mark.parametrize(
    ("values", "spec", "expected"),
    [
        (["2024-01-01", "2024-01-01 00:00:00", "2024-01-01T00:00", "2024/1/1", "20240101"], None, [MIDNIGHT] * 5),
        (
            ["2023-12-31T16:00:00Z", "2024-01-01 00:00:00+08:00", "2023-12-31T16:00Z", "2024-01-01T00:00+0800"],
            None,
            [MIDNIGHT] * 4,
        ),
        ([dt.date(2024, 1, 1)], None, [MIDNIGHT]),
        ([dt.datetime(2024, 1, 1)], None, [MIDNIGHT]),
        ([dt.datetime(2023, 12, 31, 16, tzinfo=dt.UTC)], None, [MIDNIGHT]),
        ([MIDNIGHT], None, [MIDNIGHT]),
        ([MIDNIGHT // 10**6], {"from": "src", "unit": "s"}, [MIDNIGHT]),
        ([MIDNIGHT / 1000], {"from": "src", "unit": "ms"}, [MIDNIGHT]),
        ([str(MIDNIGHT // 10**6)], {"from": "src", "unit": "s"}, [MIDNIGHT]),
        (["01-01-2024", "1/1/2024"], {"from": "src", "format": ["%d-%m-%Y", "%m/%d/%Y"]}, [MIDNIGHT] * 2),
        ([20240101], {"from": "src", "format": "%Y%m%d"}, [MIDNIGHT]),
        # Clocks went from 02:00 to 03:00 on 1986-05-04: 02:30 never was, and is taken as 03:30.
        (["1986-05-04 02:30"], None, [515_529_000_000_000]),
    ],
)
def test_every_way_of_writing_an_instant_gives_the_same_microseconds(tmp_path, values, spec, expected):
    assert column(tmp_path, "decided_at", values, spec) == (expected, {})


@pytest.mark.parametrize(
    ("name", "values", "spec", "expected", "rules"),
    [
        ("loan_amount", [199.99, 0.01], {"from": "src", "factor": 100}, [19_999, 1], {}),
        ("loan_amount", [Decimal("199.99")], {"from": "src", "factor": 100}, [19_999], {}),
        ("loan_amount", ["1.005", "1.015", "2.5"], {"from": "src", "factor": 100}, [100, 101, 250], {}),
        ("loan_amount", [199.99, 200.0], None, ["quarantined", 200], {"loan_amount: not a whole number": 1}),
        (
            "dependents",
            ["2", "2.0", "two", "12,5"],
            None,
            [2, 2, "quarantined", "quarantined"],
            {"dependents: wrong type": 1, "dependents: not a whole number": 1},
        ),
        ("dependents", [1.0, float("nan"), float("inf")], None, [1, None, "quarantined"], {"dependents: infinite": 1}),
        (
            "bureau_score",
            ["nan", "", "1e2", "inf"],
            None,
            [None, None, 100.0, "quarantined"],
            {"bureau_score: infinite": 1},
        ),
        ("dependents", [1, 96, 98], {"from": "src", "nulls": [96, 98]}, [1, None, None], {}),
        ("dependents", ["1", "96", " 98"], {"from": "src", "nulls": [96, 98]}, [1, None, None], {}),
        ("co_borrower", ["1", "true", "Yes", "是"], None, [True] * 4, {}),
        (
            "co_borrower",
            ["0", "FALSE", "no", "maybe"],
            None,
            [False] * 3 + ["quarantined"],
            {"co_borrower: wrong type": 1},
        ),
        ("co_borrower", [0, 1, 2], None, [False, True, "quarantined"], {"co_borrower: wrong type": 1}),
        ("co_borrower", ["bad", "good"], {"from": "src", "map": {"bad": True, "good": False}}, [True, False], {}),
        ("co_borrower", [7, 8], {"from": "src", "map": {7: True, 8: None}}, [True, None], {}),
        (
            "use",
            ["P", "X"],
            {"from": "src", "map": {"P": "private"}},
            ["private", "quarantined"],
            {"use: value not in `map`": 1},
        ),
        ("use", ["P", "X"], {"from": "src", "map": {"P": "private"}, "map_other": "null"}, ["private", None], {}),
        ("use", ["P", "private"], {"from": "src", "map": {"P": "private"}, "map_other": "keep"}, ["private"] * 2, {}),
        ("use", ["private", "lease"], None, ["private", "quarantined"], {"use: not one of private, commercial": 1}),
        (
            "term_months",
            [1, 120, 0, 121, None],
            None,
            [1, 120, "quarantined", "quarantined", None],
            {"term_months: not between 1 and 120": 2},
        ),
        ("occupation", [5.0, 2.5], None, ["5", "2.5"], {}),
        ("occupation", [Decimal("5.00"), Decimal("2.50")], None, ["5", "2.5"], {}),
        ("decided_at", [1_704_038_461], None, ["quarantined"], {"decided_at: number without a unit": 1}),
        ("decided_at", ["soon"], None, ["quarantined"], {"decided_at: wrong type": 1}),
        (
            "decided_at",
            [2**62],
            {"from": "src", "unit": "s"},
            ["quarantined"],
            {"decided_at: not between 1920-01-01 and 2100-01-01": 1},
        ),
    ],
)
def test_values_are_converted_or_quarantined_with_the_rule_they_break(tmp_path, name, values, spec, expected, rules):
    rows_left = "quarantined" not in expected or len(set(expected)) > 1
    if not rows_left:  # nothing is left: the run stops, and says which rule
        with pytest.raises(DataError, match=next(iter(rules)).split(": ")[1]):
            column(tmp_path, name, values, spec)
        return
    assert column(tmp_path, name, values, spec) == (expected, rules)


@given(fen=st.integers(min_value=1, max_value=10**12))
def test_yuan_with_two_decimals_become_the_exact_fen(fen):
    from features.sources.column_source import ColumnSource
    from features.sources.conversion import convert

    text = f"{fen // 100}.{fen % 100:02d}"
    spec = ColumnSource(source="x", factor=100)
    for value in (text, float(text), Decimal(text)):
        series = pl.Series([value])
        converted = convert(pl.lit(series), series.dtype, "money", spec=spec, timezone="UTC", field="")
        assert pl.select(converted.value).item() == fen


@settings(deadline=None)
@given(moment=st.datetimes(dt.datetime(1992, 1, 1), dt.datetime(2099, 1, 1)))
def test_text_and_timestamp_of_a_moment_agree(moment):
    from features.sources.instants import to_microseconds

    expected = round((moment - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1)) - 8 * 3_600_000_000
    for value in (moment, moment.isoformat(), moment.isoformat(" ") + "+08:00"):
        series = pl.Series([value])
        instants = to_microseconds(pl.lit(series), series.dtype, timezone="Asia/Shanghai", formats=(), unit=None)
        assert pl.select(instants).item() == expected


def test_extra_features_flow_through_as_numbers_and_texts(tmp_path):
    data = good(3) | {"age": ["41", None, "n/a"], "branch": [5.0, None, 7.5]}
    extra = {"applications": ExtraFeatures(numeric=["age"], categorical=["branch"])}
    tables = read(tmp_path, "applications", data, extra=extra, columns={"age": {"from": "age", "nulls": ["n/a"]}})
    frame = tables.frames["applications"].collect()
    assert frame.schema["age"] == pl.Float64 and frame["age"].to_list() == [41.0, None, None]
    assert frame.schema["branch"] == pl.String and frame["branch"].to_list() == ["5", None, "7.5"]
    assert tables.reports["applications"].columns == ("application_id", "submitted_at", "age", "branch")


def test_an_undated_table_has_no_time_column_even_where_the_source_has_one(tmp_path):
    data = good(2) | {"term_months": [12, 24]}
    frame = read(tmp_path, "applications", data, undated=["applications"]).frames["applications"].collect()
    assert frame.columns == ["application_id", "term_months"]


def test_the_row_number_is_a_key_for_a_table_without_one(tmp_path):
    data = {"bad": [1, 0, 1], "kind": ["x", "y", "x"]}
    columns = {"application_id": {"row_number": True}, "defaulted": "bad"}
    frame = read(tmp_path, "loan_outcomes", data, columns=columns, only={"kind": ["x"]}).frames["loan_outcomes"]
    assert frame.collect().rows() == [("1", True), ("3", True)]  # numbers of the source, whatever is left out


def test_only_and_drop_leave_rows_out_before_they_are_counted(tmp_path):
    data = good(4) | {"status": ["1", "2", None, "x"]}
    selected = read(tmp_path, "applications", data, only={"status": [1, None]}).reports["applications"]
    dropped = read(tmp_path, "applications", data, drop={"status": ["x", None]}).reports["applications"]
    assert (selected.rows_read, dropped.rows_read) == (2, 2)


def test_broken_rows_are_quarantined_with_their_source_row_and_every_rule_they_break(tmp_path):
    data = good(4) | {
        "term_months": [12, 0, 24, 500],
        "laufzeit": [1, 2, 3, 4],
        "use": ["private", "boat", None, "private"],
    }
    tables = read(tmp_path, "applications", data)
    report = tables.reports["applications"]
    assert (report.rows_read, report.rows_valid, report.rows_quarantined) == (4, 2, 2)
    assert report.rules == {"term_months: not between 1 and 120": 2, "use: not one of private, commercial": 1}
    quarantine = tmp_path / "quarantine" / "applications.parquet"
    quarantined = pl.read_parquet(quarantine)
    assert quarantined["source_row"].to_list() == [2, 4]
    assert quarantined["broken_rules"].to_list() == [
        ["use: not one of private, commercial", "term_months: not between 1 and 120"],
        ["term_months: not between 1 and 120"],
    ]
    assert quarantined["use"].to_list() == ["boat", "private"] and "laufzeit" not in quarantined.columns
    assert quarantine.stat().st_mode & 0o077 == 0  # it may hold personal data
    assert [f.name for f in quarantine.parent.iterdir()] == ["applications.parquet"]


def test_a_quarantine_of_an_earlier_run_does_not_outlive_its_cause(tmp_path):
    read(tmp_path, "applications", good(2) | {"term_months": [0, 1]})
    read(tmp_path, "applications", good(2) | {"term_months": [1, 1]})
    assert not (tmp_path / "quarantine" / "applications.parquet").exists()


def test_one_of_identical_rows_is_valid_and_different_rows_of_one_key_are_quarantined(tmp_path):
    data = {
        "application_id": ["A", "A", "B", "B", "B", "C"],
        "submitted_at": [MIDNIGHT + i for i in (1, 1, 2, 2, 3, 4)],
        "region": ["x"] * 6,
    }
    tables = read(tmp_path, "applications", data)
    report = tables.reports["applications"]
    assert tables.frames["applications"].collect()["application_id"].to_list() == ["A", "C"]
    assert report.rules == {"application_id: duplicate key": 2, "exact duplicate": 2}
    assert (report.rows_read, report.rows_valid, report.rows_quarantined) == (6, 2, 2)
    assert pl.read_parquet(tmp_path / "quarantine" / "applications.parquet")["source_row"].to_list() == [3, 5]


def test_a_key_of_several_columns_is_unique_as_a_whole(tmp_path):
    at = [MIDNIGHT, MIDNIGHT, MIDNIGHT + 1]
    data = {"store_id": ["s", "s", "s"], "model": ["m", "n", "m"], "snapshot_at": at, "quantity": [1, 2, 3]}
    assert read(tmp_path, "stock", data).reports["stock"].rows_valid == 3
    with pytest.raises(DataError, match="store_id, model: duplicate key"):
        read(tmp_path, "stock", data, undated=["stock"], drop={"model": ["n"]})


def test_a_repeat_of_a_row_does_not_count_towards_the_share(tmp_path):
    data = {"application_id": ["A", "A"], "submitted_at": [MIDNIGHT] * 2}
    assert read(tmp_path, "applications", data, share=0.0).reports["applications"].rows_valid == 1


def test_the_fingerprint_follows_the_content_and_nothing_else(tmp_path):
    base = good(3) | {"term_months": [12, 24, 36]}
    prints = {
        "same": read(tmp_path, "applications", base),
        "other order": read(tmp_path, "applications", pl.DataFrame(base).reverse()),
        "other names": read(
            tmp_path, "applications", pl.DataFrame(base).rename({"term_months": "t"}), columns={"term_months": "t"}
        ),
        "other types": read(
            tmp_path, "applications", pl.DataFrame(base).with_columns(pl.col("term_months").cast(pl.String))
        ),
        "swapped": read(tmp_path, "applications", base | {"term_months": [24, 12, 36]}),
        "shorter": read(tmp_path, "applications", pl.DataFrame(base).head(2)),
        "fewer columns": read(tmp_path, "applications", pl.DataFrame(base).drop("term_months")),
    }
    fingerprints = {k: v.reports["applications"].fingerprint for k, v in prints.items()}
    assert fingerprints["same"] == fingerprints["other order"] == fingerprints["other names"]
    assert fingerprints["same"] == fingerprints["other types"]
    assert len(set(fingerprints.values())) == 4


def test_the_fingerprint_is_the_same_in_another_process(tmp_path):
    file = tmp_path / "applications-source.parquet"
    here = read(tmp_path, "applications", good(3)).reports["applications"].fingerprint
    code = (
        "from pathlib import Path; from features.sources import *;"
        f"c = SourcesConfig(tables={{'applications': {{'parquet': {str(file)!r}}}}});"
        f"r = read_tables(c, ['applications'], quarantine_folder=Path({str(tmp_path)!r}));"
        "print(r.reports['applications'].fingerprint)"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert there.stdout.strip() == here


def test_parquet_csv_and_gb18030_csv_of_the_same_rows_are_the_same_table(tmp_path):
    frame = pl.DataFrame(
        good(3) | {"term_months": [12, None, 36], "region": ["华东", "华北", None], "co_borrower": [True, False, None]}
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv", separator=";")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    (tmp_path / "bom.csv").write_text(text + "\n\n", encoding="utf-8-sig")
    (tmp_path / "gb.csv").write_text(text, encoding="gb18030")
    sources = [
        {"parquet": str(tmp_path / "a.parquet")},
        {"csv": str(tmp_path / "a.csv"), "separator": ";"},
        {"csv": str(tmp_path / "bom.csv"), "separator": ";"},
        {"csv": str(tmp_path / "gb.csv"), "separator": ";", "encoding": "gb18030"},
    ]
    raw = [
        read_tables(SourcesConfig(tables={"applications": s}), ["applications"], quarantine_folder=tmp_path)
        for s in sources
    ]
    assert len({t.reports["applications"].fingerprint for t in raw}) == 1
    assert all(t.frames["applications"].collect().equals(raw[0].frames["applications"].collect()) for t in raw)


@pytest.mark.parametrize("pattern", ["", "*.parquet", "**/*.parquet"])
def test_a_folder_of_parquet_files_is_one_table_though_a_column_came_later_or_changed_type(tmp_path, pattern):
    folder = tmp_path / "exports"
    folder.mkdir()
    january = good(2) | {"term_months": [12, 24]}
    february = {"application_id": ["B"], "submitted_at": [MIDNIGHT], "term_months": [36.0], "region": ["East"]}
    pl.DataFrame(january).write_parquet(folder / "2024-01.parquet")
    pl.DataFrame(february).write_parquet(folder / "2024-02.parquet")
    (folder / "_SUCCESS").touch()
    config = SourcesConfig(tables={"applications": {"parquet": str(folder / pattern)}})
    frame = read_tables(config, ["applications"], quarantine_folder=tmp_path).frames["applications"].collect()
    assert frame["term_months"].to_list() == [12, 24, 36] and frame["region"].to_list() == [None, None, "East"]


def test_partition_folders_become_columns(tmp_path):
    for store in ("s1", "s2"):
        folder = tmp_path / "parts" / f"store_id={store}"
        folder.mkdir(parents=True)
        pl.DataFrame({"application_id": [store], "submitted_at": [MIDNIGHT]}).write_parquet(folder / "p.parquet")
    config = SourcesConfig(tables={"applications": {"parquet": str(tmp_path / "parts")}})
    frame = read_tables(config, ["applications"], quarantine_folder=tmp_path).frames["applications"].collect()
    assert frame["store_id"].to_list() == ["s1", "s2"]


def test_pandera_accepts_the_valid_rows_and_refuses_the_quarantined_ones(tmp_path):
    bad = {
        "event_id": ["e1", "", None, "e4", "e5", "e6", "e7", "e8"],
        "event_at": [*(MIDNIGHT + i for i in range(3)), None, EARLIEST - 1, *(MIDNIGHT + i for i in range(3))],
        "event_type": ["view", "view", "view", "view", "view", "stare", "view", None],
        "dwell_seconds": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 90_000.0, None],
    }
    tables = read(tmp_path, "events", bad)
    valid = tables.frames["events"].collect()
    assert valid["event_id"].to_list() == ["e1", "e8"]
    pandera_schema(EVENTS).validate(valid)
    typed = pl.DataFrame(bad, schema_overrides={"event_at": pl.Int64})
    for row in pl.read_parquet(tmp_path / "quarantine" / "events.parquet")["source_row"]:
        with pytest.raises(Exception, match=r"(?i)failed|null|non-nullable"):
            pandera_schema(EVENTS).validate(typed[row - 1])


def test_every_check_of_every_contract_has_an_expression():
    for table in TABLES.values():
        assert list(pandera_schema(table).columns) == list(table.columns)
        for name, contract in pandera_schema(table).columns.items():
            assert len(contract_rules(table, name)) == len(contract.checks)


def test_one_row_is_a_table(tmp_path):
    tables = read(tmp_path, "applications", good(1))
    assert tables.frames["applications"].collect().height == 1
    pandera_schema(APPLICATIONS).validate(tables.frames["applications"].collect())


def test_a_hundred_percent_null_optional_column_is_read_as_missing(tmp_path):
    frame = read(tmp_path, "applications", good(2) | {"term_months": [None, None]}).frames["applications"].collect()
    assert frame.schema["term_months"] == pl.Int64 and frame["term_months"].null_count() == 2


def test_progress_reports_each_table_and_mapped_names_that_are_not_read(tmp_path):
    lines: list[str] = []
    read(tmp_path, "applications", good(2) | {"x": [1, 2]}, columns={"mileage": "x"}, progress=lines.append)
    assert lines == [
        "applications: `mileage` is mapped but not read: it is no contract column and no extra feature",
        "applications: 2 rows read, 2 valid, 0 quarantined",
    ]
