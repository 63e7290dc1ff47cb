"""What a vehicle will still fetch: the residual-value champion asked on behalf of a loan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, Field

from ml.endpoint import Champions
from ml.loans.request import fen
from ml.signature import columns_of, request_model

if TYPE_CHECKING:
    from ml.residual_value.estimator import ResidualValueEstimator

MAX_MONTHS = 120  # months


class Resale(BaseModel):
    """What a used car should fetch now, in yuan; a trade-in is quoted at the low end, where it sells for sure."""

    quote: float
    value: float
    value_high: float


def used_car_fields(champions: Champions) -> dict[str, Any]:
    """Fields of a request that ask about used cars; none where no residual-value model is promoted."""
    if "residual_value" not in champions:
        return {}
    car = request_model("UsedCar", champions["residual_value"].estimator.signature)
    facts = "the vehicle's own facts: a balloon may then not exceed its value at maturity"
    return {
        "vehicle_details": (car | None, Field(None, description=facts)),
        "km_per_month": (float | None, Field(None, ge=0, le=100_000, allow_inf_nan=False)),
        "trade_in": (car | None, Field(None, description="a car the applicant would trade in")),
    }


def resale_values(champions: Champions, facts: BaseModel | None, km_per_month: float | None) -> tuple[int, ...]:
    """Low end of a vehicle's value in fen, now and after every month; empty where its facts are not given.

    Raises
    ------
    DataError
        Age, mileage or the distance per month is needed and not given.
    """
    if facts is None:
        return ()
    estimator = cast("ResidualValueEstimator", champions["residual_value"].estimator)
    car = {name: values[0] for name, values in columns_of([facts], estimator.signature).items()}
    low = estimator.future_values(car, months=range(MAX_MONTHS + 1), km_per_month=km_per_month)[:, 1]
    return tuple(fen(value) for value in low)


def trade_in_quote(champions: Champions, car: BaseModel | None) -> Resale | None:
    """What to pay for a car that is traded in."""
    if car is None:
        return None
    estimator = cast("ResidualValueEstimator", champions["residual_value"].estimator)
    value, low, high = estimator.values(columns_of([car], estimator.signature))[0].tolist()
    return Resale(quote=low, value=value, value_high=high)
