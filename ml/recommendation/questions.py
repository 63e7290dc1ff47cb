"""What the ranker learns from and is judged by: questions, what was on offer to each, and what was wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from features.as_of import DAY
from ml.recommendation.catalogue import Ints, Vehicles
from ml.recommendation.visitors import Visitors


@dataclass(frozen=True)
class Questions:
    """Visitors with what they wanted next.

    Attributes
    ----------
    visitors : Visitors
        Who asked.
    wanted : csr_matrix of float64, shape (n_rows, n_items)
        Strongest grade of each item within the horizon.
    person : ndarray of uint64
        Who it was: questions of one person share a number.
    midway : ndarray of bool
        Whether the visit had got going.
    """

    visitors: Visitors
    wanted: sparse.csr_matrix
    person: NDArray[np.uint64]
    midway: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.visitors)

    def take(self, rows: NDArray[np.intp]) -> Questions:
        """Some of the rows."""
        return Questions(self.visitors.take(rows), self.wanted[rows], self.person[rows], self.midway[rows])

    def between(self, begin: int, end: int) -> Questions:
        """Those asked from `begin` up to, not including, `end` (us)."""
        at = self.visitors.as_of
        return self.take(np.flatnonzero((at >= begin) & (at < end)))

    def sample(self, n: int, *, seed: int) -> Questions:
        """At most `n` of the questions, drawn evenly."""
        if len(self) <= n:
            return self
        return self.take(np.sort(np.random.default_rng(seed).choice(len(self), n, replace=False)))


@dataclass(frozen=True)
class Offered:
    """Pairs of a question and a vehicle on offer, those of one question together.

    Attributes
    ----------
    visitor, vehicle : ndarray of int64
        Rows of the questions and of the vehicles.
    sizes : ndarray of int64, shape (n_questions,)
        Pairs of each question, in order.
    """

    visitor: Ints
    vehicle: Ints
    sizes: Ints


def offered(visitors: Visitors, vehicles: Vehicles) -> Offered:
    """List what could be shown to each visitor: one vehicle of each item on offer in the store at the time.

    Offers are looked up once per store and day, as they stood at the day's first question.
    """
    day = visitors.as_of // DAY
    order = np.lexsort((visitors.as_of, day, visitors.store))
    store, day = visitors.store[order], day[order]
    begins = np.flatnonzero(np.r_[True, (store[1:] != store[:-1]) | (day[1:] != day[:-1])])
    ends = np.r_[begins[1:], len(order)]
    found: list[Ints] = [np.empty(0, dtype=np.int64)] * len(order)
    for begin, end in zip(begins, ends, strict=True):
        there = vehicles.on_offer(at=int(visitors.as_of[order[begin]]), store=int(store[begin]))
        for row in order[begin:end]:
            found[row] = there
    sizes = np.array([len(f) for f in found], dtype=np.int64)
    vehicle = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return Offered(np.repeat(np.arange(len(found)), sizes), vehicle, sizes)
