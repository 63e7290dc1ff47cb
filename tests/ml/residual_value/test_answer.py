"""Answers about used cars, with a model that can be computed by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ml.residual_value.answer import FutureValue, request, respond
from ml.signature import Field, Signature

SIGNATURE = Signature(
    fields=(
        Field(name="vehicle_id", kind="text"),
        Field(name="age_months", kind="number", feature=True, required=True),
        Field(name="paint", kind="category", values=("black", "red"), feature=True),
    )
)


class Encoder:
    categorical = ("paint",)
    feature_names_out_ = ("age_months", "paint")

    def transform(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        return np.array(columns["age_months"], dtype=np.float64)[:, None]

    def unseen(self, values: Mapping[str, Any]) -> list[str]:
        return [name for name, value in values.items() if value == "red"]


class Learner:
    coverage = 0.8


def _values(age: Sequence[float]) -> np.ndarray[Any, Any]:
    value = 20_000 - 100 * np.array(age, dtype=np.float64)
    return np.column_stack([value, 0.9 * value, 1.1 * value])


@pytest.fixture
def estimator() -> Any:
    """The median is 20,000 yuan less 100 a month; the bounds are 10 % off. Age halves it, paint adds 10 %."""
    return SimpleNamespace(
        signature=SIGNATURE,
        encoder_=Encoder(),
        learner_=Learner(),
        contributions=lambda columns: np.tile([math.log(0.5), math.log(1.1)], (len(columns["age_months"]), 1)),
        values=lambda columns: _values(columns["age_months"]),
        future_values=lambda car, *, months, km_per_month: _values([car["age_months"] + m for m in months]),
    )


def cars(*fields: dict[str, Any]) -> list[Any]:
    model = request(SIGNATURE)
    return [model.model_validate(one) for one in fields]


def test_cars_are_answered_in_their_order(estimator: Any) -> None:
    first, second = respond(
        estimator, cars({"vehicle_id": "U1", "age_months": 50.0, "paint": "red"}, {"age_months": 100.0})
    )
    assert (first.vehicle_id, first.value, first.value_low, first.value_high) == pytest.approx(
        ("U1", 15_000.0, 13_500.0, 16_500.0)
    )
    assert (second.vehicle_id, second.value) == (None, 10_000.0)
    assert first.coverage == 0.8 and first.future_values == []
    assert (first.unseen, second.unseen) == (["paint"], [])


def test_effects_are_factors_less_one_the_largest_first(estimator: Any) -> None:
    (answer,) = respond(estimator, cars({"age_months": 50.0}))
    assert answer.contributions == {"age_months": -0.5, "paint": 0.1}
    assert list(answer.contributions) == ["age_months", "paint"]
    assert respond(estimator, cars({"age_months": 50.0}), explain=False)[0].contributions is None


def test_later_values_stand_beside_the_months_asked_about(estimator: Any) -> None:
    (answer,) = respond(estimator, cars({"age_months": 50.0, "after_months": [12, 1]}))
    assert [(later.after_months, later.value) for later in answer.future_values] == [(12, 13_800.0), (1, 14_900.0)]
    assert answer.future_values[0] == FutureValue(
        after_months=12, value=13_800.0, value_low=0.9 * 13_800.0, value_high=1.1 * 13_800.0
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"after_months": [0]}, "after_months"),
        ({"after_months": [121]}, "after_months"),
        ({"after_months": [1] * 61}, "after_months"),
        ({"km_per_month": -1.0}, "km_per_month"),
        ({"km_per_month": math.inf}, "km_per_month"),
        ({"age_months": None}, "age_months"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_breaks_a_rule_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        cars({"age_months": 50.0, **changes})
    assert caught.value.errors()[0]["loc"][0] == field
