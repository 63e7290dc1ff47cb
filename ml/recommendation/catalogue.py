"""Vocabularies, and vehicles and items as arrays: codes, prices and times on offer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.recommendation import ITEM
from ml.domain.arrays import BoolArray, FloatArray, IntArray

CATEGORIES = ("brand", "model", "body_type", "energy_type", "condition")
NEVER = np.iinfo(np.int64).max
OFFER_ENDS = ("sold_at", "reserved_at", "withdrawn_at")
ALWAYS = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Vocabulary:
    """Sorted distinct names and their codes 0 to n - 1; an unknown or null name has the code `len(names)`.

    Examples
    --------
    >>> brands = Vocabulary.from_values(["b", None, "a", "b"])
    >>> brands.names, brands.codes(["a", "z", None]).tolist(), brands.code("b")
    (('a', 'b'), [0, 2, 2], 1)
    """

    names: tuple[str, ...]

    @classmethod
    def from_values(cls, values: Sequence[str | None] | pl.Series) -> Self:
        """Return the vocabulary of the distinct values, without null."""
        return cls(tuple(sorted({v for v in values if v is not None})))

    def codes(self, values: Sequence[str | None] | pl.Series) -> IntArray:
        """Return the code of each value, int64, in the order of `values`."""
        series = values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        if not self.names:
            return np.zeros(len(series), dtype=np.int64)
        codes = pl.DataFrame({"name": self.names, "code": np.arange(len(self.names))})
        names = pl.DataFrame({"name": series.cast(pl.String)})
        code = names.join(codes, on="name", how="left", maintain_order="left")["code"]
        return code.fill_null(len(self.names)).to_numpy().astype(np.int64)

    def code(self, value: str | None) -> int:
        """Return the code of one value; `len(names)` if it is unknown or None."""
        return self._places.get(value, len(self.names))

    @cached_property
    def _places(self) -> dict[str | None, int]:
        return {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Vocabularies:
    """Vocabularies of the training span, returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`.

    Attributes
    ----------
    items : Vocabulary
        Names are `item_id`.
    categories : mapping of str to Vocabulary
        By column of `vehicles`, such as `brand`.
    stores : Vocabulary
        Names are `store_id`.
    """

    items: Vocabulary
    categories: Mapping[str, Vocabulary]
    stores: Vocabulary

    @classmethod
    def from_tables(
        cls, vehicles: pl.DataFrame, items: pl.Series, stores: pl.Series, *, categories: Sequence[str] = CATEGORIES
    ) -> Self:
        """Build the vocabularies.

        Parameters
        ----------
        vehicles : DataFrame
            As returned by `features.recommendation.vehicle_items`.
        items, stores : Series of str
            `item_id` and `store_id` of the interactions.
        categories : sequence of str
            Columns of `vehicles` to encode; columns missing from the table are skipped.

        Examples
        --------
        >>> import polars as pl
        >>> cars = pl.DataFrame({"item_id": ["a", "b"], "brand": ["X", "Y"]})
        >>> vocabularies = Vocabularies.from_tables(cars, pl.Series(["c"]), pl.Series(["S1"]))
        >>> vocabularies.items.names, vocabularies.categories["brand"].names
        (('a', 'b', 'c'), ('X', 'Y'))
        """
        names = [*items.unique(), *(vehicles[ITEM].unique() if ITEM in vehicles.columns else [])]
        values = {n: Vocabulary.from_values(vehicles[n].unique()) for n in categories if n in vehicles.columns}
        return cls(Vocabulary.from_values(names), values, Vocabulary.from_values(stores.unique()))

    def to_json(self) -> dict[str, Any]:
        """Return the names as lists: `items`, `stores`, and `categories` by column."""
        categories = {n: list(v.names) for n, v in self.categories.items()}
        return {"items": list(self.items.names), "categories": categories, "stores": list(self.stores.names)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the vocabularies whose `to_json` is `content`."""
        categories = {n: Vocabulary(tuple(v)) for n, v in content["categories"].items()}
        return cls(Vocabulary(tuple(content["items"])), categories, Vocabulary(tuple(content["stores"])))


@dataclass(frozen=True)
class Vehicles:
    """Encoded vehicles, one array element per vehicle; returned by `ml.recommendation.catalogue.Vehicles.encode`.

    Attributes
    ----------
    ids : ndarray of str, shape (n_vehicles,)
        `vehicle_id`.
    item : ndarray of int64, shape (n_vehicles,)
        Code of the item; the number of items for an item outside the vocabulary.
    codes : mapping of str to ndarray of int64, shape (n_vehicles,)
        Codes by category.
    log_price : ndarray of float64, shape (n_vehicles,)
        Natural logarithm of the price in yuan; NaN where missing.
    listed_at, sold_at : ndarray of int64, shape (n_vehicles,)
        Start and end of the offer (microseconds since 1970 UTC); `ALWAYS` and `NEVER` where missing. An offer ends by
        sale, reservation or withdrawal.
    store : ndarray of int64, shape (n_vehicles,)
        Code of the store; -1 for a vehicle that every store offers.
    is_unit : ndarray of bool, shape (n_vehicles,)
        Whether the condition is not 'new', so that the row is one physical vehicle and its days on offer are a feature.
    extra : mapping of str to ndarray of float64, shape (n_vehicles,)
        Further numeric columns.
    """

    ids: NDArray[np.str_]
    item: IntArray
    codes: Mapping[str, IntArray]
    log_price: FloatArray
    listed_at: IntArray
    sold_at: IntArray
    store: IntArray
    is_unit: BoolArray
    extra: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def encode(cls, vehicles: pl.DataFrame, vocabularies: Vocabularies, *, numeric: Sequence[str] = ()) -> Self:
        """Encode vehicles.

        Parameters
        ----------
        vehicles : DataFrame
            `vehicle_id`, `item_id` and, if available, `price` (fen), `listed_at`, `sold_at`, `reserved_at` and
            `withdrawn_at` (microseconds since 1970 UTC), `store_id`, `condition` and the categories; such as the
            attribute `listings` of `TrainingTables`.
        vocabularies : Vocabularies
            As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`.
        numeric : sequence of str
            Further numeric columns to keep; columns missing from the table are skipped.

        Examples
        --------
        >>> import numpy as np
        >>> import polars as pl
        >>> from ml.recommendation.catalogue import Vocabularies
        >>> cars = pl.DataFrame({"vehicle_id": ["v1"], "item_id": ["a"], "price": [10_000_000]})
        >>> vocabularies = Vocabularies.from_tables(cars, cars["item_id"], pl.Series([], dtype=pl.String))
        >>> vehicles = Vehicles.encode(cars, vocabularies)
        >>> vehicles.item.tolist(), np.exp(vehicles.log_price).round().tolist()
        ([0], [100000.0])
        """
        names, n = vehicles.columns, vehicles.height

        def instants(name: str, missing: int) -> IntArray:
            column = vehicles[name] if name in names else pl.Series([None] * n, dtype=pl.Int64)
            return column.fill_null(missing).to_numpy().astype(np.int64)

        price = vehicles["price"].cast(pl.Float64) if "price" in names else pl.Series([None] * n, dtype=pl.Float64)
        yuan = price.fill_null(float("nan")).to_numpy() / 100
        log_price = np.log(np.where(yuan > 0, yuan, np.nan))
        store = np.full(n, -1, dtype=np.int64)
        if "store_id" in names:
            store = np.where(
                vehicles["store_id"].is_null().to_numpy(), -1, vocabularies.stores.codes(vehicles["store_id"])
            )
        return cls(
            ids=vehicles["vehicle_id"].to_numpy().astype(str),
            item=vocabularies.items.codes(vehicles[ITEM]),
            codes={c: v.codes(vehicles[c]) for c, v in vocabularies.categories.items() if c in names},
            log_price=log_price,
            listed_at=instants("listed_at", ALWAYS),
            sold_at=np.minimum.reduce([instants(name, NEVER) for name in OFFER_ENDS]),
            store=store,
            is_unit=(vehicles["condition"].fill_null("used") != "new").to_numpy()
            if "condition" in names
            else np.ones(n, dtype=bool),
            extra={c: vehicles[c].cast(pl.Float64).fill_null(float("nan")).to_numpy() for c in numeric if c in names},
        )

    def take(self, rows: IntArray) -> Vehicles:
        """Return the vehicles at the row numbers `rows` (ndarray of int64), in this order."""
        codes = {c: v[rows] for c, v in self.codes.items()}
        arrays = (self.log_price[rows], self.listed_at[rows], self.sold_at[rows], self.store[rows], self.is_unit[rows])
        extra = {c: v[rows] for c, v in self.extra.items()}
        return Vehicles(self.ids[rows], self.item[rows], codes, *arrays, extra)

    def on_offer(self, *, at: int, store: int) -> IntArray:
        """Return one vehicle of every item that a store offers: a vehicle of its own if possible, else the newest.

        Parameters
        ----------
        at : int
            Instant (microseconds since 1970 UTC).
        store : int
            Code of the store in `vocabularies.stores`; vehicles without a store are always on offer.

        Returns
        -------
        ndarray of int64
            Row numbers, by item.
        """
        on_offer = (self.listed_at <= at) & (self.sold_at > at)
        rows = np.flatnonzero(on_offer & ((self.store == -1) | (self.store == store)))
        order = np.lexsort((-self.listed_at[rows], self.store[rows] == -1, self.item[rows]))
        rows = rows[order]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = self.item[rows][1:] != self.item[rows][:-1]
        return rows[first]


@dataclass(frozen=True)
class Items:
    """Attributes of each item, summarised from its vehicles; returned by `ml.recommendation.catalogue.Items.of`.

    Those of the champion are
    ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender.items``.

    Attributes
    ----------
    codes : mapping of str to ndarray of int64, shape (n_items,)
        Code of the most frequent value, by category.
    log_price : ndarray of float64, shape (n_items,)
        Mean log price in yuan; NaN where no vehicle has a price.
    first_at : ndarray of int64, shape (n_items,)
        Start of the item's first offer (microseconds since 1970 UTC); `NEVER` without vehicles.
    """

    codes: Mapping[str, IntArray]
    log_price: FloatArray
    first_at: IntArray

    @classmethod
    def of(cls, vehicles: Vehicles, vocabularies: Vocabularies) -> Self:
        """Summarise vehicles by item.

        Parameters
        ----------
        vehicles : Vehicles
            As returned by `ml.recommendation.catalogue.Vehicles.encode`.
        vocabularies : Vocabularies
            As returned by `ml.recommendation.training_tables.TrainingTables.vocabularies`, those with which the
            vehicles were encoded.

        Examples
        --------
        >>> import numpy as np
        >>> import polars as pl
        >>> from ml.recommendation.catalogue import Vehicles, Vocabularies
        >>> cars = pl.DataFrame({"vehicle_id": ["v1", "v2"], "item_id": ["a", "a"], "price": [10_000_000, 12_000_000]})
        >>> vocabularies = Vocabularies.from_tables(cars, cars["item_id"], pl.Series([], dtype=pl.String))
        >>> items = Items.of(Vehicles.encode(cars, vocabularies), vocabularies)
        >>> np.exp(items.log_price).round().tolist()
        [109545.0]
        """
        n = len(vocabularies.items)
        inside = vehicles.item < n
        item = vehicles.item[inside]
        codes = {
            c: _most_frequent(item, v[inside], n, len(vocabularies.categories[c])) for c, v in vehicles.codes.items()
        }
        price = vehicles.log_price[inside]
        priced = np.isfinite(price)
        count = np.bincount(item[priced], minlength=n)
        total = np.bincount(item[priced], weights=price[priced], minlength=n)
        mean = np.divide(total, count, out=np.full(n, np.nan), where=count > 0)
        first = np.full(n, NEVER)
        np.minimum.at(first, item, vehicles.listed_at[inside])
        return cls(codes, mean, first)


def _most_frequent(item: IntArray, code: IntArray, n_items: int, n_codes: int) -> IntArray:
    """Return the most frequent code of each item, the smaller of ties; `n_codes` for an item without a known code."""
    counts = np.zeros((n_items, n_codes + 1), dtype=np.int64)
    np.add.at(counts, (item, code), 1)
    counts[:, n_codes] = 0
    return np.where(counts.any(axis=1), counts.argmax(axis=1), n_codes).astype(np.int64)


def is_on_offer(columns: Collection[str], at: int) -> pl.Expr:
    """Return a filter of vehicles: neither sold, reserved nor withdrawn at an instant.

    Parameters
    ----------
    columns : collection of str
        Columns of the table of vehicles.
    at : int
        Microseconds since 1970 UTC.

    Examples
    --------
    >>> import polars as pl
    >>> cars = pl.DataFrame({"vehicle_id": ["v1", "v2", "v3"], "sold_at": [None, 5, 9]})
    >>> cars.filter(is_on_offer(cars.columns, 7))["vehicle_id"].to_list()
    ['v1', 'v3']
    """
    ends = [pl.col(name).is_null() | (pl.col(name) > at) for name in OFFER_ENDS if name in columns]
    return pl.all_horizontal([pl.lit(True), *ends])
