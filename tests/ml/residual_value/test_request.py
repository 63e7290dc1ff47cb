"""Ages of requests: stated, by registration date, by model year; contradictions, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from pydantic import ValidationError

from features.engines import collect
from features.residual_value import MONTH, build, build_spine
from ml.estimators.tabular_encoder import TabularEncoder
from ml.residual_value.request import car_columns, car_model, number_warnings, unseen_warnings
from ml.signature import Field, Signature
from ml.usual_values import UsualRange

AGE = Field(name="age_months", kind="number", unit="months", feature=True, required=True)
SIGNATURE = Signature(fields=(AGE, Field(name="model", kind="text", feature=True)))
NOW = 1_767_225_600_000_000  # 1 January 2026


def columns_and_warnings(signature: Signature = SIGNATURE, **fields: Any) -> tuple[float | None, list[str]]:
    columns, warnings = car_columns([car_model("Car", signature)(**fields)], signature, now=NOW)
    return columns["age_months"][0], [w.zh for w in warnings[0]]


@pytest.mark.parametrize(
    ("fields", "age"),
    [
        ({"age_months": 12.0}, 12.0),
        ({"first_registered_at": "2024-01-01T00:00:00Z"}, 24.02),  # 731 days, 2024 is a leap year
        ({"model_year": 2023}, 36.0),
        ({"first_registered_at": "2024-01-01T00:00:00Z", "model_year": 2024}, 24.02),
        ({"model_year": 2023, "listed_at": "2024-01-01T00:00:00Z"}, 12.0),
    ],
)
def test_the_age_is_stated_or_computed(fields: dict[str, Any], age: float) -> None:
    value, warnings = columns_and_warnings(**fields)
    assert value == pytest.approx(age, abs=0.02) and warnings == []


def test_a_request_has_the_age_of_the_same_car_in_training() -> None:
    registered, listed = datetime(2021, 5, 6, 7, tzinfo=UTC), datetime(2024, 8, 9, 10, tzinfo=UTC)
    rows: dict[str, Any] = {
        "vehicle_id": ["a", "b", "c"],
        "listed_at": [int(listed.timestamp()) * 1_000_000] * 3,
        "first_registered_at": [int(registered.timestamp()) * 1_000_000, None, None],
        "model_year": [2021, 2021, None],
        "age_months": [None, None, 7.5],
        "price": [1, 1, 1],
    }
    tables = {"vehicles": nw.from_native(pl.LazyFrame(rows))}
    trained = collect(build(build_spine(tables).drop("label"), tables)).sort("vehicle_id")["age_months"].to_list()
    car = car_model("Car", SIGNATURE)
    requests = [
        car(first_registered_at=registered, model_year=2021, listed_at=listed),
        car(model_year=2021, listed_at=listed),
        car(age_months=7.5, listed_at=listed),
    ]
    assert car_columns(requests, SIGNATURE)[0]["age_months"] == trained


def test_a_request_without_an_age_is_refused_if_every_training_row_has_one() -> None:
    for fields in ({}, {"model": "A"}, {"age_months": None}, {"listed_at": "2024-01-01T00:00:00Z"}):
        with pytest.raises(ValidationError) as raised:
            car_model("Car", SIGNATURE)(**fields)
        (error,) = raised.value.errors()
        assert error["loc"] == ("age_months",)
        assert error["msg"] == (
            "required: the price depends on the age; send age_months, first_registered_at or model_year"
        )


def test_an_unknown_age_is_said_if_training_rows_lack_it_too() -> None:
    optional = Signature(fields=(AGE.model_copy(update={"required": False}),))
    age, warnings = columns_and_warnings(optional)
    assert age is None
    assert warnings == ["车龄无法确定：请填写 age_months、first_registered_at 或 model_year；估值未考虑车龄"]


@pytest.mark.parametrize(
    ("fields", "age", "warning"),
    [
        (
            {"age_months": 12.0, "first_registered_at": "2024-01-01T00:00:00+08:00"}, 12.0,
            "车龄 12 个月与首次上牌日期 2024-01-01（距今 24 个月）不符：按填写的车龄估值，请核对",
        ),
        (
            {"age_months": 12.0, "model_year": 2018}, 12.0,
            "车龄 12 个月与年款 2018 不符：按车龄估值，请核对",
        ),
        (
            {"first_registered_at": "2015-03-02T00:00:00Z", "model_year": 2020}, 130.0,
            "首次上牌日期 2015-03-02与年款 2020 不符：按首次上牌日期估值，请核对",
        ),
        (
            {"first_registered_at": "2026-07-01T00:00:00Z"}, 0.0,
            "首次上牌日期 2026-07-01 晚于估值日期 2026-01-01：车龄按 0 计算，请核对日期",
        ),
    ],
)  # fmt: skip
def test_a_contradiction_is_noted(fields: dict[str, Any], age: float, warning: str) -> None:
    value, warnings = columns_and_warnings(**fields)
    assert value == pytest.approx(age, abs=0.1) and warnings == [warning]


def test_an_age_beyond_the_training_rows_is_noted() -> None:
    usual = AGE.model_copy(update={"usual": UsualRange(low=29, high=115)})
    signature = Signature(fields=(usual,))
    assert columns_and_warnings(signature, age_months=29.0) == (29.0, [])
    _, (warning,) = columns_and_warnings(signature, age_months=1.0)
    assert warning == "训练数据中的车龄为 29～115 个月：车龄 1 个月的估值由折旧曲线外推得出"
    # The same is not said twice, but an error of unit is.
    assert number_warnings({"age_months": [0.5]}, 0, signature) == []
    (unit,) = number_warnings({"age_months": [4.0]}, 0, signature)
    assert unit.en.endswith(": the unit is months, not years")


def test_a_model_without_ages_takes_its_fields_as_they_stand() -> None:
    year = Signature(fields=(Field(name="model_year", kind="integer", feature=True, required=True),))
    car = car_model("Car", year)
    assert car_columns([car(model_year=2015)], year) == ({"model_year": [2015]}, [[]])
    with pytest.raises(ValidationError, match="age_months"):
        car(model_year=2015, age_months=3.0)
    own = Signature(fields=(Field(name="age_months", kind="number", feature=True, own=True),))
    assert car_columns([car_model("Car", own)()], own) == ({"age_months": [None]}, [[]])


def test_values_that_no_training_row_has_are_named() -> None:
    encoder = TabularEncoder(categorical=["model", "energy_type"]).fit({"model": ["A"], "energy_type": ["hybrid"]})
    estimator: Any = type("Estimator", (), {"encoder_": encoder, "signature": SIGNATURE})()
    columns = {"model": ["望岱X5"], "energy_type": ["battery_electric"]}
    assert [w.en for w in unseen_warnings(estimator, columns, 0)] == [
        "no car of the training data has the model 望岱X5: the price ignores the model",
        "no car of the training data has the energy type battery electric: the price ignores the energy type",
    ]
    assert MONTH > 0 and unseen_warnings(estimator, {"model": ["A"], "energy_type": [None]}, 0) == []
