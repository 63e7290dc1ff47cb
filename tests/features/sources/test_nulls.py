"""`nulls`: values of every kind that mean "missing", in the source's rows and in the contract's units."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contracts import Column, Table
from features.sources import ColumnSource, SourcesConfig, read_tables
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.conversion import Kind, convert, with_nulls
from features.sources.nulls import nulls_in_contract_units, unmatched_nulls
from features.sources.number_columns import learn_columns

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPEN_ENDED, DAY = dt.datetime(9999, 12, 31), dt.datetime(2024, 6, 1, 12)


def converted(values: list[Any], kind: Kind, dtype: Any = None, **spec: Any) -> list[Any]:
    series = pl.Series("x", values, dtype=dtype)
    source = ColumnSource(source="x", **spec)
    raw, raw_type = with_nulls(pl.col("x"), series.dtype, kind, source)
    column = convert(raw, raw_type, kind, spec=source, timezone="Asia/Shanghai", field="x")
    frame = pl.DataFrame({"x": series})
    broken = frame.select(pl.any_horizontal(pl.lit(False), *column.broken.values())).to_series()
    assert not broken.any(), f"a value of `nulls` breaks a rule: {broken.to_list()}"
    return frame.select(column.value).to_series().to_list()


@pytest.mark.parametrize("null", ["9999-12-31", "9999-12-31 00:00:00", "9999/12/31", "9999-12-31T00:00"])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([OPEN_ENDED, DAY], pl.Datetime("us")),
        ([OPEN_ENDED, DAY], pl.Datetime("ms")),
        ([OPEN_ENDED, DAY], pl.Datetime("us", "UTC")),
        ([OPEN_ENDED.replace(tzinfo=SHANGHAI), DAY.replace(tzinfo=SHANGHAI)], pl.Datetime("ms", "Asia/Shanghai")),
        ([OPEN_ENDED.date(), DAY.date()], pl.Date),
        (["9999-12-31", "2024-06-01"], pl.String),
        (["9999-12-31 00:00:00", "2024-06-01 12:00"], pl.String),
        (["99991231", "20240601"], pl.String),
    ],
)
def test_an_open_end_is_missing_whatever_the_type_and_the_spelling(null: str, values: list[Any], dtype: Any) -> None:
    instants = converted(values, "timestamp", dtype, nulls=[null])
    assert instants[0] is None and isinstance(instants[1], int)


def test_an_open_end_that_another_zone_stores_is_missing_and_its_neighbour_is_not() -> None:
    stored = [dt.datetime(9999, 12, 30, 16), dt.datetime(9999, 12, 30, 17)]  # midnight and one o'clock in Shanghai
    instants = converted(stored, "timestamp", pl.Datetime("us", "UTC"), nulls=["9999-12-31"])
    assert instants[0] is None and instants[1] is not None
    exact = converted(stored, "timestamp", pl.Datetime("us", "UTC"), nulls=["9999-12-30T17:00:00Z"])
    assert exact[0] is not None and exact[1] is None


def test_a_date_of_another_format_and_the_marks_of_databases_are_missing() -> None:
    texts = ["31.12.9999", "01.06.2024", "0000-00-00"]
    instants = converted(texts, "timestamp", format="%d.%m.%Y", nulls=["9999-12-31", "0000-00-00"])
    assert [i is None for i in instants] == [True, False, True]
    assert converted([0, 1_700_000_000], "timestamp", unit="s", nulls=["0"])[0] is None
    early = converted([dt.date(1, 1, 1), dt.date(1900, 1, 1)], "timestamp", nulls=["0001-01-01", "1900-01-01 00:00:00"])
    assert early == [None, None]


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("ticks", [2**63 - 1, -(2**63) + 1, 2**62])
def test_a_timestamp_beyond_every_calendar_is_a_late_or_early_instant_and_no_crash(unit: Any, ticks: int) -> None:
    series = pl.Series("x", [ticks, 0], dtype=pl.Int64).cast(pl.Datetime(unit))
    spec = ColumnSource(source="x", nulls=["9999-12-31"])
    raw, dtype = with_nulls(pl.col("x"), series.dtype, "timestamp", spec)
    value = convert(raw, dtype, "timestamp", spec=spec, timezone="Asia/Shanghai", field="x").value
    instant = pl.DataFrame({"x": series}).select(value).to_series()[0]
    assert instant > 4_102_444_800_000_000 if ticks > 0 else instant < -2_208_988_800_000_000


@pytest.mark.parametrize("null", [98, 98.0, "98", "98.0", " 98 "])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([98, 5], pl.Int8),
        ([98.0, 5.0], pl.Float32),
        ([98.0, 5.0], pl.Float64),
        ([Decimal("98.00"), Decimal("5.00")], pl.Decimal(8, 2)),
        (["98", "5"], pl.String),
        (["98.0", "5.0"], pl.String),
        (["98.0", "5"], pl.Categorical),
    ],
)
def test_a_number_is_missing_whatever_the_type_and_the_spelling(null: Any, values: list[Any], dtype: Any) -> None:
    assert converted(values, "number", dtype, nulls=[null]) == [None, 5.0]
    assert converted(values, "integer", dtype, nulls=[null]) == [None, 5]
    assert converted(values, "money", dtype, nulls=[null], factor=100) == [None, 500]


def test_short_floats_booleans_and_texts_match_as_they_are_written() -> None:
    assert converted([0.1, 0.2], "number", pl.Float32, nulls=[0.1])[0] is None
    assert converted([True, False], "boolean", nulls=["FALSE"]) == [True, None]
    assert converted([True, False], "boolean", nulls=[0]) == [True, None]
    assert converted(["1", "9", "0"], "boolean", nulls=[9]) == [True, None, False]
    assert converted(["N/A", "n/a", "9"], "text", nulls=["N/A", 9]) == [None, "n/a", None]


def test_rows_of_open_ended_dates_are_valid(tmp_path: Path) -> None:
    ends = [OPEN_ENDED, dt.datetime(1900, 1, 1), DAY]
    rows = pl.DataFrame({"lead_id": ["A", "B", "C"], "created_at": [DAY] * 3, "closed_at": ends})
    rows.write_parquet(tmp_path / "leads.parquet")
    columns = {"closed_at": {"from": "closed_at", "nulls": ["9999-12-31", "1900-01-01"]}}
    config = SourcesConfig(tables={"leads": {"parquet": str(tmp_path / "leads.parquet"), "columns": columns}})
    tables = read_tables(config, ["leads"], quarantine_folder=tmp_path / "quarantine")
    assert tables.reports["leads"].rows_quarantined == 0
    assert tables.frames["leads"].collect()["closed_at"].null_count() == 2
    midnight_in_shanghai = [253_402_185_600_000_000, -2_209_017_943_000_000]  # 1900: local mean time, 8:05:43
    assert tables.reports["leads"].nulls == {"closed_at": tuple(midnight_in_shanghai)}


@pytest.mark.parametrize(
    ("spec", "kind", "values"),
    [
        ({"nulls": [98, "98.0", 98.0, "unknown", None]}, "number", (98.0,)),
        ({"nulls": [9999], "factor": 100}, "money", (999_900,)),
        ({"nulls": [0.5], "factor": 10_000}, "integer", (5_000,)),
        ({"nulls": [0.5]}, "integer", ()),
        ({"nulls": ["-", 9.0, True]}, "text", ("-", "9", "true")),
        ({"nulls": ["no", 9]}, "boolean", (False,)),
        ({"map": {96: None, 1: 1}, "map_other": "keep", "nulls": [98]}, "integer", (98, 96)),
        ({"map": {"a": 98, "-": None}, "nulls": [98, 97]}, "integer", (97,)),
        ({"map": {1: 10, 9: None}}, "number", (9.0,)),
        ({"map": {"O": "own", "?": None}}, "text", ("?",)),
        ({"map": {"A": "B", "B": None}}, "text", ()),  # "B" of a request is the new value of "A"
        ({"map": {"own": "rent"}, "map_other": "keep", "nulls": ["rent", "?"]}, "text", ("?",)),
        ({"nulls": ["1970-01-02", "none"]}, "timestamp", (86_400_000_000,)),
        ({"nulls": ["-1,0", 9.5], "decimal": ","}, "number", (9.5, -1.0)),
        ({"nulls": ["$ 9,999"], "strip": ["$"], "factor": 100}, "money", (999_900,)),
        ({}, "number", ()),
    ],
)
def test_nulls_in_the_units_of_the_contract(spec: dict[str, Any], kind: Kind, values: tuple[Any, ...]) -> None:
    units = nulls_in_contract_units(ColumnSource(source="x", **spec), kind)
    assert units == values and [type(v) for v in units] == [type(v) for v in values]


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.sampled_from([None, 100, 0.01, 1_000]))
def test_a_null_in_contract_units_is_what_the_same_number_would_have_become(number: int, factor: float | None) -> None:
    (unit,) = nulls_in_contract_units(ColumnSource(source="x", nulls=[number], factor=factor), "number")
    assert [unit] == converted([number], "number", factor=factor)


def test_null_values_of_a_csv_table_are_missing_in_the_requests_of_every_column(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,created_at,price,model,closed_at\nL1,2024-06-01,-1,NA,2024-07-01\n")
    columns = {"price": {"from": "price", "nulls": [0], "factor": 100}, "closed_at": {"from": "closed_at"}}
    source = {"csv": str(tmp_path / "leads.csv"), "null_values": ["NA", "-1"], "columns": columns}
    tables = read_tables(SourcesConfig(tables={"leads": source}), ["leads"], quarantine_folder=tmp_path)
    nulls = tables.reports["leads"].nulls
    assert (nulls["price"], nulls["model"]) == ((0, -100), ("NA", "-1"))
    assert tables.frames["leads"].select("price", "model").collect().row(0) == (None, None)


def test_a_null_with_the_marks_that_its_column_proves_is_missing_in_requests(tmp_path: Path) -> None:
    prices = ["$24,995", "$1,500", "$0", "$9,999"]
    rows = pl.DataFrame({"lead_id": ["A", "B", "C", "D"], "created_at": [DAY] * 4, "price": prices})
    rows.write_parquet(tmp_path / "leads.parquet")
    columns = {"price": {"from": "price", "nulls": ["$0", "$9,999"], "factor": 100}}
    config = SourcesConfig(tables={"leads": {"parquet": str(tmp_path / "leads.parquet"), "columns": columns}})
    tables = read_tables(config, ["leads"], quarantine_folder=tmp_path / "quarantine")
    assert tables.frames["leads"].collect()["price"].to_list() == [2_499_500, 150_000, None, None]
    assert tables.reports["leads"].nulls == {"price": (0, 999_900)}


def unmatched(values: list[Any], kind: Kind, nulls: list[Any], **options: Any) -> tuple[str, ...]:
    column = MappedColumn("late", kind, ColumnSource(source="x", nulls=nulls, **options), True, False)
    mapping = ColumnMapping((column,), key=(), time=None, problems=(), unused=())
    rows = pl.LazyFrame({"x": values})
    marks = learn_columns(rows, mapping, Table("t", {"late": Column(pl.Float64)}, ("late",), None)).readings
    return unmatched_nulls(rows, mapping, timezone="Asia/Shanghai", marks=marks)


def test_a_value_of_nulls_that_no_row_has_is_noted_once_for_its_column() -> None:
    note = "column `x` (late): no value is {}, which `nulls` lists"
    assert unmatched([98.0, 1.0, None], "number", [98, "", None]) == ()
    assert unmatched([98.0, 1.0], "number", [96, "NA", 98]) == (note.format("96 or NA"),)
    assert unmatched(["N/A", "1"], "number", ["N/A", "n/a"]) == (note.format("n/a"),)
    assert unmatched(["$9,999.00", "$5"], "number", [9999, 98]) == (note.format("98"),)
    assert unmatched([OPEN_ENDED, DAY], "timestamp", ["9999-12-31", "9999-12-31 00:00", "1900-01-01"]) == (
        note.format("1900-01-01"),
    )
    assert unmatched(["a", "b"], "text", ["a", "c"]) == (note.format("c"),)
    assert unmatched(["x", "y"], "integer", ["x"], map={"y": 1}) == ()
