"""Quantile trees: coverage, monotonicity, files, and invalid input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.errors import ConfigError, DataError, ModelNotFound
from ml.estimators.quantile_trees import QuantileTrees

RNG = np.random.default_rng(5)
X = RNG.uniform(0, 1, (3_000, 2))
Y = 2 * X[:, 0] + X[:, 1] * RNG.normal(0, 1, 3_000)


def _trees(**changes: object) -> QuantileTrees:
    return QuantileTrees(**{"n_estimators": 40, "num_threads": 1, "num_leaves": 15} | changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> QuantileTrees:
    return _trees(monotone={0: 1}).fit(X[:1_500], Y[:1_500]).calibrate(X[1_500:2_200], Y[1_500:2_200])


def test_intervals_are_calibrated_and_wider_where_noise_is_larger(fitted: QuantileTrees) -> None:
    low, middle, high = fitted.predict_quantiles(X[2_200:]).T
    inside = (low <= Y[2_200:]) & (Y[2_200:] <= high)
    assert 0.74 < inside.mean() < 0.86
    assert (low <= middle).all() and (middle <= high).all()
    noisy, quiet = X[2_200:, 1] > 0.7, X[2_200:, 1] < 0.3
    assert (high - low)[noisy].mean() > 2 * (high - low)[quiet].mean()


def test_median_does_not_decrease_with_its_monotone_column(fitted: QuantileTrees) -> None:
    line = np.column_stack([np.linspace(0, 1, 200), np.full(200, 0.5)])
    assert (np.diff(fitted.predict(line)) >= 0).all()


def test_contributions_sum_to_the_middle(fitted: QuantileTrees) -> None:
    total = fitted.contributions(X[:20]).sum(axis=1)
    np.testing.assert_allclose(total + fitted.offsets_[1], fitted.predict(X[:20]), atol=1e-9)


def test_files_restore_the_same_predictions(fitted: QuantileTrees) -> None:
    files = fitted.to_files()
    again = QuantileTrees.from_files(files)
    assert np.array_equal(again.predict_quantiles(X), fitted.predict_quantiles(X))
    assert again.get_params() == fitted.get_params()
    with pytest.raises(DataError, match="damaged"):
        QuantileTrees.from_files(files | {"low.txt": files["low.txt"] + b" "})
    with pytest.raises(ModelNotFound, match=r"high\.txt"):
        QuantileTrees.from_files({n: c for n, c in files.items() if n != "high.txt"})
    state = json.loads(files["quantile_trees.json"])
    state["params"]["nonsense"] = 1
    with pytest.raises(DataError, match="damaged"):
        QuantileTrees.from_files(files | {"quantile_trees.json": json.dumps(state).encode()})


def test_one_row_equals_the_batch(fitted: QuantileTrees) -> None:
    one = np.vstack([fitted.predict_quantiles(X[i : i + 1]) for i in range(20)])
    assert np.array_equal(one, fitted.predict_quantiles(X[:20]))
    assert fitted.predict_quantiles(X[:0]).shape == (0, 3)


def test_invalid_input_is_refused(fitted: QuantileTrees) -> None:
    with pytest.raises(ConfigError, match="coverage"):
        _trees(coverage=1.0).fit(X, Y)
    with pytest.raises(DataError, match="finite"):
        _trees().fit(X, np.where(Y > 1, np.nan, Y))
    with pytest.raises(DataError, match="one outcome for each"):
        _trees().fit(X, Y[:-1])
    with pytest.raises(DataError, match="too few"):
        _trees().fit(X, Y).calibrate(X[:5], Y[:5])
    with pytest.raises(ConfigError, match="LightGBM"):
        _trees(num_leaves=1).fit(X, Y)
