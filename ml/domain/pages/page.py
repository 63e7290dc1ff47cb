"""A page of a shop: what stands where, from a ranking, limits on sameness, explored slots and an operator's rules.

Pure arithmetic on positions in a ranking (0 is the best); what the positions stand for is the caller's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Cap:
    """At most `most` of one kind among any page of ten; longer pages in proportion.

    Attributes
    ----------
    kind : ndarray of int64, shape (n_candidates,)
        Code of each candidate's kind (its model, say); a negative code is capped by nothing.
    most : int
        At least 1.
    """

    kind: IntArray
    most: int

    def on(self, length: int) -> int:
        """How many of one kind a page of this length may hold.

        >>> Cap(np.array([0]), most=3).on(10), Cap(np.array([0]), most=3).on(25), Cap(np.array([0]), most=3).on(4)
        (3, 8, 2)
        """
        return max(1, -(-self.most * length // 10))


@dataclass(frozen=True)
class Page:
    """What is shown.

    Attributes
    ----------
    shown : ndarray of int64
        Positions in the ranking, in the order of the page.
    propensity : ndarray of float64
        Probability with which each was to be on this page, given the ranking: 1 for what the ranking or an operator
        put there, less for what was drawn.
    explored, pinned : ndarray of bool
        Why it stands there.
    relaxed : bool
        Whether a cap was exceeded, because the page could not be filled otherwise.
    """

    shown: IntArray
    propensity: FloatArray
    explored: BoolArray
    pinned: BoolArray
    relaxed: bool


def moved(n: int, *, up: Mapping[int, int], last: Sequence[int]) -> IntArray:
    """An order in which some candidates move up by so many places, and some go to the end.

    Parameters
    ----------
    n : int
        Number of candidates, best first.
    up : mapping of int to int
        Candidate to places; negative moves it down.
    last : sequence of int
        Go behind everything, in the order they had.

    Examples
    --------
    >>> moved(5, up={3: 2}, last=[0]).tolist()
    [3, 1, 2, 4, 0]
    """
    key = np.arange(n, dtype=np.float64)
    for place, by in up.items():
        key[place] -= by + 0.5 * np.sign(by)
    key[np.asarray(last, dtype=np.int64)] += 2 * n + max((abs(b) for b in up.values()), default=0)
    return np.argsort(key, kind="stable").astype(np.int64)


def compose(
    order: IntArray,
    *,
    length: int,
    caps: Sequence[Cap] = (),
    pins: Mapping[int, int] | None = None,
    pool: IntArray | None = None,
    explored: int = 0,
    rng: np.random.Generator | None = None,
) -> Page:
    """Fill a page: exactly `length` places, or all there is.

    Pins stand where they are wanted. The rest is taken in order, passing over what would exceed a cap; what was passed
    over fills the page if nothing else is left. Explored slots are drawn evenly, without replacement, from those of
    the pool that the ranking did not put on the page, and stand in the page's lower half, spread evenly.

    Parameters
    ----------
    order : ndarray of int64
        Candidates, best first.
    length : int
        At least 1.
    caps : sequence of Cap
    pins : mapping of int to int
        Place on the page (from 0) to candidate; those beyond the page's length go to its end.
    pool : ndarray of int64
        Candidates worth trying.
    explored : int
        Slots for them.
    rng : Generator, optional
        Needed where something is explored.

    Examples
    --------
    >>> model = Cap(np.array([7, 7, 7, 8, 9]), most=5)
    >>> compose(np.arange(5), length=4, caps=[model]).shown.tolist()
    [0, 1, 3, 4]
    >>> page = compose(np.arange(5), length=3, pins={0: 4})
    >>> page.shown.tolist(), page.pinned.tolist()
    ([4, 0, 1], [True, False, False])
    """
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    length = min(length, len(order))
    fixed = dict(sorted((pins or {}).items())[:length])
    taken = set(fixed.values())
    free = length - len(fixed)
    wanted = np.empty(0, dtype=np.int64) if pool is None else np.asarray(pool, dtype=np.int64)
    slots = min(explored, free) if len(wanted) else 0
    chosen, relaxed = _ranked(order, free - slots, caps, taken=taken, length=length)
    drawn, chance = np.empty(0, dtype=np.int64), 1.0
    if slots:
        there = taken | set(chosen)
        left = np.array([c for c in wanted.tolist() if c not in there], dtype=np.int64)
        count = min(slots, len(left))
        if count:
            if rng is None:
                raise ValueError("rng must be given where something is explored")
            drawn, chance = rng.choice(left, count, replace=False), count / len(left)
        if count < slots:
            chosen, relaxed = _ranked(order, free - count, caps, taken=taken | set(drawn.tolist()), length=length)
    return _laid_out(chosen, drawn, fixed, length=length, chance=chance, relaxed=relaxed)


def _ranked(
    order: IntArray, count: int, caps: Sequence[Cap], *, taken: set[int], length: int
) -> tuple[list[int], bool]:
    """The first of the order that keep the caps, then those passed over."""
    room: list[dict[int, int]] = [{} for _ in caps]
    most = [cap.on(length) for cap in caps]
    for candidate in taken:
        _fits(candidate, caps, room, most, force=True)
    chosen: list[int] = []
    passed: list[int] = []
    for candidate in order.tolist():
        if len(chosen) == count:
            return chosen, False
        if candidate in taken:
            continue
        (chosen if _fits(candidate, caps, room, most) else passed).append(candidate)
    short = count - len(chosen)
    return chosen + passed[:short], bool(passed[:short])


def _fits(
    candidate: int, caps: Sequence[Cap], room: list[dict[int, int]], most: list[int], *, force: bool = False
) -> bool:
    kinds = [int(cap.kind[candidate]) for cap in caps]
    fits = all(k < 0 or room[i].get(k, 0) < most[i] for i, k in enumerate(kinds))
    if fits or force:
        for i, k in enumerate(kinds):
            room[i][k] = room[i].get(k, 0) + 1
    return fits


def _laid_out(
    chosen: list[int], drawn: IntArray, fixed: dict[int, int], *, length: int, chance: float, relaxed: bool
) -> Page:
    shown = np.full(length, -1, dtype=np.int64)
    pinned, tried = np.zeros(length, dtype=bool), np.zeros(length, dtype=bool)
    for place, candidate in sorted(fixed.items()):
        at = place if place < length and shown[place] < 0 else int(np.flatnonzero(shown < 0)[-1])
        shown[at], pinned[at] = candidate, True
    free = np.flatnonzero(shown < 0)
    if len(drawn):
        spread = np.linspace(len(free) / 2, len(free) - 1, len(drawn)).round().astype(np.int64)
        places = free[np.unique(spread)] if len(np.unique(spread)) == len(drawn) else free[-len(drawn) :]
        shown[places], tried[places] = drawn, True
    shown[np.flatnonzero(shown < 0)] = chosen
    return Page(shown, np.where(tried, chance, 1.0), tried, pinned, relaxed)
