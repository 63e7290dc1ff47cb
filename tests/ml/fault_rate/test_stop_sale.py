"""Which cars in stock are named for a stop of sale, by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features.aggregations import DAY
from ml.fault_rate.stop_sale import STOP_SALE, counted_stock, unsold_units

NOW = 100 * DAY
UNIT: dict[str, Any] = {
    "vehicle_id": "V", "kind": "unit", "condition": "new", "model": "A", "store_id": "S1", "built_at": 10 * DAY,
    "listed_at": 50 * DAY, "sold_at": None,
}  # fmt: skip


def units(*changes: dict[str, Any]) -> pl.LazyFrame:
    rows = [UNIT | {"vehicle_id": f"V{i}"} | change for i, change in enumerate(changes)]
    types = dict.fromkeys(("built_at", "listed_at", "sold_at"), pl.Int64)
    return pl.LazyFrame(rows, schema_overrides={**types, "kind": pl.String})


def test_unsold_units_of_the_affected_builds_are_named_new_and_used() -> None:
    frame = units(
        {"built_at": 9 * DAY}, {"built_at": 10 * DAY}, {"built_at": 19 * DAY, "condition": "used"},
        {"built_at": 20 * DAY}, {"model": "B"}, {"sold_at": NOW - 1}, {"listed_at": NOW}, {"kind": "catalogue"},
    )  # fmt: skip
    rows = unsold_units(frame, "A", (10, 20), as_of=NOW)
    assert rows["vehicle_id"].to_list() == ["V1", "V2"] and rows["build_known"].all()


def test_a_unit_of_unknown_build_is_named_and_said_so() -> None:
    rows = unsold_units(units({"built_at": None}, {"built_at": 50 * DAY}), "A", (10, 20), as_of=NOW)
    assert rows.select("vehicle_id", "build_known").rows() == [("V0", False)]


@pytest.mark.parametrize(("built", "names"), [((None, 20), ["V0"]), ((20, None), ["V1"]), ((None, None), ["V0", "V1"])])
def test_an_open_side_has_no_limit(built: tuple[int | None, int | None], names: list[str]) -> None:
    rows = unsold_units(units({}, {"built_at": 30 * DAY}), "A", built, as_of=NOW)
    assert rows["vehicle_id"].to_list() == names


def test_a_later_sale_leaves_the_unit_in_stock_today() -> None:
    assert unsold_units(units({"sold_at": NOW}), "A", (None, None), as_of=NOW).height == 1


def test_without_build_dates_all_units_of_the_model_are_named() -> None:
    frame = units({}, {"model": "B"}).select("vehicle_id", "model")
    rows = unsold_units(frame, "A", (10, 20), as_of=NOW)
    assert rows.select("vehicle_id", "build_known", "quantity").rows() == [("V0", False, 1.0)]


def test_counted_stock_takes_the_last_snapshot_of_each_store() -> None:
    lines = {"store_id": ["S1", "S1", "S2", "S1"], "model": ["A", "A", "A", "B"], "snapshot_at": [1, 2, 3, 2]}
    stock = pl.LazyFrame({**lines, "quantity": [5.0, 3.0, 2.0, 9.0]})
    rows = counted_stock(stock, "A", as_of=2)  # the snapshot of S2 is later
    assert rows.select("store_id", "quantity", "build_known").rows() == [("S1", 3.0, False)]
    assert counted_stock(stock.drop("quantity"), "A", as_of=2).schema == STOP_SALE
