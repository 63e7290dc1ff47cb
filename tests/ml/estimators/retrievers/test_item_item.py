"""ItemItem against its definition, and its memory limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, issparse

from features.errors import ConfigError
from ml.estimators.retrievers.interactions import Interactions
from ml.estimators.retrievers.item_item import ItemItem
from tests.ml.estimators.retrievers.conftest import random_weights

PLAIN = {"dropout": 0.0, "relaxation": 0.0, "user_exponent": 0.0, "item_exponent": 0.0}


def _by_definition(model: ItemItem, matrix: csr_matrix) -> np.ndarray:
    """Solve the least squares of each column with a bounded diagonal, in float64."""
    x = matrix.toarray().astype(np.float64)
    user, item = (np.where(total > 0, total, 1.0) for total in (x.sum(axis=1), x.sum(axis=0)))
    z = x / user[:, None] ** model.user_exponent / item**model.item_exponent
    ridge = model.regularization * np.mean(z[x > 0] ** 2)
    added = ridge + model.dropout / (1 - model.dropout) * (z**2).sum(axis=0)
    gram = z.T @ z
    weights = np.zeros_like(gram)
    for j in range(len(gram)):
        free = np.linalg.solve(gram + np.diag(added), gram[:, j])
        if free[j] > model.relaxation:
            # The diagonal is at its bound r: solve for the other weights given the diagonal.
            others = np.arange(len(gram)) != j
            left = (gram + np.diag(added))[np.ix_(others, others)]
            free[others] = np.linalg.solve(left, gram[others, j] * (1 - model.relaxation))
        weights[:, j] = free
    np.fill_diagonal(weights, 0.0)
    return weights * item**model.item_exponent / item[:, None] ** model.item_exponent


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    regularization=st.floats(0.5, 50),
    dropout=st.floats(0, 0.8),
    relaxation=st.floats(0, 1),
    user_exponent=st.floats(0, 1),
    item_exponent=st.floats(0, 1),
)
def test_dense_and_sparse_both_solve_the_bounded_least_squares(seed: int, **params: float) -> None:
    matrix = random_weights(30, 9, seed=seed)
    dense = ItemItem(**params).fit(Interactions(matrix))  # type: ignore[arg-type]
    # All other items are neighbours.
    sparse = ItemItem(**params, memory_limit_mb=0, neighbours=9).fit(Interactions(matrix))  # type: ignore[arg-type]
    expected = _by_definition(dense, matrix)
    np.testing.assert_allclose(dense.weights_, expected, atol=2e-4 * max(1, np.abs(expected).max()))
    assert issparse(sparse.weights_)
    shared = (matrix.T @ matrix).toarray() > 0
    if shared[:-1, :-1].all():
        np.testing.assert_allclose(sparse.weights_.toarray(), expected, atol=2e-4 * max(1, np.abs(expected).max()))


def test_plain_ease_by_hand() -> None:
    train = Interactions(csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], dtype=np.float32)))
    model = ItemItem(regularization=1.0, **PLAIN).fit(train)  # type: ignore[arg-type]
    # Column 0: (G + I) of items 1 and 2 is [[3, 0], [0, 2]] and the target [2, 1].
    np.testing.assert_allclose(model.weights_[:, 0], [0, 2 / 3, 1 / 2], atol=1e-6)


def test_the_diagonal_is_zero(interactions: Interactions) -> None:
    for limit in (100.0, 0.0):
        weights = ItemItem(memory_limit_mb=limit, relaxation=1.0).fit(interactions).weights_
        assert not weights.diagonal().any()


def test_the_scale_of_the_weights_does_not_matter(interactions: Interactions) -> None:
    once, tenfold = (ItemItem().fit(Interactions(interactions.matrix * factor)).weights_ for factor in (1, 10))
    np.testing.assert_allclose(once, tenfold, atol=1e-5)


def test_the_gram_matrix_may_be_built_in_blocks(interactions: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [ItemItem(memory_limit_mb=limit).fit(interactions).weights_ for limit in (100, 0)]
    monkeypatch.setattr("ml.estimators.retrievers.item_gram.BLOCK_CELLS", 7 * 20)
    blocks = [ItemItem(memory_limit_mb=limit).fit(interactions).weights_ for limit in (100, 0)]
    np.testing.assert_allclose(blocks[0], whole[0], atol=1e-6)
    np.testing.assert_allclose(blocks[1].toarray(), whole[1].toarray(), atol=1e-6)


def test_dense_weights_lie_so_that_scoring_copies_nothing(interactions: Interactions) -> None:
    weights = ItemItem().fit(interactions).weights_
    assert weights.flags.c_contiguous and weights.dtype == np.float32


def test_beyond_the_limit_it_is_sparse_or_refused(interactions: Interactions) -> None:
    limit = 20 * 20 * 4 / 1e6
    assert not issparse(ItemItem(memory_limit_mb=limit).fit(interactions).weights_)
    beyond = ItemItem(memory_limit_mb=limit * 0.99, neighbours=3).fit(interactions).weights_
    assert issparse(beyond)
    assert (np.diff(beyond.tocsc().indptr) <= 3).all()
    with pytest.raises(
        ConfigError, match=r"20,000 items need a dense matrix of 1,600\.0 MB, but memory_limit_mb is 1,000"
    ):
        wide = csr_matrix(([1.0], ([0], [0])), shape=(1, 20_000))
        ItemItem(memory_limit_mb=1_000, beyond_limit="refuse").fit(Interactions(wide))


def test_sparse_with_one_person_and_one_item_has_no_weights() -> None:
    train = Interactions(csr_matrix(np.eye(3, dtype=np.float32)))
    assert ItemItem(memory_limit_mb=0).fit(train).weights_.nnz == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("regularization", 0.0),
        ("regularization", float("nan")),
        ("dropout", 1.0),
        ("relaxation", 1.5),
        ("user_exponent", -0.1),
        ("item_exponent", 2.0),
        ("memory_limit_mb", -1.0),
        ("beyond_limit", "perhaps"),
        ("neighbours", 0),
    ],
)
def test_parameters_out_of_range(interactions: Interactions, name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .* got"):
        ItemItem(**{name: value}).fit(interactions)  # type: ignore[arg-type]


def test_a_ridge_too_small_for_float32_is_named() -> None:
    twins = Interactions(csr_matrix(np.ones((50, 6), dtype=np.float32)))
    with pytest.raises(ConfigError, match="raise regularization"):
        ItemItem(regularization=1e-9, **PLAIN).fit(twins)  # type: ignore[arg-type]
