"""Vehicles as arrays: which item each stands for, its attributes as codes, its price, and when it was on offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
ALWAYS = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Vocabulary:
    """Names and their codes; a name that was not there when it was learnt has the code `len(names)`.

    Examples
    --------
    >>> brands = Vocabulary.learn(["b", None, "a", "b"])
    >>> brands.names, brands.codes(["a", "z", None]).tolist()
    (('a', 'b'), [0, 2, 2])
    """

    names: tuple[str, ...]

    @classmethod
    def learn(cls, values: Sequence[str | None] | pl.Series) -> Self:
        """Learn the different names, in order."""
        return cls(tuple(sorted({v for v in values if v is not None})))

    def codes(self, values: Sequence[str | None] | pl.Series) -> IntArray:
        """The code of each value."""
        series = values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        if not self.names:
            return np.zeros(len(series), dtype=np.int64)
        known = pl.DataFrame({"name": self.names, "code": np.arange(len(self.names))})
        asked = pl.DataFrame({"name": series.cast(pl.String)})
        found = asked.join(known, on="name", how="left", maintain_order="left")["code"]
        return found.fill_null(len(self.names)).to_numpy().astype(np.int64)

    def code(self, value: str | None) -> int:
        """The code of one value."""
        return self._places.get(value, len(self.names))

    @cached_property
    def _places(self) -> dict[str | None, int]:
        return {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Vocabularies:
    """What training knew: items, the values of each category, and the groups that popularity is counted by."""

    items: Vocabulary
    categories: Mapping[str, Vocabulary]
    stores: Vocabulary

    @classmethod
    def learn(
        cls, vehicles: pl.DataFrame, items: pl.Series, stores: pl.Series, *, categories: Sequence[str] = CATEGORIES
    ) -> Self:
        """Learn from the vehicles (with `item_id`), the items chosen, and the stores of the visits."""
        names = [*items.unique(), *(vehicles[ITEM].unique() if ITEM in vehicles.columns else [])]
        found = {n: Vocabulary.learn(vehicles[n].unique()) for n in categories if n in vehicles.columns}
        return cls(Vocabulary.learn(names), found, Vocabulary.learn(stores.unique()))

    def to_json(self) -> dict[str, Any]:
        """Plain content."""
        categories = {n: list(v.names) for n, v in self.categories.items()}
        return {"items": list(self.items.names), "categories": categories, "stores": list(self.stores.names)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Restore what `to_json` gave."""
        categories = {n: Vocabulary(tuple(v)) for n, v in content["categories"].items()}
        return cls(Vocabulary(tuple(content["items"])), categories, Vocabulary(tuple(content["stores"])))


