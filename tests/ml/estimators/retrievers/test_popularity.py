"""Popularity by group: hand-computed shrinkage, and the estimated prior weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.interactions import Interactions
from ml.estimators.retrievers.popularity import Popularity


def _grouped(counts: np.ndarray) -> Interactions:
    matrix = csr_matrix(counts.astype(np.float32))
    return Interactions(matrix, matrix)


@given(
    counts=st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4), min_size=1, max_size=6).filter(
        lambda rows: any(map(any, rows))
    ),
    weight=st.floats(0.1, 1_000),
)
def test_shares_sum_to_one_and_lie_between_the_group_and_all_users(counts: list[list[int]], weight: float) -> None:
    table = np.array(counts)
    model = Popularity(prior_weight=weight).fit(_grouped(table))
    np.testing.assert_allclose(model.by_group_.sum(axis=1), 1, atol=1e-5)
    overall = table.sum(axis=0) / table.sum()
    for row, shrunk in zip(table, model.by_group_, strict=True):
        own = row / row.sum() if row.any() else overall
        assert (np.minimum(own, overall) - 1e-6 <= shrunk).all() and (shrunk <= np.maximum(own, overall) + 1e-6).all()


def test_the_prior_weight_of_simulated_groups_is_estimated() -> None:
    rng = np.random.default_rng(11)
    overall = rng.dirichlet(np.full(30, 2.0))
    shares = rng.dirichlet(40 * overall, size=300)
    counts = np.array([rng.multinomial(200, share) for share in shares])
    assert 34 < Popularity().fit(_grouped(counts)).prior_weight_ < 47


def test_a_small_group_shrinks_more_than_a_large_one() -> None:
    counts = np.array([[900, 100], [100, 900], [2, 0]])
    model = Popularity().fit(_grouped(counts))
    assert model.by_group_[0, 0] > 0.85
    assert model.by_group_[1, 0] < 0.15
    assert model.by_group_[2, 0] < 0.95


def test_without_groups_only_the_unknown_group_has_shares() -> None:
    model = Popularity().fit(Interactions(csr_matrix(np.array([[3, 1]], dtype=np.float32))))
    assert model.score_groups([-1, -1]).tolist() == [[0.75, 0.25]] * 2
    with pytest.raises(DataError, match="-1 for an unknown one; got 0"):
        model.score_groups([0])


def test_what_it_refuses() -> None:
    ones = csr_matrix(np.array([[1, 0]], dtype=np.float32))
    with pytest.raises(ConfigError, match="prior_weight"):
        Popularity(prior_weight=0).fit(Interactions(ones))
    with pytest.raises(DataError, match="item 1 has interactions in by_group but none in matrix"):
        Popularity().fit(Interactions(ones, csr_matrix(np.array([[1, 1]], dtype=np.float32))))
    model = Popularity(prior_weight=1.0).fit(Interactions(ones, ones))
    with pytest.raises(DataError, match="columns"):
        Popularity.from_arrays(model.arrays() | {"by_group": np.zeros((1, 5), dtype=np.float32)})
