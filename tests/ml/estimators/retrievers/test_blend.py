"""Blend: standardised scores, weights chosen on validation rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.blend import _simplex, blend_scores, choose_weights, standardise


@given(
    row=st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=12),
    shift=st.floats(-10, 10, width=32),
    scale=st.floats(0.5, 20, width=32),
)
def test_shift_and_scale_of_a_retriever_do_not_matter(row: list[float], shift: float, scale: float) -> None:
    scores = np.array([row], dtype=np.float32)
    if scores.std() < 1e-2:
        return
    np.testing.assert_allclose(standardise(scores * scale + shift), standardise(scores), atol=2e-2)


def test_the_grid_contains_every_combination_once() -> None:
    grid = [tuple(weights.values()) for weights in _simplex(["a", "b", "c"], 4)]
    assert len(grid) == len(set(grid)) == 15
    assert all(sum(weights) == pytest.approx(1) for weights in grid)
    assert grid[0] == (1, 0, 0)
    assert list(_simplex(["a"], 3)) == [{"a": 1.0}]


def test_two_halves_of_the_truth_share_the_weight() -> None:
    # Each retriever ranks one item right and the other last; weights of 0.4 to 0.6 rank both first.
    a = np.array([[5, 0, 3, 0]], dtype=np.float32)
    b = np.array([[0, 5, 0, 3]], dtype=np.float32)
    chosen = choose_weights({"a": a, "b": b}, csr_matrix([[1, 1, 0, 0]]), mask=csr_matrix((1, 4)))
    assert chosen == {"a": 0.6, "b": 0.4}


def test_ties_favour_the_first_retriever_and_rows_without_relevant_items_are_ignored() -> None:
    scores = np.array([[1, 0], [0, 1]], dtype=np.float32)
    relevant = csr_matrix(np.array([[1, 0], [0, 0]]))
    chosen = choose_weights({"b": scores, "a": scores.copy()}, relevant, mask=csr_matrix((2, 2)))
    assert chosen == {"b": 1.0, "a": 0.0}
    with pytest.raises(DataError, match="none of the 2 validation rows"):
        choose_weights({"a": scores}, csr_matrix((2, 2)), mask=csr_matrix((2, 2)))
    with pytest.raises(ConfigError, match="at least one retriever"):
        choose_weights({}, relevant, mask=csr_matrix((2, 2)))


@pytest.mark.parametrize("weights", [{"a": 1.0}, {"a": 1.0, "b": -1.0}, {"a": 0.0, "b": 0.0}, {"a": np.nan, "b": 1.0}])
def test_weights_it_refuses(weights: dict[str, float]) -> None:
    scores = np.ones((1, 2), dtype=np.float32)
    with pytest.raises(ConfigError, match="blend weights"):
        blend_scores({"a": scores, "b": scores}, weights)


def test_a_retriever_of_weight_zero_adds_nothing() -> None:
    a, b = np.array([[1, 3]], dtype=np.float32), np.array([[9, 1]], dtype=np.float32)
    assert np.array_equal(blend_scores({"a": a, "b": b}, {"a": 2.0, "b": 0.0}), 2 * standardise(a))
