"""Daily simulation of new cars: deliveries, purchases, stock-outs and orders.

Each day the cars ordered weeks before arrive; then the day's buyers choose in order. If the first choice is out of
stock, the buyer takes the second choice, if in stock, with probability `SUBSTITUTE`, and is lost otherwise. Every seven
days each store orders up to ::

    rate * (lead days + 7) + 0.7 * sqrt(rate * (lead days + 7)) + 0.5

where `rate` is a moving average of *sales* on days with stock, because a planner does not observe demand. The maker
delivers a binomial share of the order, small in months of short supply. Demand is the number of first choices; sales
are demand censored by stock-outs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.draws import Random, rank_within
from training.simulator.seasons import DAY, Window

SUBSTITUTE = 0.35
MEMORY_DAYS = 45.0
LOST, FIRST, SECOND = 0, 1, 2
_RING = 64  # maximum number of days from order to arrival


@dataclass(frozen=True)
class BuyerChoices:
    """Choices of the buyers of new cars, in order of decision, one array element per buyer.

    Attributes
    ----------
    day : ndarray of int64
        Day of the decision, counted from the start of the window; ascending.
    first, second : ndarray of int64
        Cells of the first and the second choice; -1 for no second choice. Cell = store * current models + model.
    """

    day: IntArray
    first: IntArray
    second: IntArray


@dataclass(frozen=True)
class Supply:
    """Parameters of the supply of each cell (store * current models + model); arrays of shape (n_cells,) unless stated.

    Attributes
    ----------
    rate : ndarray of float64
        Cars per day that the store expects to sell at the launch of a model.
    lead_days : ndarray of int64
        Days from order to arrival, at most 53.
    launch_day, last_order_day : ndarray of int64
        First day of sale, negative if before the window, and last day on which the store orders.
    delivered : ndarray of float64, shape (n_months, n_cells)
        Fraction of an order that the maker delivers.
    """

    rate: FloatArray
    lead_days: IntArray
    launch_day: IntArray
    last_order_day: IntArray
    delivered: FloatArray


@dataclass(frozen=True)
class Trade:
    """Purchases, arrivals and stock of new cars. Returned by `trade`.

    One is `world.trade`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    outcome, cell : ndarray of int64, shape (n_buyers,)
        `LOST` (0), `FIRST` (1) or `SECOND` (2), and the cell that sold (-1 if lost).
    arrival_day, arrival_cell : ndarray of int64, shape (n_cars,)
        Day and cell of each car received; opening stock on day -1.
    closing, days_in_stock, received : ndarray of int64, shape (n_months, n_cells)
        Cars in stock at the end of each month, days with stock at opening, cars received.
    """

    outcome: IntArray
    cell: IntArray
    arrival_day: IntArray
    arrival_cell: IntArray
    closing: IntArray
    days_in_stock: IntArray
    received: IntArray


def trade(rng: Random, choices: BuyerChoices, supply: Supply, *, window: Window) -> Trade:
    """Simulate deliveries, purchases and orders over the days of the window.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("sales")`.
    choices : BuyerChoices
        `training.simulator.stock_and_sales.BuyerChoices(day, first, second)`: buyers in order of decision.
    supply : Supply
        `training.simulator.stock_and_sales.Supply(rate, lead_days, launch_day, last_order_day, delivered)`, by cell.
    window : Window
        Days and months to simulate: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Trade
        In the order of `choices`: `outcome` (0 lost, 1 first, 2 second choice) and `cell`; by car received:
        `arrival_day`, `arrival_cell`; by month and cell: `closing` (cars), `days_in_stock`, `received` (cars).

    Examples
    --------
    One cell without supply: both buyers are lost.

    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.seasons import Window
    >>> from training.simulator.stock_and_sales import LOST, BuyerChoices, Supply, trade
    >>> choices = BuyerChoices(day=np.array([3, 8]), first=np.array([0, 0]), second=np.array([-1, -1]))
    >>> zero, day, share = np.zeros(1), np.array([14]), np.ones((3, 1))
    >>> supply = Supply(zero, lead_days=day, launch_day=day + 99, last_order_day=day - 16, delivered=share)
    >>> result = trade(np.random.default_rng(0), choices, supply, window=Window.of(Size(months=3)))
    >>> (result.outcome == LOST).tolist()
    [True, True]
    """
    cells, months = len(supply.rate), window.months
    month_of_day = window.month(window.start + np.arange(window.days) * DAY)
    bounds = np.searchsorted(choices.day, np.arange(window.days + 1))
    substitutes = rng.random(len(choices.day)) < SUBSTITUTE
    ring = np.zeros((_RING, cells), dtype=np.int64)
    opening = np.where(supply.launch_day < 0, rng.poisson(supply.rate * 21) + 1, 0)
    stock, rate, on_order = opening.copy(), supply.rate.copy(), np.zeros(cells, dtype=np.int64)
    outcome, sold_cell = np.zeros(len(choices.day), dtype=np.int64), np.full(len(choices.day), -1, dtype=np.int64)
    arrivals = [_cars(-1, opening)]
    closing, stocked, received = (np.zeros((months, cells), dtype=np.int64) for _ in range(3))
    for day in range(window.days):
        month = month_of_day[day]
        arrived = np.where(supply.launch_day == day, rng.poisson(supply.rate * 21) + 1, 0) + ring[day % _RING]
        on_order -= ring[day % _RING]
        ring[day % _RING] = 0
        stock += arrived
        arrivals.append(_cars(day, arrived))
        received[month] += arrived
        stocked[month] += stock > 0
        in_stock = stock > 0
        rows = slice(bounds[day], bounds[day + 1])
        outcome[rows], sold_cell[rows] = _serve(stock, choices.first[rows], choices.second[rows], substitutes[rows])
        sold = np.bincount(sold_cell[rows][sold_cell[rows] >= 0], minlength=cells)
        rate += np.where(in_stock, (sold - rate) / MEMORY_DAYS, 0.0)
        closing[month] = stock
        if day % 7 == 0:
            _order(rng, day, ring, stock + on_order, rate=rate, supply=supply, month=int(month), on_order=on_order)
    cars = np.concatenate(arrivals, axis=1)
    return Trade(
        outcome=outcome,
        cell=sold_cell,
        arrival_day=cars[0],
        arrival_cell=cars[1],
        closing=closing,
        days_in_stock=stocked,
        received=received,
    )


def _cars(day: int, counts: IntArray) -> IntArray:
    """Return day and cell of each car received on a day, shape (2, cars)."""
    cell = np.repeat(np.arange(len(counts)), counts)
    return np.stack([np.full(len(cell), day, dtype=np.int64), cell])


def _serve(stock: IntArray, first: IntArray, second: IntArray, substitutes: BoolArray) -> tuple[IntArray, IntArray]:
    """Return outcomes and cells of one day's buyers, and reduce `stock` in place."""
    served = rank_within(first) < stock[first]
    np.subtract.at(stock, first[served], 1)
    outcome, cell = np.where(served, FIRST, LOST), np.where(served, first, -1)
    rest = np.flatnonzero(~served & substitutes & (second >= 0))
    substituted = rest[rank_within(second[rest]) < stock[second[rest]]]
    np.subtract.at(stock, second[substituted], 1)
    outcome[substituted], cell[substituted] = SECOND, second[substituted]
    return outcome, cell


def _order(
    rng: Random,
    day: int,
    ring: IntArray,
    position: IntArray,
    *,
    rate: FloatArray,
    supply: Supply,
    month: int,
    on_order: IntArray,
) -> None:
    """Place the week's orders: add the cars that will be delivered to `ring` and `on_order` in place."""
    active = (day >= supply.launch_day) & (day <= supply.last_order_day)
    expected = rate * (supply.lead_days + 7)
    target = expected + 0.7 * np.sqrt(expected) + 0.5
    ordered = np.where(active, np.maximum(np.floor(target - position + rng.random(len(rate))), 0), 0).astype(np.int64)
    delivered = rng.binomial(ordered, supply.delivered[month])
    arrives = (day + supply.lead_days + rng.integers(0, 11, len(rate))) % _RING
    np.add.at(ring, (arrives, np.arange(len(rate))), delivered)
    on_order += delivered
