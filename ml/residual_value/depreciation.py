"""Depreciation curves of the most frequent models: the section of the report that a used-car manager checks first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.report.columns import Column, Interval, axis, column
from ml.report.sections import Curve

if TYPE_CHECKING:
    from ml.residual_value.estimator import ResidualValueEstimator

MODELS = 3  # curves in one chart
STEP = 6  # months
MIN_CARS = 5  # training rows of a model that is shown
MONTHS, YUAN = Text(zh="月", en="months"), Text(zh="元", en="yuan")
MONTHS_PER_YEAR = 12


def depreciation_sections(estimator: ResidualValueEstimator, rows: pl.DataFrame) -> list[Curve]:
    """Return the chart of the price by age for the most frequent models, with intervals.

    Each curve is the price of a typical car of the model: the most frequent or median value of every other field, and
    the model's usual mileage for its age. It never rises.

    Parameters
    ----------
    estimator : ResidualValueEstimator
        Fitted.
    rows : polars.DataFrame
        Training rows with the columns of `estimator.signature`, in the units of the raw table.

    Returns
    -------
    list of Curve
        One section named "depreciation"; empty if the model has no age, the data no column `model`, or no model enough
        rows. Rows have `age_months`, or the months before the newest model year if the data has no ages, and for each
        model its price with the interval, in yuan.
    """
    age = estimator.age_feature_
    if age is None or "model" not in estimator.signature.categorical:
        return []
    counts = rows.filter(pl.col(age).is_not_null()).group_by("model").len().drop_nulls().sort(["len", "model"])
    names = counts.filter(pl.col("len") >= MIN_CARS)["model"].to_list()[-MODELS:][::-1]
    if not names:
        return []
    newest = None if age == "age_months" else float(rows[age].quantile(0.99, "nearest") or 0.0)
    ages = _ages(rows[age], newest)
    low, high = float(ages.min()), float(ages.max())
    grid = np.arange(0, STEP * np.floor(high / STEP) + 1, STEP)
    curves = [_curve(estimator, rows.filter(pl.col("model") == n), grid, newest) for n in names]
    labels = [estimator.signature.labels.value("model", n, own="model" in estimator.signature.own) for n in names]
    table = [
        {"age": float(months)}
        | {f"{key}_{i}": float(c[k, j]) for i, c in enumerate(curves) for j, key in enumerate(("value", "low", "high"))}
        for k, months in enumerate(grid)
    ]
    x = ("车龄", "age") if newest is None else ("早于最新年款", "before the newest model year")
    columns = [Column(name="age", title=Text(zh=x[0], en=x[1]), unit=MONTHS, format="count")]
    for i, label in enumerate(labels):
        interval = Interval(low=f"low_{i}", high=f"high_{i}", level=estimator.learner_.coverage)
        columns.append(column(f"value_{i}", label.zh, label.en, "amount", unit=YUAN, interval=interval))
    return [
        Curve(
            name="depreciation",
            title=Text(zh="常见车型折旧曲线", en="Depreciation of the most frequent models"),
            summary=_summary(labels, curves, low=low, high=high),
            columns=tuple(columns),
            y=axis("价格", "price", "amount", unit=YUAN),
            drawn=tuple(c.name for c in columns[1:]),
            rows=tuple(table),
        )
    ]


def _ages(values: pl.Series, newest: float | None) -> FloatArray:
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    return np.asarray(numbers if newest is None else np.maximum(newest - numbers, 0.0) * MONTHS_PER_YEAR)


def _curve(estimator: ResidualValueEstimator, rows: pl.DataFrame, grid: FloatArray, newest: float | None) -> FloatArray:
    """Return median, lower and upper bound of a typical car's price at each age, shape (n_ages, 3)."""
    signature, age = estimator.signature, str(estimator.age_feature_)
    car = {n: [_typical(rows[n], is_text=n in signature.categorical)] * len(grid) for n in signature.request_columns[0]}
    car[age] = (grid if newest is None else newest - grid / MONTHS_PER_YEAR).tolist()
    both = (
        rows.drop_nulls([age, "mileage_km"]) if "mileage_km" in car and "mileage_km" not in signature.own else rows[:0]
    )
    if both.height:
        mileage = both["mileage_km"].cast(pl.Float64).to_numpy()
        car["mileage_km"] = _usual_mileage(
            _ages(both[age], newest), mileage, grid, through_zero=newest is None
        ).tolist()
    return np.asarray(np.minimum.accumulate(estimator.values(car), axis=0))


def _usual_mileage(months: FloatArray, mileage: FloatArray, grid: FloatArray, *, through_zero: bool) -> FloatArray:
    """Return the mileage in km at each age: in proportion to it, or on a line if ages are counted by model years."""
    if through_zero:
        return np.asarray(grid * mileage.sum() / max(float(months.sum()), 1.0))
    centred = months - months.mean()
    slope = float((centred * mileage).sum() / max(float((centred**2).sum()), 1.0))
    return np.asarray(np.maximum(mileage.mean() + slope * (grid - months.mean()), 0.0))


def _typical(values: pl.Series, *, is_text: bool) -> Any:
    present = values.drop_nulls()
    if present.is_empty():
        return None
    return present.mode().sort()[0] if is_text or present.dtype == pl.Boolean else present.cast(pl.Float64).median()


def _summary(labels: list[Text], curves: list[FloatArray], *, low: float, high: float) -> Text:
    """Return the loss of the first and of three years of each model, and the ages that the training rows have."""
    zh, en = [], []
    for label, curve in zip(labels, curves, strict=True):
        losses = [1 - curve[m // STEP, 0] / curve[0, 0] for m in (12, 36) if m // STEP < len(curve)]
        words_zh = [f"{when}贬值 {loss:.0%}" for when, loss in zip(("第一年", "三年共"), losses, strict=False)]
        words_en = [f"{loss:.0%} {when}" for when, loss in zip(("in the first year", "in three"), losses, strict=False)]
        zh.append(f"{label.zh}：{'，'.join(words_zh)}")
        en.append(f"{label.en} loses {' and '.join(words_en)}")
    return Text(
        zh=f"{'；'.join(zh)}；训练车辆车龄为 {low:.0f}～{high:.0f} 个月，更新的车由曲线外推",
        en=f"{'; '.join(en)}; training cars are {low:.0f} to {high:.0f} months old, and curves extend to newer cars",
    )
