"""Everything that was chosen, as arrays: what the retrievers learn from."""

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
    """Rows of `features.recommendation.interactions`, encoded; items that are not known are left out.

    Attributes
    ----------
    person, item, store : ndarray of int64
        Codes; a store that is not known is -1.
    at : ndarray of int64
        us.
    grade : ndarray of float64
        Strength.
    people : int
        Number of persons.
    """

    person: IntArray
    item: IntArray
    store: IntArray
    at: IntArray
    grade: FloatArray
    people: int

    @classmethod
    def read(cls, chosen: pl.DataFrame, known: Vocabularies) -> Self:
        """Encode by what training knows."""
        item = known.items.codes(chosen[ITEM])
        rows = chosen.filter(pl.Series(item < len(known.items)))
        people = Vocabulary.learn(rows[PERSON])
        stores = rows["store_id"] if "store_id" in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
        store = known.stores.codes(stores)
        return cls(
            person=people.codes(rows[PERSON]),
            item=item[item < len(known.items)],
            store=np.where(store < len(known.stores), store, -1),
            at=rows["event_at"].to_numpy().astype(np.int64),
            grade=rows[GRADE].to_numpy().astype(np.float64),
            people=len(people),
        )

    def __len__(self) -> int:
        return len(self.at)

    def before(self, instant: int) -> Choices:
        """Those strictly before an instant (us)."""
        rows = np.flatnonzero(self.at < instant)
        arrays = (self.person[rows], self.item[rows], self.store[rows], self.at[rows], self.grade[rows])
        return Choices(*arrays, self.people)

    def interactions(self, *, as_of: int, half_life_days: float, n_items: int, n_stores: int) -> Interactions:
        """Weights of people by items, and of stores by items, as they stand at an instant.

        A person's weight for an item is the logarithm (to the base 2) of one more than the decayed grades: the tenth
        look says less than the second. A store's is the plain sum.
        """
        weight = decay_weights(self.at, as_of=as_of, half_life_days=half_life_days, strength=self.grade)
        shape = (self.people, n_items)
        people = sparse.csr_matrix((weight, (self.person, self.item)), shape=shape)
        people.data = np.log1p(people.data) / LOG_2  # log1p: what is long past must not round to nothing
        there = self.store >= 0
        stores = sparse.csr_matrix((weight[there], (self.store[there], self.item[there])), shape=(n_stores, n_items))
        return Interactions(people, stores)


def damped(histories: sparse.csr_matrix) -> sparse.csr_matrix:
    """Histories as the retrievers were taught them: the logarithm (to the base 2) of one more than the decayed grades.

    >>> damped(sparse.csr_matrix([[0.0, 1.0, 3.0]])).toarray().tolist()
    [[0.0, 1.0, 2.0]]
    """
    return sparse.csr_matrix(
        ((np.log1p(histories.data) / LOG_2).astype(np.float32), histories.indices, histories.indptr),
        shape=histories.shape,
    )
