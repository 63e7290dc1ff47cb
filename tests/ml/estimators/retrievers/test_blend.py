"""Blending: one scale, weights that validation prefers, artefacts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError, ModelNotFound
from ml.artefacts.npz import from_npz, to_npz
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.blend import Blend, _simplex, blend_scores, choose_weights, standardised
from ml.estimators.retrievers.interactions import Interactions
from ml.estimators.retrievers.item_item import ItemItem
from ml.estimators.retrievers.popularity import Popularity

KINDS = {"near": ItemItem, "factors": ALS, "popular": Popularity}


@pytest.fixture(scope="module")
def blend(people: Interactions) -> Blend:
    members = {
        "near": ItemItem(regularization=5.0),
        "factors": ALS(factors=4, regularization=1.0, num_threads=1),
        "popular": Popularity(),
    }
    return Blend(members, weights={"near": 0.5, "factors": 0.3, "popular": 0.2}).fit(people)


@given(
    row=st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=12),
    shift=st.floats(-10, 10, width=32),
    scale=st.floats(0.5, 20, width=32),
)
def test_shift_and_scale_of_a_retriever_do_not_matter(row: list[float], shift: float, scale: float) -> None:
    scores = np.array([row], dtype=np.float32)
    if scores.std() < 1e-2:
        return
    np.testing.assert_allclose(standardised(scores * scale + shift), standardised(scores), atol=2e-2)


def test_the_grid_holds_every_combination_once() -> None:
    grid = [tuple(weights.values()) for weights in _simplex(["a", "b", "c"], 4)]
    assert len(grid) == len(set(grid)) == 15
    assert all(sum(weights) == pytest.approx(1) for weights in grid)
    assert grid[0] == (1, 0, 0)
    assert list(_simplex(["a"], 3)) == [{"a": 1.0}]


def test_two_halves_of_the_truth_share_the_weight() -> None:
    # Each retriever is right about one item and silent on the other; only both together list both.
    a = np.array([[5, 0, 3, 0]], dtype=np.float32)
    b = np.array([[0, 5, 0, 3]], dtype=np.float32)
    chosen = choose_weights({"a": a, "b": b}, csr_matrix([[1, 1, 0, 0]]), mask=csr_matrix((1, 4)), k=2, steps=4)
    assert chosen == {"a": 0.5, "b": 0.5}


def test_equal_ones_lean_on_the_first_and_rows_without_truth_do_not_count() -> None:
    scores = np.array([[1, 0], [0, 1]], dtype=np.float32)
    relevant = csr_matrix(np.array([[1, 0], [0, 0]]))
    chosen = choose_weights({"b": scores, "a": scores.copy()}, relevant, mask=csr_matrix((2, 2)), k=1, steps=3)
    assert chosen == {"b": 1.0, "a": 0.0}
    with pytest.raises(DataError, match="none of the 2 validation rows"):
        choose_weights({"a": scores}, csr_matrix((2, 2)), mask=csr_matrix((2, 2)))
    with pytest.raises(ConfigError, match="steps"):
        choose_weights({"a": scores}, relevant, mask=csr_matrix((2, 2)), steps=0)


def test_score_is_the_weighted_sum_of_its_members(blend: Blend, people: Interactions) -> None:
    parts = {name: retriever.score(people.matrix) for name, retriever in blend.retrievers.items()}
    assert np.array_equal(blend.score(people.matrix), blend_scores(parts, blend.weights))


def test_choosing_never_makes_validation_worse_and_is_repeatable(blend: Blend, people: Interactions) -> None:
    rng = np.random.default_rng(0)
    held = people.matrix.copy()
    held.data[rng.random(held.nnz) < 0.5] = 0
    held.eliminate_zeros()
    relevant = people.matrix - held
    relevant.eliminate_zeros()
    other = Blend(blend.retrievers)
    assert other.weights == {"near": 1.0, "factors": 1.0, "popular": 1.0}
    first = other.choose(held, relevant, k=5, steps=5).weights
    assert first == other.choose(held, relevant, k=5, steps=5).weights
    assert sum(first.values()) == pytest.approx(1)


def test_explanation_without_popularity_orders_items_as_the_score_does(people: Interactions, blend: Blend) -> None:
    two = Blend({n: blend.retrievers[n] for n in ("near", "factors")}, weights={"near": 0.7, "factors": 0.3})
    score = two.score(people.matrix[2])[0]
    told = np.array([two.explain(people.matrix[2], item).sum() for item in range(20)])
    np.testing.assert_allclose(told - told.mean(), score, atol=1e-4)
    assert not two.explain(csr_matrix((1, 20), dtype=np.float32), 3).size


def test_arrays_survive_a_file(blend: Blend, people: Interactions) -> None:
    arrays = from_npz(to_npz(blend.arrays()), "blend.npz")
    again = Blend.from_arrays(arrays, KINDS)
    assert again.weights == blend.weights
    assert np.array_equal(again.score(people.matrix), blend.score(people.matrix))
    with pytest.raises(ModelNotFound, match="params"):
        Blend.from_arrays({n: a for n, a in arrays.items() if not n.startswith("factors/")}, KINDS)
    with pytest.raises(DataError, match="damaged"):
        Blend.from_arrays(arrays | {"blend_weights": np.array("{")}, KINDS)


@pytest.mark.parametrize("weights", [{"a": 1.0}, {"a": 1.0, "b": -1.0}, {"a": 0.0, "b": 0.0}, {"a": np.nan, "b": 1.0}])
def test_weights_it_refuses(weights: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="blend weights"):
        Blend({"a": Popularity(), "b": Popularity()}, weights=weights)


def test_a_blend_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one retriever"):
        Blend({})
