"""Simulated showroom events: test drives and orders."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import CHANNELS
from tests.training.simulator.small_group import (
    ITEMS,
    START,
    make_funnel,
    make_journeys,
    make_sales,
    make_world,
)
from training.simulator.event_log import KIND
from training.simulator.seasons import DAY, HOUR
from training.simulator.units import HANDOVER
from training.simulator.visits import REQUEST_RATE_BUYER, REQUEST_RATE_OTHER, SHOW_UP_RATE, WALK_IN, drives, orders


def test_a_test_drive_follows_its_request_and_precedes_the_decision() -> None:
    n, begin, end = 2_000, START + DAY, START + 11 * DAY
    journeys = make_journeys(n, begun_at=START, decided_at=end, trim=2, initial_model=1)
    funnel = make_funnel(n, lead=True, channel=CHANNELS.index("app"), created_at=begin, wants=np.arange(n) < n // 2)
    requests, rides = drives(np.random.default_rng(0), make_world(journeys=journeys, funnel=funnel))
    assert set(requests.kind) == {KIND["test_drive_request"]} and set(rides.kind) == {KIND["test_drive"]}
    assert begin <= requests.at.min() and requests.at.max() < begin + (end - begin) / 2
    request = dict(zip(requests.person.tolist(), requests.at.tolist(), strict=True))
    assert all(at >= request[person] + 2 * HOUR for person, at in zip(rides.person, rides.at, strict=True))
    assert rides.at.max() <= end - HOUR
    assert set(requests.vehicle) == {1 * 3 + 2}
    assert set(requests.channel) == {CHANNELS.index("app")} and set(rides.channel) == {WALK_IN}
    buyers = (requests.person < n // 2).sum()
    assert buyers / (n / 2) == pytest.approx(REQUEST_RATE_BUYER, abs=0.05)
    assert (len(requests) - buyers) / (n / 2) == pytest.approx(REQUEST_RATE_OTHER, abs=0.05)
    assert len(rides) / len(requests) == pytest.approx(SHOW_UP_RATE, abs=0.05)


def test_there_is_no_time_for_a_test_drive_within_two_days_of_the_decision() -> None:
    journeys = make_journeys(500, begun_at=START, decided_at=START + 2 * DAY)
    logs = drives(np.random.default_rng(0), make_world(journeys=journeys, funnel=make_funnel(500)))
    assert [len(log) for log in logs] == [0, 0]


def test_orders_precede_the_handover() -> None:
    sales = make_sales(2, unit=[4, 7], journey=[1, 0], sold_at=[START + DAY, START + 2 * DAY])
    log = orders(make_world(sales=sales, journeys=make_journeys(2, person=[8, 9])))
    assert log.at.tolist() == [START + DAY - HANDOVER, START + 2 * DAY - HANDOVER]
    assert log.person.tolist() == [9, 8]
    assert log.vehicle.tolist() == [ITEMS + 4, ITEMS + 7]
    assert set(log.kind) == {KIND["order"]} and set(log.channel) == {WALK_IN}
