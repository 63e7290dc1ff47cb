"""New cars, day by day: what arrives, who finds the car he wants, and what the store orders.

Each day the cars ordered some weeks ago arrive; then the day's buyers come in their order. A buyer who finds his model
out of stock takes his second choice with probability SUBSTITUTE if that is there, and is lost otherwise. On Mondays
each store orders up to ::

    rate * (lead days + 7) + 0.7 * sqrt(rate * (lead days + 7)) + 0.5

where `rate` is a moving average of *sales* on days with stock (a planner sees no demand), and the maker delivers a
binomial share of the order, small in months of short supply. So demand is the count of first choices, and sales are
censored by stock.
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
_RING = 64  # days that an order can be under way


@dataclass(frozen=True)
class BuyerChoices:
    """Buyers of new cars in the order of their decision: day, wanted cell, second cell; a cell is store x model."""

    day: IntArray
    first: IntArray
    second: IntArray


@dataclass(frozen=True)
class Supply:
    """How cells are supplied, all by cell.

    Attributes
    ----------
    rate : ndarray of float64
        Sales a day that the store expects of a model when it is launched.
    lead_days : ndarray of int64
        Days from order to arrival.
    launch_day, last_order_day : ndarray of int64
        First day of sale and the last day on which the store orders; none for a cell that is not carried.
    delivered : ndarray of float64, shape (months, cells)
        Share of an order that the maker delivers.
    """

    rate: FloatArray
    lead_days: IntArray
    launch_day: IntArray
    last_order_day: IntArray
    delivered: FloatArray


@dataclass(frozen=True)
class Trade:
    """What happened.

    Attributes
    ----------
    outcome, cell : ndarray of int64
        By buyer: LOST, FIRST or SECOND, and the cell that sold (-1 if lost).
    arrival_day, arrival_cell : ndarray of int64
        One row per car received, the opening stock on day -1.
    closing, days_in_stock, received : ndarray of int64, shape (months, cells)
        Stock at the end of each month, days that began with stock, cars received.
    """

    outcome: IntArray
    cell: IntArray
    arrival_day: IntArray
    arrival_cell: IntArray
    closing: IntArray
    days_in_stock: IntArray
    received: IntArray


def trade(rng: Random, wants: BuyerChoices, supply: Supply, *, window: Window) -> Trade:
    """Run the stores through the days of the window."""
    cells, months = len(supply.rate), window.months
    month_of_day = window.month(window.start + np.arange(window.days) * DAY)
    bounds = np.searchsorted(wants.day, np.arange(window.days + 1))
    substitutes = rng.random(len(wants.day)) < SUBSTITUTE
    ring = np.zeros((_RING, cells), dtype=np.int64)
    opening = np.where(supply.launch_day < 0, rng.poisson(supply.rate * 21) + 1, 0)
    stock, rate, on_order = opening.copy(), supply.rate.copy(), np.zeros(cells, dtype=np.int64)
    outcome, sold_cell = np.zeros(len(wants.day), dtype=np.int64), np.full(len(wants.day), -1, dtype=np.int64)
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
        open_for_sale = stock > 0
        rows = slice(bounds[day], bounds[day + 1])
        outcome[rows], sold_cell[rows] = _serve(stock, wants.first[rows], wants.second[rows], substitutes[rows])
        sold = np.bincount(sold_cell[rows][sold_cell[rows] >= 0], minlength=cells)
        rate += np.where(open_for_sale, (sold - rate) / MEMORY_DAYS, 0.0)
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
    """Day and cell of every car that arrived."""
    cell = np.repeat(np.arange(len(counts)), counts)
    return np.stack([np.full(len(cell), day, dtype=np.int64), cell])


def _serve(stock: IntArray, first: IntArray, second: IntArray, substitutes: BoolArray) -> tuple[IntArray, IntArray]:
    """Serve one day's buyers from the stock, which shrinks; returns their outcomes and cells."""
    served = rank_within(first) < stock[first]
    np.subtract.at(stock, first[served], 1)
    outcome, cell = np.where(served, FIRST, LOST), np.where(served, first, -1)
    rest = np.flatnonzero(~served & substitutes & (second >= 0))
    again = rest[rank_within(second[rest]) < stock[second[rest]]]
    np.subtract.at(stock, second[again], 1)
    outcome[again], cell[again] = SECOND, second[again]
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
    """Place the week's orders: `ring` and `on_order` grow by what will arrive."""
    active = (day >= supply.launch_day) & (day <= supply.last_order_day)
    expected = rate * (supply.lead_days + 7)
    target = expected + 0.7 * np.sqrt(expected) + 0.5
    wanted = np.where(active, np.maximum(np.floor(target - position + rng.random(len(rate))), 0), 0).astype(np.int64)
    coming = rng.binomial(wanted, supply.delivered[month])
    arrives = (day + supply.lead_days + rng.integers(0, 11, len(rate))) % _RING
    np.add.at(ring, (arrives, np.arange(len(rate))), coming)
    on_order += coming
