"""People, journeys and sales of a small group, one standing on the other."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.training.simulator.small_group import TINY
from training.simulator.draws import NEVER
from training.simulator.stock_and_sales import LOST
from training.simulator.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(dataclasses.replace(TINY, stores=2, customers=400))


def test_the_parts_fit_together(world: World) -> None:
    window = world.window
    assert world.people.customers == len(world.registered_at) == 400
    assert len(world.funnel.lead) == len(world.journeys)
    assert len(world.stores.city) == 2 and window.months == 3
    assert (world.registered_at < window.end).all()


def test_buyers_of_new_cars_are_served_in_the_order_of_their_decision(world: World) -> None:
    buyers = world.buyers
    decided = world.journeys.decided_at[buyers]
    assert (np.diff(decided) >= 0).all() and decided.max() < world.window.end
    assert world.funnel.wants[buyers].all() and not world.journeys.used[buyers].any()
    assert len(world.trade.outcome) == len(buyers)
    served = set(buyers[world.trade.outcome != LOST].tolist())
    new = (world.units.journey >= 0) & ~world.units.used
    assert set(world.units.journey[new].tolist()) == served
    assert new.sum() == len(served) > 0


def test_a_sale_is_of_a_car_that_arrived_in_the_same_store(world: World) -> None:
    sales, units, journeys = world.sales, world.units, world.journeys
    assert (units.journey[sales.unit] == sales.journey).all()
    assert (units.store[sales.unit] == journeys.store[sales.journey]).all()
    assert (units.listed_at[sales.unit] <= sales.sold_at).all()
    assert (sales.sold_at < world.window.end).all()


def test_expected_demand_is_the_sum_of_chances_and_nothing_of_what_a_store_does_not_carry(world: World) -> None:
    inside = ~world.journeys.used & (world.journeys.decided_at < world.window.end)
    assert world.expected.shape == (3, 2 * world.catalogue.current)
    assert world.expected.sum() == pytest.approx(world.funnel.probability[inside].sum(), rel=1e-5)
    carried = world.catalogue.carried(world.stores.assortment).ravel()
    assert (world.expected[:, ~carried] == 0).all() and (world.expected[:, carried] > 0).any()


def test_cars_arrive_only_where_they_are_carried(world: World) -> None:
    carried = world.catalogue.carried(world.stores.assortment).ravel()
    assert carried[world.trade.arrival_cell].all()
    unsold = world.units.sold_at == NEVER
    assert (world.units.journey[unsold] == -1).all()


def test_the_same_size_makes_the_same_world(world: World) -> None:
    again = build_world(world.size)
    assert again.units.price.tolist() == world.units.price.tolist()
    assert again.sales.sold_at.tolist() == world.sales.sold_at.tolist()
