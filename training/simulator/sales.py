"""Sales of new and used cars, with price, margin and promotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Random
from training.simulator.journeys import Journeys
from training.simulator.seasons import Window
from training.simulator.stores import Market
from training.simulator.units import Units


@dataclass(frozen=True)
class Sales:
    """Sales in order of time.

    Attributes
    ----------
    unit, journey : ndarray of int64
        Positions in `Units` and `Journeys`.
    sold_at : ndarray of int64
        Instant, microseconds since 1970 UTC; the order was signed `HANDOVER` earlier.
    price, margin, promotion : ndarray of float64
        Price and margin in yuan, promotion as a share of the list price.
    """

    unit: IntArray
    journey: IntArray
    sold_at: IntArray
    price: FloatArray
    margin: FloatArray
    promotion: FloatArray

    def __len__(self) -> int:
        return len(self.unit)


def build_sales(
    rng: Random, units: Units, journeys: Journeys, *, catalogue: Catalogue, market: Market, window: Window
) -> Sales:
    """Return the sales within the window: list price less promotion and a random discount of up to 2.5 %."""
    unit = np.flatnonzero((units.journey >= 0) & (units.sold_at < window.end))
    unit = unit[np.argsort(units.sold_at[unit], kind="stable")]
    model, used, sold = catalogue.item_model[units.item[unit]], units.used[unit], units.sold_at[unit]
    month = window.month(sold)
    promotion = market.promotion[units.store[unit], np.where(used, 0, model), month]
    promotion = np.where(used, 0.0, promotion)
    price = np.round(units.price[unit] * (1 - promotion) * (1 - rng.uniform(0, 0.025, len(unit))), -2)
    return Sales(unit, units.journey[unit], sold, price, price - units.cost[unit], promotion)
