"""What the ranker learns from and is judged by: questions, what was on offer to each, and what was wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from features.aggregations import DAY
from features.as_of import AS_OF
from features.recommendation import GRADE, ITEM, PERSON
from ml.domain.arrays import IntArray
from ml.recommendation.catalogue import Vehicles, Vocabularies, Vocabulary
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

    @classmethod
    def read(cls, asked: pl.DataFrame, wanted: pl.DataFrame, visitors: Visitors, known: Vocabularies) -> Self:
        """Put what was wanted beside the visitors.

        Parameters
        ----------
        asked : DataFrame
            `person_id`, `as_of` and `midway`, one row per visitor, in their order.
        wanted : DataFrame
            From `features.recommendation.wanted`; items that are not known are passed over.
        visitors : Visitors
        known : Vocabularies
        """
        rows = wanted.join(asked.select(PERSON, AS_OF).with_row_index("row"), on=[PERSON, AS_OF], how="inner")
        item = known.items.codes(rows[ITEM])
        inside = item < len(known.items)
        cells = rows["row"].to_numpy()[inside].astype(np.int64), item[inside]
        matrix = sparse.csr_matrix((rows[GRADE].to_numpy()[inside], cells), shape=(asked.height, len(known.items)))
        person = Vocabulary.learn(asked[PERSON]).codes(asked[PERSON]).astype(np.uint64)
        return cls(visitors, matrix, person, asked["midway"].to_numpy().astype(bool))

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

    visitor: IntArray
    vehicle: IntArray
    sizes: IntArray


def offered(visitors: Visitors, vehicles: Vehicles) -> Offered:
    """List what could be shown to each visitor: one vehicle of each item on offer in the store at the time.

    Offers are looked up once per store and day, as they stood at the day's first question.
    """
    if len(visitors) == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Offered(nothing, nothing, nothing)
    day = visitors.as_of // DAY
    order = np.lexsort((visitors.as_of, day, visitors.store))
    store, day = visitors.store[order], day[order]
    begins = np.flatnonzero(np.r_[True, (store[1:] != store[:-1]) | (day[1:] != day[:-1])])
    ends = np.r_[begins[1:], len(order)]
    found: list[IntArray] = [np.empty(0, dtype=np.int64)] * len(order)
    for begin, end in zip(begins, ends, strict=True):
        there = vehicles.on_offer(at=int(visitors.as_of[order[begin]]), store=int(store[begin]))
        for row in order[begin:end]:
            found[row] = there
    sizes = np.array([len(f) for f in found], dtype=np.int64)
    return Offered(np.repeat(np.arange(len(found)), sizes), np.concatenate(found), sizes)
