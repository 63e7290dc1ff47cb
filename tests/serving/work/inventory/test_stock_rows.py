"""Vehicles for sale and latest prices, from the tables."""

from __future__ import annotations

import polars as pl

from serving.work.inventory.stock_rows import latest_prices, units_on_lot
from serving.work.records import Records, RecordTables
from tests.serving.work.inventory.dealership import DAY, NOW, used_car


def test_the_latest_price_of_the_stock_comes_before_that_of_sales() -> None:
    """In yuan."""
    stock = {"model": ["x", "x"], "snapshot_at": [1, 2], "price": [100, 200], "store_id": ["a", "a"]}
    sales = {"model": ["x", "y"], "sold_at": [5, 6], "price": [900, 700], "store_id": ["a", "a"]}
    frames = {"stock": pl.DataFrame(stock), "sales": pl.DataFrame(sales)}
    records = Records(lambda: RecordTables(frames, {}, NOW, "UTC", 1), fixed=NOW)
    records.load()
    assert latest_prices(records) == {"x": 2.0, "y": 7.0}


def test_vehicles_that_are_sold_later_are_still_for_sale() -> None:
    """Those of the other condition are not."""
    rows = [used_car("later", 5, sold_at=NOW + DAY), used_car("gone", 9, sold_at=NOW - DAY)]
    frame = pl.DataFrame([*rows, used_car("new", 1, condition="new")], infer_schema_length=None)
    records = Records(lambda: RecordTables({"vehicles": frame}, {}, NOW, "UTC", 1), fixed=NOW)
    records.load()
    assert units_on_lot(records, "used")["vehicle_id"].to_list() == ["later"]
