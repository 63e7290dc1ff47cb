"""Those who ask, as arrays: what each has chosen so far, what was said about budget and taste, where and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from features.aggregations import AGE, DAY
from features.as_of import AS_OF
from features.recommendation import GRADE, ITEM, PERSON
from ml.domain.arrays import FloatArray, IntArray
from ml.recommendation.catalogue import Vocabularies

VISIT_DAYS = 0.25
STATED = ("preferred_body_type", "preferred_energy_type")
BUDGET = ("budget_low", "budget_high")


@dataclass(frozen=True)
class Visitors:
    """Questions, one row each.

    Attributes
    ----------
    history : csr_matrix of float64, shape (n_rows, n_items)
        Grade of everything chosen before, halved with every half-life that has passed since.
    latest : csr_matrix of float64, shape (n_rows, n_items)
        Days since each item was last chosen, plus one (so that a stored value is never 0).
    budget : ndarray of float64, shape (n_rows, 2)
        Logarithm of the stated budget's ends in yuan; NaN where not stated.
    stated : mapping of str to ndarray of int64
        Code of the stated wish by category; the number of codes where there is none.
    as_of : ndarray of int64
        us.
    store : ndarray of int64
        Code of the store visited; the number of stores where unknown.
    """

    history: sparse.csr_matrix
    latest: sparse.csr_matrix
    budget: FloatArray
    stated: Mapping[str, IntArray]
    as_of: IntArray
    store: IntArray

    def __len__(self) -> int:
        return len(self.as_of)

    @property
    def visit(self) -> sparse.csr_matrix:
        """The part of the history that belongs to this visit: chosen no longer ago than `VISIT_DAYS`."""
        inside = self.latest.data - 1.0 <= VISIT_DAYS
        counts = np.concatenate([[0], np.cumsum(inside)])
        # `latest` stores every cell of `history`, in the same order: both are made from the same rows and columns.
        parts = (self.history.data[inside], self.history.indices[inside], counts[self.history.indptr])
        return sparse.csr_matrix(parts, shape=self.history.shape)

    def take(self, rows: NDArray[np.intp]) -> Visitors:
        """Some of the rows."""
        stated = {n: v[rows] for n, v in self.stated.items()}
        return Visitors(
            self.history[rows], self.latest[rows], self.budget[rows], stated, self.as_of[rows], self.store[rows]
        )

    def without_history(self) -> Visitors:
        """The same people before they had chosen anything."""
        nothing = sparse.csr_matrix(self.history.shape)
        return Visitors(nothing, nothing, self.budget, self.stated, self.as_of, self.store)

    def without_profile(self) -> Visitors:
        """The same people had they said nothing."""
        stated = {n: np.full_like(v, np.iinfo(np.int32).max) for n, v in self.stated.items()}
        budget = np.full_like(self.budget, np.nan)
        return Visitors(self.history, self.latest, budget, stated, self.as_of, self.store)


def read_visitors(
    asked: pl.DataFrame, history: pl.DataFrame, customers: pl.DataFrame | None, known: Vocabularies, *, half_life: float
) -> Visitors:
    """Put questions into arrays.

    Parameters
    ----------
    asked : DataFrame
        `person_id`, `as_of` (us), and `store_id` where known; one row per question.
    history : DataFrame
        From `features.recommendation.history`; rows of items or questions that are not known are passed over.
    customers : DataFrame or None
        What they said about themselves, by `customer_id`; only what was known at `as_of` counts.
    known : Vocabularies
        What training knew.
    half_life : float
        Days after which a choice counts half.
    """
    n, items = asked.height, len(known.items)
    rows = asked.select(PERSON, AS_OF).with_row_index("row")
    found = history.join(rows, on=[PERSON, AS_OF], how="inner", maintain_order="left")
    item = known.items.codes(found[ITEM])
    inside = item < items
    row, item = found["row"].to_numpy()[inside].astype(np.int64), item[inside]
    days = found[AGE].to_numpy()[inside] / DAY
    weight = found[GRADE].to_numpy()[inside] * 0.5 ** (days / half_life)
    matrix = sparse.csr_matrix((weight, (row, item)), shape=(n, items))
    stores = asked["store_id"] if "store_id" in asked.columns else pl.Series([None] * n, dtype=pl.String)
    budget, stated = _said(asked, customers, known)
    return Visitors(
        matrix,
        _latest(row, item, days, (n, items)),
        budget,
        stated,
        asked[AS_OF].to_numpy(),
        known.stores.codes(stores),
    )


def _latest(row: IntArray, item: IntArray, days: FloatArray, shape: tuple[int, int]) -> sparse.csr_matrix:
    cell = row * shape[1] + item
    order = np.lexsort((days, cell))
    first = np.ones(len(order), dtype=bool)
    first[1:] = cell[order][1:] != cell[order][:-1]
    kept = order[first]
    return sparse.csr_matrix((days[kept] + 1.0, (row[kept], item[kept])), shape=shape)


def _said(
    asked: pl.DataFrame, customers: pl.DataFrame | None, known: Vocabularies
) -> tuple[FloatArray, dict[str, IntArray]]:
    """Budget and stated wishes, empty for those who were no customers yet."""
    n = asked.height
    wishes = {w: w.removeprefix("preferred_") for w in STATED}
    if customers is None:
        nothing = {c: np.full(n, len(v)) for c, v in known.categories.items() if c in wishes.values()}
        return np.full((n, 2), np.nan), nothing
    columns = [c for c in (*BUDGET, *STATED, "created_at") if c in customers.columns]
    found = asked.select(PERSON, AS_OF).join(
        customers.select(pl.col("customer_id").alias(PERSON), *columns), on=PERSON, how="left", maintain_order="left"
    )
    if "created_at" in columns:
        there = pl.col("created_at") < pl.col(AS_OF)
        found = found.with_columns(pl.when(there).then(pl.col(c)).alias(c) for c in columns)
    ends = [
        found[c].cast(pl.Float64).fill_null(float("nan")).to_numpy() / 100 if c in columns else np.full(n, np.nan)
        for c in BUDGET
    ]
    budget = np.log(np.maximum(np.column_stack(ends), 1.0))
    stated = {
        category: known.categories[category].codes(
            found[wish] if wish in columns else pl.Series([None] * n, dtype=pl.String)
        )
        for wish, category in wishes.items()
        if category in known.categories
    }
    return budget, stated
