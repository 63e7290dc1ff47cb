"""Pages: exactly filled, varied, explored with known chances, ruled by an operator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.pages.page import Cap, compose, moved


def test_a_cap_is_kept_while_anything_else_is_left() -> None:
    kind = np.array([1] * 8 + [2, 3])
    page = compose(np.arange(10), length=5, caps=[Cap(kind, most=2)])
    assert page.shown.tolist() == [0, 8, 9, 1, 2]  # one of a kind on a page of five, then what was passed over
    assert page.relaxed
    assert not compose(np.arange(10), length=3, caps=[Cap(kind, most=2)]).relaxed


def test_two_caps_hold_together() -> None:
    model, brand = np.array([0, 0, 1, 2, 3]), np.array([0, 0, 0, 0, 1])
    page = compose(np.arange(5), length=3, caps=[Cap(model, most=4), Cap(brand, most=5)])
    assert page.shown.tolist() == [0, 1, 4]


def test_pins_stand_where_they_are_wanted() -> None:
    page = compose(np.arange(6), length=4, pins={1: 5, 9: 4})
    assert page.shown.tolist() == [0, 5, 1, 4]
    assert page.pinned.tolist() == [False, True, False, True]


def test_what_is_explored_is_drawn_with_the_chance_that_is_stated() -> None:
    pool = np.array([6, 7, 8, 9])
    seen = np.zeros(10)
    n = 4_000
    for seed in range(n):
        page = compose(np.arange(10), length=5, pool=pool, explored=1, rng=np.random.default_rng(seed))
        assert page.explored.sum() == 1 and page.propensity[page.explored].tolist() == [0.25]
        seen[page.shown] += 1
    assert seen[:4].tolist() == [n] * 4
    np.testing.assert_allclose(seen[6:] / n, 0.25, atol=0.03)  # four standard errors


def test_what_is_on_the_page_anyway_is_not_explored() -> None:
    page = compose(np.arange(4), length=3, pool=np.array([0, 1]), explored=1, rng=np.random.default_rng(0))
    assert sorted(page.shown.tolist()) == [0, 1, 2] and not page.explored.any()


def test_moves() -> None:
    assert moved(4, up={2: 1}, last=[]).tolist() == [0, 2, 1, 3]
    assert moved(4, up={3: 10}, last=[]).tolist() == [3, 0, 1, 2]
    assert moved(4, up={}, last=[0, 2]).tolist() == [1, 3, 0, 2]
    assert moved(3, up={0: -1}, last=[]).tolist() == [1, 0, 2]


@pytest.mark.parametrize("length", [0, -1])
def test_no_page_without_a_place(length: int) -> None:
    with pytest.raises(ValueError, match="length must be at least 1"):
        compose(np.arange(3), length=length)


@given(
    kinds=st.lists(st.integers(-1, 4), min_size=1, max_size=30),
    length=st.integers(1, 40),
    most=st.integers(1, 10),
    pins=st.dictionaries(st.integers(0, 50), st.integers(0, 29), max_size=3),
    explored=st.integers(0, 5),
    seed=st.integers(0, 100),
)
def test_always_exactly_full_and_never_twice(
    kinds: list[int], length: int, most: int, pins: dict[int, int], explored: int, seed: int
) -> None:
    n = len(kinds)
    fixed: dict[int, int] = {}
    for place, candidate in pins.items():
        if candidate < n and candidate not in fixed.values():
            fixed[place] = candidate
    rng = np.random.default_rng(seed)
    cap = Cap(np.array(kinds), most)
    pool = np.arange(0, n, 2)
    page = compose(np.arange(n), length=length, caps=[cap], pins=fixed, pool=pool, explored=explored, rng=rng)
    shown = page.shown.tolist()
    assert len(shown) == min(n, length) == len(set(shown)) and all(0 <= s < n for s in shown)
    assert ((page.propensity > 0) & (page.propensity <= 1)).all()
    assert set(page.shown[page.explored].tolist()) <= set(pool.tolist())
