"""Those who were known when the model was trained: what they had chosen and said, found by a hash of who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from features import recommendation as features
from features.aggregations import DAY
from features.as_of import AS_OF
from features.engines import collect
from features.recommendation import GRADE, ITEM, PERSON
from ml.artefacts.npz import from_npz, pack_sparse, to_npz, unpack_sparse
from ml.domain.arrays import FloatArray, IntArray
from ml.recommendation.catalogue import Vocabularies
from ml.recommendation.params import RecommendationParams
from ml.recommendation.training_tables import TrainingTables
from ml.recommendation.visitors import read_visitors

FILE = "people.npz"


@dataclass(frozen=True)
class UserProfiles:
    """Histories and wishes as they stood at an instant, by hashed identity: the artefact names nobody.

    Attributes
    ----------
    keys : ndarray of uint64
        Ascending.
    history, latest : csr_matrix of float64, shape (n_people, n_items)
        As in `Visitors`, at `until`.
    budget : ndarray of float64, shape (n_people, 2)
    stated : mapping of str to ndarray of int64
    until : int
        us.
    """

    keys: NDArray[np.uint64]
    history: sparse.csr_matrix
    latest: sparse.csr_matrix
    budget: FloatArray
    stated: Mapping[str, IntArray]
    until: int

    @classmethod
    def learn(cls, facts: TrainingTables, known: Vocabularies, params: RecommendationParams, *, until: int) -> Self:
        """Everybody who had chosen something or was a customer by then."""
        chosen = facts.chosen.filter(pl.col("event_at") < until)
        names = chosen[PERSON].unique()
        if facts.customers is not None and "created_at" in facts.customers.columns:
            there = facts.customers.filter(pl.col("created_at") < until)["customer_id"]
            names = pl.concat([names, there]).unique()
        asked = pl.DataFrame({PERSON: names}).sort(PERSON).with_columns(pl.lit(until, dtype=pl.Int64).alias(AS_OF))
        lazy = nw.from_native(asked.lazy())
        rows = features.history(lazy, nw.from_native(chosen.lazy()), lookback_days=params.lookback_days)
        history = collect(rows).sort(PERSON, "age_us", ITEM, GRADE)
        found = read_visitors(asked, history, facts.customers, known, half_life=params.half_life_days)
        keys = np.array([key_of(name) for name in asked[PERSON]], dtype=np.uint64)
        order = np.argsort(keys)
        found = found.take(order)
        return cls(keys[order], found.history, found.latest, found.budget, found.stated, until)

    def row(self, name: str) -> int | None:
        """Where somebody is, or None."""
        key = key_of(name)
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        return place if place < len(self.keys) and int(self.keys[place]) == key else None

    def history_of(self, row: int, *, now: int, half_life_days: float) -> tuple[IntArray, FloatArray, FloatArray]:
        """Items somebody chose, their weights as they stand now, and days since each."""
        begin, end = self.history.indptr[row], self.history.indptr[row + 1]
        days = max(0.0, (now - self.until) / DAY)
        item = self.history.indices[begin:end].astype(np.int64)
        weight = self.history.data[begin:end] * 0.5 ** (days / half_life_days)
        since = np.asarray(self.latest[row, item].todense()).ravel() - 1.0 + days if len(item) else np.empty(0)
        return item, weight, since

    def to_files(self) -> dict[str, bytes]:
        """Write as npz."""
        arrays: dict[str, Any] = {"keys": self.keys, "budget": self.budget, "until": np.array(self.until)}
        arrays |= pack_sparse(self.history, "history") | pack_sparse(self.latest, "latest")
        return {FILE: to_npz(arrays | {f"stated_{n}": codes for n, codes in self.stated.items()})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        a: dict[str, Any] = dict(from_npz(files[FILE], FILE))
        history, latest = (unpack_sparse(a, name) for name in ("history", "latest"))
        stated = {n.removeprefix("stated_"): codes for n, codes in a.items() if n.startswith("stated_")}
        return cls(a["keys"], history, latest, a["budget"], stated, int(a["until"]))


def key_of(name: str) -> int:
    """Sixty-four bits of a hash of an identity.

    >>> key_of("C1") == key_of("C1") != key_of("C2")
    True
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"chehang").digest(), "little")
