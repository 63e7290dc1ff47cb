"""What a person thinks of one vehicle at one instant."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.training.simulator.small_group import (
    CATALOGUE,
    ITEMS,
    MARKET,
    START,
    make_people,
    make_units,
    make_world,
)
from training.simulator.showroom import vehicle_utility
from training.simulator.tastes import PROMOTION_PULL
from training.simulator.world import World


def _utility(world: World, vehicle: int) -> float:
    return float(vehicle_utility(world, person=np.array([0]), vehicle=np.array([vehicle]), at=np.array([START]))[0])


def test_a_new_car_is_judged_by_its_list_price_and_promotion() -> None:
    people, units = make_people(1, budget=CATALOGUE.item_price[1], used_aversion=2.0), make_units(1)
    world = make_world(people=people, units=units)
    assert _utility(world, 1) == 0.0
    promotion = MARKET.promotion.copy()
    promotion[0, 0, 0] = 0.05
    appeal = MARKET.appeal.copy()
    appeal[0, 0] = 0.3
    market = dataclasses.replace(MARKET, promotion=promotion, appeal=appeal)
    assert _utility(dataclasses.replace(world, market=market), 1) == pytest.approx(0.3 + PROMOTION_PULL * 0.05)


def test_a_used_car_is_judged_by_its_own_price_without_a_promotion() -> None:
    promotion = np.full_like(MARKET.promotion, 0.08)
    market = dataclasses.replace(MARKET, promotion=promotion)
    people, units = make_people(1, budget=50_000, used_aversion=2.0), make_units(2, price=[80_000, 50_000], used=True)
    world = make_world(people=people, units=units, market=market)
    assert _utility(world, ITEMS + 1) == -2.0
    assert _utility(world, ITEMS) == pytest.approx(-2.0 - 7.0 * np.log(1.6) ** 2)
