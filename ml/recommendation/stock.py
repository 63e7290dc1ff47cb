"""Vehicles on offer: encoded columns, card columns and filters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.estimators.retrievers.content import ContentNeighbours
from ml.recommendation.catalogue import Vehicles, Vocabularies, Vocabulary, is_on_offer
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
    """Vehicles on offer, sorted by item, newest first; the attribute `stock` of an estimator.

    ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.stock`` is one.

    Attributes
    ----------
    vehicles : Vehicles
        Encoded with the vocabularies of training.
    shown : mapping of str to list
        Columns of the cards.
    price : ndarray of float64, shape (n_vehicles,)
        Price in yuan; NaN where missing.
    kinds : mapping of str to (Vocabulary, ndarray of int64)
        Filter columns, encoded with vocabularies of the stock itself, so that new brands can be filtered.
    rows : mapping of str to int
        Row number of each `vehicle_id`.
    n_items : int
        Size of the item vocabulary; also the code of items outside it.
    vectors : ndarray of float32, shape (n_vehicles, n_dimensions)
        Unit vector of price and categories of each vehicle.
    read_at : int
        Instant at which the stock was read (microseconds since 1970 UTC).
    stores : frozenset of str
        Stores of all vehicles that were read, sold ones among them.
    """

    vehicles: Vehicles
    shown: Mapping[str, Sequence[Any]]
    price: FloatArray
    kinds: Mapping[str, tuple[Vocabulary, IntArray]]
    rows: Mapping[str, int]
    n_items: int
    vectors: NDArray[np.float32]
    read_at: int
    stores: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        listings: pl.DataFrame,
        vocabularies: Vocabularies,
        space: ContentNeighbours,
        *,
        numeric: Sequence[str],
        read_at: int,
        stores: Iterable[str] = (),
    ) -> Self:
        """Encode the listings that are not sold, reserved or withdrawn at `read_at`; those listed later are included.

        Parameters
        ----------
        listings : DataFrame
            As returned by `ml.recommendation.training_tables.select_listings`, with `item_id`; prices in fen.
        vocabularies : Vocabularies
            As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`.
        space : ContentNeighbours
            An `ml.estimators.retrievers.content.ContentNeighbours`, fitted on `content_columns` of the items; attribute
            `content_space` of a fitted `ml.recommendation.estimator.RecommendationEstimator`.
        numeric : sequence of str
            Extra numeric columns that the ranker reads.
        read_at : int
            Instant at which the listings were read (microseconds since 1970 UTC).
        stores : iterable of str
            Further stores that a request may name; those of the listings always are.

        Examples
        --------
        >>> import polars as pl
        >>> from features.engines import to_engine
        >>> from ml.estimators.retrievers.content import ContentNeighbours
        >>> from ml.recommendation.catalogue import Items
        >>> from ml.recommendation.params import RecommendationParams
        >>> from ml.recommendation.stock import content_columns
        >>> from ml.recommendation.training_tables import TrainingTables
        >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
        >>> events = pl.LazyFrame({"event_at": [1, 2], "customer_id": ["c", "c"], "vehicle_id": ["v1", "v2"]})
        >>> params = RecommendationParams()
        >>> tables = TrainingTables.gather(to_engine({"vehicles": cars, "events": events}), params)
        >>> vocabularies = tables.vocabularies(3)
        >>> items = Items.of(tables.encode(vocabularies, params).vehicles, vocabularies)
        >>> space = ContentNeighbours().fit(*content_columns(items.log_price, items.codes, vocabularies))
        >>> stock = Stock.of(tables.listings, vocabularies, space, numeric=(), read_at=3)
        >>> stock.rows, stock.price.tolist(), stock.among("model", ["A"]).tolist()
        ({'v1': 0, 'v2': 1}, [90000.0, 150000.0], [True, False])
        """
        own_stores = listings["store_id"].drop_nulls().to_list() if "store_id" in listings.columns else []
        listings = listings.filter(is_on_offer(listings.columns, read_at))
        vehicles = Vehicles.encode(listings, vocabularies, numeric=numeric)
        order = np.lexsort((-vehicles.listed_at, vehicles.item))
        listings, vehicles = listings[order], vehicles.take(order)
        kinds = {}
        for name in FILTERED:
            if name in listings.columns:
                names = Vocabulary.from_values(listings[name].unique())
                kinds[name] = (names, names.codes(listings[name]))
        return cls(
            vehicles=vehicles,
            shown={n: listings[n].to_list() for n in SHOWN if n in listings.columns},
            price=np.exp(vehicles.log_price).round(2),
            kinds=kinds,
            rows={str(name): i for i, name in enumerate(vehicles.ids)},
            n_items=len(vocabularies.items),
            vectors=np.asarray(space.vectors(*content_columns(vehicles.log_price, vehicles.codes, vocabularies))),
            read_at=read_at,
            stores=frozenset([*own_stores, *stores]),
        )

    def __len__(self) -> int:
        return len(self.vehicles)

    def without(self, vehicle_ids: Collection[str]) -> Self:
        """Return the stock without some vehicles, which are then on no page; ids that it lacks have no effect.

        Parameters
        ----------
        vehicle_ids : collection of str
            Vehicles to leave out.
        """
        absent = [row for name in vehicle_ids if (row := self.rows.get(name)) is not None]
        if not absent:
            return self
        rows = np.delete(np.arange(len(self)), absent)
        vehicles = self.vehicles.take(rows)
        return replace(
            self,
            vehicles=vehicles,
            shown={name: [values[row] for row in rows.tolist()] for name, values in self.shown.items()},
            price=self.price[rows],
            kinds={name: (names, codes[rows]) for name, (names, codes) in self.kinds.items()},
            rows={str(name): i for i, name in enumerate(vehicles.ids)},
            vectors=self.vectors[rows],
        )

    def likeness(self, row: int) -> FloatArray:
        """Return the cosine similarity (-1 to 1) of every vehicle to the one in row `rows[vehicle_id]`.

        Parameters
        ----------
        row : int
            Row number of the vehicle: ``stock.rows["V1"]``.

        Returns
        -------
        ndarray of float64, shape (n_vehicles,)
        """
        return np.asarray(self.vectors @ self.vectors[row], dtype=np.float64)

    def matching(self, filters: Filters, *, now: int, store: str | None, seats: int | None) -> BoolArray:
        """Return a mask of the vehicles on offer that match all filters.

        Parameters
        ----------
        filters : Filters
            Such as `ml.recommendation.request.Filters(price_high=200_000.0)`, prices in yuan.
        now : int
            Instant of the request (microseconds since 1970 UTC).
        store : str or None
            Store of the page: vehicles of other stores do not match, unless `filters.store_id` is set.
        seats : int or None
            Minimum number of seats; vehicles with unknown seats match.

        Returns
        -------
        ndarray of bool, shape (n_vehicles,)
        """
        v = self.vehicles
        matches = (v.listed_at <= now) & (v.sold_at > now)
        if filters.price_low is not None:
            matches &= self.price >= filters.price_low  # a missing price (NaN) matches no limit
        if filters.price_high is not None:
            matches &= self.price <= filters.price_high
        allowed = {n: getattr(filters, n) for n in ("brand", "body_type", "energy_type", "store_id")}
        allowed["condition"] = [filters.condition] if filters.condition else []
        if store is not None and not filters.store_id:
            everywhere = (v.store == -1) if "store_id" in self.kinds else np.ones(len(v), dtype=bool)
            matches &= everywhere | self.among("store_id", [store])
        for name, values in allowed.items():
            if values:
                matches &= self.among(name, values)
        if seats is not None and "seats" in self.shown:
            matches &= np.array([s is None or s >= seats for s in self.shown["seats"]], dtype=bool)
        for name in filters.exclude:
            row = self.rows.get(name)
            if row is not None:
                matches[row] = False
        return matches

    def among(self, name: str, values: Sequence[str]) -> BoolArray:
        """Return a mask of the vehicles whose column has one of the values.

        Parameters
        ----------
        name : {'condition', 'brand', 'model', 'body_type', 'energy_type', 'store_id'}
            Name of the column; a column missing from the listings matches no vehicle.
        values : sequence of str
            Values of the column; unknown values match no vehicle.

        Returns
        -------
        ndarray of bool, shape (n_vehicles,)
        """
        if name not in self.kinds:
            return np.zeros(len(self), dtype=bool)
        names, codes = self.kinds[name]
        return np.isin(codes, [names.code(v) for v in values if names.code(v) < len(names)])

    def one_of_each(self, matches: BoolArray, *, store: int) -> IntArray:
        """Return one matching vehicle of each item: of the store if possible, else the newest.

        Parameters
        ----------
        matches : ndarray of bool, shape (n_vehicles,)
            Which vehicles are allowed, as returned by the method `matching`.
        store : int
            Code of the store in the vocabularies of training.

        Returns
        -------
        ndarray of int64
            Row numbers; every vehicle of an item outside the vocabulary is included.
        """
        rows = np.flatnonzero(matches)
        if len(rows) == 0:
            return rows.astype(np.int64)
        item = self.vehicles.item[rows]
        is_own = self.vehicles.store[rows] == store
        order = np.lexsort((~is_own, item))
        rows, item = rows[order], item[order]
        first = np.ones(len(rows), dtype=bool)
        # Vehicles outside the item vocabulary share one code although they are different items.
        first[1:] = (item[1:] != item[:-1]) | (item[1:] == self.n_items)
        return rows[first].astype(np.int64)


def content_columns(
    log_price: FloatArray, codes: Mapping[str, IntArray], vocabularies: Vocabularies
) -> tuple[FloatArray, IntArray]:
    """Return the two inputs of `ml.estimators.retrievers.content.ContentNeighbours.fit`.

    Parameters
    ----------
    log_price : ndarray of float64, shape (n,)
        Attribute `log_price` of `Items` or `Vehicles`.
    codes : mapping of str to ndarray of int64, shape (n,)
        Attribute `codes` of the same `Items` or `Vehicles`: category codes by column.
    vocabularies : Vocabularies
        As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`, those with which the vehicles
        were encoded.

    Returns
    -------
    tuple of (ndarray of float64, shape (n, 1); ndarray of int64, shape (n, n_categories))
        Log prices, and category codes, -1 where unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.recommendation.catalogue import Vocabularies, Vocabulary
    >>> empty = Vocabulary(())
    >>> vocabularies = Vocabularies(empty, {"brand": Vocabulary(("A", "B"))}, empty)
    >>> prices, codes = content_columns(np.array([11.5, 12.0]), {"brand": np.array([1, 2])}, vocabularies)
    >>> prices.tolist(), codes.tolist()
    ([[11.5], [12.0]], [[1], [-1]])
    """
    columns = [
        np.where(codes[n] < len(v), codes[n], -1) if n in codes else np.full(len(log_price), -1)
        for n, v in vocabularies.categories.items()
    ]
    table = np.column_stack(columns) if columns else np.empty((len(log_price), 0))
    return log_price[:, None], table.astype(np.int64)
