"""The answer about one used car: what it should fetch, and later on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from ml.residual_value.estimator import ResidualValueEstimator
from ml.signature import Signature, columns_of, request_model

Months = Annotated[int, Field(ge=1, le=120)]


class FutureValue(BaseModel):
    """The same car, older and driven further; in yuan."""

    after_months: int
    value: float
    value_low: float
    value_high: float


class ResidualValueAnswer(BaseModel):
    """What one used car should be listed at, in yuan."""

    model_config = ConfigDict(frozen=True)

    vehicle_id: str | None = None
    value: float = Field(description="median, in yuan")
    value_low: float = Field(description="low end of the interval, in yuan")
    value_high: float = Field(description="high end of the interval, in yuan")
    coverage: float = Field(description="share of prices that the interval holds")
    future_values: list[FutureValue] = Field(default_factory=list, description="one for each of after_months")
    contributions: dict[str, float] | None = Field(
        None, description="what each field does to the value, as a factor less 1; null if not asked for"
    )
    unseen: list[str] = Field(
        default_factory=list, description="fields whose value never occurred in training: treated as missing"
    )


def request(signature: Signature) -> type[BaseModel]:
    """Build the request model: the car's fields, and for which months ahead its value is asked."""
    car = request_model("ResidualValueCar", signature)
    later: Any = Field(default=(), max_length=60, description="months from now")
    driven: Any = Field(default=None, ge=0, le=100_000, allow_inf_nan=False, description="km per month from now on")
    return create_model(
        "ResidualValueRequest",
        __base__=car,
        after_months=(list[Months], later),
        km_per_month=(float | None, driven),
    )


def respond(
    estimator: ResidualValueEstimator, requests: Sequence[BaseModel], *, explain: bool = True
) -> list[ResidualValueAnswer]:
    """Answer cars, in their order.

    Parameters
    ----------
    estimator : ResidualValueEstimator
        A fitted one.
    requests : sequence
        Instances of `request(estimator.signature)`.
    explain : bool
        Whether to say what each field does to the value.

    Raises
    ------
    DataError
        Values later than today are asked for, and age or mileage is not given.
    """
    columns = columns_of(requests, estimator.signature)
    now = estimator.values(columns)
    matrix = estimator.encoder_.transform(columns)
    effects = estimator.learner_.contributions(matrix)[:, :-1] if explain else None
    answers = []
    for i, asked in enumerate(requests):
        car = {name: values[i] for name, values in columns.items()}
        answers.append(
            ResidualValueAnswer.model_construct(
                vehicle_id=getattr(asked, "vehicle_id", None),
                **dict(zip(("value", "value_low", "value_high"), now[i].tolist(), strict=True)),
                coverage=estimator.learner_.coverage,
                future_values=_future_values(estimator, car, asked),
                contributions=None if effects is None else _factors(estimator, effects[i]),
                unseen=estimator.encoder_.unseen({n: car[n] for n in estimator.encoder_.categorical}),
            )
        )
    return answers


def _future_values(estimator: ResidualValueEstimator, car: dict[str, Any], asked: Any) -> list[FutureValue]:
    if not asked.after_months:
        return []
    found = estimator.future_values(car, months=asked.after_months, km_per_month=asked.km_per_month)
    return [
        FutureValue.model_construct(after_months=m, value=v, value_low=low, value_high=high)
        for m, (v, low, high) in zip(asked.after_months, found.tolist(), strict=True)
    ]


def _factors(estimator: ResidualValueEstimator, effects: Any) -> dict[str, float]:
    import math

    names = estimator.encoder_.feature_names_out_
    return {n: round(math.expm1(e), 4) for n, e in sorted(zip(names, effects, strict=True), key=lambda x: -abs(x[1]))}
