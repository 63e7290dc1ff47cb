"""Logging policy of the simulated storefront: vehicles of each page, their positions and propensities.

A page has eight places for new vehicles and up to two for used ones. The catalogue items of a store and month are dealt
onto eight shelves in order of popularity (first to shelf 1, second to shelf 2, ...). Each shelf shows one item, drawn
with probability 0.8 * softmax(0.7 * popularity) + 0.2 / items. The store's used vehicles are split in two halves, each
of which shows one vehicle, drawn uniformly. Half of the pages show shelf k at position k, the others in a uniformly
random order. The probability that vehicle v of shelf k stands at position p is therefore exactly ::

    propensity = shelf(v) * (0.5 * (p == k) + 0.5 / length of the page)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import BRANDS, Catalogue
from training.simulator.draws import Random
from training.simulator.seasons import DAY, Window
from training.simulator.stores import Market, Stores
from training.simulator.units import Units

NEW_PLACES = 8
USED_PLACES = 2
PLACES = NEW_PLACES + USED_PLACES
EXPLORATION_SHARE = 0.2
ORDERED_SHARE = 0.5
_TRIM_POPULARITY = np.array([0.0, 0.1, -0.5])


@dataclass(frozen=True)
class Shelves:
    """New vehicles by assortment, month, shelf and slot. Built by `build_shelves`.

    Attributes
    ----------
    item : ndarray of int64, shape (n_assortments, n_months, n_shelves, n_slots)
        Position of the catalogue item; -1 for an empty slot. An assortment is a position in `catalogue.BRANDS`.
    probability, edge : ndarray of float64
        Same shape: probability of the slot, and its cumulative sum over slots.
    """

    item: IntArray
    probability: FloatArray
    edge: FloatArray


@dataclass(frozen=True)
class UsedStock:
    """Used vehicles on offer through a whole day. Built by `build_used_stock`.

    Those of store s on day d are ``vehicle[start[c]:][:count[c]]`` with the cell ``c = s * days + d``.

    Attributes
    ----------
    vehicle : ndarray of int64
        Number of catalogue items + position in `world.units`, ordered by cell.
    start, count : ndarray of int64, shape (n_stores * n_days,)
        First position in `vehicle`, and number of vehicles, of each cell.
    """

    vehicle: IntArray
    start: IntArray
    count: IntArray


@dataclass(frozen=True)
class Pages:
    """Contents of pages, one row per page and one column per shelf; arrays of shape (n_pages, PLACES).

    Drawn by `show_pages`.

    Attributes
    ----------
    vehicle : ndarray of int64
        Position of a catalogue item, or number of items + position in `world.units`; -1 for an empty shelf.
    position : ndarray of int64
        Place on the page, from 1 at the top.
    propensity : ndarray of float64
        Probability of that vehicle at that place.
    """

    vehicle: IntArray
    position: IntArray
    propensity: FloatArray


def build_shelves(catalogue: Catalogue, market: Market) -> Shelves:
    """Return the shelves of every assortment and month, and the probability of each slot.

    Parameters
    ----------
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`, such as `world.catalogue`.
    market : Market
        As returned by `training.simulator.stores.build_market`, such as `world.market`.

    Returns
    -------
    Shelves
        `item` (int64; -1 for an empty slot), `probability` and `edge` (cumulative probability), each of shape
        (n_assortments, n_months, n_shelves, n_slots).

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.storefront import build_shelves
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> build_shelves(world.catalogue, world.market).probability.sum(axis=3)[0, 0].round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    months = market.appeal.shape[1]
    assortments = np.arange(len(BRANDS))
    items = np.flatnonzero(catalogue.item_model < catalogue.current)
    model = catalogue.item_model[items]
    popularity = market.appeal[model] + _TRIM_POPULARITY[catalogue.item_trim[items]][:, None]
    sold = catalogue.carried(assortments)[:, None, model] & catalogue.on_sale(months).T[None, :, model]
    ranked = np.where(sold, popularity.T[None, :, :], -np.inf)
    order = np.argsort(-ranked, axis=2, kind="stable")
    slots = int(-(-sold.sum(axis=2).max() // NEW_PLACES))
    order = order[:, :, : slots * NEW_PLACES].reshape(len(assortments), months, slots, NEW_PLACES).swapaxes(2, 3)
    place = (np.arange(len(assortments))[:, None, None, None], np.arange(months)[None, :, None, None], order)
    on_sale, score = sold[place], ranked[place]
    weight = np.where(on_sale, np.exp(0.7 * np.where(on_sale, score, 0.0)), 0.0)
    uniform = on_sale / np.maximum(on_sale.sum(axis=3, keepdims=True), 1)
    probability = (1 - EXPLORATION_SHARE) * weight / np.maximum(
        weight.sum(axis=3, keepdims=True), 1e-30
    ) + EXPLORATION_SHARE * uniform
    return Shelves(np.where(on_sale, items[order], -1), probability, np.cumsum(probability, axis=3))


def build_used_stock(units: Units, *, items: int, stores: int, window: Window) -> UsedStock:
    """Return the used vehicles that each store offers from midnight to midnight (UTC) of each day.

    Parameters
    ----------
    units : Units
        As returned by `training.simulator.units.build_units`, such as `world.units`.
    items : int
        Number of catalogue items, `len(world.catalogue.item_model)`.
    stores : int
        Number of stores.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    UsedStock
        `vehicle` (number of catalogue items + position in `units`), and by store * days + day `start` and `count`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.storefront import build_used_stock
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> items = len(world.catalogue.item_model)
    >>> used = build_used_stock(world.units, items=items, stores=1, window=world.window)
    >>> len(used.count) == world.window.days
    True
    """
    used = np.flatnonzero(units.used)
    first = np.maximum(window.day(units.listed_at[used]) + 1, 0)
    last = np.minimum(window.day(np.minimum(units.sold_at[used], window.end)) - 1, window.days - 1)
    days_on_offer = np.maximum(last - first + 1, 0)
    unit = np.repeat(used, days_on_offer)
    day = (
        np.repeat(first, days_on_offer)
        + np.arange(len(unit))
        - np.repeat(np.cumsum(days_on_offer) - days_on_offer, days_on_offer)
    )
    cell = units.store[unit] * window.days + day
    count = np.bincount(cell, minlength=stores * window.days)
    return UsedStock(items + unit[np.argsort(cell, kind="stable")], np.cumsum(count) - count, count)


def show_pages(
    rng: Random, shelves: Shelves, used: UsedStock, *, at: IntArray, store: IntArray, stores: Stores, window: Window
) -> Pages:
    """Draw the pages that stores show.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    shelves : Shelves
        As returned by `training.simulator.storefront.build_shelves`.
    used : UsedStock
        As returned by `training.simulator.storefront.build_used_stock`.
    at : ndarray of int64, shape (n_pages,)
        Instant of each page, microseconds since 1970 UTC, within the window.
    store : ndarray of int64, shape (n_pages,)
        Position of the store of each page.
    stores : Stores
        As returned by `training.simulator.stores.build_stores`, such as `world.stores`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Pages
        `vehicle` (-1 for an empty shelf), `position` (from 1) and `propensity` (0 to 1), each of shape (n_pages, 10).

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.storefront import build_shelves, build_used_stock, show_pages
    >>> from training.simulator.world import build_world
    >>> w = build_world(Size(stores=1, customers=100, months=3))
    >>> used = build_used_stock(w.units, items=len(w.catalogue.item_model), stores=1, window=w.window)
    >>> rng, at = np.random.default_rng(0), np.array([w.window.start])
    >>> shelves = build_shelves(w.catalogue, w.market)
    >>> pages = show_pages(rng, shelves, used, at=at, store=np.array([0]), stores=w.stores, window=w.window)
    >>> sorted(pages.position[0].tolist())
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    pages, month = len(at), window.month(at)
    vehicle = np.full((pages, PLACES), -1, dtype=np.int64)
    probability = np.zeros((pages, PLACES))
    slots = shelves.item.shape[3]
    for shelf in range(NEW_PLACES):
        where = (stores.assortment[store], month, shelf)
        slot = (shelves.edge[where] <= rng.random(pages)[:, None]).sum(axis=1)
        # Rounding may leave the last cumulative sum below 1: then the last filled slot is drawn.
        slot = np.minimum(slot, np.minimum((shelves.item[where] >= 0).sum(axis=1), slots) - 1)
        vehicle[:, shelf] = shelves.item[(*where, slot)]
        probability[:, shelf] = shelves.probability[(*where, slot)]
    _show_used(rng, used, vehicle, probability, cell=store * window.days + (at - window.start) // DAY)
    return _arrange(rng, vehicle, probability)


def _show_used(rng: Random, used: UsedStock, vehicle: IntArray, probability: FloatArray, *, cell: IntArray) -> None:
    start, count = used.start[cell], used.count[cell]
    half = (count + 1) // 2
    for place, (offset, size) in enumerate(((0 * half, half), (half, count - half))):
        rows = np.flatnonzero(size > 0)
        drawn = (rng.random(len(rows)) * size[rows]).astype(np.int64)
        vehicle[rows, NEW_PLACES + place] = used.vehicle[start[rows] + offset[rows] + drawn]
        probability[rows, NEW_PLACES + place] = 1.0 / size[rows]


def _arrange(rng: Random, vehicle: IntArray, probability: FloatArray) -> Pages:
    shown = vehicle != -1
    length = shown.sum(axis=1, keepdims=True)
    ordered = _ranks(np.where(shown, np.arange(PLACES)[None, :].astype(np.float64), np.inf))
    shuffled = _ranks(np.where(shown, rng.random(vehicle.shape), np.inf))
    position = np.where(rng.random((len(vehicle), 1)) < ORDERED_SHARE, ordered, shuffled)
    in_place: BoolArray = position == ordered
    propensity = probability * (ORDERED_SHARE * in_place + (1 - ORDERED_SHARE) / length)
    return Pages(vehicle, position + 1, propensity)


def _ranks(keys: FloatArray) -> IntArray:
    order = np.argsort(keys, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(keys.shape[1]), keys.shape), axis=1)
    return ranks
