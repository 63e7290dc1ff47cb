"""Fleet: cars sold within the window or before it, from entry to exit.

A car exits when its owner buys the next one from the group (two in three are traded in) or, at a rate of 6% a year, for
other reasons. Of the cars sold before the window, only those still in service at its start are included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import ENERGY_TYPES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.draws import NEVER, Random, instants, labels
from training.simulator.people import customer_ids
from training.simulator.seasons import MONTH, YEAR, Window
from training.simulator.units import unit_ids, vins
from training.simulator.world import World

EXITS_PER_YEAR = 0.06
TRADE_IN_SHARE = 0.67
MONTHLY_KM, COMMERCIAL_KM = 1_200.0, 4_500.0


@dataclass(frozen=True)
class Fleet:
    """Cars in service, in the order of their units; every attribute has shape (n_cars,). Drawn by `build_fleet`.

    `training.simulator.fleet.build_fleet(world.size.stream("fleet"), world)` makes one, with `world` =
    `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    unit, model, person, store : ndarray of int64
        Positions of unit, model, owner (-1 unknown) and servicing store.
    built_at, entered_at, left_at : ndarray of int64
        Build date, entry into and exit from service, microseconds since 1970 UTC; `left_at` is `draws.NEVER` for cars
        in service at the end.
    monthly_km, start_km : ndarray of float64
        Distance per month, and odometer reading at entry, in km.
    """

    unit: IntArray
    model: IntArray
    person: IntArray
    store: IntArray
    built_at: IntArray
    entered_at: IntArray
    left_at: IntArray
    monthly_km: FloatArray
    start_km: FloatArray

    def __len__(self) -> int:
        return len(self.unit)

    def observed_from(self, window: Window) -> IntArray:
        """Return the start of each car's observation: its entry or the start of the window.

        Parameters
        ----------
        window : Window
            Months of the data: `world.window`, or
            `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

        Returns
        -------
        ndarray of int64, shape (n_cars,)
            Microseconds since 1970 UTC.

        Examples
        --------
        >>> from training.simulator import Size
        >>> from training.simulator.fleet import build_fleet
        >>> from training.simulator.world import build_world
        >>> world = build_world(Size(stores=1, customers=100, months=3))
        >>> fleet = build_fleet(world.size.stream("fleet"), world)
        >>> bool((fleet.observed_from(world.window) >= world.window.start).all())
        True
        """
        return np.maximum(self.entered_at, window.start)

    def observed_until(self, window: Window) -> IntArray:
        """Return the end of each car's observation: its exit or the end of the window.

        Parameters
        ----------
        window : Window
            Months of the data: `world.window`, or
            `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

        Returns
        -------
        ndarray of int64, shape (n_cars,)
            Microseconds since 1970 UTC.

        Examples
        --------
        >>> from training.simulator import Size
        >>> from training.simulator.fleet import build_fleet
        >>> from training.simulator.world import build_world
        >>> world = build_world(Size(stores=1, customers=100, months=3))
        >>> fleet = build_fleet(world.size.stream("fleet"), world)
        >>> bool((fleet.observed_until(world.window) <= world.window.end).all())
        True
        """
        return np.minimum(self.left_at, window.end)

    def kilometres(self, car: IntArray, at: IntArray) -> FloatArray:
        """Return odometer readings.

        Parameters
        ----------
        car : ndarray of int64, shape (n,)
            Positions in the fleet.
        at : ndarray of int64, shape (n,)
            Instants of the readings, microseconds since 1970 UTC.

        Returns
        -------
        ndarray of float64, shape (n,)
            Kilometres.

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator import Size
        >>> from training.simulator.fleet import build_fleet
        >>> from training.simulator.world import build_world
        >>> world = build_world(Size(stores=1, customers=100, months=3))
        >>> fleet = build_fleet(world.size.stream("fleet"), world)
        >>> bool(fleet.kilometres(np.array([0]), fleet.entered_at[:1])[0] == fleet.start_km[0])
        True
        """
        return self.start_km[car] + self.monthly_km[car] * (at - self.entered_at[car]) / MONTH


def build_fleet(rng: Random, world: World) -> Fleet:
    """Draw use and exit of the cars sold by the end of the window.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("fleet")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    Fleet
        By car: `unit`, `model`, `person`, `store` (positions), `built_at`, `entered_at`, `left_at` (int64, microseconds
        since 1970 UTC; `training.simulator.draws.NEVER` for a car still in use), `monthly_km` and `start_km`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet = build_fleet(world.size.stream("fleet"), world)
    >>> bool(fleet.kilometres(np.array([0]), fleet.entered_at[:1])[0] == fleet.start_km[0])
    True
    """
    units, journeys, window = world.units, world.journeys, world.window
    earlier = units.sold_at < window.start
    unit = np.flatnonzero((units.sold_at < window.end) & ((units.journey >= 0) | earlier))
    buyer = journeys.person[units.journey[unit]]
    person = np.where(earlier[unit], units.owner[unit], buyer)
    entered = units.sold_at[unit]
    time_in_service = rng.exponential(YEAR / EXITS_PER_YEAR, len(unit)).astype(np.int64)
    left = np.maximum(entered, window.start) + time_in_service
    left = np.minimum(left, _traded_in(rng, world, person=person, earlier=earlier[unit]))
    typical = np.where(units.commercial[unit], COMMERCIAL_KM, MONTHLY_KM)
    return Fleet(
        unit=unit,
        model=world.catalogue.item_model[units.item[unit]],
        person=person,
        store=units.store[unit],
        built_at=units.built_at[unit],
        entered_at=entered,
        left_at=np.where(left < window.end, left, NEVER),
        monthly_km=np.round(typical * rng.gamma(5.0, 0.2, len(unit))),
        start_km=units.mileage[unit],
    )


def _traded_in(rng: Random, world: World, *, person: IntArray, earlier: BoolArray) -> IntArray:
    """Return when the owner of a car sold before the window buys the next one and trades it in (us), or NEVER."""
    sales, journeys = world.sales, world.journeys
    people = max(int(journeys.person.max(initial=0)), int(person.max(initial=0))) + 1
    bought = np.full(people, NEVER, dtype=np.int64)
    np.minimum.at(bought, journeys.person[sales.journey], sales.sold_at)
    trades = earlier & (person >= 0) & (rng.random(len(person)) < TRADE_IN_SHARE)
    return np.where(trades, bought[person], NEVER)


def fleet_frame(fleet: Fleet, world: World) -> pl.DataFrame:
    """Return the table `fleet` (columns: `features.tables.FLEET`), one row per car.

    Parameters
    ----------
    fleet : Fleet
        As returned by `build_fleet(rng, world)`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        In the order of `fleet`; instants as int64 microseconds since 1970 UTC, `monthly_km` in km, `left_service_at`
        null for cars in service.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.fleet import build_fleet, fleet_frame
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet = build_fleet(world.size.stream("fleet"), world)
    >>> fleet_frame(fleet, world).height == len(fleet)
    True
    """
    catalogue, customers = world.catalogue, world.people.customers
    owner = np.where(fleet.person >= 0, fleet.person, customers)
    return pl.DataFrame(
        {
            "vehicle_id": unit_ids(fleet.unit),
            "vin": vins(world.units, fleet.unit),
            "model": labels(catalogue.names, fleet.model),
            "energy_type": labels(ENERGY_TYPES, catalogue.energy[fleet.model]),
            "built_at": pl.Series(fleet.built_at),
            "entered_service_at": pl.Series(fleet.entered_at),
            "left_service_at": instants(fleet.left_at, before=world.window.end),
            "customer_id": customer_ids(owner, customers=customers),
            "store_id": world.stores.ids(fleet.store),
            "monthly_km": pl.Series(fleet.monthly_km),
        }
    )
