"""SingleRowPredictor: bit-identical to the batch prediction."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest

from ml.estimators.single_row import SingleRowPredictor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(float)
    return lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, lgb.Dataset(X, y), 5)


def test_rows_alone_in_threads_and_with_missing_values_score_as_the_batch_does(booster: lgb.Booster) -> None:
    rows = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
    batch = np.asarray(booster.predict(rows, raw_score=True))
    one = SingleRowPredictor(booster)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda i: one(rows[i : i + 1]), range(len(rows)))) == batch.tolist()


def test_a_copy_has_a_handle_of_its_own(booster: lgb.Booster) -> None:
    one = SingleRowPredictor(booster)
    score, other = one(X[:1]), copy.copy(one)
    del one
    assert other(X[:1]) == score
