"""Queries with their relevant items, and the candidate vehicles of each query."""

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
class Queries:
    """Encoded queries: the visitor of each, as of its instant, and the items chosen afterwards.

    Returned by `ml.recommendation.queries.Queries.encode`, and as `queries` of what
    `ml.recommendation.training_tables.TrainingTables.encode` returns.

    Attributes
    ----------
    visitors : Visitors
        Visitor of each query.
    relevant : csr_matrix of float64, shape (n_queries, n_items)
        Highest grade of each item chosen within the horizon.
    person : ndarray of uint64, shape (n_queries,)
        Person number; equal for all queries of one person.
    midway : ndarray of bool, shape (n_queries,)
        Whether the query is at the second choice of a visit, not at its start.
    """

    visitors: Visitors
    relevant: sparse.csr_matrix
    person: NDArray[np.uint64]
    midway: NDArray[np.bool_]

    @classmethod
    def encode(
        cls, queries: pl.DataFrame, relevant: pl.DataFrame, visitors: Visitors, vocabularies: Vocabularies
    ) -> Self:
        """Encode queries and their relevant items.

        Parameters
        ----------
        queries : DataFrame
            `person_id`, `as_of` (microseconds since 1970 UTC) and `midway` (bool), one row per row of `visitors`, in
            the same order.
        relevant : DataFrame
            As returned by `features.recommendation.relevant_items`; items outside the vocabulary are dropped.
        visitors : Visitors
            As returned by `ml.recommendation.visitors.encode_visitors` for the same queries.
        vocabularies : Vocabularies
            As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`.

        Examples
        --------
        >>> import polars as pl
        >>> from features.engines import to_engine
        >>> from ml.recommendation.params import RecommendationParams
        >>> from ml.recommendation.training_tables import TrainingTables
        >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
        >>> events = pl.LazyFrame({"event_at": [1, 2], "customer_id": ["c", "c"], "vehicle_id": ["v1", "v2"]})
        >>> params = RecommendationParams()
        >>> tables = TrainingTables.gather(to_engine({"vehicles": cars, "events": events}), params)
        >>> vocabularies = tables.vocabularies(3)
        >>> visitors = tables.visitors(vocabularies, params)
        >>> queries = Queries.encode(tables.queries, tables.relevant, visitors, vocabularies)
        >>> queries.relevant.toarray().tolist()
        [[1.0, 1.0], [0.0, 1.0]]
        """
        rows = relevant.join(queries.select(PERSON, AS_OF).with_row_index("row"), on=[PERSON, AS_OF], how="inner")
        item = vocabularies.items.codes(rows[ITEM])
        inside = item < len(vocabularies.items)
        cells = rows["row"].to_numpy()[inside].astype(np.int64), item[inside]
        shape = (queries.height, len(vocabularies.items))
        matrix = sparse.csr_matrix((rows[GRADE].to_numpy()[inside], cells), shape=shape)
        person = Vocabulary.from_values(queries[PERSON]).codes(queries[PERSON]).astype(np.uint64)
        return cls(visitors, matrix, person, queries["midway"].to_numpy().astype(bool))

    def __len__(self) -> int:
        return len(self.visitors)

    def take(self, rows: NDArray[np.intp]) -> Queries:
        """Return the queries at the row numbers `rows` (ndarray of int), in this order."""
        return Queries(self.visitors.take(rows), self.relevant[rows], self.person[rows], self.midway[rows])

    def between(self, begin: int, end: int) -> Queries:
        """Return the queries with ``begin <= as_of < end`` (microseconds since 1970 UTC)."""
        at = self.visitors.as_of
        return self.take(np.flatnonzero((at >= begin) & (at < end)))

    def sample(self, n: int, *, seed: int) -> Queries:
        """Return a random sample of at most `n` queries, without replacement, in the original order.

        `seed` seeds `numpy.random.default_rng`; all queries are returned if there are no more than `n`.
        """
        if len(self) <= n:
            return self
        return self.take(np.sort(np.random.default_rng(seed).choice(len(self), n, replace=False)))


@dataclass(frozen=True)
class CandidatePairs:
    """Pairs of a query and a candidate vehicle; the pairs of one query are adjacent.

    Attributes
    ----------
    visitor, vehicle : ndarray of int64, shape (n_pairs,)
        Row numbers of the query's visitor and of the vehicle.
    sizes : ndarray of int64, shape (n_queries,)
        Number of pairs of each query, in order.
    """

    visitor: IntArray
    vehicle: IntArray
    sizes: IntArray


def candidate_pairs(visitors: Visitors, vehicles: Vehicles) -> CandidatePairs:
    """Pair each visitor with one vehicle of every item that the store had on offer.

    Offers are read once per store and day, at the first query of the day, which keeps training fast.

    Parameters
    ----------
    visitors : Visitors
        As returned by `ml.recommendation.visitors.encode_visitors`; `as_of` and `store` decide what was on offer.
    vehicles : Vehicles
        As returned by `ml.recommendation.catalogue.Vehicles.encode`.

    Returns
    -------
    CandidatePairs
        Row numbers of visitors and vehicles, and the number of pairs of each visitor.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import to_engine
    >>> from ml.recommendation.params import RecommendationParams
    >>> from ml.recommendation.training_tables import TrainingTables
    >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
    >>> events = pl.LazyFrame({"event_at": [1, 2], "customer_id": ["c", "c"], "vehicle_id": ["v1", "v2"]})
    >>> params = RecommendationParams()
    >>> tables = TrainingTables.gather(to_engine({"vehicles": cars, "events": events}), params)
    >>> inputs = tables.encode(tables.vocabularies(3), params)
    >>> pairs = candidate_pairs(inputs.queries.visitors, inputs.vehicles)
    >>> pairs.visitor.tolist(), pairs.vehicle.tolist(), pairs.sizes.tolist()
    ([0, 0, 1, 1], [0, 1, 0, 1], [2, 2])
    """
    if len(visitors) == 0:
        empty = np.empty(0, dtype=np.int64)
        return CandidatePairs(empty, empty, empty)
    day = visitors.as_of // DAY
    order = np.lexsort((visitors.as_of, day, visitors.store))
    store, day = visitors.store[order], day[order]
    begins = np.flatnonzero(np.r_[True, (store[1:] != store[:-1]) | (day[1:] != day[:-1])])
    ends = np.r_[begins[1:], len(order)]
    offers: list[IntArray] = [np.empty(0, dtype=np.int64)] * len(order)
    for begin, end in zip(begins, ends, strict=True):
        on_offer = vehicles.on_offer(at=int(visitors.as_of[order[begin]]), store=int(store[begin]))
        for row in order[begin:end]:
            offers[row] = on_offer
    sizes = np.array([len(rows) for rows in offers], dtype=np.int64)
    return CandidatePairs(np.repeat(np.arange(len(offers)), sizes), np.concatenate(offers), sizes)
