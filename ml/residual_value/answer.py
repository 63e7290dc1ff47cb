"""Response of the `residual_value` endpoint: price of a used car with an interval, today and later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from ml.plausibility import FieldWarnings
from ml.requests import MissingFields, missing_features
from ml.residual_value.estimator import ResidualValueEstimator
from ml.residual_value.request import car_columns, car_model, number_warnings
from ml.signature import Signature

Months = Annotated[int, Field(ge=1, le=120)]


class FutureValue(BaseModel):
    """Predicted price of the car after a number of months, in yuan."""

    after_months: int = Field(description="months from now")
    value: float = Field(description="median, yuan")
    value_low: float = Field(description="lower bound of the interval, yuan")
    value_high: float = Field(description="upper bound of the interval, yuan")


class ResidualValueAnswer(BaseModel):
    """Predicted asking price of one used car, in yuan."""

    model_config = ConfigDict(frozen=True)

    vehicle_id: str | None = None
    value: float = Field(description="median, yuan")
    value_low: float = Field(description="lower bound of the interval, yuan")
    value_high: float = Field(description="upper bound of the interval, yuan")
    coverage: float = Field(description="nominal share of prices inside the interval, 0 to 1")
    future_values: list[FutureValue] = Field(
        default_factory=list, description="one per value of after_months, in their order"
    )
    contributions: dict[str, float] | None = Field(
        None, description="relative effect of each field on the price: factor - 1; null without explain"
    )
    unseen: list[str] = Field(
        default_factory=list, description="fields whose value does not occur in the training rows; treated as missing"
    )
    missing: MissingFields = []
    warnings: FieldWarnings = []


def request(signature: Signature) -> type[BaseModel]:
    """Return the request model: the fields of the car, `after_months` and `km_per_month`.

    Parameters
    ----------
    signature : Signature
        Fields of a car: ``ml.champions.load(ml.champions.version_or_champion("residual_value")).estimator.signature``.

    Returns
    -------
    type
        Pydantic model; `after_months` are months from now (1 to 120), `km_per_month` is the expected mileage in km a
        month.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> age = Field(name="age_months", kind="number", feature=True)
    >>> request(Signature(fields=(age,)))(age_months=24.0, after_months=[12]).after_months
    [12]
    """
    car = car_model("ResidualValueCar", signature)
    months: Any = Field(default=(), max_length=60, description="months from now at which the price is predicted")
    mileage: Any = Field(
        default=None, ge=0, le=100_000, allow_inf_nan=False, description="expected mileage, km a month"
    )
    return create_model(
        "ResidualValueRequest",
        __base__=car,
        after_months=(list[Months], months),
        km_per_month=(float | None, mileage),
    )


def respond(
    estimator: ResidualValueEstimator, requests: Sequence[BaseModel], *, explain: bool = True
) -> list[ResidualValueAnswer]:
    """Return the answers to cars, in the order of the requests.

    Parameters
    ----------
    estimator : ml.residual_value.estimator.ResidualValueEstimator
        Fitted: as returned by its method `fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("residual_value"))``.
    requests : sequence of pydantic.BaseModel
        Instances of `request(estimator.signature)`.
    explain : bool
        Whether to compute the effect of each field.

    Returns
    -------
    list of ResidualValueAnswer
        `value`, `value_low` and `value_high` in yuan, `future_values` (one per element of `after_months`, in yuan) and,
        with `explain`, `contributions` (relative effect of each field: 0.1 raises the price by 10 %).

    Raises
    ------
    DataError
        `after_months` is set, and the car's age or mileage or `km_per_month` is missing.
    """
    columns, age_warnings = car_columns(requests, estimator.signature)
    values_today = estimator.values(columns)
    effects = estimator.contributions(columns) if explain else None
    answers = []
    for i, body in enumerate(requests):
        car = {name: values[i] for name, values in columns.items()}
        answers.append(
            ResidualValueAnswer.model_construct(
                vehicle_id=getattr(body, "vehicle_id", None),
                **dict(zip(("value", "value_low", "value_high"), values_today[i].tolist(), strict=True)),
                coverage=estimator.learner_.coverage,
                future_values=_future_values(estimator, car, body),
                contributions=None if effects is None else _factors(estimator, effects[i]),
                unseen=estimator.encoder_.unseen({n: car[n] for n in estimator.encoder_.categorical}),
                missing=missing_features(columns, i, estimator.signature),
                warnings=[*age_warnings[i], *number_warnings(columns, i, estimator.signature)],
            )
        )
    return answers


def _future_values(estimator: ResidualValueEstimator, car: dict[str, Any], body: Any) -> list[FutureValue]:
    if not body.after_months:
        return []
    values = estimator.future_values(car, months=body.after_months, km_per_month=body.km_per_month)
    return [
        FutureValue.model_construct(after_months=m, value=v, value_low=low, value_high=high)
        for m, (v, low, high) in zip(body.after_months, values.tolist(), strict=True)
    ]


def _factors(estimator: ResidualValueEstimator, effects: Any) -> dict[str, float]:
    import math

    names = estimator.encoder_.feature_names_out_
    return {n: round(math.expm1(e), 4) for n, e in sorted(zip(names, effects, strict=True), key=lambda x: -abs(x[1]))}
