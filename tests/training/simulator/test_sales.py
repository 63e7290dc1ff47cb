"""Sales and stock as the books show them."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from tests.training.simulator.small_group import (
    CATALOGUE,
    CURRENT,
    END,
    MARKET,
    START,
    STORES,
    WINDOW,
    make_funnel,
    make_journeys,
    make_people,
    make_sales,
    make_units,
)
from training.simulator.draws import NEVER
from training.simulator.sales import build_sales, by_journey, lead_numbers, sales_frame, stock_frame, stocked_cells
from training.simulator.seasons import DAY, HOUR
from training.simulator.stock_and_sales import Trade
from training.simulator.units import HANDOVER


def test_a_sale_is_priced_below_the_list_by_its_promotion() -> None:
    promotion = MARKET.promotion.copy()
    promotion[0, 0, 1] = 0.08  # model 0 in February
    market = dataclasses.replace(MARKET, promotion=promotion)
    units = make_units(
        4,
        journey=[0, 1, -1, 2],
        sold_at=[START + 40 * DAY, START + DAY, START + 2 * DAY, END],
        price=100_000,
        cost=90_000,
        used=[False, True, False, False],
    )
    sales = build_sales(
        np.random.default_rng(0), units, make_journeys(3), catalogue=CATALOGUE, market=market, window=WINDOW
    )
    assert len(sales) == 2
    assert sales.unit.tolist() == [1, 0]  # by time; unit 2 has no buyer, unit 3 is sold after the end
    assert sales.promotion.tolist() == [0.0, 0.08]
    assert 97_500 <= sales.price[0] <= 100_000 and 89_700 <= sales.price[1] <= 92_000
    assert (sales.price % 100 == 0).all()
    assert np.allclose(sales.margin, sales.price - 90_000)


def test_orders_and_margins_by_journey() -> None:
    sales = make_sales(1, journey=[1], sold_at=[START + DAY], margin=[700.0])
    ordered, margin = by_journey(sales, journeys=3)
    assert ordered.tolist() == [NEVER, START + DAY - HANDOVER, NEVER]
    assert margin.tolist() == [0.0, 700.0, 0.0]


def test_leads_are_numbered_by_journey() -> None:
    funnel = make_funnel(3, lead=[True, False, True], created_at=[START + 2, NEVER, START + 1])
    assert lead_numbers(funnel, WINDOW).tolist() == [1, -1, 0]


def _frame(seed: int = 0) -> pl.DataFrame:
    sales = make_sales(40, sold_at=START + np.arange(40) * DAY, price=90_000, margin=4_000, promotion=0.02)
    return sales_frame(
        np.random.default_rng(seed),
        sales,
        units=make_units(40, item=3),
        journeys=make_journeys(40),
        funnel=make_funnel(40, lead=np.arange(40) == 5, created_at=np.where(np.arange(40) == 5, START, NEVER)),
        people=make_people(40, customers=39),
        catalogue=CATALOGUE,
        stores=STORES,
        window=WINDOW,
    )


def test_the_sales_table_names_car_buyer_and_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.sales.BOOKED_TWICE", 0.0)
    frame = _frame()
    assert frame.height == 40 and (frame["quantity"] == 1).all()
    assert frame.row(5, named=True) == {
        "sale_id": "N00000006", "sold_at": START + 5 * DAY, "store_id": "S0001", "region": "华东", "brand": "澄舟",
        "series": "澄舟A系", "model": "澄舟A3 插混", "vehicle_id": "V00000006", "customer_id": "K0000006",
        "lead_id": "L00000001", "quantity": 1.0, "price": 9_000_000, "gross_margin": 400_000, "promotion": 0.02,
    }  # fmt: skip
    assert frame["lead_id"].null_count() == 39
    assert frame["customer_id"][39] is None


def test_a_double_booking_is_corrected_later_so_that_quantities_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.sales.BOOKED_TWICE", 1.0)
    frame = _frame()
    assert frame.height == 120
    assert frame["sold_at"].is_sorted() and frame["sale_id"].is_sorted()
    by_car = frame.group_by("vehicle_id").agg(pl.sum("quantity"), wrong=(pl.col("quantity") < 0).sum())
    assert by_car["quantity"].to_list() == [1.0] * 40 and by_car["wrong"].to_list() == [1] * 40
    late = frame.filter(pl.col("quantity") < 0).join(frame.filter(pl.col("quantity") > 0), on="vehicle_id")
    delay = late["sold_at"] - late["sold_at_right"]
    assert delay.min() >= HOUR and delay.max() < 9 * DAY


def test_a_store_stocks_the_models_of_its_brands_while_they_are_on_sale() -> None:
    month, store, model = stocked_cells(CATALOGUE, STORES, months=3)
    assert set(CATALOGUE.brand[model[store == 0]]) == {0, 1, 2}
    assert set(CATALOGUE.brand[model[store == 1]]) == {3, 4, 5}
    assert (CATALOGUE.launch_month[model] <= month).all() and (month < CATALOGUE.end_month[model]).all()
    assert len(month) == CATALOGUE.on_sale(3).sum()  # each brand is sold by one of the two stores


def test_the_stock_table_shows_the_end_of_each_month_at_local_midnight() -> None:
    closing = np.arange(3 * 2 * CURRENT).reshape(3, 2 * CURRENT)
    none = np.zeros(0, dtype=np.int64)
    trade = Trade(none, none, none, none, closing=closing, days_in_stock=closing % 29, received=closing * 2)
    promotion = np.full_like(MARKET.promotion, 0.05)
    market = dataclasses.replace(MARKET, promotion=promotion)
    frame = stock_frame(trade, catalogue=CATALOGUE, market=market, stores=STORES, window=WINDOW)
    first = frame.filter(model=CATALOGUE.names[0])
    assert first["snapshot_at"].to_list() == [int(at) - 8 * HOUR for at in WINDOW.month_starts[1:]]
    assert first["quantity"].to_list() == [0.0, 2.0 * CURRENT, 4.0 * CURRENT]
    assert first["received"].to_list() == [0.0, 4.0 * CURRENT, 8.0 * CURRENT]
    assert first["price"].unique().to_list() == [8_530_000]  # 95 % of 89,800 yuan, to a hundred
