"""How much a person likes a vehicle at an instant: the utility of `tastes` at the vehicle's own price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.people import People
from training.simulator.seasons import Window
from training.simulator.storefront import catalogue_count
from training.simulator.stores import Market, Stores
from training.simulator.tastes import PROMOTION_PULL, fit, liking
from training.simulator.units import Units


@dataclass(frozen=True)
class Showroom:
    """What it takes to say how much a person likes a vehicle at an instant."""

    people: People
    catalogue: Catalogue
    market: Market
    stores: Stores
    units: Units
    window: Window

    def utility(self, *, person: IntArray, vehicle: IntArray, at: IntArray) -> FloatArray:
        """True utility of vehicles to persons (see `tastes`), at the vehicles' own prices."""
        catalogue, people = self.catalogue, self.people
        items = catalogue_count(catalogue)
        unit = np.where(vehicle >= items, vehicle - items, 0)
        used = vehicle >= items
        item = np.where(used, self.units.item[unit], vehicle)
        model, month = catalogue.item_model[item], self.window.month(at)
        price = np.where(used, self.units.price[unit], catalogue.item_price[item])
        promotion = self.market.promotion[people.store[person], np.where(used, 0, model), month]
        value = liking(people, catalogue, person=person, model=model) + fit(price, people.budget[person])
        value += self.market.appeal[model, month] + PROMOTION_PULL * np.where(used, 0.0, promotion)
        return value - np.where(used, people.used_aversion[person], 0.0)
