"""Sales and monthly stock, as the books show them.

About one sale in two hundred is booked twice and corrected by a row of quantity -1 some days later, as happens: the
quantities of a car add up to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import BRANDS, Catalogue
from training.simulator.draws import NEVER, Random, fen, labels, numbered
from training.simulator.journeys import Journeys
from training.simulator.leads import Funnel, lead_ids, lead_rows
from training.simulator.people import People, customer_ids
from training.simulator.seasons import DAY, HOUR, Window
from training.simulator.stock_and_sales import Trade
from training.simulator.stores import Market, Stores
from training.simulator.units import HANDOVER, Units, unit_ids

BOOKED_TWICE = 0.005


@dataclass(frozen=True)
class Sales:
    """Sales in the order of their time.

    Attributes
    ----------
    unit, journey : ndarray of int64
        Car and journey.
    sold_at : ndarray of int64
        Instant (us); the order was signed HANDOVER earlier.
    price, margin, promotion : ndarray of float64
        Yuan, yuan, share of the list price.
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
    """Price the sales."""
    unit = np.flatnonzero((units.journey >= 0) & (units.sold_at < window.end))
    unit = unit[np.argsort(units.sold_at[unit], kind="stable")]
    model, used, sold = catalogue.item_model[units.item[unit]], units.used[unit], units.sold_at[unit]
    month = window.month(sold)
    promotion = market.promotion[units.store[unit], np.where(used, 0, model), month]
    promotion = np.where(used, 0.0, promotion)
    price = np.round(units.price[unit] * (1 - promotion) * (1 - rng.uniform(0, 0.025, len(unit))), -2)
    return Sales(unit, units.journey[unit], sold, price, price - units.cost[unit], promotion)


def by_journey(sales: Sales, *, journeys: int) -> tuple[IntArray, FloatArray]:
    """Order instant (us, NEVER without one) and margin (yuan) of each journey."""
    ordered, margin = np.full(journeys, NEVER, dtype=np.int64), np.zeros(journeys)
    ordered[sales.journey] = sales.sold_at - HANDOVER
    margin[sales.journey] = sales.margin
    return ordered, margin


def sales_frame(
    rng: Random,
    sales: Sales,
    *,
    units: Units,
    journeys: Journeys,
    funnel: Funnel,
    people: People,
    catalogue: Catalogue,
    stores: Stores,
    window: Window,
) -> pl.DataFrame:
    """The sales table, wrong bookings and their corrections included."""
    twice = np.flatnonzero(rng.random(len(sales)) < BOOKED_TWICE)
    corrected = sales.sold_at[twice] + rng.integers(HOUR, 9 * DAY, len(twice))
    twice, corrected = twice[corrected < window.end], corrected[corrected < window.end]
    row = np.r_[np.arange(len(sales)), twice, twice]
    at = np.r_[sales.sold_at, sales.sold_at[twice], corrected]
    quantity = np.r_[np.ones(len(sales) + len(twice)), -np.ones(len(twice))]
    order = np.argsort(at, kind="stable")
    row, at, quantity = row[order], at[order], quantity[order]
    unit, journey = sales.unit[row], sales.journey[row]
    item = units.item[unit]
    model, store = catalogue.item_model[item], units.store[unit]
    return pl.DataFrame(
        {
            "sale_id": numbered("N", np.arange(1, len(row) + 1), width=8),
            "sold_at": pl.Series(at),
            "store_id": stores.ids(store),
            "region": stores.regions(store),
            "brand": labels(BRANDS, catalogue.brand[model]),
            "series": labels(catalogue.series, model),
            "model": labels(catalogue.names, model),
            "vehicle_id": unit_ids(unit),
            "customer_id": customer_ids(journeys.person[journey], customers=people.customers),
            "lead_id": lead_ids(lead_numbers(funnel, window)[journey]),
            "quantity": pl.Series(quantity),
            "price": pl.Series(fen(sales.price[row])),
            "gross_margin": pl.Series(fen(sales.margin[row])),
            "promotion": pl.Series(sales.promotion[row]),
        }
    )


def lead_numbers(funnel: Funnel, window: Window) -> IntArray:
    """Number of each journey's lead; -1 without one."""
    rows = lead_rows(funnel, window=window)
    numbers = np.full(len(funnel.lead), -1, dtype=np.int64)
    numbers[rows] = np.arange(len(rows))
    return numbers


def stock_frame(trade: Trade, *, catalogue: Catalogue, market: Market, stores: Stores, window: Window) -> pl.DataFrame:
    """The stock table: what each store has of each new model it carries, at local midnight after each month's end."""
    month, store, model = stocked_cells(catalogue, stores, months=window.months)
    cell = store * catalogue.current + model
    promotion = market.promotion[store, model, month]
    return pl.DataFrame(
        {
            "store_id": stores.ids(store),
            "model": labels(catalogue.names, model),
            "snapshot_at": pl.Series(window.month_starts[month + 1] - 8 * HOUR),
            "quantity": pl.Series(trade.closing[month, cell].astype(np.float64)),
            "days_in_stock": pl.Series(trade.days_in_stock[month, cell].astype(np.float64)),
            "received": pl.Series(trade.received[month, cell].astype(np.float64)),
            "price": pl.Series(fen(np.round(catalogue.price[model] * (1 - promotion), -2))),
            "promotion": pl.Series(promotion),
        }
    )


def stocked_cells(catalogue: Catalogue, stores: Stores, *, months: int) -> tuple[IntArray, IntArray, IntArray]:
    """Month, store and model of every cell that is on sale: the rows of the stock table and of true demand."""
    carried = catalogue.carried(stores.assortment)
    month, store, model = np.nonzero(carried[None, :, :] & catalogue.on_sale(months).T[:, None, :])
    return month, store, model
