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
    """Sales in order of time, one array element per sale. Drawn by `build_sales`.

    One is `world.sales`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    unit, journey : ndarray of int64
        Positions in `Units` and `Journeys`.
    sold_at : ndarray of int64
        Handover, microseconds since 1970 UTC; the order was signed `units.HANDOVER` earlier.
    price, margin : ndarray of float64
        Price paid and gross margin, yuan.
    promotion : ndarray of float64
        Discount of the month, as a fraction of the list price; 0 for used cars.
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
    """Return the sales within the window: list price less promotion and a random discount of up to 2.5%.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("units")`.
    units : Units
        As returned by `training.simulator.units.build_units`.
    journeys : Journeys
        The journeys from which `units` was drawn.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.
    market : Market
        As returned by `training.simulator.stores.build_market`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Sales
        By sale, in order of time: `unit`, `journey` (positions), `sold_at` (int64, microseconds since 1970 UTC),
        `price`, `margin` (yuan) and `promotion` (fraction of the list price).

    Examples
    --------
    `training.simulator.world.build_world` makes the arguments and calls this function:

    >>> from training.simulator import Size
    >>> from training.simulator.world import build_world
    >>> sales = build_world(Size(stores=1, customers=100, months=3)).sales
    >>> len(sales), float(sales.price[0])
    (16, 77200.0)
    """
    unit = np.flatnonzero((units.journey >= 0) & (units.sold_at < window.end))
    unit = unit[np.argsort(units.sold_at[unit], kind="stable")]
    model, used, sold = catalogue.item_model[units.item[unit]], units.used[unit], units.sold_at[unit]
    month = window.month(sold)
    promotion = market.promotion[units.store[unit], np.where(used, 0, model), month]
    promotion = np.where(used, 0.0, promotion)
    price = np.round(units.price[unit] * (1 - promotion) * (1 - rng.uniform(0, 0.025, len(unit))), -2)
    return Sales(unit, units.journey[unit], sold, price, price - units.cost[unit], promotion)
