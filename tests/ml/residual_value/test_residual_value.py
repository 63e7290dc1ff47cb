"""Predicted prices of used cars compared with the rule that generated them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.engines import collect
from features.errors import ConfigError, DataError
from features.residual_value import MONTH, build, build_spine
from ml.residual_value import TASK
from ml.residual_value.answer import request, respond
from ml.residual_value.estimator import ResidualValueEstimator, median_table
from ml.residual_value.params import ResidualParams
from ml.signature import infer_signature
from tests.small.residual_value import NEW_PRICE, used_cars

FEATURES = {"numeric": ["age_months", "mileage_km"], "categorical": ["model"]}


def _table(rows: int = 2_000, seed: int = 1) -> tuple[pl.DataFrame, Any]:
    cars = {"vehicles": nw.from_native(used_cars(rows=rows, seed=seed).lazy())}
    spine = build_spine(cars)
    columns = collect(build(spine.drop("label"), cars)).sort("vehicle_id")
    return columns, collect(spine).sort("vehicle_id")["label"].to_numpy()


@pytest.fixture(scope="module")
def fitted() -> ResidualValueEstimator:
    X, y = _table()
    signature = infer_signature(X, TASK.table, extra=(), **FEATURES)
    trees = {"n_estimators": 150, "learning_rate": 0.1, "num_leaves": 15, "num_threads": 1}
    params = ResidualParams.model_validate({"quantile_trees": trees})
    return ResidualValueEstimator(params=params, signature=signature).fit(X, y, calibrate=_table(1_000, 2))


def test_age_is_months_from_registration_else_from_model_year() -> None:
    cars = pl.DataFrame(
        {
            "vehicle_id": ["a", "b", "c"],
            "listed_at": [10 * MONTH + 5 * 12 * MONTH] * 3,
            "first_registered_at": [10 * MONTH, None, 100 * 12 * MONTH],
            "model_year": [1900 + 70, 1971, 1970],
            "price": [1, 1, 1],
        }
    )
    tables = {"vehicles": nw.from_native(cars.lazy())}
    built = collect(build(build_spine(tables).drop("label"), tables)).sort("vehicle_id")
    assert built["age_months"].to_list() == [60.0, 58.0, 0.0]
    assert "model_year" not in built.columns and "price" not in built.columns


def test_without_dates_the_model_year_carries_age() -> None:
    cars = {"vehicles": nw.from_native(used_cars(rows=5).drop("listed_at", "first_registered_at").lazy())}
    built = collect(build(build_spine(cars).drop("label"), cars))
    assert "model_year" in built.columns and "age_months" not in built.columns


def test_catalogue_and_new_cars_are_left_out() -> None:
    cars = used_cars(rows=4).with_columns(
        kind=pl.Series(["unit", "catalogue", None, "unit"]), condition=pl.Series(["used", "used", None, "new"])
    )
    rows = collect(build_spine({"vehicles": nw.from_native(cars.lazy())}))
    assert sorted(rows["vehicle_id"]) == ["V00000", "V00002"]


def test_it_finds_the_rule_and_its_interval_holds(fitted: ResidualValueEstimator) -> None:
    X, y = _table(2_000, 3)
    answers = fitted.predict(X)
    error = np.abs(answers["value"].to_numpy() - y) / y
    assert np.median(error) < 0.07  # noise alone: 0.054
    inside = (answers["value_low"].to_numpy() <= y) & (y <= answers["value_high"].to_numpy())
    assert 0.75 < inside.mean() < 0.85
    baseline = median_table(*_table(), X)
    assert np.abs(answers["value"].to_numpy() - y).mean() < np.abs(baseline - y).mean()


def test_older_and_further_is_never_worth_more(fitted: ResidualValueEstimator) -> None:
    car = {"age_months": 12.0, "mileage_km": 20_000.0, "model": "B"}
    later = fitted.future_values(car, months=[36, 12, 60], km_per_month=1_000)
    assert later[1, 0] >= later[0, 0] >= later[2, 0]
    assert (later[:, 1] <= later[:, 0]).all() and (later[:, 0] <= later[:, 2]).all()
    expected = NEW_PRICE["B"] * 0.86**4 * 0.98 ** (56_000 / 10_000)
    assert later[0, 0] == pytest.approx(expected, rel=0.12)


def test_the_answer_has_the_effect_of_each_field(fitted: ResidualValueEstimator) -> None:
    ask = request(fitted.signature)
    body = {"age_months": 90, "mileage_km": 150_000, "model": "D", "after_months": [12], "km_per_month": 1_000}
    answer = respond(fitted, [ask.model_validate(body)])[0]
    assert answer.unseen == ["model"] and answer.coverage == 0.8
    assert answer.contributions["age_months"] < 0 and answer.contributions["mileage_km"] < 0
    assert answer.future_values[0].value <= answer.value
    assert respond(fitted, [ask(age_months=90, mileage_km=1, model="A")], explain=False)[0].contributions is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"after_months": [12]}, "km_per_month: required"),
        ({"after_months": [12], "km_per_month": 1_000, "mileage_km": None}, "mileage_km: required"),
    ],
)
def test_future_values_need_age_and_mileage(fitted: ResidualValueEstimator, body: dict[str, Any], message: str) -> None:
    car = {"age_months": 1.0, "mileage_km": 1.0, "model": "A"} | body
    with pytest.raises(DataError, match=message):
        fitted.future_values(car, months=[12], km_per_month=body.get("km_per_month"))


def test_requests_out_of_range_are_refused(fitted: ResidualValueEstimator) -> None:
    ask = request(fitted.signature)
    for invalid in ({"after_months": [0]}, {"after_months": [121]}, {"km_per_month": -1}, {"price": 3}):
        (field,) = invalid
        with pytest.raises(ValidationError, match=rf"(?m)^{field}(\.|$)"):
            ask(age_months=1, mileage_km=1, model="A", **invalid)


def test_median_table_falls_back_from_year_to_model_to_all() -> None:
    train = pl.DataFrame({"brand": ["Z"] * 3, "model": ["A", "A", "B"], "age_months": [1.0, 30.0, 1.0]})
    test = pl.DataFrame({"brand": ["Z"] * 3, "model": ["A", "A", "C"], "age_months": [5.0, 50.0, 1.0]})
    assert median_table(train, np.array([10.0, 20.0, 90.0]), test).tolist() == [10.0, 15.0, 20.0]


def test_refit_and_unknown_monotone_are_refused(fitted: ResidualValueEstimator) -> None:
    X, y = _table(300)
    with pytest.raises(ConfigError, match="refit"):
        ResidualValueEstimator(params=ResidualParams(), signature=fitted.signature).fit(
            X, y, calibrate=(X, y), refit=True
        )
    params = ResidualParams.model_validate({"monotone": {"colour": 1}})
    with pytest.raises(ConfigError, match=r"params.monotone.colour"):
        ResidualValueEstimator(params=params, signature=fitted.signature).fit(X, y, calibrate=(X, y))


def test_price_of_zero_is_no_price(tmp_path: Path) -> None:
    cars = used_cars(rows=3).with_columns(price=pl.Series([0, None, 500]))
    rows = collect(build_spine({"vehicles": nw.from_native(cars.lazy())}))
    assert rows["label"].to_list() == [5.0]


@settings(max_examples=40, deadline=None)
@given(
    age=st.floats(0, 300),
    mileage=st.floats(0, 600_000),
    km_per_month=st.floats(0, 20_000),
    model=st.sampled_from(["A", "B", "C", "unknown"]),
    months=st.lists(st.integers(1, 120), min_size=1, max_size=6),
)
def test_no_quantile_of_a_later_value_exceeds_an_earlier_one(
    fitted: ResidualValueEstimator, age: float, mileage: float, km_per_month: float, model: str, months: list[int]
) -> None:
    car = {"age_months": age, "mileage_km": mileage, "model": model}
    today = fitted.values({name: [value] for name, value in car.items()})[0]
    later = fitted.future_values(car, months=months, km_per_month=km_per_month)
    assert (later <= today).all()
    assert (later[:, 1] <= later[:, 0]).all() and (later[:, 0] <= later[:, 2]).all()
    order = np.argsort(months, kind="stable")
    assert (np.diff(later[order], axis=0) <= 0).all()
    # A value does not depend on the other months that are requested.
    assert np.array_equal(fitted.future_values(car, months=months[:1], km_per_month=km_per_month)[0], later[0])


def test_values_go_on_beyond_the_ages_of_the_training_rows(fitted: ResidualValueEstimator) -> None:
    # Training cars are 200 days old and more; each year takes 14 %, each 10,000 km another 2 %.
    new, youngest = fitted.values({"age_months": [0.0, 6.6], "mileage_km": [0.0, 0.0], "model": ["B", "B"]})[:, 0]
    assert new == pytest.approx(NEW_PRICE["B"], rel=0.1) and new > 1.03 * youngest
    old = fitted.values({"age_months": [120.0, 180.0], "mileage_km": [1e5, 1e5], "model": ["B", "B"]})[:, 0]
    assert old[1] / old[0] == pytest.approx(0.86**5, rel=0.15)


def test_the_additive_share_is_chosen_or_set() -> None:
    X, y = _table(400)
    signature = infer_signature(X, TASK.table, extra=(), **FEATURES)
    trees = {"n_estimators": 20, "num_threads": 1}

    def share(additive: float | None, rows: int) -> ResidualValueEstimator:
        params = ResidualParams.model_validate({"quantile_trees": trees, "additive": additive})
        estimator = ResidualValueEstimator(params=params, signature=signature)
        return estimator.fit(X[:rows], y[:rows], calibrate=_table(100, 2))

    # The rule is additive in logarithms, and 20 trees are too few for it.
    assert share(None, 400).additive_share_ == 1.0
    assert share(0.0, 400).additive_share_ == 0.0
    assert share(None, 60).additive_share_ == 1.0  # too few rows to compare on


def test_a_level_that_falls_over_the_training_period_is_taken_at_its_end() -> None:
    X, y = _table(2_000)
    years = (X["listed_at"].to_numpy() - X["listed_at"].to_numpy().max()) / (12 * MONTH)
    falling = y * np.exp(-0.2 * years)  # prices fall by a fifth a year, to the level of the rule at the end
    signature = infer_signature(X, TASK.table, extra=(), **FEATURES)
    params = ResidualParams.model_validate({"quantile_trees": {"n_estimators": 40, "num_threads": 1}})
    estimator = ResidualValueEstimator(params=params, signature=signature)
    estimator.fit(X, falling, calibrate=_table(200, 2))
    assert estimator.additive_.trend_ == pytest.approx(-0.2, abs=0.02)
    # Calibration cars have no trend: without one in the model they would be worth 18 % less than predicted.
    assert abs(estimator.learner_.offsets_[1]) < 0.05
