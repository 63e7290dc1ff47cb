"""Simulated browsing: impressions, views, searches and follow-up events."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.training.simulator.small_group import (
    CATALOGUE,
    ITEMS,
    MARKET,
    START,
    WINDOW,
    make_people,
    make_units,
    make_world,
)
from training.simulator.browsing import (
    CLICK_OFFSET,
    CLICK_SLOPE,
    FOLLOW_RATES,
    browse,
    follow_ups,
    impressions,
    searches,
    vehicle_utility,
    views,
)
from training.simulator.draws import sigmoid, take
from training.simulator.event_log import KIND, join_logs, log_of
from training.simulator.seasons import DAY, MINUTE
from training.simulator.sessions import Sessions
from training.simulator.storefront import PLACES, Pages
from training.simulator.tastes import PROMOTION_PULL
from training.simulator.world import World

SECOND = MINUTE // 60
WORLD = make_world(people=make_people(2, budget=89_800), units=make_units(1, price=44_900, used=True))


def _sessions(count: int, *, keenness: float = 1.0) -> Sessions:
    return Sessions(
        person=np.arange(count) % 2,
        channel=np.ones(count, dtype=np.int64),
        begun_at=START + DAY + np.arange(count) * MINUTE,
        keenness=np.full(count, keenness),
    )


def test_impressions_carry_the_true_view_probability() -> None:
    vehicle, position = (np.full((1, PLACES), -1, dtype=np.int64) for _ in range(2))
    vehicle[0, [0, 3, 9]] = [1, 0, ITEMS]  # the trim at the budget, a cheaper one, and the used vehicle
    position[0, [0, 3, 9]] = [1, 6, 2]
    pages = Pages(vehicle, position, np.full((1, PLACES), 0.125))
    at, session = np.array([START + DAY]), np.array([1])
    log = impressions(WORLD, _sessions(2), pages, session=session, page=np.array([2]), at=at)
    assert log.vehicle.tolist() == [1, 0, ITEMS]
    assert log.person.tolist() == [1, 1, 1] and log.session.tolist() == [1, 1, 1]
    utility = [0.0, -2.2 * np.log(84_400 / 89_800) ** 2, -2.2 * np.log(2) ** 2]
    assert log.utility.tolist() == pytest.approx(utility, abs=1e-6)
    looks = sigmoid(CLICK_SLOPE * np.array(utility) + CLICK_OFFSET) / (1 + 0.18 * np.array([0, 5, 1]))
    assert log.view.tolist() == pytest.approx(looks.tolist(), abs=1e-6)
    assert log.propensity.tolist() == [0.125] * 3 and log.page.tolist() == [2] * 3


def test_views_follow_impressions_within_minutes() -> None:
    n = 200
    zeros, sure = np.zeros(n, dtype=np.int64), np.arange(n) % 2
    shown = log_of(
        "impression", np.full(n, START), person=zeros, channel=zeros, session=zeros, vehicle=np.arange(n),
        page=np.ones(n, dtype=np.int64), utility=np.zeros(n), view=sure.astype(np.float64),
    )  # fmt: skip
    looks = views(np.random.default_rng(0), shown)
    assert looks.vehicle.tolist() == list(range(1, n, 2))
    assert set(looks.kind) == {KIND["view"]} and set(looks.page) == {1}
    assert looks.at.min() >= START + 4 * SECOND and looks.at.max() < START + 240 * SECOND
    assert looks.dwell.min() >= 1 and looks.dwell.max() <= 1_800


def test_half_of_the_visits_search_among_the_store_s_vehicles() -> None:
    sessions = _sessions(400)
    search, looks = searches(np.random.default_rng(0), WORLD, sessions, np.arange(400))
    assert len(search) == len(looks) == pytest.approx(200, abs=40)
    assert set(search.kind) == {KIND["search"]} and set(search.vehicle) == {-1}
    assert search.session.tolist() == looks.session.tolist()
    assert (looks.at - search.at >= 5 * SECOND).all() and (looks.at - search.at < 60 * SECOND).all()
    model = CATALOGUE.item_model[looks.vehicle]
    assert set(CATALOGUE.brand[model]) <= {0, 1, 2}
    assert (CATALOGUE.launch_month[model] <= 0).all()  # early in January, before later launches


def test_follow_ups_come_after_the_view_and_depend_on_keenness() -> None:
    n = 4_000
    zeros = np.zeros(n, dtype=np.int64)
    looks = log_of(
        "view", np.full(n, START), person=zeros, channel=zeros, session=np.arange(n), vehicle=zeros + 1,
        dwell=np.full(n, 30.0),
    )  # fmt: skip
    logs = follow_ups(np.random.default_rng(0), WORLD, _sessions(n), looks)
    assert [int(log.kind[0]) for log in logs] == [KIND[kind] for kind in FOLLOW_RATES]
    for log, rate in zip(logs, FOLLOW_RATES.values(), strict=True):
        assert len(log) / n == pytest.approx(0.6 * rate, abs=0.02)  # utility 0 at the budget
        assert log.at.min() >= START + 31 * SECOND and log.at.max() < START + 120 * SECOND
    idle = follow_ups(np.random.default_rng(0), WORLD, _sessions(n, keenness=0.0), looks)
    assert [len(log) for log in idle] == [0] * len(FOLLOW_RATES)


def test_a_visit_has_one_or_two_pages_and_blocks_cover_all_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.simulator.browsing.BLOCK", 16)
    log = join_logs(browse(np.random.default_rng(0), WORLD, _sessions(40)), before=WINDOW.end)
    shown = take(log, np.flatnonzero(log.kind == KIND["impression"]))
    pages = {(session, at) for session, at in zip(shown.session.tolist(), shown.at.tolist(), strict=True)}
    assert {session for session, _ in pages} == set(range(40))
    assert 40 <= len(pages) < 60
    assert (np.diff(log.at) >= 0).all()


def _utility(world: World, vehicle: int) -> float:
    return float(vehicle_utility(world, person=np.array([0]), vehicle=np.array([vehicle]), at=np.array([START]))[0])


def test_utility_of_a_new_vehicle_uses_list_price_and_promotion() -> None:
    people, units = make_people(1, budget=CATALOGUE.item_price[1], used_aversion=2.0), make_units(1)
    world = make_world(people=people, units=units)
    assert _utility(world, 1) == 0.0
    promotion = MARKET.promotion.copy()
    promotion[0, 0, 0] = 0.05
    appeal = MARKET.appeal.copy()
    appeal[0, 0] = 0.3
    market = dataclasses.replace(MARKET, promotion=promotion, appeal=appeal)
    assert _utility(dataclasses.replace(world, market=market), 1) == pytest.approx(0.3 + PROMOTION_PULL * 0.05)


def test_utility_of_a_used_vehicle_uses_its_own_price_without_promotion() -> None:
    promotion = np.full_like(MARKET.promotion, 0.08)
    market = dataclasses.replace(MARKET, promotion=promotion)
    people, units = make_people(1, budget=50_000, used_aversion=2.0), make_units(2, price=[80_000, 50_000], used=True)
    world = make_world(people=people, units=units, market=market)
    assert _utility(world, ITEMS + 1) == -2.0
    assert _utility(world, ITEMS) == pytest.approx(-2.0 - 7.0 * np.log(1.6) ** 2)
