"""Cars in the field: from their sale until they leave."""

from __future__ import annotations

import numpy as np

from tests.training.simulator.small_group import (
    CATALOGUE,
    END,
    START,
    WINDOW,
    make_fleet,
    make_journeys,
    make_people,
    make_sales,
    make_units,
    make_world,
)
from training.simulator.draws import NEVER
from training.simulator.fleet import build_fleet, fleet_frame
from training.simulator.seasons import DAY, MONTH


def test_a_car_is_observed_within_the_window_and_its_clock_runs_evenly() -> None:
    fleet = make_fleet(
        2, entered_at=[START - 60 * DAY, START + DAY], left_at=[START + 9 * DAY, NEVER], start_km=[5, 10]
    )
    assert fleet.observed_from(WINDOW).tolist() == [START, START + DAY]
    assert fleet.observed_until(WINDOW).tolist() == [START + 9 * DAY, END]
    at = np.array([START + DAY, START + DAY + int(2 * MONTH)])
    assert fleet.kilometres(np.array([1, 1]), at).tolist() == [10.0, 2_410.0]


def test_sold_cars_are_on_the_road_and_earlier_ones_may_be_traded_in() -> None:
    n = 400  # cars sold before the window, each of whose owners buys another one on the tenth day
    before = make_units(
        2 * n + 2,
        sold_at=np.r_[np.full(n, START - 100 * DAY), np.full(n, START + 10 * DAY), NEVER, END + DAY],
        owner=np.r_[np.arange(n), np.full(n + 2, -1)],
        journey=np.r_[np.full(n, -1), np.arange(n), -1, 0],
        mileage=7,
    )
    sales = make_sales(n, unit=n + np.arange(n), sold_at=START + 10 * DAY)
    fleet = build_fleet(np.random.default_rng(0), make_world(units=before, sales=sales, journeys=make_journeys(n)))
    assert fleet.unit.tolist() == list(range(2 * n))  # neither the unsold car nor the one sold after the end
    assert fleet.person.tolist() == [*range(n), *range(n)]
    assert (fleet.start_km == 7).all() and (fleet.monthly_km > 0).all()
    traded = (fleet.left_at[:n] == START + 10 * DAY).mean()
    assert 0.6 < traded < 0.74
    assert (fleet.left_at[n:] > START + 10 * DAY).all()


def test_a_car_for_hire_is_driven_more() -> None:
    units = make_units(400, sold_at=START - DAY, commercial=np.arange(400) < 200)
    fleet = build_fleet(np.random.default_rng(0), make_world(units=units))
    ratio = fleet.monthly_km[:200].mean() / fleet.monthly_km[200:].mean()
    assert 3.3 < ratio < 4.2  # 4,500 km to 1,200 km a month


def test_the_fleet_table_shows_no_owner_who_is_unknown_and_no_end_of_cars_that_drive() -> None:
    fleet = make_fleet(2, unit=[3, 4], person=[1, -1], left_at=[START + DAY, NEVER])
    frame = fleet_frame(fleet, make_world(units=make_units(5), people=make_people(2)))
    assert frame["vehicle_id"].to_list() == ["V00000004", "V00000005"]
    assert frame["customer_id"].to_list() == ["K0000002", None]
    assert frame["left_service_at"].to_list() == [START + DAY, None]
    assert frame["energy_type"].unique().to_list() == ["combustion"]
    assert frame["model"].unique().to_list() == [CATALOGUE.names[0]]
