"""Proposals of format and unit: each reads the column's own values, and what cannot be decided is not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.sources.date_proposals import DateProposal, propose_dates
from features.sources.instants import to_microseconds

NOW = 1_764_000_000_000_000  # 2025-11-24
DAY_FIRST, MONTH_FIRST = "the day comes first", "the month comes first"

NOW_2026 = 1_764_000_000_000_000


def propose(values: Any, timezone: str = "Asia/Shanghai") -> DateProposal:
    series = values if isinstance(values, pl.Series) else pl.Series(values)
    return propose_dates(series, timezone=timezone, latest=NOW)


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        (["Aug 29, 2025", "August 1, 2025"], {"format": ["%B %d, %Y"]}),
        (
            ["Aug 29, 2025", "26-Mar-25", "2024-01-15 10:30:00 UTC", "1/15/2024 10:30 AM"],
            {"format": ["%d-%b-%y", "%b %d, %Y", "%Y-%m-%d %H:%M:%S UTC", "%m/%d/%Y %I:%M %p"]},
        ),
        (["15.01.2024", "1.2.2024 9:05"], {"format": ["%d.%m.%Y", "%d.%m.%Y %H:%M"]}),
        (["15/1/24", "16/1/2024"], {"format": ["%d/%m/%y", "%d/%m/%Y"]}),
        (["1/15/2024 10:30:05 PM"], {"format": ["%m/%d/%Y %I:%M:%S %p"]}),
        (["2024年1月5日"], {"format": ["%Y年%m月%d日"]}),
        (["1960-01", "1968-12"], {"format": ["%Y-%m"]}),
        (["202301", "202312"], {"format": ["%Y%m"]}),
        ([2021, 2022], {"format": ["%Y"]}),
        ([2021.0, 2022.0], {"format": ["%Y"]}),
        ([202101, 202112], {"format": ["%Y%m"]}),
        ([230115, 230228], {"format": ["%y%m%d"]}),
        ([1012023, 31012023], {"format": ["%d%m%Y"]}),
        ([2023001, 2023365], {"format": ["%Y%j"]}),
        ([44927, 44928.5], {"unit": "excel"}),
        (["44927", "44928.5"], {"unit": "excel"}),
        (["44927", "2023-01-02"], {"unit": "excel"}),
        ([1_672_502_400], {"unit": "s"}),
        ([-315_648_000, 1_672_502_400], {"unit": "s"}),  # 1960
        ([1_672_502_400_000.0], {"unit": "ms"}),
        ([1_672_502_400_000_000], {"unit": "us"}),
        ([1_672_502_400_000_000_000], {"unit": "ns"}),
    ],
)
def test_values_that_leave_no_doubt_have_one_entry(values, changes):
    (entry,) = propose(pl.Series(values, strict=False)).entries
    assert (entry.changes, entry.condition, entry.others) == (changes, "", ())


@pytest.mark.parametrize(
    ("values", "conditions"),
    [
        (["01/02/2024", "03/04/2024"], {DAY_FIRST: ["%d/%m/%Y"], MONTH_FIRST: ["%m/%d/%Y"]}),
        (["15-01-2024", "01/02/2024"], {DAY_FIRST: ["%d-%m-%Y", "%d/%m/%Y"], MONTH_FIRST: ["%d-%m-%Y", "%m/%d/%Y"]}),
        (["24-01-15", "24-02-16"], {DAY_FIRST: ["%d-%m-%y"], "the year comes first": ["%y-%m-%d"]}),
        ([200101, 210312], {DAY_FIRST: ["%d%m%y"], "the year comes first": ["%y%m%d"]}),
    ],
)
def test_values_that_can_be_read_in_two_ways_have_both_entries(values, conditions):
    assert {e.condition: e.changes["format"] for e in propose(values).entries} == conditions


def test_one_value_decides_for_its_column():
    (entry,) = propose(["01/02/2024", "13/04/2024", "02/03/2024 10:00"]).entries
    assert entry.changes == {"format": ["%d/%m/%Y", "%d/%m/%Y %H:%M"]} and entry.condition == ""


@pytest.mark.parametrize(
    "values",
    [
        ["13/01/2024", "01/13/2024"],  # both orders
        ["soon", "later"],
        [0.0, 0.5],
        [12_345, 99_999],
        [float("inf"), 1e300],
        [],
        ["2031-01", "2032-01"],  # later than now
    ],
)
def test_nothing_is_proposed_that_does_not_read_the_values(values):
    assert propose(pl.Series(values, dtype=None if values else pl.Int64)) == DateProposal()


def test_a_few_values_are_left_to_nulls():
    (entry,) = propose([*range(44_927, 45_200), 0, 2_958_465]).entries
    assert entry.changes == {"unit": "excel"} and entry.others == (0, 2_958_465)
    (entry,) = propose(["15.01.2024", "16.01.2024", "17.01.2024", "31.12.9999"]).entries
    assert entry.changes == {"format": ["%d.%m.%Y"]} and entry.others == ("31.12.9999",)
    assert (entry.first, entry.last) == (1_705_248_000_000_000, 1_705_420_800_000_000)


def test_counters_are_no_dates():
    assert propose(range(1, 13)).remark.startswith("these are month numbers")
    assert propose(["3", "4", "11"]).remark.startswith("these are month numbers")
    assert propose(range(400)).remark.startswith("these are row numbers (0 to 399), not dates")
    assert propose(pl.Series([20230101.0], dtype=pl.Float32)).remark.startswith("32-bit")
    assert "English names of months only" in propose(["26. März 2025"]).remark


@settings(deadline=None, max_examples=60)
@given(
    moments=st.lists(st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2025, 11, 1)), min_size=1, max_size=8),
    format=st.sampled_from(
        ["%d.%m.%Y", "%m/%d/%Y %I:%M %p", "%b %d, %Y", "%d-%b-%y", "%Y年%m月%d日", "%d/%m/%Y %H:%M:%S", "%A, %B %d, %Y"]
    ),
)
def test_one_of_the_entries_reads_what_was_written(moments, format):
    texts = pl.Series(sorted({m.strftime(format) for m in moments}))
    expected = [dt.datetime.strptime(t, format).replace(tzinfo=dt.UTC) for t in texts]
    readings = []
    for entry in propose(texts, "UTC").entries:
        formats = tuple(entry.changes["format"])
        instants = to_microseconds(pl.lit(texts), pl.String(), timezone="UTC", formats=formats, unit=None)
        readings.append(pl.select(instants).to_series().to_list())
    assert [round(e.timestamp()) * 10**6 for e in expected] in readings


def test_halves_of_the_day_in_chinese_and_dates_of_javascript_have_formats() -> None:
    halves = propose_dates(pl.Series(["2023/1/1 上午9:30", "2023/1/2 下午9:30"]), timezone="UTC", latest=NOW_2026)
    assert halves.entries[0].changes == {"format": ["%Y/%m/%d %p%I:%M"]}
    assert (halves.entries[0].last - halves.entries[0].first) / 3_600_000_000 == 36  # one day and twelve hours
    script = propose_dates(pl.Series(["Sun Jan 01 2023 08:00:00 GMT+0800"]), timezone="UTC", latest=NOW_2026)
    assert script.entries[0].first == 1_672_531_200_000_000  # 2023-01-01 00:00 UTC


def test_periods_that_are_no_dates_are_called_what_they_are() -> None:
    def remark(*texts: str) -> str:
        return propose_dates(pl.Series(texts), timezone="UTC", latest=NOW_2026).remark

    assert remark("2023Q1", "2023-Q2").startswith("quarters are no dates")
    assert remark("2022-W52", "2023-W01").startswith("weeks are no dates")
    assert remark("d_1", "d_1941").startswith("these are numbers of periods")
    assert remark("1. Januar 2023", "2. März 2023").startswith("`format` reads English names of months only")
    assert remark("x9", "9y") == ""
