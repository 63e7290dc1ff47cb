"""Histories and stated preferences of the persons in the training data, by hashed identity."""

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
from ml.recommendation.visitors import encode_visitors

FILE = "user_profiles.npz"


@dataclass(frozen=True)
class UserProfiles:
    """Histories and stated preferences as of the training cut-off; identities are stored as hashes only.

    Returned by `UserProfiles.from_tables`; a registered one is
    ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.profiles``.

    Attributes
    ----------
    keys : ndarray of uint64, shape (n_people,)
        `key_of` each person, ascending.
    history : csr_matrix of float64, shape (n_people, n_items)
        Sum of the grades of interactions with each item before `cutoff`, each halved per half-life.
    latest : csr_matrix of float64, shape (n_people, n_items)
        Days from the latest interaction with each item to `cutoff`, plus 1, so that no stored value is 0.
    budget : ndarray of float64, shape (n_people, 2)
        Natural logarithm of the lower and upper end of the stated budget in yuan; NaN where not stated.
    stated : mapping of str to ndarray of int64, shape (n_people,)
        Code of the stated preference, by category; the size of the category's vocabulary where not stated.
    cutoff : int
        Training cut-off (microseconds since 1970 UTC).
    """

    keys: NDArray[np.uint64]
    history: sparse.csr_matrix
    latest: sparse.csr_matrix
    budget: FloatArray
    stated: Mapping[str, IntArray]
    cutoff: int

    @classmethod
    def from_tables(
        cls, tables: TrainingTables, vocabularies: Vocabularies, params: RecommendationParams, *, cutoff: int
    ) -> Self:
        """Build the profiles of everyone with an interaction or a customer record before the cut-off.

        Parameters
        ----------
        tables : TrainingTables
            As returned by `ml.recommendation.training_tables.TrainingTables.gather`.
        vocabularies : Vocabularies
            As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`:
            ``tables.vocabularies(cutoff)``.
        params : RecommendationParams
            An `ml.recommendation.params.RecommendationParams`; `half_life_days` and `lookback_days` of the histories
            are read.
        cutoff : int
            Training cut-off (microseconds since 1970 UTC).

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
        >>> profiles = UserProfiles.from_tables(tables, tables.vocabularies(3), params, cutoff=3)
        >>> profiles.row("c"), profiles.row("nobody")
        (0, None)
        >>> item, weight, days = profiles.history_of(0, now=3, half_life_days=params.half_life_days)
        >>> item.tolist(), weight.round(3).tolist()
        ([0, 1], [1.0, 1.0])
        """
        choices = tables.choices.filter(pl.col("event_at") < cutoff)
        names = choices[PERSON].unique()
        if tables.customers is not None and "created_at" in tables.customers.columns:
            customers = tables.customers.filter(pl.col("created_at") < cutoff)["customer_id"]
            names = pl.concat([names, customers]).unique()
        queries = pl.DataFrame({PERSON: names}).sort(PERSON).with_columns(pl.lit(cutoff, dtype=pl.Int64).alias(AS_OF))
        lazy = nw.from_native(queries.lazy())
        rows = features.history(lazy, nw.from_native(choices.lazy()), lookback_days=params.lookback_days)
        history = collect(rows).sort(PERSON, "age_us", ITEM, GRADE)
        visitors = encode_visitors(
            queries, history, tables.customers, vocabularies, half_life_days=params.half_life_days
        )
        keys = np.array([key_of(name) for name in queries[PERSON]], dtype=np.uint64)
        order = np.argsort(keys)
        visitors = visitors.take(order)
        return cls(keys[order], visitors.history, visitors.latest, visitors.budget, visitors.stated, cutoff)

    def row(self, name: str) -> int | None:
        """Return the row of a person by the `customer_id` or `visitor_id` `name`; None if it is not in the profiles."""
        key = key_of(name)
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        return place if place < len(self.keys) and int(self.keys[place]) == key else None

    def history_of(self, row: int, *, now: int, half_life_days: float) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the history of the person in a row, decayed to a later instant.

        Parameters
        ----------
        row : int
            As returned by the method `row`.
        now : int
            Instant of the request (microseconds since 1970 UTC); before `cutoff` it counts as `cutoff`.
        half_life_days : float
            The half-life that the profiles were built with.

        Returns
        -------
        tuple of (ndarray of int64, ndarray of float64, ndarray of float64), each of shape (n_chosen,)
            Item codes, weights, and days since the latest interaction with the item.
        """
        begin, end = self.history.indptr[row], self.history.indptr[row + 1]
        days = max(0.0, (now - self.cutoff) / DAY)
        item = self.history.indices[begin:end].astype(np.int64)
        weight = self.history.data[begin:end] * 0.5 ** (days / half_life_days)
        since = np.asarray(self.latest[row, item].todense()).ravel() - 1.0 + days if len(item) else np.empty(0)
        return item, weight, since

    def to_files(self) -> dict[str, bytes]:
        """Return the profiles as an npz file, by file name."""
        arrays: dict[str, Any] = {"keys": self.keys, "budget": self.budget, "cutoff": np.array(self.cutoff)}
        arrays |= pack_sparse(self.history, "history") | pack_sparse(self.latest, "latest")
        return {FILE: to_npz(arrays | {f"stated_{n}": codes for n, codes in self.stated.items()})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore profiles from the files returned by `to_files`."""
        a: dict[str, Any] = dict(from_npz(files[FILE], FILE))
        history, latest = (unpack_sparse(a, name) for name in ("history", "latest"))
        stated = {n.removeprefix("stated_"): codes for n, codes in a.items() if n.startswith("stated_")}
        return cls(a["keys"], history, latest, a["budget"], stated, int(a["cutoff"]))


def key_of(name: str) -> int:
    """Return a 64-bit hash of a `customer_id` or `visitor_id`, as in the attribute `keys` of `UserProfiles`.

    Examples
    --------
    >>> key_of("C1") == key_of("C1") != key_of("C2")
    True
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"chehang").digest(), "little")
