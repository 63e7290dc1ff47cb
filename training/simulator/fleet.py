"""Cars in the field: those sold in the window and those sold before it, until they leave.

A car leaves when its owner buys another one from us (two in three are traded in) or, at a rate of 6 % a year, for
reasons that we do not see. Cars sold before the window are those that still drove when it began.
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

LEAVES_A_YEAR = 0.06
TRADED_IN = 0.67
MONTHLY_KM, COMMERCIAL_KM = 1_200.0, 4_500.0


@dataclass(frozen=True)
class Fleet:
    """Cars in the order of their units.

    Attributes
    ----------
    unit, model, person, store : ndarray of int64
        Car, its model, owner (-1 unknown) and the store that serves it.
    built_at, entered_at, left_at : ndarray of int64
        Instants (us); NEVER while it drives.
    monthly_km, start_km : ndarray of float64
        Distance a month, and on the clock when it entered.
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
        """Instant (us) from which each car is under observation."""
        return np.maximum(self.entered_at, window.start)

    def observed_until(self, window: Window) -> IntArray:
        """Instant (us) until which each car is under observation."""
        return np.minimum(self.left_at, window.end)

    def kilometres(self, car: IntArray, at: IntArray) -> FloatArray:
        """Distance on the clock of cars at instants (us)."""
        return self.start_km[car] + self.monthly_km[car] * (at - self.entered_at[car]) / MONTH


def build_fleet(rng: Random, world: World) -> Fleet:
    """Put sold cars on the road."""
    units, journeys, window = world.units, world.journeys, world.window
    earlier = units.sold_at < window.start
    unit = np.flatnonzero((units.sold_at < window.end) & ((units.journey >= 0) | earlier))
    buyer = journeys.person[units.journey[unit]]
    person = np.where(earlier[unit], units.owner[unit], buyer)
    entered = units.sold_at[unit]
    stays = rng.exponential(YEAR / LEAVES_A_YEAR, len(unit)).astype(np.int64)
    left = np.maximum(entered, window.start) + stays
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
    """When the owner of a car from before the window buys the next one and trades it in (us)."""
    sales, journeys = world.sales, world.journeys
    people = max(int(journeys.person.max(initial=0)), int(person.max(initial=0))) + 1
    bought = np.full(people, NEVER, dtype=np.int64)
    np.minimum.at(bought, journeys.person[sales.journey], sales.sold_at)
    trades = earlier & (person >= 0) & (rng.random(len(person)) < TRADED_IN)
    return np.where(trades, bought[person], NEVER)


def fleet_frame(fleet: Fleet, world: World) -> pl.DataFrame:
    """The fleet table."""
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
