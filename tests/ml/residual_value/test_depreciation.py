"""Depreciation curves of cars whose price follows a known rule."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from ml.report.sections import Curve
from ml.residual_value import TASK
from ml.residual_value.depreciation import depreciation_sections
from ml.residual_value.estimator import ResidualValueEstimator
from ml.residual_value.params import ResidualParams
from ml.signature import infer_signature

FEATURES = {"numeric": ["age_months", "mileage_km"], "categorical": ["model"]}


def cars(n: int = 900) -> tuple[pl.DataFrame, np.ndarray]:
    """Models A (half), B and C, 24 to 96 months old, 1,000 km a month; each month takes 1 % of 200,000 yuan."""
    rng = np.random.default_rng(3)
    age = rng.uniform(24, 96, n)
    model = np.array(["A", "B", "A", "C"])[np.arange(n) % 4]
    X = pl.DataFrame({"age_months": age, "mileage_km": 1_000 * age, "model": model})
    return X, 200_000 * np.exp(-0.01 * age + rng.normal(0, 0.03, n))


def fitted(X: pl.DataFrame, y: np.ndarray, **features: list[str]) -> ResidualValueEstimator:
    signature = infer_signature(X, TASK.table, extra=(), **{**FEATURES, **features})
    params = ResidualParams.model_validate({"quantile_trees": {"n_estimators": 30, "num_threads": 1}})
    return ResidualValueEstimator(params=params, signature=signature).fit(
        X[:600], y[:600], calibrate=(X[600:], y[600:])
    )


@pytest.fixture(scope="module")
def section() -> Curve:
    X, y = cars()
    (curve,) = depreciation_sections(fitted(X, y), X[:600])
    return curve


def test_the_curves_of_the_most_frequent_models_fall_by_the_rule(section: Curve) -> None:
    assert [c.title.en for c in section.columns[:2]] == ["age", "A"] and len(section.columns) == 4
    assert section.rows[0]["age"] == 0 and section.rows[-1]["age"] == 90
    for row in section.rows:
        expected = 200_000 * np.exp(-0.01 * float(row["age"] or 0))
        assert float(row["value_0"] or 0) == pytest.approx(expected, rel=0.05)
    for key in ("value_0", "low_0", "high_0"):
        values = [float(row[key] or 0) for row in section.rows]
        assert values == sorted(values, reverse=True)
    assert all(float(r["low_1"] or 0) <= float(r["value_1"] or 0) <= float(r["high_1"] or 0) for r in section.rows)


def test_the_summary_says_the_first_and_three_years_and_the_ages_of_the_rows(section: Curve) -> None:
    assert section.summary is not None
    # 1 - e^-0.12 = 11 %, 1 - e^-0.36 = 30 %
    assert re.match("A：第一年贬值 1[12]%，三年共贬值 3[01]%；", section.summary.zh)
    assert re.match("A loses 1[12]% in the first year and 3[01]% in three; ", section.summary.en)
    assert section.summary.zh.endswith("训练车辆车龄为 24～96 个月，更新的车由曲线外推")
    assert section.columns[0].label("zh") == "车龄（月）" and section.y.label("zh") == "价格（元）"


def test_with_model_years_alone_months_count_back_from_the_newest() -> None:
    X, y = cars()
    X = X.with_columns(model_year=2020 - (pl.col("age_months") / 12).floor().cast(pl.Int64)).drop("age_months")
    estimator = fitted(X, y, numeric=["model_year", "mileage_km"])
    (section,) = depreciation_sections(estimator, X[:600])
    assert section.columns[0].title.en == "before the newest model year"
    first, last = section.rows[0], section.rows[-1]
    assert float(first["value_0"] or 0) == pytest.approx(200_000 * np.exp(-0.30), rel=0.06)  # 24 to 36 months old
    assert last["age"] == 60 and float(last["value_0"] or 0) < 0.65 * float(first["value_0"] or 0)


def test_without_ages_models_or_rows_there_is_no_section() -> None:
    X, y = cars()
    assert depreciation_sections(fitted(X, y, numeric=["mileage_km"]), X) == []
    assert depreciation_sections(fitted(X, y, categorical=[]), X) == []
    assert depreciation_sections(fitted(X, y), X[:4]) == []
