"""What is on sale now: vehicles as arrays, what is shown of each, and exact filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.catalogue import Vehicles, Vocabularies, Vocabulary
from ml.recommendation.request import Filters

SHOWN = (
    "brand",
    "series",
    "model",
    "trim",
    "condition",
    "body_type",
    "energy_type",
    "seats",
    "range_km",
    "model_year",
    "mileage_km",
    "store_id",
)
FILTERED = ("condition", "brand", "model", "body_type", "energy_type", "store_id")


@dataclass(frozen=True)
class Stock:
    """Vehicles on sale.

    Attributes
    ----------
    vehicles : Vehicles
        Encoded by what training knew; in the order of items, the newest first.
    shown : mapping of str to list
        Columns that a card shows.
    price : ndarray of float64
        Yuan; NaN where unknown.
    kinds : mapping of str to (Vocabulary, ndarray of int64)
        Filter columns by the stock's own names.
    rows : mapping of str to int
        `vehicle_id` to row.
    n_items : int
        Items that training knew; the code of every other.
    vectors : ndarray of float32
        Each vehicle as a unit vector of its price and categories.
    read_at : int
        us.
    """

    vehicles: Vehicles
    shown: Mapping[str, Sequence[Any]]
    price: FloatArray
    kinds: Mapping[str, tuple[Vocabulary, IntArray]]
    rows: Mapping[str, int]
    n_items: int
    vectors: NDArray[np.float32]
    read_at: int

    @classmethod
    def of(
        cls,
        offered: pl.DataFrame,
        known: Vocabularies,
        space: ContentNeighbours,
        *,
        numeric: Sequence[str],
        read_at: int,
    ) -> Self:
        """Take what is on sale, or soon will be, from the vehicles that can be offered.

        Parameters
        ----------
        offered : DataFrame
            Of `TrainingTables.offered`.
        known : Vocabularies
        space : ContentNeighbours
            In which vehicles are near or far; see `described`.
        numeric : sequence of str
            Columns of the dealership's own that the ranker reads.
        read_at : int
            us.
        """
        if "sold_at" in offered.columns:
            offered = offered.filter(pl.col("sold_at").is_null() | (pl.col("sold_at") > read_at))
        vehicles = Vehicles.encode(offered, known, numeric=numeric)
        order = np.lexsort((-vehicles.listed_at, vehicles.item))
        offered, vehicles = offered[order], vehicles.take(order)
        kinds = {}
        for name in FILTERED:
            if name in offered.columns:
                names = Vocabulary.learn(offered[name].unique())
                kinds[name] = (names, names.codes(offered[name]))
        return cls(
            vehicles=vehicles,
            shown={n: offered[n].to_list() for n in SHOWN if n in offered.columns},
            price=np.exp(vehicles.log_price).round(2),
            kinds=kinds,
            rows={str(name): i for i, name in enumerate(vehicles.ids)},
            n_items=len(known.items),
            vectors=np.asarray(space.vectors(*described(vehicles.log_price, vehicles.codes, known))),
            read_at=read_at,
        )

    def __len__(self) -> int:
        return len(self.vehicles)

    def likeness(self, row: int) -> FloatArray:
        """Cosine of every vehicle with one of them."""
        return np.asarray(self.vectors @ self.vectors[row], dtype=np.float64)

    def matching(self, filters: Filters, *, now: int, store: str | None, seats: int | None) -> BoolArray:
        """Vehicles on sale now that break no filter.

        Parameters
        ----------
        filters : Filters
        now : int
            us.
        store : str or None
            Whose page it is: vehicles of other stores are left out unless `filters.store_id` asks for them.
        seats : int or None
            Needed at least; vehicles whose seats are unknown pass.
        """
        v = self.vehicles
        fits = (v.listed_at <= now) & (v.sold_at > now)
        if filters.price_low is not None:
            fits &= self.price >= filters.price_low  # an unknown price fits no limit
        if filters.price_high is not None:
            fits &= self.price <= filters.price_high
        wanted = {n: getattr(filters, n) for n in ("brand", "body_type", "energy_type", "store_id")}
        wanted["condition"] = [filters.condition] if filters.condition else []
        if store is not None and not filters.store_id:
            everywhere = (v.store == -1) if "store_id" in self.kinds else np.ones(len(v), dtype=bool)
            fits &= everywhere | self.among("store_id", [store])
        for name, values in wanted.items():
            if values:
                fits &= self.among(name, values)
        if seats is not None and "seats" in self.shown:
            fits &= np.array([s is None or s >= seats for s in self.shown["seats"]], dtype=bool)
        for name in filters.exclude:
            row = self.rows.get(name)
            if row is not None:
                fits[row] = False
        return fits

    def among(self, name: str, values: Sequence[str]) -> BoolArray:
        """Vehicles whose column is one of the values."""
        if name not in self.kinds:
            return np.zeros(len(self), dtype=bool)
        names, codes = self.kinds[name]
        return np.isin(codes, [names.code(v) for v in values if names.code(v) < len(names)])

    def one_of_each(self, fits: BoolArray, *, store: int) -> IntArray:
        """The vehicle that stands for each item: the store's own before others, the newest of these."""
        rows = np.flatnonzero(fits)
        if len(rows) == 0:
            return rows.astype(np.int64)
        item = self.vehicles.item[rows]
        own = self.vehicles.store[rows] == store
        order = np.lexsort((~own, item))
        rows, item = rows[order], item[order]
        first = np.ones(len(rows), dtype=bool)
        # What training never saw has no item to be summed up by: each stands for itself.
        first[1:] = (item[1:] != item[:-1]) | (item[1:] == self.n_items)
        return rows[first].astype(np.int64)


def described(log_price: FloatArray, codes: Mapping[str, IntArray], known: Vocabularies) -> tuple[FloatArray, IntArray]:
    """Vehicles or items as `ContentNeighbours` takes them: the price, and the categories with -1 for the unknown."""
    columns = [
        np.where(codes[n] < len(v), codes[n], -1) if n in codes else np.full(len(log_price), -1)
        for n, v in known.categories.items()
    ]
    table = np.column_stack(columns) if columns else np.empty((len(log_price), 0))
    return log_price[:, None], table.astype(np.int64)
