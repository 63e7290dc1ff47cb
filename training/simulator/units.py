"""All cars: new cars as they arrive, used cars, and cars sold before the window that are still in use.

New cars are sold first in, first out within store and model; the trim of a sold car follows from its buyer's budget. A
used car is drawn together with its buyer: it is listed 3 days plus an exponential time (mean 38 days) before the buyer
decides, and its price is ::

    price when new * exp(-0.135 * years - 1.6e-6 * km) * lognormal(0.07)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import USES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import DEALER_COST, Catalogue, describe, item_ids
from training.simulator.draws import NEVER, Random, concatenate, fen, instants, labels, numbered, pick, take
from training.simulator.journeys import Journeys
from training.simulator.leads import Funnel
from training.simulator.people import People
from training.simulator.seasons import DAY, HOUR, MONTH, YEAR, Window
from training.simulator.stock_and_sales import Trade
from training.simulator.stores import Stores
from training.simulator.used_prices import asking_price, expected_price

HANDOVER = HOUR  # from the signed order to the sale
USED_COST = 0.9
OWNED_SHARE = 0.9
UNOWNED_PER_CUSTOMER = 0.25
COMMERCIAL_SHARE = 0.05
_TRIM_MIX = (0.4, 0.4, 0.2)


@dataclass(frozen=True)
class Units:
    """Cars in order of listing; all arrays have shape (n_cars,). Drawn by `build_units`.

    One is `world.units`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    item, store : ndarray of int64
        Positions of the catalogue item and the store.
    journey, owner : ndarray of int64
        Position of the journey that buys the car, and of the person who has owned it since before the window; -1 for
        none.
    built_at, listed_at, sold_at : ndarray of int64
        Microseconds since 1970 UTC; `sold_at` is `training.simulator.draws.NEVER` while unsold.
    price, cost : ndarray of float64
        List price and purchase cost, yuan.
    mileage : ndarray of float64
        Kilometres at listing.
    used, commercial : ndarray of bool
        Whether it is sold as a used car; whether it is in commercial use.
    """

    item: IntArray
    store: IntArray
    journey: IntArray
    owner: IntArray
    built_at: IntArray
    listed_at: IntArray
    sold_at: IntArray
    price: FloatArray
    cost: FloatArray
    mileage: FloatArray
    used: BoolArray
    commercial: BoolArray

    def __len__(self) -> int:
        return len(self.item)


def build_units(
    rng: Random,
    *,
    journeys: Journeys,
    funnel: Funnel,
    trade: Trade,
    buyers: IntArray,
    people: People,
    catalogue: Catalogue,
    stores: Stores,
    window: Window,
) -> Units:
    """Draw all cars: new cars received, used cars on offer, and cars sold before the window.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("units")`.
    journeys : Journeys
        As returned by `training.simulator.journeys.build_journeys`.
    funnel : Funnel
        As returned by `training.simulator.leads.build_funnel` for these journeys.
    trade : Trade
        As returned by `training.simulator.stock_and_sales.trade`.
    buyers : ndarray of int64
        Position in `journeys` of each buyer of `trade`.
    people : People
        As returned by `training.simulator.people.build_people`.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.
    stores : Stores
        As returned by `training.simulator.stores.build_stores`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Units
        By car, in order of listing: `item`, `store`, `journey`, `owner` (positions), `built_at`, `listed_at`, `sold_at`
        (int64, microseconds since 1970 UTC), `price`, `cost` (yuan), `mileage` (km), `used` and `commercial`.

    Examples
    --------
    `training.simulator.world.build_world` makes the arguments and calls this function:

    >>> from training.simulator import Size
    >>> from training.simulator.world import build_world
    >>> units = build_world(Size(stores=1, customers=100, months=3)).units
    >>> bool((units.listed_at[1:] >= units.listed_at[:-1]).all())
    True
    """
    parts = [
        _new_units(rng, journeys, trade, buyers, catalogue=catalogue, window=window),
        _used_units(rng, journeys, funnel, catalogue=catalogue, stores=stores, window=window),
        _earlier_units(rng, people, catalogue=catalogue, stores=stores, window=window),
    ]
    units = concatenate(parts)
    return take(units, np.argsort(units.listed_at, kind="stable"))


def _new_units(
    rng: Random, journeys: Journeys, trade: Trade, buyers: IntArray, *, catalogue: Catalogue, window: Window
) -> Units:
    order = np.argsort(trade.arrival_cell, kind="stable")
    cell, day = trade.arrival_cell[order], trade.arrival_day[order]
    n = len(cell)
    store, model = cell // catalogue.current, cell % catalogue.current
    inside = window.start + day * DAY + rng.integers(0, HOUR // 2, n)
    before = window.start - rng.integers(DAY, 45 * DAY, n)
    listed = np.where(day >= 0, inside, np.maximum(before, catalogue.launched_at[model]))
    journey = np.full(n, -1, dtype=np.int64)
    sold_cells, sold_to = trade.cell[trade.cell >= 0], buyers[trade.cell >= 0]
    by_cell = np.argsort(sold_cells, kind="stable")
    first = np.searchsorted(cell, sold_cells[by_cell])
    journey[first + np.arange(len(by_cell)) - np.searchsorted(sold_cells[by_cell], sold_cells[by_cell])] = sold_to[
        by_cell
    ]
    trim = np.where(journey >= 0, journeys.trim[journey], pick(rng, _TRIM_MIX, n))
    item = catalogue.item(model, trim)
    price = catalogue.item_price[item]
    built = listed - (rng.uniform(20, 60, n) * DAY).astype(np.int64)
    return Units(
        item=item,
        store=store,
        journey=journey,
        owner=np.full(n, -1, dtype=np.int64),
        built_at=np.maximum(built, catalogue.launched_at[model] - 45 * DAY),
        listed_at=listed,
        sold_at=np.where(journey >= 0, journeys.decided_at[journey] + HANDOVER, NEVER),
        price=price,
        cost=price * DEALER_COST * rng.normal(1, 0.004, n),
        mileage=np.round(rng.uniform(5, 40, n)),
        used=np.zeros(n, dtype=np.bool_),
        commercial=rng.random(n) < COMMERCIAL_SHARE,
    )


def _used_units(
    rng: Random, journeys: Journeys, funnel: Funnel, *, catalogue: Catalogue, stores: Stores, window: Window
) -> Units:
    buyers = np.flatnonzero(journeys.used & funnel.wants)
    slow = len(buyers) // 20
    decided = np.r_[journeys.decided_at[buyers], np.full(slow, NEVER)]
    shelf = ((3 + rng.exponential(38, len(buyers))) * DAY).astype(np.int64)
    listed = np.r_[journeys.decided_at[buyers] - shelf, rng.integers(window.start - 30 * DAY, window.end, slow)]
    listed = listed // DAY * DAY + rng.integers(0, HOUR // 2, len(listed))
    models = np.r_[journeys.first[buyers], rng.integers(catalogue.current, len(catalogue.names), slow)]
    store = np.r_[journeys.store[buyers], pick(rng, stores.weight, slow)]
    journey = np.r_[buyers, np.full(slow, -1)]
    is_listed = listed < window.end
    n = int(is_listed.sum())
    listed, models, store, journey, decided = (a[is_listed] for a in (listed, models, store, journey, decided))
    built = _earlier_builds(rng, listed, window)
    years = (listed - built) / YEAR
    commercial = rng.random(n) < COMMERCIAL_SHARE / 2
    mileage = np.round(np.where(commercial, 3.0, 1.0) * 12 * years * rng.gamma(5.0, 230.0, n), -2)
    item = catalogue.item(models, np.zeros(n, dtype=np.int64))
    price = asking_price(rng, expected_price(catalogue.price[models], years=years, mileage=mileage))
    within = decided < window.end
    return Units(
        item=item,
        store=store,
        journey=np.where(within, journey, -1),
        owner=np.full(n, -1, dtype=np.int64),
        built_at=built,
        listed_at=listed,
        sold_at=np.where(within, decided + HANDOVER, NEVER),
        price=price,
        cost=price * USED_COST * rng.normal(1, 0.02, n),
        mileage=mileage,
        used=np.ones(n, dtype=np.bool_),
        commercial=commercial,
    )


def _earlier_builds(rng: Random, at: IntArray, window: Window) -> IntArray:
    """Draw build instants of earlier generations, built until two years before the window."""
    last = window.start - 2 * YEAR
    youngest = np.maximum((at - last) / YEAR, 2.5)
    years = youngest + rng.beta(1.3, 2.0, len(at)) * np.maximum(9.0 + (at - window.start) / YEAR - youngest, 0.5)
    return np.asarray(at - years * YEAR, dtype=np.int64)


def _earlier_units(rng: Random, people: People, *, catalogue: Catalogue, stores: Stores, window: Window) -> Units:
    owners = np.flatnonzero(people.existing & (rng.random(len(people)) < OWNED_SHARE))
    strangers = int(people.customers * UNOWNED_PER_CUSTOMER)
    owner = np.r_[owners, np.full(strangers, -1)]
    store = np.r_[people.store[owners], pick(rng, stores.weight, strangers)]
    n = len(owner)
    model = np.where(rng.random(n) < 0.55, _sold_before(rng, catalogue, stores, store), _any_earlier(rng, catalogue, n))
    current = model < catalogue.current
    since = np.maximum(catalogue.launched_at[model], window.start - int(5 * YEAR))
    sold = since + (rng.random(n) * (window.start - 2 * DAY - since)).astype(np.int64)
    built_before = sold - (rng.uniform(30, 90, n) * DAY).astype(np.int64)
    built = np.where(current, built_before, _earlier_builds(rng, np.full(n, window.start), window))
    sold = np.where(current, sold, built + (rng.uniform(30, 90, n) * DAY).astype(np.int64))
    listed = sold - ((sold - built) * 0.4).astype(np.int64)
    item = catalogue.item(model, pick(rng, _TRIM_MIX, n))
    price = catalogue.item_price[item]
    return Units(
        item=item,
        store=store,
        journey=np.full(n, -1, dtype=np.int64),
        owner=owner,
        built_at=built,
        listed_at=listed,
        sold_at=sold,
        price=price,
        cost=price * DEALER_COST,
        mileage=np.round(rng.uniform(5, 40, n)),
        used=np.zeros(n, dtype=np.bool_),
        commercial=rng.random(n) < COMMERCIAL_SHARE,
    )


def _sold_before(rng: Random, catalogue: Catalogue, stores: Stores, store: IntArray) -> IntArray:
    """Draw current models of each store's brands that were on sale before the window, weighted by appeal."""
    current = catalogue.current
    weights = np.exp(catalogue.appeal[:current]) * np.maximum(-catalogue.launch_month[:current], 0)
    model = np.zeros(len(store), dtype=np.int64)
    for assortment in np.unique(stores.assortment):
        rows = np.flatnonzero(stores.assortment[store] == assortment)
        model[rows] = pick(rng, weights * catalogue.carried(np.array([assortment]))[0], len(rows))
    return model


def _any_earlier(rng: Random, catalogue: Catalogue, count: int) -> IntArray:
    return catalogue.current + pick(rng, np.exp(catalogue.appeal[catalogue.current :]), count)


def unit_ids(units: IntArray) -> pl.Series:
    """Return the identifiers of units (positions) as a String column; null for negative positions.

    Parameters
    ----------
    units : ndarray of int64
        Positions in `world.units`; negative for null.

    Returns
    -------
    polars.Series of String

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.units import unit_ids
    >>> unit_ids(np.array([0, -1])).to_list()
    ['V00000001', None]
    """
    return numbered("V", np.where(units >= 0, units + 1, -1), width=8)


def vins(units: Units, rows: IntArray) -> pl.Series:
    """Return vehicle identification numbers: 17 characters with a fictitious manufacturer code.

    Parameters
    ----------
    units : Units
        As returned by `training.simulator.units.build_units`, such as `world.units`.
    rows : ndarray of int64
        Positions in `units`.

    Returns
    -------
    polars.Series of String, length of `rows`

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.units import vins
    >>> from training.simulator.world import build_world
    >>> vins(build_world(Size(stores=1, customers=100, months=3)).units, np.array([0]))[0][:3]
    '0ZZ'
    """
    return numbered("0ZZ", units.item[rows] * 10**11 + rows, width=14)


def units_frame(units: Units, catalogue: Catalogue, stores: Stores, window: Window) -> pl.DataFrame:
    """Return the rows of kind `unit` of the table `vehicles` (columns: `features.tables.VEHICLES`), one per car.

    Parameters
    ----------
    units : Units
        As returned by `training.simulator.units.build_units`, such as `world.units`.
    catalogue : Catalogue
        `world.catalogue`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    stores : Stores
        `world.stores`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    window : Window
        `world.window`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        Prices and costs in fen, `mileage_km` in km, instants as int64 microseconds since 1970 UTC; `sold_at` null for
        cars in stock at the end of the data.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.units import units_frame
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> units_frame(world.units, world.catalogue, world.stores, world.window).height == len(world.units)
    True
    """
    rows = np.arange(len(units))
    year = units.built_at.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    registered = np.where(units.used, units.built_at + int(1.5 * MONTH), NEVER)
    return pl.DataFrame(
        {
            "vehicle_id": unit_ids(rows),
            "kind": pl.repeat("unit", len(rows), eager=True),
            "catalogue_id": item_ids(units.item),
            "vin": vins(units, rows),
            "condition": labels(("new", "used"), units.used.astype(np.int64)),
            **describe(catalogue, units.item),
            "use": labels(USES, np.where(units.used, units.commercial.astype(np.int64), -1)),
            "model_year": pl.Series(year),
            "built_at": pl.Series(units.built_at),
            "first_registered_at": instants(registered, before=window.end),
            "mileage_km": pl.Series(units.mileage),
            "price": pl.Series(fen(units.price)),
            "cost": pl.Series(fen(units.cost)),
            "store_id": stores.ids(units.store),
            "listed_at": pl.Series(units.listed_at),
            "sold_at": instants(units.sold_at, before=window.end),
        }
    )
