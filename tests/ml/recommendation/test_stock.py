"""Vehicles on offer and filters, on six vehicles."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.catalogue import Items, Vehicles, Vocabularies
from ml.recommendation.request import Filters
from ml.recommendation.stock import Stock, content_columns

CARS = pl.DataFrame(
    {
        "vehicle_id": ["C1", "C2", "U1", "U2", "U3", "U4"],
        "item_id": ["new|A", "new|B", "used|A", "used|A", "used|A", "used|Z"],
        "condition": ["new", "new", "used", "used", "used", "used"],
        "brand": ["x", "y", "x", "x", "x", "z"],
        "body_type": ["suv", "sedan", "suv", "suv", "suv", "suv"],
        "price": [10_000_000, 20_000_000, 5_000_000, 6_000_000, 7_000_000, None],
        "seats": [5, 5, 7, None, 4, 5],
        "listed_at": [0, 5 * DAY, 8 * DAY, 9 * DAY, 0, 0],
        "sold_at": [None, None, 30 * DAY, None, 9 * DAY, None],
        "store_id": [None, None, "S1", "S2", "S1", "S2"],
    }
)
NOW = 10 * DAY


@pytest.fixture(scope="module")
def stock() -> Stock:
    """Stock whose item used|Z is outside the vocabulary."""
    trained = CARS.filter(pl.col("item_id") != "used|Z")
    vocabularies = Vocabularies.from_tables(trained, trained["item_id"], pl.Series(["S1", "S2"]))
    items = Items.of(Vehicles.encode(trained, vocabularies), vocabularies)
    content_space = ContentNeighbours().fit(*content_columns(items.log_price, items.codes, vocabularies))
    return Stock.of(CARS, vocabularies, content_space, numeric=(), read_at=NOW)


def ids(stock: Stock, rows: Any) -> list[str]:
    return [str(name) for name in stock.vehicles.ids[rows]]


def matching(
    stock: Stock, *, now: int = NOW, store: str | None = None, seats: int | None = None, **filters: Any
) -> Any:
    return ids(stock, stock.matching(Filters(**filters), now=now, store=store, seats=seats))


def test_sold_vehicles_are_left_out_and_items_are_sorted_newest_first(stock: Stock) -> None:
    assert ids(stock, slice(None)) == ["C1", "C2", "U2", "U1", "U4"] and len(stock) == 5
    assert stock.rows["U1"] == 3 and stock.shown["brand"] == ["x", "y", "x", "x", "z"]
    assert stock.price[:4].tolist() == [100_000.0, 200_000.0, 60_000.0, 50_000.0] and np.isnan(stock.price[4])


@pytest.mark.parametrize(
    ("request_fields", "names"),
    [
        ({}, ["C1", "C2", "U2", "U1", "U4"]),
        ({"now": 4 * DAY}, ["C1", "U4"]),
        ({"now": 30 * DAY}, ["C1", "C2", "U2", "U4"]),
        ({"price_low": 60_000.0}, ["C1", "C2", "U2"]),
        ({"price_low": 60_000.0, "price_high": 100_000.0}, ["C1", "U2"]),
        ({"condition": "new"}, ["C1", "C2"]),
        ({"brand": ["y", "z"]}, ["C2", "U4"]),
        ({"brand": ["nobody"]}, []),
        ({"body_type": ["sedan"]}, ["C2"]),
        ({"energy_type": ["hybrid"]}, []),
        ({"seats": 6}, ["U2", "U1"]),
        ({"exclude": ["C1", "nothing"]}, ["C2", "U2", "U1", "U4"]),
        ({"store": "S1"}, ["C1", "C2", "U1"]),
        ({"store": "S1", "store_id": ["S2"]}, ["U2", "U4"]),
        ({"store": "S9"}, ["C1", "C2"]),
    ],
)
def test_every_filter_matches_exactly(stock: Stock, request_fields: dict[str, Any], names: list[str]) -> None:
    assert matching(stock, **request_fields) == names


def test_one_vehicle_per_item_prefers_the_own_store(stock: Stock) -> None:
    everything = np.ones(len(stock), dtype=bool)
    assert ids(stock, stock.one_of_each(everything, store=0)) == ["C1", "C2", "U1", "U4"]
    assert ids(stock, stock.one_of_each(everything, store=1)) == ["C1", "C2", "U2", "U4"]
    assert stock.one_of_each(~everything, store=0).tolist() == []


def test_likeness_is_one_for_the_vehicle_itself_and_high_for_its_item(stock: Stock) -> None:
    likeness = stock.likeness(stock.rows["U1"])
    assert likeness[stock.rows["U1"]] == pytest.approx(1, abs=1e-6)
    assert likeness[stock.rows["U2"]] > likeness[stock.rows["C2"]]


def test_unknown_categories_have_code_minus_one() -> None:
    vocabularies = Vocabularies.from_tables(CARS, CARS["item_id"], pl.Series(["S1"]))
    price, table = content_columns(
        np.array([1.0, 2.0]), {"brand": np.array([0, len(vocabularies.categories["brand"])])}, vocabularies
    )
    assert price.tolist() == [[1.0], [2.0]]
    place = list(vocabularies.categories).index("brand")
    assert table[:, place].tolist() == [0, -1] and (np.delete(table, place, axis=1) == -1).all()