@dataclass(frozen=True)
class Vehicles:
    """What can be shown, one row per vehicle.

    Attributes
    ----------
    ids : ndarray of str
        `vehicle_id`.
    item : ndarray of int64
        Code of the item; the number of items for one that training never saw.
    codes : mapping of str to ndarray of int64
        By category.
    log_price : ndarray of float64
        Natural logarithm of yuan; NaN where unknown.
    listed_at, sold_at : ndarray of int64
        On offer from, until (us).
    store : ndarray of int64
        Code of its store; -1 for one that every store has.
    single : ndarray of bool
        Whether it is one car among others alike only in kind (a used one), whose own time on offer says something.
    extra : mapping of str to ndarray of float64
        Numbers of the dealership's own.
    """

    ids: NDArray[np.str_]
    item: IntArray
    codes: Mapping[str, IntArray]
    log_price: FloatArray
    listed_at: IntArray
    sold_at: IntArray
    store: IntArray
    single: BoolArray
    extra: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def encode(cls, vehicles: pl.DataFrame, known: Vocabularies, *, numeric: Sequence[str] = ()) -> Self:
        """Encode a table of vehicles with `item_id` by what training knew; `numeric` names further columns to carry."""
        names, n = vehicles.columns, vehicles.height

        def instants(name: str, missing: int) -> IntArray:
            column = vehicles[name] if name in names else pl.Series([None] * n, dtype=pl.Int64)
            return column.fill_null(missing).to_numpy().astype(np.int64)

        price = vehicles["price"].cast(pl.Float64) if "price" in names else pl.Series([None] * n, dtype=pl.Float64)
        yuan = price.fill_null(float("nan")).to_numpy() / 100
        log_price = np.log(np.where(yuan > 0, yuan, np.nan))
        store = np.full(n, -1, dtype=np.int64)
        if "store_id" in names:
            store = np.where(vehicles["store_id"].is_null().to_numpy(), -1, known.stores.codes(vehicles["store_id"]))
        return cls(
            ids=vehicles["vehicle_id"].to_numpy().astype(str),
            item=known.items.codes(vehicles[ITEM]),
            codes={c: v.codes(vehicles[c]) for c, v in known.categories.items() if c in names},
            log_price=log_price,
            listed_at=instants("listed_at", ALWAYS),
            sold_at=instants("sold_at", NEVER),
            store=store,
            single=(vehicles["condition"].fill_null("used") != "new").to_numpy()
            if "condition" in names
            else np.ones(n, dtype=bool),
            extra={c: vehicles[c].cast(pl.Float64).fill_null(float("nan")).to_numpy() for c in numeric if c in names},
        )

    def take(self, rows: IntArray) -> Vehicles:
        """Some of the rows."""
        codes = {c: v[rows] for c, v in self.codes.items()}
        arrays = (self.log_price[rows], self.listed_at[rows], self.sold_at[rows], self.store[rows], self.single[rows])
        extra = {c: v[rows] for c, v in self.extra.items()}
        return Vehicles(self.ids[rows], self.item[rows], codes, *arrays, extra)

    def on_offer(self, *, at: int, store: int) -> IntArray:
        """One vehicle of every item that a store could show at an instant: its own before all, then the newest.

        Parameters
        ----------
        at : int
            us.
        store : int
            Code of the store.
        """
        there = (self.listed_at <= at) & (self.sold_at > at)
        rows = np.flatnonzero(there & ((self.store == -1) | (self.store == store)))
        order = np.lexsort((-self.listed_at[rows], self.store[rows] == -1, self.item[rows]))
        rows = rows[order]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = self.item[rows][1:] != self.item[rows][:-1]
        return rows[first]


@dataclass(frozen=True)
class Items:
    """What is known of each item as such, from the vehicles that stood for it: what a history is read by.

    Attributes
    ----------
    codes : mapping of str to ndarray of int64, shape (n_items,)
        Most frequent value of each category.
    log_price : ndarray of float64, shape (n_items,)
        Mean; NaN where unknown.
    first_at : ndarray of int64
        When the item was first on offer (us).
    """

    codes: Mapping[str, IntArray]
    log_price: FloatArray
    first_at: IntArray

    @classmethod
    def of(cls, vehicles: Vehicles, known: Vocabularies) -> Self:
        """Summarise vehicles by item."""
        n = len(known.items)
        inside = vehicles.item < n
        item = vehicles.item[inside]
        codes = {c: _most_frequent(item, v[inside], n, len(known.categories[c])) for c, v in vehicles.codes.items()}
        price = vehicles.log_price[inside]
        priced = np.isfinite(price)
        count = np.bincount(item[priced], minlength=n)
        total = np.bincount(item[priced], weights=price[priced], minlength=n)
        mean = np.divide(total, count, out=np.full(n, np.nan), where=count > 0)
        first = np.full(n, NEVER)
        np.minimum.at(first, item, vehicles.listed_at[inside])
        return cls(codes, mean, first)


def _most_frequent(item: IntArray, code: IntArray, n_items: int, n_codes: int) -> IntArray:
    """Most frequent code of each item, the smaller one where two tie; `n_codes` (unknown) for an item without any."""
    counts = np.zeros((n_items, n_codes + 1), dtype=np.int64)
    np.add.at(counts, (item, code), 1)
    counts[:, n_codes] = 0
    return np.where(counts.any(axis=1), counts.argmax(axis=1), n_codes).astype(np.int64)
