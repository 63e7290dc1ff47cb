"""New cars and their buyers, used cars, and cars sold before the window."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import USES
from tests.training.simulator.small_group import (
    CATALOGUE,
    CURRENT,
    END,
    START,
    STORES,
    WINDOW,
    make_funnel,
    make_journeys,
    make_people,
    make_units,
)
from training.simulator.catalogue import DEALER_COST
from training.simulator.draws import NEVER
from training.simulator.seasons import DAY, HOUR
from training.simulator.stock_and_sales import FIRST, LOST, Trade
from training.simulator.units import HANDOVER, Units, build_units, unit_ids, units_frame, vins


@pytest.fixture(scope="module")
def units() -> Units:
    """Three cars of model 0 in store 0, two buyers of new cars of whom one is lost, and ten buyers of used cars."""
    used = np.arange(12) >= 2
    journeys = make_journeys(
        12,
        decided_at=START + 20 * DAY,
        used=used,
        first=np.where(used, CURRENT, 0),
        trim=np.where(used, 0, 2),
    )
    zeros = np.zeros((3, 2 * CURRENT), dtype=np.int64)
    trade = Trade(
        outcome=np.array([LOST, FIRST]),
        cell=np.array([-1, 0]),
        arrival_day=np.array([-1, 3, 5]),
        arrival_cell=np.zeros(3, dtype=np.int64),
        closing=zeros,
        days_in_stock=zeros,
        received=zeros,
    )
    return build_units(
        np.random.default_rng(0),
        journeys=journeys,
        funnel=make_funnel(12, wants=True),
        trade=trade,
        buyers=np.array([0, 1]),
        people=make_people(40, existing=True),
        catalogue=CATALOGUE,
        stores=STORES,
        window=WINDOW,
    )


def test_the_first_car_in_is_the_first_car_out_in_the_trim_of_its_buyer(units: Units) -> None:
    new = ~units.used & (units.listed_at > START - 46 * DAY) & (units.owner < 0) & (units.store == 0)
    stock = np.flatnonzero(new & (CATALOGUE.item_model[units.item] == 0))
    sold = stock[units.journey[stock] == 1]
    assert len(sold) == 1
    assert units.listed_at[sold[0]] < START  # from the opening stock
    assert units.item[sold[0]] == 2
    assert units.sold_at[sold[0]] == START + 20 * DAY + HANDOVER
    assert not (units.journey == 0).any()
    arrived = units.listed_at[stock[units.listed_at[stock] >= START]]
    assert [int((at - START) // DAY) for at in arrived] == [3, 5]
    assert (units.price[stock] == CATALOGUE.item_price[units.item[stock]]).all()
    assert np.allclose(units.cost[stock] / units.price[stock], DEALER_COST, rtol=0.02)


def test_a_used_car_is_listed_days_before_its_buyer_decides_and_costs_less_than_a_new_one(units: Units) -> None:
    used = np.flatnonzero(units.used)
    assert sorted(units.journey[used]) == list(range(2, 12))
    assert (units.sold_at[used] == START + 20 * DAY + HANDOVER).all()
    assert (units.listed_at[used] < START + 18 * DAY).all()
    assert (CATALOGUE.item_model[units.item[used]] == CURRENT).all()
    assert (units.price[used] < CATALOGUE.price[CURRENT]).all()
    assert (units.built_at[used] < units.listed_at[used]).all()


def test_cars_of_existing_customers_were_sold_before_the_window(units: Units) -> None:
    owned = units.owner >= 0
    assert 25 <= owned.sum() <= 40
    assert (units.sold_at[owned] < START).all() and (units.journey[owned] == -1).all()
    assert (units.built_at <= units.listed_at).all()
    assert (np.diff(units.listed_at) >= 0).all()


def test_identifiers_and_vehicle_identification_numbers() -> None:
    assert unit_ids(np.array([0, -1])).to_list() == ["V00000001", None]
    numbers = vins(make_units(2, item=[0, 94]), np.array([0, 1])).to_list()
    assert numbers == ["0ZZ00000000000000", "0ZZ09400000000001"]
    assert {len(number) for number in numbers} == {17}


def test_the_vehicles_table_shows_use_and_registration_of_used_cars_alone() -> None:
    built = START - 400 * DAY
    units = make_units(
        2, item=[1, 3 * CURRENT], used=[False, True], commercial=True, built_at=built, listed_at=START,
        sold_at=[END + HOUR, START + DAY], price=[89_800, 40_000], mileage=[12, 30_000],
    )  # fmt: skip
    frame = units_frame(units, CATALOGUE, STORES, WINDOW)
    assert frame["condition"].to_list() == ["new", "used"]
    assert frame["use"].to_list() == [None, USES[1]]
    assert frame["first_registered_at"].is_null().to_list() == [True, False]
    assert frame["model_year"].to_list() == [2021, 2021]
    assert frame["sold_at"].to_list() == [None, START + DAY]
    assert frame["trim"].to_list() == ["豪华版", None]
    assert frame["price"].to_list() == [8_980_000, 4_000_000]
    assert frame["catalogue_id"].to_list() == ["C0001", "C0084"]
    assert units.sold_at[0] < NEVER
