"""What a visitor and a vehicle have to do with each other: the columns the ranker reads.

Everything is computed for pairs (visitor row, vehicle row) at once; the same code serves training, where pairs are
millions, and a request, where they are a few hundred.
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

# The shortest sensible answer to "how much of what was looked at": below this much evidence shares shrink to nothing.
PRIOR = 1.0


@dataclass(frozen=True)
class Tastes:
    """What the history of each visitor says about attributes.

    Attributes
    ----------
    shares : mapping of str to ndarray, shape (n_visitors, n_values + 1)
        Share of the history that went to each value, shrunk towards 0 where there is little; the last column
        (unknown value) is 0.
    log_price, price_spread : ndarray of float64, shape (n_visitors,)
        Weighted mean and standard deviation of the logarithm of the price; NaN without history.
    weight : ndarray of float64
        How much history there is.
    """

    shares: Mapping[str, FloatArray]
    log_price: FloatArray
    price_spread: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, visitors: Visitors, items: Items, sizes: Mapping[str, int]) -> Tastes:
        """Read the histories by the items' attributes.

        Parameters
        ----------
        visitors : Visitors
            Who asks.
        items : Items
            What the history is read by.
        sizes : mapping of str to int
            Number of known values of each category.
        """
        history = visitors.history
        weight = np.asarray(history.sum(axis=1)).ravel()
        shares = {}
        for name, code in items.codes.items():
            cell = sparse.csr_matrix(
                (np.ones(len(code)), (np.arange(len(code)), code)), shape=(len(code), sizes[name] + 1)
            )
            found = (history @ cell).toarray() / (weight + PRIOR)[:, None]
            found[:, -1] = 0.0
            shares[name] = found
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
    """Columns of each pair.

    Parameters
    ----------
    visitors, vehicles, tastes, items
        The two sides, and what is known of each.
    visitor, vehicle : ndarray of int64
        Rows of the pairs.
    scores : mapping of str to ndarray, shape (n_visitors, n_items + 1)
        What each retriever thinks of each item; the last column is for items training never saw.

    Returns
    -------
    dict of str to ndarray
        By name, in the ranker's order; NaN where something is not known.
    """
    item = vehicles.item[vehicle]
    columns: dict[str, FloatArray] = {f"{name}_score": table[visitor, item] for name, table in scores.items()}
    for name, code in vehicles.codes.items():
        columns[f"{name}_share"] = tastes.shares[name][visitor, code[vehicle]]
        if name in visitors.stated:
            wish = visitors.stated[name][visitor]
            same = (wish == code[vehicle]).astype(np.float64)
            columns[f"{name}_stated"] = np.where(wish < tastes.shares[name].shape[1] - 1, same, np.nan)
    price = vehicles.log_price[vehicle]
    columns["log_price"] = price
    columns["price_from_usual"] = price - tastes.log_price[visitor]
    columns["price_distance"] = np.abs(columns["price_from_usual"])
    columns["price_spread"] = tastes.price_spread[visitor]
    columns |= _budget(visitors.budget[visitor], price)
    columns |= _seen(visitors, visitor, item)
    columns["days_listed"] = np.where(
        vehicles.single[vehicle], _days(visitors.as_of[visitor], vehicles.listed_at[vehicle]), np.nan
    )
    first_at = np.append(items.first_at, NEVER)[item]
    columns["item_days"] = _days(visitors.as_of[visitor], first_at)
    store = vehicles.store[vehicle]
    columns["same_store"] = np.where(store < 0, np.nan, (store == visitors.store[visitor]).astype(np.float64))
    columns["history_weight"] = tastes.weight[visitor]
    columns |= {name: values[vehicle] for name, values in vehicles.extra.items()}
    return columns


def _days(now: IntArray, since: IntArray) -> FloatArray:
    known = (since != ALWAYS) & (since != NEVER)
    return np.where(known, (now - np.where(known, since, 0)) / DAY, np.nan)


def _budget(ends: FloatArray, price: FloatArray) -> dict[str, FloatArray]:
    """How far above or below the stated budget a price lies (logarithm); 0 inside it, NaN without a budget."""
    over, under = price - ends[:, 1], ends[:, 0] - price
    return {
        "over_budget": np.where(np.isnan(over), np.nan, np.maximum(over, 0.0)),
        "under_budget": np.where(np.isnan(under), np.nan, np.maximum(under, 0.0)),
    }


def _seen(visitors: Visitors, visitor: IntArray, item: IntArray) -> dict[str, FloatArray]:
    """How strongly, and how many days ago, the item itself was chosen before."""
    inside = np.flatnonzero(item < visitors.history.shape[1])
    chosen, days = np.zeros(len(item)), np.full(len(item), np.nan)
    if len(inside):  # scipy answers an empty selection with a sparse matrix
        cells = visitor[inside], item[inside]
        chosen[inside] = np.asarray(visitors.history[cells]).ravel()
        last = np.asarray(visitors.latest[cells]).ravel()
        days[inside] = np.where(last > 0, last - 1.0, np.nan)
    return {"chosen_before": chosen, "days_since_chosen": days}
