"""The simulated group up to its sales; lending, workshop and browsing are simulated from it.

Each part draws from its own random stream and depends on the parts before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import Catalogue, build_catalogue
from training.simulator.changes import DEFAULT_CHANGES, Changes
from training.simulator.draws import Random
from training.simulator.journeys import Journeys, build_journeys
from training.simulator.leads import Funnel, build_funnel, first_registration
from training.simulator.people import People, build_people, draw_registrations
from training.simulator.sales import Sales, build_sales
from training.simulator.seasons import DAY, Window
from training.simulator.size import Size
from training.simulator.stock_and_sales import BuyerChoices, Supply, Trade, trade
from training.simulator.stores import Market, Stores, build_market, build_stores
from training.simulator.units import Units, build_units


@dataclass(frozen=True)
class World:
    """A simulated group up to its sales. Built by `build_world(size)`.

    Make one with `training.simulator.world.build_world(training.simulator.Size(stores=1, customers=100, months=3))`.

    Attributes
    ----------
    size, window, catalogue, stores, market, people, journeys, funnel, trade, units, sales
        Parts of the group, described in their own classes.
    buyers : ndarray of int64
        Positions of the journeys that decide to buy a new car within the window, in order of decision; the rows of
        `trade` are in the same order.
    expected : ndarray of float64, shape (n_months, n_stores * n_current_models)
        Expected demand in cars.
    registered_at : ndarray of int64, shape (n_customers,)
        Registration of each customer, microseconds since 1970 UTC.
    changes : Changes
        Changes during the simulated period.
    """

    size: Size
    window: Window
    catalogue: Catalogue
    stores: Stores
    market: Market
    people: People
    journeys: Journeys
    funnel: Funnel
    buyers: IntArray
    expected: FloatArray
    trade: Trade
    units: Units
    sales: Sales
    registered_at: IntArray
    changes: Changes = DEFAULT_CHANGES


def build_world(size: Size, changes: Changes = DEFAULT_CHANGES) -> World:
    """Return a simulated group: people, their journeys, and the sales of the stores.

    Parameters
    ----------
    size : Size
        `training.simulator.Size(stores=20, customers=60_000, months=36, seed=7, start="2023-01-01")`: 1 to 1,000
        stores, 100 to 5,000,000 customers, 3 to 120 months, first day `YYYY-MM-01`. `Size` raises
        `features.errors.ConfigError` for a value out of range.
    changes : Changes
        `training.simulator.Changes()`: changes during the simulated period.

    Returns
    -------
    World
        Parts `size`, `window`, `catalogue`, `stores`, `market`, `people`, `journeys`, `funnel`, `trade`, `units` and
        `sales`; `buyers` (positions in `journeys`), `expected` (cars by month and store * model) and `registered_at`
        (int64, microseconds since 1970 UTC, by customer).

    Examples
    --------
    >>> from training.simulator.size import Size
    >>> from training.simulator.world import build_world
    >>> build_world(Size(stores=1, customers=100, months=3)).people.customers
    100
    """
    window = Window.of(size)
    catalogue = build_catalogue(window)
    stores = build_stores(size.stream("stores"), size.stores)
    market = build_market(size.stream("catalogue"), catalogue, stores=size.stores, months=size.months)
    people = build_people(size.stream("people"), size.customers, stores=stores, window=window)
    journeys = build_journeys(
        size.stream("journeys"), people, catalogue=catalogue, stores=stores, market=market, window=window
    )
    funnel_stream = size.stream("leads")
    funnel = build_funnel(funnel_stream, journeys, people=people, stores=stores, window=window)
    registered = first_registration(funnel_stream, journeys, funnel, people=len(people), window=window)
    registered_at = draw_registrations(funnel_stream, people, first_contact=registered, window=window)
    buyers, choices = _buyer_choices(journeys, funnel, catalogue=catalogue, window=window)
    expected = _expected(journeys, funnel, catalogue=catalogue, stores=size.stores, window=window)
    supply = _supply(size.stream("stock"), expected, catalogue=catalogue, stores=stores, market=market, window=window)
    traded = trade(size.stream("sales"), choices, supply, window=window)
    units_stream = size.stream("units")
    units = build_units(
        units_stream,
        journeys=journeys,
        funnel=funnel,
        trade=traded,
        buyers=buyers,
        people=people,
        catalogue=catalogue,
        stores=stores,
        window=window,
    )
    sales = build_sales(units_stream, units, journeys, catalogue=catalogue, market=market, window=window)
    return World(
        size=size,
        window=window,
        catalogue=catalogue,
        stores=stores,
        market=market,
        people=people,
        journeys=journeys,
        funnel=funnel,
        buyers=buyers,
        expected=expected,
        trade=traded,
        units=units,
        sales=sales,
        registered_at=registered_at,
        changes=changes,
    )


def _buyer_choices(
    journeys: Journeys, funnel: Funnel, *, catalogue: Catalogue, window: Window
) -> tuple[IntArray, BuyerChoices]:
    row = np.flatnonzero(funnel.wants & ~journeys.used & (journeys.decided_at < window.end))
    row = row[np.argsort(journeys.decided_at[row], kind="stable")]
    base = journeys.store[row] * catalogue.current
    second = np.where(journeys.second[row] < catalogue.current, base + journeys.second[row], -1)
    return row, BuyerChoices(window.day(journeys.decided_at[row]), base + journeys.first[row], second)


def _expected(journeys: Journeys, funnel: Funnel, *, catalogue: Catalogue, stores: int, window: Window) -> FloatArray:
    """Return the expected demand: the sum over journeys of P(purchase) times the choice probability of each model."""
    row = np.flatnonzero(~journeys.used & (journeys.decided_at < window.end))
    group = window.month(journeys.decided_at[row]) * stores + journeys.store[row]
    chance = funnel.probability[row]
    columns = [
        np.bincount(group, weights=chance * journeys.share[row, model], minlength=window.months * stores)
        for model in range(catalogue.current)
    ]
    table = np.stack(columns, axis=1).reshape(window.months, stores * catalogue.current)
    return np.asarray(table, dtype=np.float64)


def _supply(
    rng: Random, expected: FloatArray, *, catalogue: Catalogue, stores: Stores, market: Market, window: Window
) -> Supply:
    """Return the planners' demand forecast: the first three months of each model with a lognormal error of 25%."""
    count, current = len(stores.city), catalogue.current
    carried = catalogue.carried(stores.assortment).ravel()
    launch = np.tile(catalogue.launch_month[:current], count)
    month, first = np.arange(window.months)[:, None], np.maximum(launch, 0)[None, :]
    early = (month >= first) & (month < first + 3)
    rate = (expected * early).sum(axis=0) / np.maximum(early.sum(axis=0), 1) / 30.4
    after_end = window.days + 1
    starts = (window.month_starts[np.clip(launch, 0, window.months)] - window.start) // DAY
    ends = (window.month_starts[np.clip(catalogue.end_month[:current], 0, window.months)] - window.start) // DAY
    stops = np.where(catalogue.end_month[:current] < window.months, ends - 45, after_end)
    return Supply(
        rate=np.where(carried, rate * rng.lognormal(0, 0.25, len(rate)), 0.0),
        lead_days=np.tile(rng.integers(14, 29, current), count),
        launch_day=np.where(carried, np.where(launch < 0, -1, starts), after_end),
        last_order_day=np.where(carried, np.tile(stops, count), -2),
        delivered=np.tile(market.supply.T, (1, count)),
    )
