"""How much a person likes a vehicle at an instant: the utility of `tastes` at the vehicle's own price."""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.tastes import PROMOTION_PULL, fit, liking
from training.simulator.world import World


def vehicle_utility(world: World, *, person: IntArray, vehicle: IntArray, at: IntArray) -> FloatArray:
    """True utility of vehicles to persons (see `tastes`), at the vehicles' own prices."""
    catalogue, people, units = world.catalogue, world.people, world.units
    items = len(catalogue.item_model)
    unit = np.where(vehicle >= items, vehicle - items, 0)
    used = vehicle >= items
    item = np.where(used, units.item[unit], vehicle)
    model, month = catalogue.item_model[item], world.window.month(at)
    price = np.where(used, units.price[unit], catalogue.item_price[item])
    promotion = world.market.promotion[people.store[person], np.where(used, 0, model), month]
    value = liking(people, catalogue, person=person, model=model) + fit(price, people.budget[person])
    value += world.market.appeal[model, month] + PROMOTION_PULL * np.where(used, 0.0, promotion)
    return value - np.where(used, people.used_aversion[person], 0.0)
