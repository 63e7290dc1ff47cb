"""Composed pages are full, respect caps, pins and order, and state the probability of explored candidates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.pages.page import Cap, compose_page, reorder


def test_a_cap_is_exceeded_only_when_no_other_candidate_is_left() -> None:
    kind = np.array([1] * 8 + [2, 3])
    page = compose_page(np.arange(10), length=5, caps=[Cap(kind, per_ten=2)])
    assert page.shown.tolist() == [0, 8, 9, 1, 2]  # one of a kind on a page of five, then the skipped candidates
    assert page.relaxed
    assert not compose_page(np.arange(10), length=3, caps=[Cap(kind, per_ten=2)]).relaxed


def test_two_caps_apply_together() -> None:
    model, brand = np.array([0, 0, 1, 2, 3]), np.array([0, 0, 0, 0, 1])
    page = compose_page(np.arange(5), length=3, caps=[Cap(model, per_ten=4), Cap(brand, per_ten=5)])
    assert page.shown.tolist() == [0, 1, 4]


def test_pins_stand_at_their_places() -> None:
    page = compose_page(np.arange(6), length=4, pins={1: 5, 9: 4})
    assert page.shown.tolist() == [0, 5, 1, 4]
    assert page.pinned.tolist() == [False, True, False, True]


def test_explored_candidates_are_drawn_with_the_stated_probability() -> None:
    pool = np.array([6, 7, 8, 9])
    count = np.zeros(10)
    n = 4_000
    for seed in range(n):
        page = compose_page(np.arange(10), length=5, pool=pool, explored=1, rng=np.random.default_rng(seed))
        assert page.explored.sum() == 1 and page.propensity[page.explored].tolist() == [0.25]
        count[page.shown] += 1
    assert count[:4].tolist() == [n] * 4
    np.testing.assert_allclose(count[6:] / n, 0.25, atol=0.03)  # four standard errors


def test_candidates_that_are_on_the_page_anyway_are_not_explored() -> None:
    page = compose_page(np.arange(4), length=3, pool=np.array([0, 1]), explored=1, rng=np.random.default_rng(0))
    assert sorted(page.shown.tolist()) == [0, 1, 2] and not page.explored.any()


def test_reorder_moves_up_down_and_to_the_end() -> None:
    assert reorder(4, up={2: 1}, last=[]).tolist() == [0, 2, 1, 3]
    assert reorder(4, up={3: 10}, last=[]).tolist() == [3, 0, 1, 2]
    assert reorder(4, up={}, last=[0, 2]).tolist() == [1, 3, 0, 2]
    assert reorder(3, up={0: -1}, last=[]).tolist() == [1, 0, 2]


@pytest.mark.parametrize("length", [0, -1])
def test_a_page_needs_at_least_one_place(length: int) -> None:
    with pytest.raises(ValueError, match="length must be at least 1"):
        compose_page(np.arange(3), length=length)


@given(
    kinds=st.lists(st.integers(-1, 4), min_size=1, max_size=30),
    length=st.integers(1, 40),
    per_ten=st.integers(1, 10),
    pins=st.dictionaries(st.integers(0, 50), st.integers(0, 29), max_size=3),
    explored=st.integers(0, 5),
    seed=st.integers(0, 100),
)
def test_every_page_is_full_and_shows_a_candidate_once(
    kinds: list[int], length: int, per_ten: int, pins: dict[int, int], explored: int, seed: int
) -> None:
    n = len(kinds)
    valid_pins: dict[int, int] = {}
    for place, candidate in pins.items():
        if candidate < n and candidate not in valid_pins.values():
            valid_pins[place] = candidate
    rng = np.random.default_rng(seed)
    cap = Cap(np.array(kinds), per_ten)
    pool = np.arange(0, n, 2)
    page = compose_page(np.arange(n), length=length, caps=[cap], pins=valid_pins, pool=pool, explored=explored, rng=rng)
    shown = page.shown.tolist()
    assert len(shown) == min(n, length) == len(set(shown)) and all(0 <= s < n for s in shown)
    assert ((page.propensity > 0) & (page.propensity <= 1)).all()
    assert set(page.shown[page.explored].tolist()) <= set(pool.tolist())
