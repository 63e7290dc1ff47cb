"""Resale values and trade-in quotes, with a model in which a car loses 100 yuan a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from features.residual_value import MONTH
from ml.estimators.tabular_encoder import TabularEncoder
from ml.loans.collateral_value import (
    MAX_MONTHS,
    TradeInQuote,
    resale_values,
    trade_in_quote,
    used_car_fields,
    used_car_gaps,
)
from ml.requests import request_model
from ml.signature import Field, Signature
from ml.usual_values import UsualRange

SIGNATURE = Signature(fields=(Field(name="age_months", kind="number", feature=True, required=True),))


class Model:
    """The median is 20,000 yuan less 100 per month of age; the bounds are 10 % below and above."""

    signature = SIGNATURE

    def values(self, columns: Mapping[str, list[float]]) -> np.ndarray[Any, Any]:
        value = 20_000 - 100 * np.array(columns["age_months"], dtype=np.float64)
        return np.column_stack([value, 0.9 * value, 1.1 * value])

    def future_values(
        self, car: Mapping[str, Any], *, months: Iterable[int], km_per_month: float | None
    ) -> np.ndarray[Any, Any]:
        assert km_per_month == 1_000.0
        return self.values({"age_months": [car["age_months"] + m for m in months]})


CHAMPIONS: Any = {"residual_value": SimpleNamespace(estimator=Model())}


def car_details(age: float) -> Any:
    model = used_car_fields(CHAMPIONS)["trade_in"][0].__args__[0]
    return model.model_validate({"age_months": age})


def test_there_are_no_used_car_fields_without_a_residual_value_model() -> None:
    assert used_car_fields({}) == {}
    assert set(used_car_fields(CHAMPIONS)) == {"vehicle_details", "km_per_month", "trade_in"}


def test_resale_values_are_lower_bounds_in_fen_by_month() -> None:
    values = resale_values(CHAMPIONS, car_details(24.0), 1_000.0, price=20_000.0)
    assert len(values) == MAX_MONTHS + 1
    assert values[0] == round(0.9 * 17_600 * 100) and values[12] == round(0.9 * 16_400 * 100)


def test_resale_values_start_from_the_agreed_price_if_it_is_lower() -> None:
    # Today's median is 17,600: at a price of 8,800 yuan all values are halved.
    values = resale_values(CHAMPIONS, car_details(24.0), 1_000.0, price=8_800.0)
    assert values[0] == round(0.9 * 8_800 * 100) and values[12] == round(0.9 * 8_200 * 100)


def test_ages_count_to_the_day_of_the_application() -> None:
    model = used_car_fields(CHAMPIONS)["vehicle_details"][0].__args__[0]
    by_year = model.model_validate({"model_year": 1970})
    assert resale_values(CHAMPIONS, by_year, 1_000.0, price=1e6, now=24 * MONTH)[0] == round(0.9 * 17_600 * 100)
    quote = trade_in_quote(CHAMPIONS, by_year, now=24 * MONTH)
    assert quote is not None and quote.value == 17_600.0


def test_without_details_there_are_no_values_and_no_quote() -> None:
    assert resale_values(CHAMPIONS, None, 1_000.0, price=20_000.0) == ()
    assert trade_in_quote(CHAMPIONS, None) is None


def test_a_trade_in_is_quoted_at_the_lower_bound() -> None:
    quote = trade_in_quote(CHAMPIONS, car_details(100.0), payoff=10_500.0)
    expected = {"quote": 9_000.0, "value": 10_000.0, "value_high": 11_000.0, "payoff": 10_500.0, "net": -1_500.0}
    assert quote == TradeInQuote(**expected)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("after_months: no age; omit it", "vehicle_details: no age; omit it"),
        ("age_months: required; give the car's value", "vehicle_details: age_months: required; give the car's value"),
        ("km_per_month: required", "km_per_month: required"),
    ],
)
def test_an_error_of_the_model_names_a_field_of_this_request(error: str, message: str) -> None:
    class Refusing(Model):
        def future_values(
            self, car: Mapping[str, Any], *, months: Iterable[int], km_per_month: float | None
        ) -> np.ndarray[Any, Any]:
            raise DataError(error)

    champions: Any = {"residual_value": SimpleNamespace(estimator=Refusing())}
    with pytest.raises(DataError) as raised:
        resale_values(champions, car_details(24.0), None, price=20_000.0)
    assert str(raised.value) == message


def test_what_used_cars_leave_out_and_implausible_mileage_are_named_by_car() -> None:
    mileage = Field(name="mileage_km", kind="number", unit="km", feature=True, usual=UsualRange(low=500, high=400_000))
    signature = Signature(fields=(mileage, Field(name="paint", kind="text", feature=True, nulls=("?",))))
    encoder = TabularEncoder(numeric=["mileage_km"], categorical=["paint"]).fit({"paint": ["black"]})
    estimator = SimpleNamespace(signature=signature, encoder_=encoder)
    champions: Any = {"residual_value": SimpleNamespace(estimator=estimator)}
    model = request_model("UsedCar", signature)
    cars = {"vehicle_details": model(mileage_km=30_000.0), "trade_in": model(mileage_km=6.5, paint="?")}
    missing, warnings = used_car_gaps(champions, cars)
    assert missing == ["vehicle_details.paint", "trade_in.paint"]
    assert [w.field for w in warnings] == ["trade_in.mileage_km"] and "not in 万公里" in warnings[0].en
    _, warnings = used_car_gaps(champions, {"trade_in": model(mileage_km=30_000.0, paint="red")})
    assert [(w.field, w.zh) for w in warnings] == [
        ("trade_in.paint", "训练数据中没有“paint”为“red”的车辆：估值未考虑“paint”")
    ]
