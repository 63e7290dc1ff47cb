"""Periods as integers, and sales and stock by period, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.demand_forecast import sales_by_day, sales_by_period, stock_by_period
from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.periods import (
    clock_instants,
    first_day,
    local_clock,
    month_labels,
    month_of_day,
    period_label,
    period_start,
    with_period,
)


@given(st.dates(date(1920, 1, 1), date(2099, 12, 31)))
def test_months_are_those_of_the_calendar(day: date) -> None:
    days = (day - date(1970, 1, 1)).days
    assert month_of_day(days) == (day.year - 1970) * 12 + day.month - 1


@settings(deadline=None)  # the clock changes of a zone are computed once
@given(
    st.datetimes(datetime(1920, 1, 2), datetime(2040, 1, 1)),
    st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/New_York"]),
)
def test_periods_are_those_of_the_local_clock(moment: datetime, zone: str) -> None:
    at = moment.replace(tzinfo=UTC)
    local = at.astimezone(ZoneInfo(zone)).date()
    us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    frame = nw.from_native(pl.DataFrame({"at": [us]}))
    day = with_period(frame, nw.col("at"), "day", timezone=zone, name="p")["p"][0]
    assert date(1970, 1, 1) + timedelta(days=day) == local
    week = with_period(frame, nw.col("at"), "week", timezone=zone, name="p")["p"][0]
    monday = date(1970, 1, 1) + timedelta(days=int(first_day([week], "week")[0]))
    assert monday.weekday() == 0 and monday <= local < monday + timedelta(days=7)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Shanghai", "America/New_York"])
def test_a_period_starts_at_its_first_instant(zone: str) -> None:
    months = np.arange(-600, 700)
    starts = period_start(months, "month", timezone=zone)
    frame = nw.from_native(pl.DataFrame({"at": np.r_[starts, starts - 1]}))
    periods = with_period(frame, nw.col("at"), "month", timezone=zone, name="p")["p"].to_numpy()
    assert (periods == np.r_[months, months - 1]).all()


def test_a_midnight_that_the_clock_skips_starts_its_day() -> None:
    june = period_start([(1940 - 1970) * 12 + 5], "month", timezone="Asia/Shanghai")[0]  # 00:00 became 01:00
    assert month_labels([june - 1, june], timezone="Asia/Shanghai").tolist() == ["1940-05", "1940-06"]
    assert (local_clock(june, timezone="Asia/Shanghai") - june) // 3_600_000_000 == 9


@settings(deadline=None)  # the clock changes of a zone are computed once
@given(
    st.datetimes(datetime(1920, 1, 2), datetime(2040, 1, 1)),
    st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/New_York", "UTC"]),
)
def test_the_local_clock_is_that_of_the_zone_and_can_be_read_back(moment: datetime, zone: str) -> None:
    at = moment.replace(tzinfo=UTC)
    us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    clock = local_clock([us], timezone=zone)
    assert clock.tolist() == [(local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)]
    assert month_labels([us], timezone=zone).tolist() == [f"{local:%Y-%m}"]
    # An hour that occurs twice is read as the first one.
    assert us - int(clock_instants(clock, timezone=zone)[0]) in (0, 3_600_000_000, 7_200_000_000)


def test_an_unknown_clock_is_refused() -> None:
    with pytest.raises(ConfigError, match="timezone: 'Moon/Base' is unknown"):
        period_start([1], "day", timezone="Moon/Base")


def _tables() -> dict[str, pl.LazyFrame]:
    def us(*when: int) -> int:
        return int(datetime(*when, tzinfo=UTC).timestamp() * 1e6)  # type: ignore[arg-type]

    sales = pl.DataFrame(
        {
            "sale_id": ["1", "2", "3", "4"],
            "sold_at": [us(2026, 1, 31, 15, 59, 59), us(2026, 1, 31, 16), us(2026, 2, 3), us(2026, 2, 4)],
            "store_id": ["S1", "S1", "S1", "S1"],
            "model": ["A", "A", "A", "A"],
            "vehicle_id": ["new", "new", "used", "new"],
            "quantity": [1.0, 1.0, 1.0, -1.0],
            "price": [100, 110, 90, 110],
        }
    )
    stock = pl.DataFrame(
        {
            "store_id": ["S1", "S1"],
            "model": ["A", "B"],
            "snapshot_at": [us(2026, 1, 31, 16), us(2026, 2, 28, 16)],
            "quantity": [3.0, 0.0],
            "days_in_stock": [31.0, 7.0],
        }
    )
    vehicles = pl.DataFrame({"vehicle_id": ["new", "used"], "condition": ["new", "used"]})
    return {"sales": sales.lazy(), "stock": stock.lazy(), "vehicles": vehicles.lazy()}


def test_sales_and_stock_by_month() -> None:
    tables = to_engine(_tables())
    how = {"series": ["store_id", "model"], "frequency": "month", "timezone": "Asia/Shanghai"}
    sales = collect(sales_by_period(tables, condition="new", **how)).sort("period")
    assert sales["period"].to_list() == [672, 673]
    assert sales["quantity"].to_list() == [1.0, 0.0] and sales["rows"].to_list() == [1, 2]
    assert [period_label(p, "month") for p in sales["period"]] == ["2026-01", "2026-02"]
    stock = collect(stock_by_period(tables, **how)).sort("model")
    assert stock["period"].to_list() == [672, 673] and stock["on_hand"].to_list() == [3.0, 0.0]


def test_rows_that_are_left_out_are_counted_by_day() -> None:
    tables = _tables()
    incomplete = tables["sales"].with_columns(
        model=pl.when(pl.col("sale_id") != "1").then("model"),
        quantity=pl.when(pl.col("sale_id") != "4").then("quantity"),
    )
    complete = sales_by_day(to_engine(tables), series=["model"], timezone="UTC")
    assert collect(complete)["returns"].sum() == 1
    frames = to_engine(tables | {"sales": incomplete})
    days = sales_by_day(frames, series=["store_id", "model"], timezone="Asia/Shanghai", condition="new")
    february = (date(2026, 2, 1) - date(1970, 1, 1)).days
    counts = ("rows", "without_series", "of_other_condition", "without_quantity", "returns")
    assert collect(days).sort("period").select("period", *counts).rows() == [
        (february - 1, 0, 1, 0, 0, 0), (february, 1, 0, 0, 0, 0), (february + 2, 0, 0, 1, 0, 0),
        (february + 3, 1, 0, 0, 1, 0),
    ]  # fmt: skip


def test_stock_without_its_optional_columns_has_quantities_alone() -> None:
    tables = to_engine({"stock": _tables()["stock"].drop("days_in_stock")})
    stock = stock_by_period(tables, series=("store_id", "model"), frequency="month", timezone="Asia/Shanghai")
    assert set(collect(stock).columns) == {"store_id", "model", "period", "on_hand"}


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=r"sales\.province: the column is missing"):
        sales_by_period(to_engine(_tables()), series=["province"], frequency="month", timezone="UTC")
