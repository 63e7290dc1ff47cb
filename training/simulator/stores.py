"""Stores, and the market by month: appeal, promotion and supply of every model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import ENERGY_TYPES
from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import BRANDS, Catalogue
from training.simulator.draws import Random, labels, numbered

CITIES = (
    ("上海", "华东"), ("北京", "华北"), ("广州", "华南"), ("深圳", "华南"), ("杭州", "华东"), ("成都", "西南"),
    ("武汉", "华中"), ("南京", "华东"), ("西安", "西北"), ("重庆", "西南"), ("天津", "华北"), ("长沙", "华中"),
    ("郑州", "华中"), ("青岛", "华东"), ("沈阳", "东北"), ("合肥", "华东"), ("佛山", "华南"), ("济南", "华东"),
    ("昆明", "西南"), ("哈尔滨", "东北"),
)  # fmt: skip
STORES_PER_CITY = 2
LAUNCH_HYPE = 0.9
HYPE_MONTHS = 4.0


@dataclass(frozen=True)
class Stores:
    """The stores of the group; all arrays have shape (n_stores,). Drawn by `build_stores`.

    One is `world.stores`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    city : ndarray of int64
        Position in `CITIES`.
    assortment : ndarray of int64
        First of the three brands that the store sells, a position in `training.simulator.catalogue.BRANDS`.
    salespeople : ndarray of int64
        Number of salespeople.
    weight : ndarray of float64
        Fraction of the group's customers.
    purchase_log_odds : ndarray of float64
        Added to the log-odds that a lead buys.
    response_time_factor : ndarray of float64
        Factor on the hours until a lead is called.
    """

    city: IntArray
    assortment: IntArray
    salespeople: IntArray
    weight: FloatArray
    purchase_log_odds: FloatArray
    response_time_factor: FloatArray

    def ids(self, store: IntArray) -> pl.Series:
        """Return the identifiers of stores (positions) as a String column; null for negative positions.

        Parameters
        ----------
        store : ndarray of int64
            Positions in these stores, from 0. Negative for null.

        Returns
        -------
        polars.Series of String

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator.stores import build_stores
        >>> build_stores(np.random.default_rng(0), 3).ids(np.array([0, -1])).to_list()
        ['S0001', None]
        """
        return numbered("S", np.where(store >= 0, store + 1, -1), width=4)

    def cities(self, store: IntArray) -> pl.Series:
        """Return the names of the cities of stores (positions) as a String column.

        Parameters
        ----------
        store : ndarray of int64
            Positions in these stores, from 0.

        Returns
        -------
        polars.Series of String

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator.stores import build_stores
        >>> build_stores(np.random.default_rng(0), 3).cities(np.array([0, 2])).to_list()
        ['上海', '北京']
        """
        return labels([name for name, _ in CITIES], self.city[store])

    def regions(self, store: IntArray) -> pl.Series:
        """Return the names of the regions of stores (positions) as a String column.

        Parameters
        ----------
        store : ndarray of int64
            Positions in these stores, from 0.

        Returns
        -------
        polars.Series of String

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator.stores import build_stores
        >>> build_stores(np.random.default_rng(0), 3).regions(np.array([0, 2])).to_list()
        ['华东', '华北']
        """
        return labels([region for _, region in CITIES], self.city[store])


@dataclass(frozen=True)
class Market:
    """Market conditions by month. Drawn by `build_market`.

    One is `world.market`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    appeal : ndarray of float64, shape (n_models, n_months)
        Utility of a model to every customer.
    promotion : ndarray of float64, shape (n_stores, n_current_models, n_months)
        Discount as a fraction of the list price.
    supply : ndarray of float64, shape (n_current_models, n_months)
        Fraction of an order that the maker delivers.
    """

    appeal: FloatArray
    promotion: FloatArray
    supply: FloatArray


def build_stores(rng: Random, count: int) -> Stores:
    """Draw `count` stores, two to a city.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("stores")`.
    count : int
        Number of stores, at least 1.

    Returns
    -------
    Stores
        By store: `city`, `assortment` (codes), `salespeople`, `weight` (fraction of customers), `purchase_log_odds` and
        `response_time_factor`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.stores import build_stores
    >>> stores = build_stores(np.random.default_rng(0), 3)
    >>> stores.city.tolist(), round(float(stores.weight.sum()), 6)
    ([0, 0, 1], 1.0)
    """
    index = np.arange(count)
    weight = rng.gamma(6.0, 1 / 6.0, count)
    return Stores(
        city=index // STORES_PER_CITY % len(CITIES),
        assortment=index % len(BRANDS),
        salespeople=rng.integers(4, 9, count),
        weight=weight / weight.sum(),
        purchase_log_odds=rng.normal(0, 0.35, count),
        response_time_factor=rng.lognormal(0, 0.45, count),
    )


def build_market(rng: Random, catalogue: Catalogue, *, stores: int, months: int) -> Market:
    """Draw the market: trend to electric cars, autoregressive tastes, launches, promotions, supply shortages.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("catalogue")`.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.
    stores, months : int
        Number of stores and of months.

    Returns
    -------
    Market
        `appeal` (n_models, n_months; utility), `promotion` (n_stores, n_current_models, n_months; fraction of the list
        price) and `supply` (n_current_models, n_months; fraction of an order delivered).

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.catalogue import build_catalogue
    >>> from training.simulator.seasons import Window
    >>> from training.simulator.stores import build_market
    >>> catalogue = build_catalogue(Window.of(Size()))
    >>> market = build_market(np.random.default_rng(0), catalogue, stores=2, months=36)
    >>> market.promotion.shape == (2, catalogue.current, 36)
    True
    """
    return Market(
        appeal=_appeal(rng, catalogue, months),
        promotion=_promotion(rng, stores, catalogue.current, months),
        supply=_supply(rng, catalogue.current, months),
    )


def _appeal(rng: Random, catalogue: Catalogue, months: int) -> FloatArray:
    month = np.arange(months)
    yearly = np.array([{"combustion": -0.12, "battery_electric": 0.16}.get(e, 0.08) for e in ENERGY_TYPES])
    drift = yearly[catalogue.energy][:, None] * month[None, :] / 12
    wander = _autoregression(rng, (len(catalogue.names), months), keep=0.9, spread=0.11)
    since = month[None, :] - catalogue.launch_month[:, None]
    hype = np.where(since >= 0, LAUNCH_HYPE * np.exp(-np.maximum(since, 0) / HYPE_MONTHS), 0.0)
    return catalogue.appeal[:, None] + drift + wander + hype


def _autoregression(rng: Random, shape: tuple[int, int], *, keep: float, spread: float) -> FloatArray:
    steps = rng.normal(0, spread, shape)
    for month in range(1, shape[1]):
        steps[:, month] += keep * steps[:, month - 1]
    return steps


def _promotion(rng: Random, stores: int, models: int, months: int) -> FloatArray:
    by_maker = rng.random((1, models, months)) < 0.12
    by_store = rng.random((stores, models, months)) < 0.06
    depth = rng.choice([0.02, 0.03, 0.05, 0.08], (1, models, months), p=[0.3, 0.3, 0.25, 0.15])
    return np.where(by_maker | by_store, depth, 0.0)


def _supply(rng: Random, models: int, months: int) -> FloatArray:
    short = np.zeros((models, months), dtype=np.bool_)
    starts, ends = rng.random((models, months)) < 0.05, rng.random((models, months)) < 0.45
    for month in range(1, months):
        short[:, month] = np.where(short[:, month - 1], ~ends[:, month], starts[:, month])
    return np.where(short, 0.35, 0.97)
