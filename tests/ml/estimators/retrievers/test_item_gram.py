"""Linear algebra of the item-item model against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from features.errors import ConfigError
from ml.estimators.retrievers.item_gram import dense_weights, neighbour_weights, normalise

Z = csr_matrix(np.random.default_rng(0).random((30, 5)).astype(np.float32))
ADDED, SCALE = np.full(5, 2.0), np.ones(5, dtype=np.float32)


def test_sums_of_users_and_items_are_divided_out() -> None:
    z, scale = normalise(csr_matrix([[1.0, 3.0], [0.0, 0.0]]), user_exponent=1.0, item_exponent=0.5)
    assert scale.tolist() == pytest.approx([1.0, 3**0.5])
    assert z.toarray().tolist() == [pytest.approx([0.25, 3 / 4 / 3**0.5]), [0.0, 0.0]]


def test_dense_weights_are_the_inverse_scaled_by_its_diagonal() -> None:
    inverse = np.linalg.inv((Z.T @ Z).toarray().astype(np.float64) + np.diag(ADDED))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(dense_weights(Z, ADDED, SCALE, relaxation=0.0), expected, atol=1e-4)


def test_with_all_neighbours_each_regression_gives_the_dense_weights() -> None:
    near = neighbour_weights(Z, ADDED, SCALE, relaxation=0.0, neighbours=4)
    np.testing.assert_allclose(near.toarray(), dense_weights(Z, ADDED, SCALE, relaxation=0.0), atol=1e-3)
    assert (np.diff(neighbour_weights(Z, ADDED, SCALE, relaxation=0.0, neighbours=2).tocsc().indptr) == 2).all()


def test_items_that_share_no_user_have_no_weights() -> None:
    alone = neighbour_weights(
        csr_matrix(np.eye(3, dtype=np.float32)), np.ones(3), SCALE[:3], relaxation=0.0, neighbours=2
    )
    assert alone.shape == (3, 3) and alone.nnz == 0


def test_a_matrix_that_cannot_be_inverted_says_what_to_raise() -> None:
    same = csr_matrix(np.ones((4, 3), dtype=np.float32))
    with pytest.raises(ConfigError, match="raise regularization"):
        dense_weights(same, np.full(3, -1.0), SCALE[:3], relaxation=0.0)
