"""Compose a storefront page from a ranking: diversity caps, pinned candidates and randomised exploration slots.

Candidates are positions in the ranking (0 is the best). The functions know nothing about vehicles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Cap:
    """Diversity cap: the maximum number of candidates of one kind per ten places of a page.

    Attributes
    ----------
    kind : ndarray of int64, shape (n_candidates,)
        Code of each candidate's kind, for example its model; candidates with a negative code are never capped.
    per_ten : int
        Maximum number of one kind per ten places, at least 1.
    """

    kind: IntArray
    per_ten: int

    def limit(self, length: int) -> int:
        """Return the maximum number of one kind on a page of `length` places: proportional, rounded up, at least 1.

        >>> import numpy as np
        >>> from ml.domain.pages.page import Cap
        >>> cap = Cap(np.array([0]), per_ten=3)
        >>> cap.limit(10), cap.limit(25), cap.limit(4)
        (3, 8, 2)
        """
        return max(1, -(-self.per_ten * length // 10))


@dataclass(frozen=True)
class Page:
    """Composed page, one array element per place from the top. Returned by `compose_page`.

    Attributes
    ----------
    shown : ndarray of int64, shape (n_places,)
        Candidate at each place, as a position in the ranking.
    propensity : ndarray of float64, shape (n_places,)
        Probability that the candidate is on this page, given the ranking: 1 for ranked and pinned candidates, below 1
        for explored ones.
    explored, pinned : ndarray of bool, shape (n_places,)
        Whether the candidate was drawn for exploration; whether it was pinned.
    relaxed : bool
        Whether a cap was exceeded because too few other candidates were left to fill the page.
    """

    shown: IntArray
    propensity: FloatArray
    explored: BoolArray
    pinned: BoolArray
    relaxed: bool


def reorder(n: int, *, up: Mapping[int, int], last: Sequence[int]) -> IntArray:
    """Return the candidates in a new order: some moved up by a number of places, some moved to the end.

    Parameters
    ----------
    n : int
        Number of candidates, ranked 0 (best) to n - 1.
    up : mapping of int to int
        Candidate to the number of places it moves up; a negative number moves it down.
    last : sequence of int
        Candidates that go to the end, in their ranked order.

    Returns
    -------
    ndarray of int64, shape (n,)
        Candidates, best first.

    Raises
    ------
    IndexError
        A candidate is not below `n`.

    Examples
    --------
    >>> from ml.domain.pages.page import reorder
    >>> reorder(5, up={3: 2}, last=[0]).tolist()
    [3, 1, 2, 4, 0]
    """
    key = np.arange(n, dtype=np.float64)
    for candidate, places in up.items():
        key[candidate] -= places + 0.5 * np.sign(places)
    key[np.asarray(last, dtype=np.int64)] += 2 * n + max((abs(places) for places in up.values()), default=0)
    return np.argsort(key, kind="stable").astype(np.int64)


def compose_page(
    order: IntArray,
    *,
    length: int,
    caps: Sequence[Cap] = (),
    pins: Mapping[int, int] | None = None,
    pool: IntArray | None = None,
    explored: int = 0,
    rng: np.random.Generator | None = None,
) -> Page:
    """Fill a page of exactly `length` places, or fewer if there are fewer candidates.

    Pinned candidates stand at their places. The other places take candidates in order, skipping those that exceed a
    cap; skipped candidates fill places that would stay empty. Explored candidates are drawn uniformly without
    replacement from the members of `pool` that are not on the page yet, and are spread over the lower half of the page.

    Parameters
    ----------
    order : ndarray of int64, shape (n_candidates,)
        Candidates, best first, for example as returned by `reorder`.
    length : int
        Number of places, at least 1.
    caps : sequence of Cap
        Diversity caps; all of them apply.
    pins : mapping of int to int, optional
        Place on the page (from 0) to candidate; pins beyond the page's length go to its end.
    pool : ndarray of int64, optional
        Candidates that may be explored.
    explored : int
        Number of places for exploration.
    rng : numpy.random.Generator, optional
        Required if a candidate is explored.

    Returns
    -------
    Page
        At most `length` places.

    Raises
    ------
    ValueError
        `length` is below 1, or `rng` is missing although a candidate is explored.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.pages.page import Cap, compose_page
    >>> model = Cap(np.array([7, 7, 7, 8, 9]), per_ten=5)
    >>> compose_page(np.arange(5), length=4, caps=[model]).shown.tolist()
    [0, 1, 3, 4]
    >>> page = compose_page(np.arange(5), length=3, pins={0: 4})
    >>> page.shown.tolist(), page.pinned.tolist()
    ([4, 0, 1], [True, False, False])
    """
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    length = min(length, len(order))
    places = dict(sorted((pins or {}).items())[:length])
    pinned = set(places.values())
    free = length - len(places)
    explorable = np.empty(0, dtype=np.int64) if pool is None else np.asarray(pool, dtype=np.int64)
    slots = min(explored, free) if len(explorable) else 0
    ranked, relaxed = _rank_within_caps(order, free - slots, caps, placed=pinned, length=length)
    drawn, probability = np.empty(0, dtype=np.int64), 1.0
    if slots:
        on_page = pinned | set(ranked)
        left = np.array([c for c in explorable.tolist() if c not in on_page], dtype=np.int64)
        count = min(slots, len(left))
        if count:
            if rng is None:
                raise ValueError(f"rng is required to draw {count} explored candidates, got None")
            drawn, probability = rng.choice(left, count, replace=False), count / len(left)
        if count < slots:
            placed = pinned | set(drawn.tolist())
            ranked, relaxed = _rank_within_caps(order, free - count, caps, placed=placed, length=length)
    return _lay_out(ranked, drawn, places, length=length, probability=probability, relaxed=relaxed)


def _rank_within_caps(
    order: IntArray, count: int, caps: Sequence[Cap], *, placed: set[int], length: int
) -> tuple[list[int], bool]:
    """Return the first `count` candidates that keep the caps, then skipped ones, and whether any was skipped first."""
    counts: list[dict[int, int]] = [{} for _ in caps]
    limits = [cap.limit(length) for cap in caps]
    for candidate in placed:
        _count_if_fits(candidate, caps, counts, limits, force=True)
    ranked: list[int] = []
    skipped: list[int] = []
    for candidate in order.tolist():
        if len(ranked) == count:
            return ranked, False
        if candidate in placed:
            continue
        (ranked if _count_if_fits(candidate, caps, counts, limits) else skipped).append(candidate)
    short = count - len(ranked)
    return ranked + skipped[:short], bool(skipped[:short])


def _count_if_fits(
    candidate: int, caps: Sequence[Cap], counts: list[dict[int, int]], limits: list[int], *, force: bool = False
) -> bool:
    kinds = [int(cap.kind[candidate]) for cap in caps]
    fits = all(k < 0 or counts[i].get(k, 0) < limits[i] for i, k in enumerate(kinds))
    if fits or force:
        for i, k in enumerate(kinds):
            counts[i][k] = counts[i].get(k, 0) + 1
    return fits


def _lay_out(
    ranked: list[int], drawn: IntArray, pins: dict[int, int], *, length: int, probability: float, relaxed: bool
) -> Page:
    shown = np.full(length, -1, dtype=np.int64)
    pinned, explored = np.zeros(length, dtype=bool), np.zeros(length, dtype=bool)
    for place, candidate in sorted(pins.items()):
        at = place if place < length and shown[place] < 0 else int(np.flatnonzero(shown < 0)[-1])
        shown[at], pinned[at] = candidate, True
    free = np.flatnonzero(shown < 0)
    if len(drawn):
        spread = np.linspace(len(free) / 2, len(free) - 1, len(drawn)).round().astype(np.int64)
        places = free[np.unique(spread)] if len(np.unique(spread)) == len(drawn) else free[-len(drawn) :]
        shown[places], explored[places] = drawn, True
    shown[np.flatnonzero(shown < 0)] = ranked
    return Page(shown, np.where(explored, probability, 1.0), explored, pinned, relaxed)
