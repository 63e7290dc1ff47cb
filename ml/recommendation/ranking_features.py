"""Features of (visitor, vehicle) pairs: the columns of the ranker.

Training and serving call the same functions, so both compute the same features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.aggregations import DAY
from ml.domain.arrays import FloatArray, IntArray
from ml.recommendation.catalogue import ALWAYS, NEVER, Items, Vehicles
from ml.recommendation.visitors import Visitors

# Weight added to the denominator of shares: short histories are shrunk towards 0.
PRIOR = 1.0


@dataclass(frozen=True)
class Tastes:
    """Attribute profile of each visitor's history, as returned by `ml.recommendation.ranking_features.Tastes.of`.

    Attributes
    ----------
    shares : mapping of str to ndarray of float64, shape (n_visitors, n_values + 1)
        For each category, the share of the history's weight on each value, shrunk towards 0 by `PRIOR`; the last
        column (unknown value) is 0.
    log_price, price_spread : ndarray of float64, shape (n_visitors,)
        Weighted mean and standard deviation of the log price in yuan; NaN without history.
    weight : ndarray of float64, shape (n_visitors,)
        Total weight of the history.
    """

    shares: Mapping[str, FloatArray]
    log_price: FloatArray
    price_spread: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, visitors: Visitors, items: Items, sizes: Mapping[str, int]) -> Tastes:
        """Summarise the histories by the attributes of their items.

        Parameters
        ----------
        visitors : Visitors
            As returned by `ml.recommendation.visitors.encode_visitors`.
        items : Items
            Attributes of each item, as returned by `ml.recommendation.catalogue.Items.of`.
        sizes : mapping of str to int
            Vocabulary size of each category: ``{n: len(v) for n, v in vocabularies.categories.items()}``.
        """
        history = visitors.history
        weight = np.asarray(history.sum(axis=1)).ravel()
        shares = {}
        for name, code in items.codes.items():
            cell = sparse.csr_matrix(
                (np.ones(len(code)), (np.arange(len(code)), code)), shape=(len(code), sizes[name] + 1)
            )
            share = (history @ cell).toarray() / (weight + PRIOR)[:, None]
            share[:, -1] = 0.0
            shares[name] = share
        priced = np.isfinite(items.log_price)
        price = np.where(priced, items.log_price, 0.0)
        total = history @ priced.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (history @ price) / total
            spread = np.sqrt(np.maximum((history @ price**2) / total - mean**2, 0.0))
        return cls(shares, mean, spread, weight)


def pair_columns(
    visitors: Visitors,
    vehicles: Vehicles,
    tastes: Tastes,
    items: Items,
    *,
    visitor: IntArray,
    vehicle: IntArray,
    scores: Mapping[str, FloatArray],
) -> dict[str, FloatArray]:
    """Compute the ranker's columns for (visitor, vehicle) pairs.

    Parameters
    ----------
    visitors : Visitors
        As returned by `ml.recommendation.visitors.encode_visitors`.
    vehicles : Vehicles
        As returned by `ml.recommendation.catalogue.Vehicles.encode`.
    tastes : Tastes
        As returned by `ml.recommendation.ranking_features.Tastes.of` for the same visitors.
    items : Items
        As returned by `ml.recommendation.catalogue.Items.of`.
    visitor, vehicle : ndarray of int64, shape (n_pairs,)
        Row numbers in `visitors` and `vehicles`.
    scores : mapping of str to ndarray, shape (n_visitors, n_items + 1)
        Scores by retriever, as returned by `ml.recommendation.retrieval.Retrieval.scores`; may be empty.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_pairs,)
        Columns by name, in a fixed order; NaN where a value is missing. Prices are log yuan, ages are days.

        - ``<retriever>_score``: score of the vehicle's item.
        - ``<category>_share``: share of the history with the vehicle's value.
        - ``<category>_stated``: 1 if the value is the stated preference, else 0.
        - ``log_price``; ``price_vs_history``: difference from the history's mean; ``price_distance``: its absolute
          value; ``price_spread``: of the history.
        - ``over_budget``, ``under_budget``: log distance outside the stated budget.
        - ``chosen_before``, ``days_since_chosen``: weight and age of earlier interactions with the item.
        - ``days_listed``: of a used vehicle; ``item_age_days``: since the item was first on offer.
        - ``same_store``: 1 if the vehicle stands in the visited store.
        - ``history_weight``: total weight of the history.
        - extra numeric columns of the vehicles, under their own names.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from features.engines import to_engine
    >>> from ml.recommendation.catalogue import Items
    >>> from ml.recommendation.params import RecommendationParams
    >>> from ml.recommendation.ranking_features import Tastes
    >>> from ml.recommendation.training_tables import TrainingTables
    >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
    >>> events = pl.LazyFrame({"event_at": [1, 2], "customer_id": ["c", "c"], "vehicle_id": ["v1", "v2"]})
    >>> params = RecommendationParams()
    >>> tables = TrainingTables.gather(to_engine({"vehicles": cars, "events": events}), params)
    >>> vocabularies = tables.vocabularies(3)
    >>> inputs = tables.encode(vocabularies, params)
    >>> visitors, items = inputs.queries.visitors, Items.of(inputs.vehicles, vocabularies)
    >>> tastes = Tastes.of(visitors, items, {n: len(v) for n, v in vocabularies.categories.items()})
    >>> pair = {"visitor": np.array([0]), "vehicle": np.array([0])}
    >>> columns = pair_columns(visitors, inputs.vehicles, tastes, items, **pair, scores={})
    >>> np.exp(columns["log_price"]).round().tolist(), columns["history_weight"].tolist()
    ([90000.0], [0.0])
    """
    item = vehicles.item[vehicle]
    columns: dict[str, FloatArray] = {f"{name}_score": table[visitor, item] for name, table in scores.items()}
    for name, code in vehicles.codes.items():
        columns[f"{name}_share"] = tastes.shares[name][visitor, code[vehicle]]
        if name in visitors.stated:
            stated = visitors.stated[name][visitor]
            same = (stated == code[vehicle]).astype(np.float64)
            columns[f"{name}_stated"] = np.where(stated < tastes.shares[name].shape[1] - 1, same, np.nan)
    price = vehicles.log_price[vehicle]
    columns["log_price"] = price
    columns["price_vs_history"] = price - tastes.log_price[visitor]
    columns["price_distance"] = np.abs(columns["price_vs_history"])
    columns["price_spread"] = tastes.price_spread[visitor]
    columns |= _budget_columns(visitors.budget[visitor], price)
    columns |= _history_columns(visitors, visitor, item)
    columns["days_listed"] = np.where(
        vehicles.is_unit[vehicle], _days(visitors.as_of[visitor], vehicles.listed_at[vehicle]), np.nan
    )
    first_at = np.append(items.first_at, NEVER)[item]
    columns["item_age_days"] = _days(visitors.as_of[visitor], first_at)
    store = vehicles.store[vehicle]
    columns["same_store"] = np.where(store < 0, np.nan, (store == visitors.store[visitor]).astype(np.float64))
    columns["history_weight"] = tastes.weight[visitor]
    columns |= {name: values[vehicle] for name, values in vehicles.extra.items()}
    return columns


def _days(now: IntArray, since: IntArray) -> FloatArray:
    dated = (since != ALWAYS) & (since != NEVER)
    return np.where(dated, (now - np.where(dated, since, 0)) / DAY, np.nan)


def _budget_columns(ends: FloatArray, price: FloatArray) -> dict[str, FloatArray]:
    """Return the log distance of a price above and below the stated budget: 0 inside it, NaN without a budget."""
    over, under = price - ends[:, 1], ends[:, 0] - price
    return {
        "over_budget": np.where(np.isnan(over), np.nan, np.maximum(over, 0.0)),
        "under_budget": np.where(np.isnan(under), np.nan, np.maximum(under, 0.0)),
    }


def _history_columns(visitors: Visitors, visitor: IntArray, item: IntArray) -> dict[str, FloatArray]:
    """Return weight and age in days of earlier interactions with the item itself."""
    inside = np.flatnonzero(item < visitors.history.shape[1])
    weight, days = np.zeros(len(item)), np.full(len(item), np.nan)
    if len(inside):  # scipy returns a sparse matrix for an empty selection
        cells = visitor[inside], item[inside]
        weight[inside] = np.asarray(visitors.history[cells]).ravel()
        last = np.asarray(visitors.latest[cells]).ravel()
        days[inside] = np.where(last > 0, last - 1.0, np.nan)
    return {"chosen_before": weight, "days_since_chosen": days}
