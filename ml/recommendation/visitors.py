"""Visitors as arrays: weighted history, stated preferences, instant and store of each query."""

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
    """Encoded visitors, one row per query; returned by `ml.recommendation.visitors.encode_visitors`.

    Also by `ml.recommendation.training_tables.TrainingTables.visitors`.

    Attributes
    ----------
    history : csr_matrix of float64, shape (n_rows, n_items)
        Sum of the grades of earlier interactions with each item, each halved per half-life.
    latest : csr_matrix of float64, shape (n_rows, n_items)
        Days since the latest interaction with each item, plus 1, so that no stored value is 0.
    budget : ndarray of float64, shape (n_rows, 2)
        Natural logarithm of the lower and upper end of the stated budget in yuan; NaN where not stated.
    stated : mapping of str to ndarray of int64, shape (n_rows,)
        Code of the stated preference, by category; the size of the category's vocabulary where not stated.
    as_of : ndarray of int64, shape (n_rows,)
        Instant of the query (microseconds since 1970 UTC).
    store : ndarray of int64, shape (n_rows,)
        Code of the visited store; the number of stores where unknown.
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
        """Cells of `history` whose latest interaction is at most 6 hours old, the current visit; same shape."""
        inside = self.latest.data - 1.0 <= VISIT_DAYS
        counts = np.concatenate([[0], np.cumsum(inside)])
        # `latest` stores the same cells as `history`, in the same order, because both come from the same rows.
        parts = (self.history.data[inside], self.history.indices[inside], counts[self.history.indptr])
        return sparse.csr_matrix(parts, shape=self.history.shape)

    def take(self, rows: NDArray[np.intp]) -> Visitors:
        """Return the visitors at the row numbers `rows` (ndarray of int), in this order."""
        stated = {n: v[rows] for n, v in self.stated.items()}
        return Visitors(
            self.history[rows], self.latest[rows], self.budget[rows], stated, self.as_of[rows], self.store[rows]
        )

    def without_history(self) -> Visitors:
        """Return the same visitors with an empty history: stated preferences only."""
        empty = sparse.csr_matrix(self.history.shape)
        return Visitors(empty, empty, self.budget, self.stated, self.as_of, self.store)

    def without_profile(self) -> Visitors:
        """Return the same visitors without stated preferences."""
        stated = {n: np.full_like(v, np.iinfo(np.int32).max) for n, v in self.stated.items()}
        budget = np.full_like(self.budget, np.nan)
        return Visitors(self.history, self.latest, budget, stated, self.as_of, self.store)


def encode_visitors(
    queries: pl.DataFrame,
    history: pl.DataFrame,
    customers: pl.DataFrame | None,
    vocabularies: Vocabularies,
    *,
    half_life_days: float,
) -> Visitors:
    """Encode the visitor of each query.

    Parameters
    ----------
    queries : DataFrame
        `person_id`, `as_of` (microseconds since 1970 UTC) and, if available, `store_id`; one row per query.
    history : DataFrame
        As returned by `features.recommendation.history`; rows of other queries or unknown items are dropped.
    customers : DataFrame or None
        Table `customers`: `customer_id` and, if available, `created_at` (microseconds since 1970 UTC), `budget_low` and
        `budget_high` (fen), `preferred_body_type` and `preferred_energy_type`. Customers created at or after `as_of`
        are ignored.
    vocabularies : Vocabularies
        As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`; those of a fitted recommender
        are
        ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender.vocabularies``.
    half_life_days : float
        Half-life of a grade in days.

    Returns
    -------
    Visitors
        One row per row of `queries`, in the same order.

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
    >>> visitors = encode_visitors(tables.queries, tables.history, None, vocabularies, half_life_days=30.0)
    >>> len(visitors), visitors.history.shape
    (2, (2, 2))
    """
    n, items = queries.height, len(vocabularies.items)
    numbered = queries.select(PERSON, AS_OF).with_row_index("row")
    rows = history.join(numbered, on=[PERSON, AS_OF], how="inner", maintain_order="left")
    item = vocabularies.items.codes(rows[ITEM])
    inside = item < items
    row, item = rows["row"].to_numpy()[inside].astype(np.int64), item[inside]
    days = rows[AGE].to_numpy()[inside] / DAY
    weight = rows[GRADE].to_numpy()[inside] * 0.5 ** (days / half_life_days)
    matrix = sparse.csr_matrix((weight, (row, item)), shape=(n, items))
    stores = queries["store_id"] if "store_id" in queries.columns else pl.Series([None] * n, dtype=pl.String)
    budget, stated = _stated_preferences(queries, customers, vocabularies)
    return Visitors(
        matrix,
        _latest(row, item, days, (n, items)),
        budget,
        stated,
        queries[AS_OF].to_numpy(),
        vocabularies.stores.codes(stores),
    )


def _latest(row: IntArray, item: IntArray, days: FloatArray, shape: tuple[int, int]) -> sparse.csr_matrix:
    cell = row * shape[1] + item
    order = np.lexsort((days, cell))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = cell[order][1:] != cell[order][:-1]
    first = order[is_first]
    return sparse.csr_matrix((days[first] + 1.0, (row[first], item[first])), shape=shape)


def _stated_preferences(
    queries: pl.DataFrame, customers: pl.DataFrame | None, vocabularies: Vocabularies
) -> tuple[FloatArray, dict[str, IntArray]]:
    """Return log budgets and preference codes; missing for persons who were not customers yet."""
    n = queries.height
    preferences = {column: column.removeprefix("preferred_") for column in STATED}
    if customers is None:
        unstated = {c: np.full(n, len(v)) for c, v in vocabularies.categories.items() if c in preferences.values()}
        return np.full((n, 2), np.nan), unstated
    columns = [c for c in (*BUDGET, *STATED, "created_at") if c in customers.columns]
    rows = queries.select(PERSON, AS_OF).join(
        customers.select(pl.col("customer_id").alias(PERSON), *columns), on=PERSON, how="left", maintain_order="left"
    )
    if "created_at" in columns:
        is_customer = pl.col("created_at") < pl.col(AS_OF)
        rows = rows.with_columns(pl.when(is_customer).then(pl.col(c)).alias(c) for c in columns)
    ends = [
        rows[c].cast(pl.Float64).fill_null(float("nan")).to_numpy() / 100 if c in columns else np.full(n, np.nan)
        for c in BUDGET
    ]
    budget = np.log(np.maximum(np.column_stack(ends), 1.0))
    stated = {
        category: vocabularies.categories[category].codes(
            rows[column] if column in columns else pl.Series([None] * n, dtype=pl.String)
        )
        for column, category in preferences.items()
        if category in vocabularies.categories
    }
    return budget, stated
