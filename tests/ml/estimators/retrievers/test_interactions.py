"""Interactions: canonical form, decay, refused matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.interactions import Interactions, decay_weights

DAY = 86_400_000_000


def test_duplicates_are_summed_zeros_removed_and_the_argument_is_unchanged() -> None:
    matrix = coo_matrix(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    assert Interactions(matrix).matrix.nnz == 1
    assert matrix.nnz == 3


def test_a_matrix_without_interactions_is_valid() -> None:
    assert Interactions(csr_matrix((2, 3))).matrix.shape == (2, 3)


@pytest.mark.parametrize(("weight", "message"), [(-2.0, r"not negative, got -2\.0 for item 1"), (np.nan, "finite")])
def test_weights_it_refuses(weight: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Interactions(csr_matrix(([1.0, weight], ([0, 1], [0, 1])), shape=(2, 3)))


def test_dense_matrices_and_groups_of_other_items_are_refused() -> None:
    with pytest.raises(DataError, match="sparse"):
        Interactions(np.ones((2, 2)))
    with pytest.raises(DataError, match="by_group must have 2 items"):
        Interactions(csr_matrix((3, 2)), csr_matrix((3, 4)))


@given(age=st.integers(1, 10_000), half_life=st.floats(0.5, 1_000), strength=st.floats(0, 10))
def test_one_half_life_later_half_is_left(age: int, half_life: float, strength: float) -> None:
    as_of = 20_000 * DAY
    now, later = (
        decay_weights([as_of - int(days * DAY)], as_of=as_of, half_life_days=half_life, strength=strength)[0]
        for days in (age, age + half_life)
    )
    assert later == pytest.approx(now / 2, rel=1e-4, abs=1e-30)


def test_decay_refuses_the_future_and_a_half_life_of_nothing() -> None:
    with pytest.raises(DataError, match="before as_of"):
        decay_weights([5], as_of=5, half_life_days=1)
    with pytest.raises(ConfigError, match="half_life_days"):
        decay_weights([4], as_of=5, half_life_days=0)
