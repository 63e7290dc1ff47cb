"""Stock without the vehicles that a push took off offer, and entries of the catalogue without a vehicle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from features.aggregations import DAY
from features.errors import DataError
from ml.recommendation.live_updates import LiveUpdates
from ml.recommendation.merchandising import MerchandisingRules
from ml.recommendation.offer import Offer, units_by_entry
from ml.recommendation.stock import Stock
from serving.stores import open_store, writing
from tests.ml.recommendation.test_stock import CARS, NOW, ids
from tests.ml.recommendation.test_stock import stock as stock

UNITS = pl.DataFrame(
    {
        "vehicle_id": ["C1", "C2", "n1", "n2", "n3"],
        "kind": ["catalogue", "catalogue", "unit", "unit", "unit"],
        "catalogue_id": ["C1", "C2", "C1", "C1", "C2"],
        "sold_at": [None, None, None, None, 3],
        "reserved_at": [None, None, None, None, None],
    },
    schema_overrides={"sold_at": pl.Int64, "reserved_at": pl.Int64},
)


def test_without_leaves_vehicles_out_of_every_column(stock: Stock) -> None:
    less = stock.without({"U2", "C1", "nothing"})
    assert ids(less, slice(None)) == ["C2", "U1", "U4"] and less.rows == {"C2": 0, "U1": 1, "U4": 2}
    assert less.shown["brand"] == ["y", "x", "z"] and less.price[1] == 50_000.0 and len(less.vectors) == 3
    assert less.among("brand", ["x"]).tolist() == [False, True, False] and less.stores == stock.stores
    assert stock.without(["nothing"]) is stock and len(stock) == 5


@pytest.mark.parametrize("column", ["sold_at", "reserved_at", "withdrawn_at"])
def test_reserved_and_withdrawn_vehicles_are_off_offer_like_sold_ones(stock: Stock, column: str) -> None:
    cars = CARS.drop("sold_at").with_columns(pl.Series(column, [None, None, NOW, NOW + 1, None, None], dtype=pl.Int64))
    from ml.estimators.retrievers.content import ContentNeighbours
    from ml.recommendation.catalogue import Items, Vehicles, Vocabularies
    from ml.recommendation.stock import content_columns

    vocabularies = Vocabularies.from_tables(cars, cars["item_id"], pl.Series(["S1"]))
    items = Items.of(Vehicles.encode(cars, vocabularies), vocabularies)
    space = ContentNeighbours().fit(*content_columns(items.log_price, items.codes, vocabularies))
    present = Stock.of(cars, vocabularies, space, numeric=(), read_at=NOW)
    assert "U1" not in present.rows and "U2" in present.rows
    assert int(present.vehicles.sold_at[present.rows["U2"]]) == NOW + 1  # the offer ends then


def test_units_by_entry() -> None:
    assert units_by_entry(UNITS, at=9) == {"C1": frozenset({"n1", "n2"}), "C2": frozenset()}
    assert units_by_entry(UNITS, at=2)["C2"] == {"n3"}  # not sold yet
    assert units_by_entry(UNITS.filter(pl.col("kind") == "catalogue"), at=9) == {}
    assert units_by_entry(UNITS.drop("catalogue_id"), at=9) == {}


def test_an_entry_is_gone_with_its_last_vehicle(stock: Stock) -> None:
    offer = Offer(stock, units_by_entry(UNITS, at=9))
    assert ids(offer.present((), made_to_order=False), slice(None)) == ["C1", "U2", "U1", "U4"]
    assert "C1" in offer.present({"n1"}, made_to_order=False).rows
    assert "C1" not in offer.present({"n1", "n2"}, made_to_order=False).rows
    assert {"C1", "C2"} <= set(offer.present({"n1", "n2"}, made_to_order=True).rows)


class Served:
    """What live updates change of a served estimator."""

    def __init__(self, stock: Stock) -> None:
        self.stock, self.merchandising, self.financing = stock, MerchandisingRules(), None


def push(engine: sa.Engine, *vehicles: str) -> None:
    """Mark vehicles as sold, as the service does."""
    with writing(engine) as connection:
        for name in vehicles:
            connection.exec_driver_sql(f"INSERT INTO stock_states (vehicle_id, sold_at) VALUES ('{name}', {DAY})")
        connection.exec_driver_sql("UPDATE stock_head SET states = states + 1")


def test_a_push_takes_vehicles_off_offer_without_any_source(
    stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/feedback.db"
    monkeypatch.setenv("CHEHANG_FEEDBACK_STORE", url)
    update, served = LiveUpdates(tmp_path), Served(stock)
    estimator: Any = served
    update(estimator)
    assert served.stock is stock  # no store yet
    engine = open_store(url, "feedback")
    push(engine, "U1")
    assert update(estimator) and "U1" not in served.stock.rows and len(served.stock) == 4
    assert not update(estimator)
    push(engine, "C1")
    assert update(estimator) and set(served.stock.rows) == {"C2", "U2", "U4"}
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM stock_states WHERE vehicle_id = 'U1'")
        connection.exec_driver_sql("UPDATE stock_head SET states = states + 1")
    assert update(estimator) and set(served.stock.rows) == {"C2", "U1", "U2", "U4"}
    engine.dispose()
    (tmp_path / "feedback.db").write_bytes(b"no database" * 100)
    with pytest.raises(DataError, match="pushed stock"):
        update(estimator)
    assert set(served.stock.rows) == {"C2", "U1", "U2", "U4"}


def test_named_models_do_not_follow_the_pushes_of_another_dealership(
    stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/feedback.db"
    monkeypatch.setenv("CHEHANG_FEEDBACK_STORE", url)
    engine = open_store(url, "feedback")
    push(engine, "U1")
    engine.dispose()
    served: Any = Served(stock)
    LiveUpdates(tmp_path, data_set="north")(served)
    assert "U1" in served.stock.rows
