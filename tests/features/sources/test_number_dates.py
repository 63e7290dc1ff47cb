"""Numbers in timestamp columns: read beyond doubt or quarantined, and never a date of 1970."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import DataError
from features.sources import ColumnSource
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.config import SourcesConfig
from features.sources.instants import to_microseconds
from features.sources.number_dates import read_numbers
from features.sources.reading import RawTables, read_tables
from features.yaml_config.parsing import parse_yaml

SHANGHAI = ZoneInfo("Asia/Shanghai")


def us(*clock: int, zone: ZoneInfo = SHANGHAI) -> int:
    since = dt.datetime(*clock, tzinfo=zone) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]
    return since // dt.timedelta(microseconds=1)


NEW_YEAR = us(2023, 1, 1)


def read(folder: Path, values: pl.Series, spec: dict[str, Any] | None = None, *, csv: bool = False) -> RawTables:
    """Read `closed_at` of leads from these values; at most half of the rows may be quarantined."""
    rows = pl.DataFrame({"lead_id": [str(i) for i in range(len(values))]})
    rows = rows.with_columns(values.alias("day"), created_at=pl.lit("2024-01-01"))
    file = folder / ("leads.csv" if csv else "leads.parquet")
    rows.write_csv(file) if csv else rows.write_parquet(file)
    columns = {"closed_at": {"from": "day", **(spec or {})}}
    source = {("csv" if csv else "parquet"): str(file), "columns": columns}
    config = SourcesConfig(max_quarantined_share=0.5, tables={"leads": source})
    return read_tables(config, ["leads"], quarantine_folder=folder / "quarantine")


def closed(tables: RawTables) -> list[int | None]:
    return tables.frames["leads"].collect()["closed_at"].to_list()


@pytest.mark.parametrize("csv", [False, True])
@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (pl.Series([20230101, 20230102]), "yyyymmdd"),
        (pl.Series([20230101.0, 20230102.0, None]), "yyyymmdd"),
        (pl.Series([Decimal("20230101.00"), Decimal("20230102.00")]), "yyyymmdd"),
        (pl.Series(["20230101", "20230102.0"]), "yyyymmdd"),
        (pl.Series([202301010000, 202301020000]), "yyyymmddHHMM"),
        (pl.Series([20230101000000, 20230102000000]), "yyyymmddHHMMSS"),
        (pl.Series([20230101000000.0, 20230102000000.0]), "yyyymmddHHMMSS"),
    ],
)
def test_digits_of_calendar_dates_are_read_and_noted(tmp_path, values, pattern, csv):
    tables = read(tmp_path, values, csv=csv)
    report = tables.reports["leads"]
    assert closed(tables)[:2] == [NEW_YEAR, us(2023, 1, 2)] and report.rules == {}
    first = str(int(float(values[0])))
    assert report.notes[0].startswith(f"column `day` (closed_at): numbers such as {first} are read as dates {pattern} ")


def test_a_day_that_never_was_is_quarantined(tmp_path):
    tables = read(tmp_path, pl.Series([20230228, 20230230, 20231301, 20230101]))
    assert closed(tables) == [us(2023, 2, 28), NEW_YEAR]
    assert tables.reports["leads"].rules == {"closed_at: number without a unit": 2}


@pytest.mark.parametrize(
    "values",
    [
        [44927, 44928],  # serials of a spreadsheet
        [44927.25, 44928.5],
        [2021, 2022],
        [202101, 202102],
        [1, 2, 12],
        [0, 0],
        [1_672_502_400, 1_672_588_800],  # seconds
        [1_672_502_400_000, 1_672_588_800_000],  # milliseconds, one of them whole hours as microseconds
        [1_672_502_400_000_000_000, 1_672_588_800_000_000_000],  # nanoseconds
    ],
)
@pytest.mark.parametrize("csv", [False, True])
def test_other_numbers_are_never_read_as_dates(tmp_path, values, csv):
    with pytest.raises(DataError, match=r"closed_at .*: number without a unit in"):
        read(tmp_path, pl.Series(values), csv=csv)


@pytest.mark.parametrize("csv", [False, True])
def test_microseconds_are_read_and_their_whole_hours_of_1970_too(tmp_path, csv):
    birth = us(1970, 5, 1)
    tables = read(tmp_path, pl.Series([NEW_YEAR, NEW_YEAR + 1, us(1960, 1, 1), birth, 0, 1_672_502_400]), csv=csv)
    assert closed(tables) == [NEW_YEAR, NEW_YEAR + 1, us(1960, 1, 1), birth]
    assert tables.reports["leads"].rules == {"closed_at: number without a unit": 2}
    assert tables.reports["leads"].notes == ()


def test_an_open_end_of_digits_breaks_the_range_or_is_missing(tmp_path):
    values = pl.Series([20230101, 99991231])
    assert read(tmp_path, values).reports["leads"].rules == {"closed_at: not between 1920-01-01 and 2100-01-01": 1}
    assert closed(read(tmp_path, values, {"nulls": ["9999-12-31"]})) == [NEW_YEAR, None]


def test_the_reading_is_decided_by_column():
    column = MappedColumn("sold_at", "timestamp", ColumnSource(source="day"), in_contract=True, required=True)
    mapping = ColumnMapping((column,), key=(), time=None, problems=(), unused=())
    for values, reading in (
        ([20230101, 20230102, 0], "calendar"),
        ([*range(20_230_101, 20_230_200)], "none"),  # row numbers, a few of them valid days
        ([NEW_YEAR, 5, None], "microseconds"),
        (["2023-01-01", "20230102", "20230103"], "calendar"),
        (["2023-01-01", "44927"], "none"),
        (["2023-01-01", "2023-01-02", "44927"], "calendar"),
        (["2023-01-01", None], "absent"),
    ):
        assert read_numbers(pl.LazyFrame({"day": values}), mapping).readings == {"sold_at": reading}, values


def test_numbers_of_seven_digits_cannot_be_dates(tmp_path):
    with pytest.raises(DataError, match="number without a unit"):
        read(tmp_path, pl.Series([20230101.0, 20230102.0], dtype=pl.Float32))


@pytest.mark.parametrize("csv", [False, True])
@pytest.mark.parametrize(
    ("values", "spec", "expected"),
    [
        ([44927, 44928], {"unit": "excel"}, [NEW_YEAR, us(2023, 1, 2)]),
        ([44927.0, 44927.395833333336], {"unit": "excel"}, [NEW_YEAR, us(2023, 1, 1, 9, 30)]),
        ([44927.39583], {"unit": "excel"}, [us(2023, 1, 1, 9, 30)]),  # five decimals, to the nearest second
        (["44927", "2023-01-02"], {"unit": "excel"}, [NEW_YEAR, us(2023, 1, 2)]),
        ([21916], {"unit": "excel"}, [us(1960, 1, 1)]),
        ([NEW_YEAR / 10**6], {"unit": "s"}, [NEW_YEAR]),
        ([us(1960, 1, 1) // 10**6], {"unit": "s"}, [us(1960, 1, 1)]),
        ([us(1960, 1, 1) / 10**6], {"unit": "s"}, [us(1960, 1, 1)]),
        ([NEW_YEAR * 1000], {"unit": "ns"}, [NEW_YEAR]),
        ([1], {"unit": "us"}, [1]),
        ([20230101.0, None], {"format": "%Y%m%d"}, [NEW_YEAR, None]),
        ([1012023, 12012023], {"format": "%d%m%Y"}, [NEW_YEAR, us(2023, 1, 12)]),
        ([230101], {"format": ["%Y%m%d", "%y%m%d"]}, [NEW_YEAR]),
        ([10203.0], {"format": "%y%m%d"}, [us(2001, 2, 3)]),
        ([2023, 2024], {"format": "%Y"}, [NEW_YEAR, us(2024, 1, 1)]),
        ([202301.0], {"format": "%Y%m"}, [NEW_YEAR]),
        ([2023001], {"format": "%Y%j"}, [NEW_YEAR]),
        (["1960-01", "1968-12"], {"format": "%Y-%m"}, [us(1960, 1, 1), us(1968, 12, 1)]),
        (["2023-01-01 00:00 UTC"], {"format": "%Y-%m-%d %H:%M UTC"}, [us(2023, 1, 1, 8)]),
        (["2023-01-01T00:00:00Z"], {"format": "%Y-%m-%dT%H:%M:%SZ"}, [us(2023, 1, 1, 8)]),
        (["2023-01-01 0:00 GMT", "2023-01-01 0:00 CST"], {"format": "%F %H:%M %Z"}, [us(2023, 1, 1, 8), NEW_YEAR]),
        (["2023-01-01 00:00:00 UTC", "2023-01-01T00:00:00UTC"], {}, [us(2023, 1, 1, 8)] * 2),
    ],
)  # fmt: skip
def test_format_and_unit_read_numbers_and_texts(tmp_path, values, spec, expected, csv):
    assert closed(read(tmp_path, pl.Series(values), spec, csv=csv)) == expected


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([dt.date(2023, 1, 1)]),
        pl.Series([dt.datetime(2023, 1, 1)], dtype=pl.Datetime("ns")),
        pl.Series([dt.datetime(2023, 1, 1)], dtype=pl.Datetime("ms")),
        pl.Series([dt.datetime(2023, 1, 1)]).dt.replace_time_zone("Asia/Shanghai"),
    ],
)
def test_dates_and_timestamps_of_every_precision(tmp_path, values):
    assert closed(read(tmp_path, values)) == [NEW_YEAR]


@pytest.mark.parametrize("serial", [0, 0.5, 60, 60.5, -1, 2_958_466.5])
def test_serials_without_a_day_are_quarantined(tmp_path, serial):
    tables = read(tmp_path, pl.Series([44927.0, serial]), {"unit": "excel"})
    assert closed(tables) == [NEW_YEAR] and tables.reports["leads"].rules == {"closed_at: wrong type": 1}


@settings(deadline=None)
@given(
    clock=st.datetimes(dt.datetime(1900, 3, 1), dt.datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0)),
    zone=st.sampled_from(["Asia/Shanghai", "UTC", "Asia/Kolkata"]),
)
def test_a_serial_is_the_local_clock_to_the_second(clock, zone):
    serial = (clock - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
    options: Any = {"timezone": zone, "formats": ()}
    from_serial = to_microseconds(pl.lit(serial), pl.Float64(), unit="excel", **options)
    from_clock = to_microseconds(pl.lit(clock), pl.Datetime("us"), unit=None, **options)
    assert pl.select(from_serial).item() == pl.select(from_clock).item()


def test_the_time_zone_of_a_table_is_its_own(tmp_path):
    file = tmp_path / "leads.csv"
    file.write_text("lead_id,created_at\nA,2024-07-01 00:00\n")
    source = {"csv": str(file), "timezone": "America/New_York"}
    tables = read_tables(SourcesConfig(tables={"leads": source}), ["leads"], quarantine_folder=tmp_path)
    assert tables.frames["leads"].collect()["created_at"].item() == us(2024, 7, 1, zone=ZoneInfo("America/New_York"))


def test_the_note_on_a_personal_column_shows_no_value(tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text("customer_id,created_at,birth_date\nA,2024-07-01,19650301\n")
    tables = read_tables(
        SourcesConfig(tables={"customers": {"csv": str(file)}}), ["customers"], quarantine_folder=tmp_path
    )
    (note,) = tables.reports["customers"].notes
    assert "1965" not in note and "yyyymmdd" in note


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (pl.Series([44927, 44928, 44929]), NEW_YEAR),
        (pl.Series(["44927.25", "44928"]), us(2023, 1, 1, 6)),
        (pl.Series([2023, 2024]), NEW_YEAR),
        (pl.Series([202301, 202302]), NEW_YEAR),
        (pl.Series([1_672_502_400, 1_672_588_800]), NEW_YEAR),
        (pl.Series([1_672_502_400_000.0]), NEW_YEAR),
        (pl.Series(["Jan 1, 2023", "26-Mar-23", "2023-04-15 10:30:00 UTC", "1/15/2023 10:30 AM"]), NEW_YEAR),
        (pl.Series(["1.1.2023", "13.1.2023 9:05"]), NEW_YEAR),
        (pl.Series([*range(44_927, 45_100), 0]), NEW_YEAR),
    ],
)
def test_the_entry_of_the_message_reads_every_row(tmp_path, values, first):
    with pytest.raises(DataError) as raised:
        read(tmp_path, values)
    (line,) = re.findall(r"`closed_at: (\{.*?\})`", str(raised.value))
    entry = parse_yaml(line, "")
    tables = read(tmp_path, values, {k: v for k, v in entry.items() if k != "from"})
    assert entry["from"] == "day" and tables.reports["leads"].rules == {} and closed(tables)[0] == first


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        (["01/02/2023", "03/04/2023"], "if the day comes first, `closed_at: {from: day, format: "),
        (list(range(1, 400)), "these are row numbers (1 to 399), not dates"),
        ([1, 2, 12], "these are month numbers: with the column of the year"),
        (["1. März 2023"], "reads English names of months only"),
    ],
)
def test_what_no_entry_can_decide_is_said(tmp_path, values, remedy):
    with pytest.raises(DataError) as raised:
        read(tmp_path, pl.Series(values))
    assert remedy in str(raised.value)


def test_a_format_with_an_hour_alone_is_refused_with_the_configuration():
    with pytest.raises(ValidationError, match="is no complete strptime format; a clock needs hour and minute"):
        ColumnSource(source="day", format=["%Y-%m-%d", "%Y-%m-%d %H"])
    assert ColumnSource(source="day", format="%d.%m.%Y %H:%M").format == ("%d.%m.%Y %H:%M",)


def test_dates_with_chinese_units_are_read_and_noted() -> None:
    days = ["1970年01月02日", "1970年1月2日"]
    times = ["1970年01月02日 09:30", "1970年1月2日9时30分", "1970年01月02日09时30分15秒"]
    texts = [*days, *times, "1970年1月"]
    spec = ColumnSource(source="day")
    mapping = ColumnMapping(
        (MappedColumn("sold_at", "timestamp", spec, in_contract=True, required=True),), (), None, (), ()
    )
    numbers = read_numbers(pl.LazyFrame({"day": texts}), mapping)
    assert numbers.notes == ("column `day` (sold_at): dates such as 1970年01月02日 are read as year, month and day",)
    instants = to_microseconds(
        pl.lit(pl.Series(texts)),
        pl.String(),
        timezone="UTC",
        formats=(),
        unit=None,
        numbers=numbers.readings["sold_at"],
    )
    minutes = [None if us is None else us / 60_000_000 for us in pl.select(instants).to_series()]
    assert minutes == [1_440, 1_440, 2_010, 2_010, 2_010.25, None]  # 24 h, and 24 h + 9 h 30; a month is no day
    assert read_numbers(pl.LazyFrame({"day": texts}), mapping, personal=["sold_at"]).notes == (
        "column `day` (sold_at): dates are read as year, month and day",
    )
