"""Interactions as arrays, and the weighted matrices that the retrievers are fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from scipy import sparse

from features.recommendation import GRADE, ITEM, PERSON
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.retrievers.interactions import Interactions, decay_weights
from ml.recommendation.catalogue import Vocabularies, Vocabulary

LOG_2 = float(np.log(2.0))


@dataclass(frozen=True)
class Choices:
    """Encoded interactions, one array element per interaction with an item of the vocabulary.

    Returned by `ml.recommendation.choices.Choices.encode`, and as `choices` of what
    `ml.recommendation.training_tables.TrainingTables.encode` returns.

    Attributes
    ----------
    person, item, store : ndarray of int64, shape (n_choices,)
        Codes; -1 for a store outside the vocabulary.
    at : ndarray of int64, shape (n_choices,)
        Microseconds since 1970 UTC.
    grade : ndarray of float64, shape (n_choices,)
        Grade of the event type.
    n_people : int
        Number of different persons.
    """

    person: IntArray
    item: IntArray
    store: IntArray
    at: IntArray
    grade: FloatArray
    n_people: int

    @classmethod
    def encode(cls, choices: pl.DataFrame, vocabularies: Vocabularies) -> Self:
        """Encode interactions; those with items outside the vocabulary are dropped.

        Parameters
        ----------
        choices : DataFrame
            `person_id`, `event_at` (microseconds since 1970 UTC), `item_id`, `grade` and, if available, `store_id`: the
            attribute `choices` of `ml.recommendation.training_tables.TrainingTables`.
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
        >>> choices = Choices.encode(tables.choices, tables.vocabularies(3))
        >>> choices.item.tolist(), choices.at.tolist()
        ([0, 1], [1, 2])
        """
        item = vocabularies.items.codes(choices[ITEM])
        rows = choices.filter(pl.Series(item < len(vocabularies.items)))
        people = Vocabulary.from_values(rows[PERSON])
        stores = rows["store_id"] if "store_id" in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
        store = vocabularies.stores.codes(stores)
        return cls(
            person=people.codes(rows[PERSON]),
            item=item[item < len(vocabularies.items)],
            store=np.where(store < len(vocabularies.stores), store, -1),
            at=rows["event_at"].to_numpy().astype(np.int64),
            grade=rows[GRADE].to_numpy().astype(np.float64),
            n_people=len(people),
        )

    def __len__(self) -> int:
        return len(self.at)

    def before(self, instant: int) -> Choices:
        """Return the interactions strictly before `instant`, in microseconds since 1970 UTC.

        Codes and `n_people` stay the same.
        """
        rows = np.flatnonzero(self.at < instant)
        arrays = (self.person[rows], self.item[rows], self.store[rows], self.at[rows], self.grade[rows])
        return Choices(*arrays, self.n_people)

    def interactions(self, *, as_of: int, half_life_days: float, n_items: int, n_stores: int) -> Interactions:
        """Return time-decayed weights of persons x items and stores x items.

        Each grade is halved per `half_life_days` before `as_of`. A person's weight of an item is
        ``log2(1 + sum of decayed grades)``, so that the tenth view adds less than the second; a store's weight is the
        plain sum.

        Parameters
        ----------
        as_of : int
            Instant at which a grade has its full weight (microseconds since 1970 UTC); all interactions must be
            earlier.
        half_life_days : float
            Half-life of a grade in days.
        n_items, n_stores : int
            Sizes of the item and store vocabularies.

        Returns
        -------
        ml.estimators.retrievers.interactions.Interactions
            `matrix`, shape (n_people, n_items), and `by_group`, shape (n_stores, n_items), both float32.
        """
        weight = decay_weights(self.at, as_of=as_of, half_life_days=half_life_days, strength=self.grade)
        shape = (self.n_people, n_items)
        people = sparse.csr_matrix((weight, (self.person, self.item)), shape=shape)
        people.data = np.log1p(people.data) / LOG_2  # log1p keeps tiny weights of old interactions above 0
        in_store = self.store >= 0
        cells = (self.store[in_store], self.item[in_store])
        stores = sparse.csr_matrix((weight[in_store], cells), shape=(n_stores, n_items))
        return Interactions(people, stores)


def damped(histories: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return ``log2(1 + weight)`` of each stored weight: the scale that the retrievers were fitted on.

    Parameters
    ----------
    histories : csr_matrix of shape (n_visitors, n_items)
        Such as `history` of `Visitors`.

    Returns
    -------
    csr_matrix of float32, same shape

    Examples
    --------
    >>> from scipy import sparse
    >>> damped(sparse.csr_matrix([[0.0, 1.0, 3.0]])).toarray().tolist()
    [[0.0, 1.0, 2.0]]
    """
    return sparse.csr_matrix(
        ((np.log1p(histories.data) / LOG_2).astype(np.float32), histories.indices, histories.indptr),
        shape=histories.shape,
    )
