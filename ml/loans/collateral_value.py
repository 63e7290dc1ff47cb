"""Resale value of a financed vehicle and trade-in quotes, predicted by the champion of `residual_value`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, Field

from features.errors import DataError
from ml.endpoint import Champions
from ml.loans.amounts import fen
from ml.plausibility import FieldWarning
from ml.requests import missing_features
from ml.residual_value.request import car_columns, car_model, number_warnings, unseen_warnings

if TYPE_CHECKING:
    from ml.residual_value.estimator import ResidualValueEstimator

MAX_MONTHS = 120


class TradeInQuote(BaseModel):
    """Trade-in quote for a used car, in yuan: the lower bound of its predicted price, so that a resale covers it."""

    quote: float = Field(description="offered price: lower bound of the predicted price, yuan")
    value: float = Field(description="predicted price (median), yuan")
    value_high: float = Field(description="upper bound of the predicted price, yuan")
    payoff: float = Field(description="outstanding loan on the car, which the dealer pays off, yuan")
    net: float = Field(description="quote less payoff, yuan; below 0, the customer pays the difference")


def used_car_fields(champions: Champions) -> dict[str, Any]:
    """Return the fields about used cars of the offers request, for `pydantic.create_model`.

    Parameters
    ----------
    champions : Champions
        Models by task: ``{"residual_value": ml.champions.load(ml.champions.version_or_champion("residual_value"))}``,
        or an empty dict.

    Returns
    -------
    dict of str to (type, FieldInfo)
        `vehicle_details`, `km_per_month` and `trade_in`; empty if `champions` has no `residual_value`.

    Examples
    --------
    >>> used_car_fields({})
    {}
    """
    if "residual_value" not in champions:
        return {}
    car = car_model("UsedCar", champions["residual_value"].estimator.signature)
    details = "fields of the financed car for the residual-value model; they limit the balloon at maturity"
    return {
        "vehicle_details": (car | None, Field(None, description=details)),
        "km_per_month": (
            float | None,
            Field(None, ge=0, le=100_000, allow_inf_nan=False, description="expected mileage, km a month"),
        ),
        "trade_in": (car | None, Field(None, description="fields of a used car that the applicant wants to trade in")),
    }


def resale_values(
    champions: Champions,
    details: BaseModel | None,
    km_per_month: float | None,
    *,
    price: float,
    now: int | None = None,
) -> tuple[int, ...]:
    """Return the lower bound of a vehicle's value now and after each of 120 months.

    The model was trained on used cars. If its median of today exceeds the agreed price, as it may for a new car, all
    values are scaled down to that price: nobody pays more for the car later than the buyer pays today.

    Parameters
    ----------
    champions : Champions
        Models by task: ``{"residual_value": ml.champions.load(ml.champions.version_or_champion("residual_value"))}``;
        not read if `details` is None.
    details : BaseModel or None
        Fields of the car: an instance of
        ``ml.residual_value.request.car_model("UsedCar", champions["residual_value"].estimator.signature)``, amounts in
        yuan.
    km_per_month : float or None
        Expected mileage, km a month.
    price : float
        Agreed price of the vehicle, yuan.
    now : int, optional
        Day of the application, microseconds since 1970 UTC, that an age is counted to; now by default.

    Returns
    -------
    tuple of int
        121 amounts in fen: element k is the value k months from now. Empty without `details`. It is the argument
        `resale` of `LoanRequest.application`.

    Raises
    ------
    DataError
        The model needs age, mileage or `km_per_month`, and it is missing.

    Examples
    --------
    >>> resale_values({}, details=None, km_per_month=None, price=150_000.0)
    ()
    """
    if details is None:
        return ()
    estimator = cast("ResidualValueEstimator", champions["residual_value"].estimator)
    columns, _ = car_columns([details], estimator.signature, now=now)
    car = {name: values[0] for name, values in columns.items()}
    try:
        values = estimator.future_values(car, months=range(MAX_MONTHS + 1), km_per_month=km_per_month)
    except DataError as error:  # of a field of the car; km_per_month is a field of this request too
        message = str(error).removeprefix("after_months: ")
        raise DataError(message if message.startswith("km_per_month") else f"vehicle_details: {message}") from None
    scale = min(1.0, price / values[0, 0])
    return tuple(fen(round(scale * value, 2)) for value in values[:, 1].tolist())


def trade_in_quote(
    champions: Champions, car: BaseModel | None, *, payoff: float = 0.0, now: int | None = None
) -> TradeInQuote | None:
    """Return the trade-in quote for a car, in yuan, or None if `car` is None.

    Parameters
    ----------
    champions : Champions
        Models by task: ``{"residual_value": ml.champions.load(ml.champions.version_or_champion("residual_value"))}``;
        not read if `car` is None.
    car : BaseModel or None
        Fields of the car: an instance of
        ``ml.residual_value.request.car_model("UsedCar", champions["residual_value"].estimator.signature)``, amounts in
        yuan.
    payoff : float
        Outstanding loan on the car, yuan.
    now : int, optional
        Day of the application, microseconds since 1970 UTC, that an age is counted to; now by default.

    Returns
    -------
    TradeInQuote or None
        `quote` (offered price, the lower bound), `value` (median), `value_high`, `payoff` and `net`, in yuan.
    """
    if car is None:
        return None
    estimator = cast("ResidualValueEstimator", champions["residual_value"].estimator)
    value, low, high = estimator.values(car_columns([car], estimator.signature, now=now)[0])[0].tolist()
    return TradeInQuote(quote=low, value=value, value_high=high, payoff=payoff, net=round(low - payoff, 2))


def used_car_gaps(
    champions: Champions, cars: Mapping[str, BaseModel | None], *, now: int | None = None
) -> tuple[list[str], list[FieldWarning]]:
    """Return the features that the used cars of a request leave out, and warnings about their values.

    Warnings are about implausible numbers, contradictory or unknown ages, and values that no training row has.

    Parameters
    ----------
    champions : Champions
        Models by task: ``{"residual_value": ml.champions.load(ml.champions.version_or_champion("residual_value"))}``;
        not read if all cars are None.
    cars : mapping of str to BaseModel or None
        By field of the request, such as `trade_in`: instances of
        ``ml.residual_value.request.car_model("UsedCar", champions["residual_value"].estimator.signature)``.
    now : int, optional
        Day of the application, microseconds since 1970 UTC, that an age is counted to; now by default.

    Returns
    -------
    missing : list of str
        Such as `trade_in.mileage_km`.
    warnings : list of FieldWarning
        Their `field` has the same form.

    Examples
    --------
    >>> used_car_gaps({}, {"vehicle_details": None, "trade_in": None})
    ([], [])
    """
    missing: list[str] = []
    warnings: list[FieldWarning] = []
    for name, car in cars.items():
        if car is None:
            continue
        estimator = cast("ResidualValueEstimator", champions["residual_value"].estimator)
        signature = estimator.signature
        columns, ages = car_columns([car], signature, now=now)
        missing += [f"{name}.{feature}" for feature in missing_features(columns, 0, signature)]
        warnings += [
            warning.model_copy(update={"field": f"{name}.{warning.field}"})
            for warning in (*ages[0], *number_warnings(columns, 0, signature), *unseen_warnings(estimator, columns, 0))
        ]
    return missing, warnings
