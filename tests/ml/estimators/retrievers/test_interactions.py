"""Interactions: sums, decay, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_matrix

from features.errors import ConfigError, DataError
from ml.estimators.retrievers.interactions import Interactions, decay_weights

DAY = 86_400_000_000


def test_events_of_one_person_with_one_item_add_up_by_person_and_by_group() -> None:
    seen = Interactions.from_rows(
        [0, 0, 1], [1, 1, 0], weights=[1.0, 2.0, 0.5], shape=(3, 2), groups=[1, 0, 1], n_groups=2
    )
    assert seen.matrix.toarray().tolist() == [[0, 3], [0.5, 0], [0, 0]]
    assert seen.by_group is not None
    assert seen.by_group.toarray().tolist() == [[0, 2], [0.5, 1]]
    assert seen.matrix.dtype == np.float32


def test_duplicates_and_stored_zeros_go_and_the_callers_matrix_stays() -> None:
    given_matrix = coo_matrix(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    assert Interactions(given_matrix).matrix.nnz == 1
    assert given_matrix.nnz == 3


def test_no_event_is_no_error() -> None:
    assert Interactions.from_rows([], [], shape=(2, 3)).matrix.shape == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"users": [0, 5], "items": [0, 1]}, "users must be numbers from 0 to 1, got 5"),
        ({"users": [0, 1], "items": [0, -1]}, "items must be numbers from 0 to 2, got -1"),
        ({"users": [0], "items": [0, 1]}, "equally many"),
        ({"users": [0.5, 1], "items": [0, 1]}, "row numbers"),
        ({"users": [0, 1], "items": [0, 1], "weights": [1, -2]}, "not negative, got -2.0 for item 1"),
        ({"users": [0, 1], "items": [0, 1], "weights": [1, np.nan]}, "finite"),
        ({"users": [0, 1], "items": [0, 1], "groups": [0, 1], "n_groups": 1}, "groups must be numbers"),
    ],
)
def test_what_it_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Interactions.from_rows(**({"shape": (2, 3)} | arguments))  # type: ignore[arg-type]


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
