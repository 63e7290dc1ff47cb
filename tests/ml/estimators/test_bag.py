"""Sum and mean over the members of an ensemble: bit-identical for one row and for a batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.demand_forecast.params import TreeParams
from ml.demand_forecast.trees import Trees
from ml.estimators.bag import sequential_mean, sequential_sum
from ml.estimators.boosted_trees import BoostedTrees

# NumPy adds eight or more values of one row pairwise.
MEMBERS = (1, 2, 3, 7, 8, 9, 16, 17)
SCORES = st.integers(1, 40).flatmap(
    lambda members: st.lists(st.lists(st.floats(-1e9, 1e9), min_size=members, max_size=members), min_size=1)
)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 40).flatmap(lambda n: st.lists(st.lists(st.floats(-1e9, 1e9), min_size=n, max_size=n), min_size=1))
)
def test_one_row_a_batch_and_a_matrix_have_the_same_bits(rows: list[list[float]]) -> None:
    table = np.array(rows)
    members = table.shape[1]
    batch = sequential_mean(iter(table.T), members=members)
    for order in (np.ascontiguousarray(table.T), np.asfortranarray(table.T)):
        assert sequential_mean(iter(order), members=members).tolist() == batch.tolist()
    for row, expected in zip(rows, batch.tolist(), strict=True):
        assert sequential_mean(iter(row), members=members) == expected
        assert sequential_mean((np.array([[value]]) for value in row), members=members).item() == expected


def test_the_scores_are_added_one_after_the_other() -> None:
    assert sequential_sum([1e16, 1.0, -1e16]) == 0.0
    assert sequential_mean([3.0], members=1) == 3.0


@pytest.mark.parametrize("members", MEMBERS)
def test_boosted_trees_answer_one_row_with_the_bits_of_the_batch(members: int) -> None:
    rng = np.random.default_rng(members)
    X = rng.normal(size=(300, 3))
    trees = BoostedTrees(n_estimators=5, bag=members, num_threads=1, min_data_in_leaf=5)
    trees.fit(X, (X[:, 0] + rng.normal(size=300) > 0).astype(float))
    batch, shap = trees.decision_function(X), trees.contributions(X)
    assert [trees.decision_function(row).item() for row in np.split(X, 300)] == batch.tolist()
    assert [trees.contributions(row)[0].tolist() for row in np.split(X, 300)] == shap.tolist()


@pytest.mark.parametrize("members", MEMBERS)
def test_demand_trees_answer_one_row_with_the_bits_of_the_batch(members: int) -> None:
    import lightgbm as lgb

    rng = np.random.default_rng(members)
    table = rng.normal(size=(300, 3)).astype(np.float32)
    data = lgb.Dataset(table, rng.poisson(2.0, 300), free_raw_data=False)
    trees = Trees(TreeParams(bags=members), weighting="volume")
    params = {"objective": "poisson", "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5, "feature_fraction": 0.5}
    trees.boosters_ = [lgb.train(params | {"seed": seed}, data, 5) for seed in range(members)]
    batch, shap = trees.ratio(table), trees.contributions(table)
    assert [trees.ratio(row).item() for row in np.split(table, 300)] == batch.tolist()
    assert [trees.contributions(row)[0].tolist() for row in np.split(table, 300)] == shap.tolist()
