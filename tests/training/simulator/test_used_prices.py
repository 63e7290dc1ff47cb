"""Prices of used cars: plausible losses, the noise around the expected price, and a model that comes close to it."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from features.engines import collect
from features.residual_value import build, build_spine
from ml.residual_value import TASK
from ml.residual_value.estimator import ResidualValueEstimator
from ml.residual_value.params import ResidualParams
from ml.signature import infer_signature
from training.simulator.dealership import used_price_truth
from training.simulator.size import Size
from training.simulator.units import units_frame
from training.simulator.used_prices import asking_price, expected_price
from training.simulator.world import build_world


def test_a_used_car_loses_what_a_manager_expects() -> None:
    one, three, taxi = expected_price(
        np.full(3, 100_000.0), years=np.array([1.0, 3.0, 3.0]), mileage=np.array([14_000.0, 42_000.0, 150_000.0])
    )
    assert one == pytest.approx(85_437, abs=1) and three == pytest.approx(62_363, abs=1) and taxi < 0.86 * three


def test_prices_lie_around_the_expected_one() -> None:
    prices = asking_price(np.random.default_rng(1), np.full(4_000, 100_000.0))
    assert np.median(np.abs(prices / 100_000 - 1)) == pytest.approx(0.6745 * 0.07, rel=0.05)
    assert np.median(prices) == pytest.approx(100_000, rel=0.01) and (prices % 100 == 0).all()


def test_the_model_comes_close_to_the_noise_of_the_prices() -> None:
    """On the last fifth of the cars, in time order, its error is less than 1.15 times that of the expected price."""
    world = build_world(Size(stores=8, customers=20_000, months=30))
    cars = units_frame(world.units, world.catalogue, world.stores, world.window).filter(pl.col("condition") == "used")
    tables = {"vehicles": nw.from_native(cars.lazy())}
    spine = build_spine(tables)
    rows = collect(build(spine.drop("label"), tables)).join(collect(spine), on=["vehicle_id", "as_of"])
    rows = rows.join(used_price_truth(world), on="vehicle_id").sort("as_of", "vehicle_id")
    y, expected = rows["label"].to_numpy(), rows["expected_price"].to_numpy() / 100
    first, second = int(0.6 * len(y)), int(0.8 * len(y))
    features = {"numeric": ["age_months", "mileage_km", "power_kw"], "categorical": ["brand", "series", "model", "use"]}
    signature = infer_signature(rows[:first], TASK.table, extra=(), **features)
    trees = {"n_estimators": 200, "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 10, "num_threads": 1}
    estimator = ResidualValueEstimator(params=ResidualParams(quantile_trees=trees), signature=signature)
    estimator.fit(rows[:first], y[:first], calibrate=(rows[first:second], y[first:second]))
    value = estimator.predict(rows[second:])["value"].to_numpy()
    error, floor = (float(np.median(np.abs(p - y[second:]) / y[second:])) for p in (value, expected[second:]))
    assert 0.04 < floor < 0.055
    assert floor <= error < 1.15 * floor
