"""Tables of customers, leads, sales and stock."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from features.tables import CHANNELS, OLDEST_BIRTH
from tests.training.simulator.small_group import (
    CATALOGUE,
    CURRENT,
    END,
    MARKET,
    START,
    WINDOW,
    make_demographics,
    make_funnel,
    make_journeys,
    make_people,
    make_sales,
    make_units,
    make_world,
)
from training.simulator.books import (
    by_journey,
    customers_frame,
    leads_frame,
    masked_labels,
    sales_frame,
    stock_frame,
    stocked_cells,
)
from training.simulator.draws import NEVER
from training.simulator.seasons import DAY, HOUR
from training.simulator.stock_and_sales import Trade
from training.simulator.units import HANDOVER

WEBSITE = CHANNELS.index("website")


def test_missing_values_are_null() -> None:
    shown = masked_labels(("a", "b"), np.array([1, 0]), np.array([True, False]))
    assert shown.to_list() == ["b", None]


def test_the_customers_table_shows_tastes_and_rounded_money() -> None:
    people = make_people(
        300, customers=200, demographics=make_demographics(300, income=8_649.0, household=3), budget=100_000
    )
    people.body[:, 1] = 1.0
    frame = customers_frame(np.random.default_rng(0), make_world(people=people, registered_at=np.full(200, START)))
    assert frame.height == 200
    assert frame["monthly_income"].drop_nulls().unique().to_list() == [860_000]  # fen, to a hundred yuan
    assert 0 < frame["monthly_income"].null_count() < 200
    assert frame["preferred_body_type"].drop_nulls().n_unique() == 1
    assert frame["phone"].str.contains(r"^100\d{8}$").all()
    assert frame.select((pl.col("budget_low") < pl.col("budget_high")).all()).item()
    assert frame["region"].unique().to_list() == ["华东"]


def test_a_birth_before_the_oldest_that_a_table_may_show_is_null() -> None:
    people = make_people(50, demographics=make_demographics(50, birth=OLDEST_BIRTH - DAY))
    frame = customers_frame(np.random.default_rng(0), make_world(people=people, registered_at=np.full(50, START)))
    assert frame["birth_date"].is_null().all()


def test_the_leads_table_shows_what_is_known_at_the_end() -> None:
    journeys = make_journeys(3, begun_at=START, decided_at=[START + 9 * DAY, START + 9 * DAY, END + DAY], trim=1)
    funnel = make_funnel(
        3,
        lead=True,
        channel=[WEBSITE, CHANNELS.index("event"), WEBSITE],
        created_at=[START + DAY, START + 2 * DAY, END - HOUR],
        called_at=[START + DAY + HOUR, NEVER, END + HOUR],
    )
    sales = make_sales(1, journey=[0], sold_at=START + 9 * DAY + HANDOVER, margin=5_000)
    world = make_world(journeys=journeys, funnel=funnel, people=make_people(3, distance=4.26), sales=sales)
    frame = leads_frame(np.random.default_rng(0), world)
    assert frame["lead_id"].to_list() == ["L00000001", "L00000002", "L00000003"]
    assert frame["price"].unique().to_list() == [8_980_000]
    assert frame["distance_km"].unique().to_list() == [4.3]
    assert frame["campaign"].to_list() == [None, "区域车展-01", None]
    assert frame["first_contact_at"].to_list() == [START + DAY + HOUR, None, None]
    assert frame["contact_count"].to_list()[1:] == [0, 0] and frame["contact_count"][0] >= 1
    assert frame["salesperson_id"].is_null().to_list() == [False, True, True]
    assert frame["converted_at"].to_list() == [START + 9 * DAY, None, None]
    assert frame["gross_margin"].to_list() == [500_000, None, None]
    assert frame["closed_at"][0] == START + 9 * DAY
    assert START + 10 * DAY <= frame["closed_at"][1] < START + 21 * DAY
    assert frame["closed_at"][2] is None


def test_orders_and_margins_by_journey() -> None:
    sales = make_sales(1, journey=[1], sold_at=[START + DAY], margin=[700.0])
    ordered, margin = by_journey(make_world(sales=sales, journeys=make_journeys(3)))
    assert ordered.tolist() == [NEVER, START + DAY - HANDOVER, NEVER]
    assert margin.tolist() == [0.0, 700.0, 0.0]


def _frame(seed: int = 0) -> pl.DataFrame:
    sales = make_sales(40, sold_at=START + np.arange(40) * DAY, price=90_000, margin=4_000, promotion=0.02)
    world = make_world(
        sales=sales,
        units=make_units(40, item=3),
        journeys=make_journeys(40),
        funnel=make_funnel(40, lead=np.arange(40) == 5, created_at=np.where(np.arange(40) == 5, START, NEVER)),
        people=make_people(40, customers=39),
    )
    return sales_frame(np.random.default_rng(seed), world)


def test_the_sales_table_names_car_buyer_and_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.books.DOUBLE_BOOKING_SHARE", 0.0)
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
    monkeypatch.setattr("training.simulator.books.DOUBLE_BOOKING_SHARE", 1.0)
    frame = _frame()
    assert frame.height == 120
    assert frame["sold_at"].is_sorted() and frame["sale_id"].is_sorted()
    by_car = frame.group_by("vehicle_id").agg(pl.sum("quantity"), wrong=(pl.col("quantity") < 0).sum())
    assert by_car["quantity"].to_list() == [1.0] * 40 and by_car["wrong"].to_list() == [1] * 40
    late = frame.filter(pl.col("quantity") < 0).join(frame.filter(pl.col("quantity") > 0), on="vehicle_id")
    delay = late["sold_at"] - late["sold_at_right"]
    assert delay.min() >= HOUR and delay.max() < 9 * DAY


def test_a_store_stocks_the_models_of_its_brands_while_they_are_on_sale() -> None:
    month, store, model = stocked_cells(make_world())
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
    frame = stock_frame(make_world(trade=trade, market=market))
    first = frame.filter(model=CATALOGUE.names[0])
    assert first["snapshot_at"].to_list() == [int(at) - 8 * HOUR for at in WINDOW.month_starts[1:]]
    assert first["quantity"].to_list() == [0.0, 2.0 * CURRENT, 4.0 * CURRENT]
    assert first["received"].to_list() == [0.0, 4.0 * CURRENT, 8.0 * CURRENT]
    assert first["price"].unique().to_list() == [8_530_000]  # 95 % of 89,800 yuan, to a hundred
