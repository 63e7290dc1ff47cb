"""Stores of a request: those of training, of the vehicles that were read, and of the rules are valid."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from features.errors import FeatureError
from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.catalogue import Items, Vehicles, Vocabularies
from ml.recommendation.merchandising import MerchandisingRules
from ml.recommendation.stock import Stock, content_columns
from ml.recommendation.store_check import check_stores

CARS = pl.DataFrame(
    {
        "vehicle_id": ["U1", "U2"], "item_id": ["a", "b"], "price": [5_000_000, 6_000_000], "brand": ["x", "y"],
        "sold_at": [5, None], "store_id": ["SOLD OUT", "STOCK"],
    }
)  # fmt: skip


def showroom(*, cars: pl.DataFrame = CARS, visited: tuple[str, ...] = ("VISITED",), **rules: Any) -> Any:
    vocabularies = Vocabularies.from_tables(cars, cars["item_id"], pl.Series(visited, dtype=pl.String))
    items = Items.of(Vehicles.encode(cars, vocabularies), vocabularies)
    space = ContentNeighbours().fit(*content_columns(items.log_price, items.codes, vocabularies))
    return SimpleNamespace(
        recommender=SimpleNamespace(vocabularies=vocabularies),
        stock=Stock.of(cars, vocabularies, space, numeric=(), read_at=10, stores=["NEW UNITS"] if visited else ()),
        merchandising=MerchandisingRules.model_validate(rules),
    )


@pytest.mark.parametrize("store", ["SOLD OUT", "STOCK", "VISITED", "NEW UNITS", "RULED", "SHOWN"])
def test_stores_of_training_vehicles_and_rules_are_valid(store: str) -> None:
    rule = {"action": "boost", "where": {"store_id": ["SHOWN"]}, "stores": ["RULED"]}
    check_stores(showroom(rules=[rule]), store, [store])


def test_another_store_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(FeatureError) as error:
        check_stores(showroom(), "STOKC", [])
    assert error.value.feature == "store_id"
    assert error.value.rule.startswith("is not one of the 4 stores of the model (did you mean `STOCK`?)")
    with pytest.raises(FeatureError) as error:
        check_stores(showroom(), "STOCK", ["STOCK", "?"])
    assert error.value.feature == "filters.store_id" and "such as `NEW UNITS`" in error.value.rule


def test_a_model_without_stores_accepts_none() -> None:
    estimator = showroom(cars=CARS.drop("store_id"), visited=())
    check_stores(estimator, None, [])
    with pytest.raises(FeatureError, match="must be left out: the model has no stores"):
        check_stores(estimator, "S1", [])
