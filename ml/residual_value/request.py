"""Requests about one used car: its age is taken as stated, or computed from its registration date or its model year."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import polars as pl
from pydantic import BaseModel, create_model, field_validator
from pydantic_core import PydanticCustomError

from features.residual_value import MONTH, age_months
from features.tables import VEHICLES
from ml.bilingual import Text
from ml.instants import instant, microseconds
from ml.plausibility import FieldWarning, field_warnings
from ml.requests import columns_of, request_model
from ml.residual_value.ages import AGE, MAX_DIFFERENCE
from ml.signature import EPOCH, Signature, contract_fields
from ml.usual_values import UsualRange

if TYPE_CHECKING:
    from ml.residual_value.estimator import ResidualValueEstimator

DATES = ("first_registered_at", "model_year", "listed_at")
YEARS_BEFORE, YEARS_AFTER = 1, 2  # registration of a car before and after its model year
NO_AGE = Text(
    zh="车龄无法确定：请填写 age_months、first_registered_at 或 model_year；估值未考虑车龄",
    en="the age of the vehicle is unknown: send age_months, first_registered_at or model_year; the price ignores age",
)
_UNIT_ERRORS = ("the unit is months, not years", "the unit is months, not days")
_RULE = "required: the price depends on the age; send age_months, first_registered_at or model_year"


def _reads_age(signature: Signature) -> bool:
    return any(f.name == AGE and f.feature and not f.own for f in signature.fields)


def car_model(name: str, signature: Signature) -> type[BaseModel]:
    """Return the request model of one used car.

    If the model reads the age, a request may have `first_registered_at` or `model_year` in place of `age_months`, and
    `listed_at`, the instant that the age is counted to (now, by default). If no training row lacks the age, a request
    without any of the three is an error.

    Parameters
    ----------
    name : str
        Name of the class.
    signature : Signature
        The attribute `signature` of a fitted `ResidualValueEstimator`.

    Returns
    -------
    type
        Pydantic model; invalid content raises `pydantic.ValidationError`.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> age = Field(name="age_months", kind="number", feature=True, required=True)
    >>> car = car_model("Car", Signature(fields=(age,)))
    >>> car(model_year=2020).model_year
    2020
    >>> car()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Car
    age_months
      required: the price depends on the age; send age_months, first_registered_at or model_year ...
    """
    if not _reads_age(signature):
        return request_model(name, signature)
    age = next(f for f in signature.fields if f.name == AGE)
    others = [f for f in signature.fields if f.name != AGE]
    names = {f.name for f in others}
    dates = [f for f in contract_fields(VEHICLES) if f.name in DATES and f.name not in names]
    optional = age.model_copy(update={"required": False})
    # Dates precede the age, so that its check can read them.
    model = request_model(name, signature.model_copy(update={"fields": (*others, *dates, optional)}))
    if not age.required:
        return model
    field = copy(model.model_fields[AGE])
    field.validate_default = True
    check: Any = field_validator(AGE, mode="after")(_age_is_determined)
    checks = {"age_is_determined": check}
    return create_model(name, __base__=model, __validators__=checks, age_months=(cast("Any", field.annotation), field))


def _age_is_determined(value: float | None, info: Any) -> float | None:
    if value is None and all(info.data.get(name) is None for name in DATES[:2]):
        raise PydanticCustomError("missing_age", "{rule}", {"rule": _RULE})
    return value


def car_columns(
    cars: Sequence[BaseModel], signature: Signature, *, now: int | None = None
) -> tuple[dict[str, list[Any]], list[list[FieldWarning]]]:
    """Return the features of used cars as columns, with the age of each, and warnings about contradictory ages.

    Parameters
    ----------
    cars : sequence of BaseModel
        Instances of ``car_model(name, signature)``.
    signature : Signature
        The signature that was passed to `car_model`.
    now : int, optional
        Instant that ages of cars without `listed_at` are counted to, microseconds since 1970 UTC; now by default.

    Returns
    -------
    columns : dict of str to list
        As returned by `ml.requests.columns_of`, in the units of the raw table. `age_months` is the stated one, or else
        computed by `features.residual_value.age_months`, as in training; None if nothing determines it.
    warnings : list of list of FieldWarning
        For each car: an unknown age, or one beyond those of the training rows; a stated age, registration date and
        model year that contradict each other.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> signature = Signature(fields=(Field(name="age_months", kind="number", feature=True),))
    >>> car = car_model("Car", signature)
    >>> columns, warnings = car_columns([car(model_year=1970), car(age_months=7.0)], signature, now=24 * MONTH)
    >>> columns, warnings
    ({'age_months': [24.0, 7.0]}, [[], []])
    """
    columns = columns_of(cars, signature)
    if not _reads_age(signature):
        return columns, [[] for _ in cars]
    usual = next(f.usual for f in signature.fields if f.name == AGE)
    warnings: list[list[FieldWarning]] = []
    ages: list[float | None] = []
    for car, stated in zip(cars, columns[AGE], strict=True):
        dates = {name: getattr(car, name, None) for name in DATES}
        if dates["first_registered_at"] is None and dates["model_year"] is None:
            ages.append(stated)
            warnings.append(_range_warnings(stated, usual))
            continue
        as_of = _instant(dates["listed_at"]) or (time.time_ns() // 1_000 if now is None else now)
        row = {
            AGE: stated,
            "first_registered_at": _instant(dates["first_registered_at"]),
            "model_year": dates["model_year"],
            "listed_at": as_of,
            "as_of": as_of,
        }
        ages.append(_age(row))
        days = {name: value.date() for name, value in dates.items() if isinstance(value, datetime)}
        warnings.append([*_contradictions(row, days), *_range_warnings(ages[-1], usual)])
    return columns | {AGE: ages}, warnings


def _range_warnings(age: float | None, usual: UsualRange | None) -> list[FieldWarning]:
    """Return a warning about an unknown age, or about an age at which the curve alone gives the price."""
    if age is None:
        return [FieldWarning(field=AGE, zh=NO_AGE.zh, en=NO_AGE.en)]
    if usual is None or usual.low <= age <= usual.high:
        return []
    low, high = f"{usual.low:.0f}", f"{usual.high:.0f}"
    return [
        FieldWarning(
            field=AGE,
            zh=f"训练数据中的车龄为 {low}～{high} 个月：车龄 {age:.0f} 个月的估值由折旧曲线外推得出",
            en=f"cars of the training data are {low} to {high} months old: the price at {_months(age)} extends their "
            "depreciation curve",
        )
    ]


def number_warnings(columns: Mapping[str, Sequence[Any]], row: int, signature: Signature) -> list[FieldWarning]:
    """Return warnings about implausible numbers of one car; of the age, only those about its unit.

    `car_columns` says that an age is beyond those of the training rows.

    Parameters
    ----------
    columns : mapping of str to sequence
        As returned by `car_columns`.
    row : int
        Position of the car.
    signature : Signature
        The signature that was passed to `car_columns`.
    """
    warnings = field_warnings(columns, row, signature)
    return [w for w in warnings if w.field != AGE or not _reads_age(signature) or w.en.endswith(_UNIT_ERRORS)]


def unseen_warnings(
    estimator: ResidualValueEstimator, columns: Mapping[str, Sequence[Any]], row: int
) -> list[FieldWarning]:
    """Return a warning for each category of one car that no training row has; the price ignores it.

    Parameters
    ----------
    estimator : ResidualValueEstimator
        Fitted.
    columns : mapping of str to sequence
        As returned by `car_columns`.
    row : int
        Position of the car.
    """
    encoder, signature = estimator.encoder_, estimator.signature
    warnings = []
    for name in encoder.unseen({n: columns[n][row] for n in encoder.categorical}):
        label, value = signature.column_label(name), columns[name][row]
        text = signature.labels.value(name, value)
        warnings.append(
            FieldWarning(
                field=name,
                zh=f"训练数据中没有{label.zh}为{text.zh}的车辆：估值未考虑{label.zh}",
                en=f"no car of the training data has the {label.en} {text.en}: the price ignores the {label.en}",
            )
        )
    return warnings


def _instant(value: datetime | None) -> int | None:
    return None if value is None else microseconds(value)


def _age(row: dict[str, Any]) -> float | None:
    schema = {name: pl.Float64 if name == AGE else pl.Int64 for name in row}
    age = pl.DataFrame([row], schema=schema).select(age_months(row, pl)).item()
    return None if age is None else float(age)


def _contradictions(row: dict[str, Any], days: Mapping[str, date]) -> list[FieldWarning]:
    """Return warnings about a stated age, a registration date and a model year that cannot all be right."""
    warnings = []
    stated, registered, year = row[AGE], row["first_registered_at"], row["model_year"]
    registration, valuation = days.get("first_registered_at"), days.get("listed_at", instant(row["as_of"]).date())
    by_date = None if registered is None else (row["as_of"] - registered) / MONTH
    if by_date is not None and by_date < -MAX_DIFFERENCE:
        warnings.append(
            FieldWarning(
                field="first_registered_at",
                zh=f"首次上牌日期 {registration} 晚于估值日期 {valuation}：车龄按 0 计算，请核对日期",
                en=f"the first registration on {registration} is later than the day of the valuation, "
                f"{valuation}: the age counts as 0; check the dates",
            )
        )
    if stated is not None and by_date is not None and abs(stated - by_date) > MAX_DIFFERENCE:
        warnings.append(
            FieldWarning(
                field=AGE,
                zh=f"车龄 {stated:.0f} 个月与首次上牌日期 {registration}（距今 {by_date:.0f} 个月）不符："
                "按填写的车龄估值，请核对",
                en=f"an age of {_months(stated)} contradicts the first registration on {registration} "
                f"({_months(by_date)} ago): the price uses the stated age; check both",
            )
        )
    if year is not None:
        start = row["as_of"] - stated * MONTH if stated is not None else registered
        first_year = None if start is None else (EPOCH.year + start / (12 * MONTH))
        if first_year is not None and not year - YEARS_BEFORE <= first_year < year + 1 + YEARS_AFTER:
            zh, en = (
                ("车龄", f"an age of {_months(stated)}")
                if stated is not None
                else ("首次上牌日期", f"the first registration on {registration}")
            )
            value = f" {stated:.0f} 个月" if stated is not None else f" {registration}"
            warnings.append(
                FieldWarning(
                    field="model_year",
                    zh=f"{zh}{value}与年款 {year} 不符：按{zh}估值，请核对",
                    en=f"{en} contradicts the model year {year}: the price uses the former; check both",
                )
            )
    return warnings


def _months(number: float) -> str:
    months = f"{number:.0f}"
    return f"{months} month" if months == "1" else f"{months} months"
