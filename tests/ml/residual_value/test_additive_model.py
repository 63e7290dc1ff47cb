"""The additive model on prices that follow a rule exactly, or that contradict its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from ml.domain.arrays import FloatArray
from ml.residual_value.additive_model import AdditiveModel, row_sums

MONOTONE = {0: -1}


def cars(n: int = 120) -> tuple[FloatArray, FloatArray]:
    """Ages 12 to 131 months of two models; a month takes 1 %, and the second model is worth e^0.5 times the first."""
    X = np.array([[12.0 + i, i % 2] for i in range(n)])
    return X, 12 - 0.01 * X[:, 0] + 0.5 * X[:, 1]


def test_it_recovers_the_rule_and_goes_on_beyond_the_rows() -> None:
    model = AdditiveModel(monotone=MONOTONE, categorical=(1,)).fit(*cars())
    assert np.allclose(model.slopes_[0], -0.01, atol=1e-4)
    new, young, old = model.predict([[0.0, 0.0], [12.0, 0.0], [240.0, 0.0]])
    assert new - young == pytest.approx(0.12, abs=0.002) and young - old == pytest.approx(2.28, abs=0.02)
    first, second = model.predict([[60.0, 0.0], [60.0, 1.0]])
    assert second - first == pytest.approx(0.5, abs=0.03)


def test_a_curve_never_rises_though_the_prices_do() -> None:
    X, _ = cars()
    y = 12 - np.abs(X[:, 0] - 70) / 100  # rising up to 70 months
    model = AdditiveModel(monotone=MONOTONE, categorical=(1,)).fit(X, y)
    assert (model.slopes_[0] <= 0).all()
    prices = model.predict([[float(age), 0.0] for age in range(0, 200, 5)])
    assert (np.diff(prices) <= 1e-12).all()
    rising = AdditiveModel(monotone={0: 1}).fit(X[:, :1], -y)
    assert (rising.slopes_[0] >= 0).all()


def test_beyond_is_the_part_outside_the_curve() -> None:
    model = AdditiveModel(monotone=MONOTONE, categorical=(1,)).fit(*cars())
    low, high = model.knots_[0][[0, -1]]
    beyond = model.beyond(np.array([[low - 10, 0.0], [low, 1.0], [high + 10, 0.0], [np.nan, 0.0]]))
    assert beyond[:, 0] == pytest.approx([0.1, 0.0, -0.1, 0.0], abs=0.002) and not beyond[:, 1].any()


def test_missing_and_rare_values_have_the_average_effect() -> None:
    X, y = cars()
    X[:3, 1] = [2.0, 3.0, np.nan]  # categories with one row each
    model = AdditiveModel(monotone=MONOTONE, categorical=(1,)).fit(X, y)
    effects = model.contributions(np.array([[np.nan, 2.0], [np.nan, np.nan], [60.0, 9.0]]))
    assert effects[:, :2].tolist()[0] == [0.0, 0.0] and effects[1, 1] == effects[2, 1] == 0.0
    assert np.array_equal(row_sums(effects), model.predict([[np.nan, 2.0], [np.nan, np.nan], [60.0, 9.0]]))


def test_a_trend_is_taken_at_the_end_of_the_training_period() -> None:
    X, y = cars()
    rng = np.random.default_rng(0)
    time = rng.uniform(-2, 0, len(y))  # years before the end
    model = AdditiveModel(monotone=MONOTONE, categorical=(1,)).fit(X, y - 0.1 * time, time=time)
    assert model.trend_ == pytest.approx(-0.1, abs=0.001)
    assert model.predict(X) == pytest.approx(y, abs=0.03)


def test_constant_and_empty_columns_have_no_curve() -> None:
    X = np.column_stack([np.full(30, 12.0), np.full(30, np.nan), np.arange(30.0)])
    model = AdditiveModel(monotone={0: -1, 1: -1, 2: -1}).fit(X, 5 - 0.1 * np.arange(30.0))
    assert list(model.knots_) == [2]
    assert model.predict(X) == pytest.approx(5 - 0.1 * np.arange(30.0), abs=0.01)


def test_files_restore_it() -> None:
    X, y = cars()
    model = AdditiveModel(monotone=MONOTONE, categorical=(1,)).fit(X, y)
    again = AdditiveModel.from_files(model.to_files())
    assert np.array_equal(again.predict(X), model.predict(X)) and np.array_equal(again.beyond(X), model.beyond(X))
    assert again.get_params() == model.get_params()
