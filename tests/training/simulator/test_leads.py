"""Simulated leads: the equation of a purchase, calls in shop hours, and numbers of leads."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import CHANNELS
from tests.training.simulator.small_group import (
    END,
    START,
    STORES,
    WINDOW,
    make_funnel,
    make_journeys,
    make_people,
)
from training.simulator.draws import NEVER, sigmoid
from training.simulator.leads import (
    BASE_DIRECT,
    BASE_LEAD,
    DECAY,
    FLOOR,
    LOG_ODDS,
    Funnel,
    build_funnel,
    first_registration,
    lead_ids,
    lead_numbers,
    lead_rows,
)
from training.simulator.seasons import DAY, HOUR, MINUTE, local_hour

WEBSITE = CHANNELS.index("website")


@pytest.fixture(scope="module")
def funnel() -> Funnel:
    """Draw leads for 600 journeys of 20 days with average intent and no distance to an average store."""
    journeys = make_journeys(600, person=0, begun_at=START + DAY, decided_at=START + 21 * DAY)
    return build_funnel(np.random.default_rng(0), journeys, people=make_people(1), stores=STORES, window=WINDOW)


def test_the_probability_of_a_purchase_follows_the_equation(funnel: Funnel) -> None:
    distance = 0.25 * 2.2  # of a customer next to the store
    score = np.where(funnel.lead, BASE_LEAD + LOG_ODDS[funnel.channel], BASE_DIRECT) + distance
    assert np.allclose(funnel.base, sigmoid(score))
    called, lead = funnel.called_at < NEVER, funnel.lead
    remaining = np.exp(-DECAY[funnel.channel] * np.where(called, funnel.hours, 0.0))
    assert np.allclose(funnel.probability[called], (funnel.base * (FLOOR + (1 - FLOOR) * remaining))[called])
    assert np.allclose(funnel.probability[lead & ~called], FLOOR * funnel.base[lead & ~called])
    assert np.allclose(funnel.probability[~lead], funnel.base[~lead])
    assert (lead & ~called).any() and called.any() and not called[~lead].any()


def test_calls_are_made_in_shop_hours_before_the_decision(funnel: Funnel) -> None:
    called = funnel.called_at[funnel.called_at < NEVER]
    hour = local_hour(called)
    assert hour.min() >= 9 and hour.max() < 21
    assert called.max() < START + 21 * DAY - 30 * MINUTE
    created = funnel.created_at[funnel.lead]
    assert created.min() >= START + DAY + 10 * MINUTE and created.max() <= START + 21 * DAY - 3 * HOUR
    assert (funnel.channel[~funnel.lead] == CHANNELS.index("walk_in")).all()


def test_leads_are_numbered_in_the_order_of_their_time_and_only_within_the_data() -> None:
    funnel = make_funnel(4, lead=[True, False, True, True], created_at=[START + 9, NEVER, START + 3, END])
    assert lead_rows(funnel, window=WINDOW).tolist() == [2, 0]
    assert lead_ids(np.array([0, -1, 41])).to_list() == ["L00000001", None, "L00000042"]


def test_leads_are_numbered_by_journey() -> None:
    funnel = make_funnel(3, lead=[True, False, True], created_at=[START + 2, NEVER, START + 1])
    assert lead_numbers(funnel, WINDOW).tolist() == [1, -1, 0]


def test_a_customer_registers_at_the_first_look_or_with_the_lead() -> None:
    n = 300
    journeys = make_journeys(n, person=np.arange(n), begun_at=START + DAY)
    funnel = make_funnel(n, lead=np.arange(n) < 200, created_at=np.where(np.arange(n) < 200, START + 3 * DAY, NEVER))
    at = first_registration(np.random.default_rng(0), journeys, funnel, people=n + 1, window=WINDOW)
    assert set(at[:200]) == {START + DAY, START + 3 * DAY - 2 * MINUTE}
    assert set(at[200:n]) == {START + DAY}
    assert at[n] == NEVER


def test_the_earliest_of_several_journeys_registers() -> None:
    journeys = make_journeys(2, person=0, begun_at=[START + 9, START + 4])
    at = first_registration(np.random.default_rng(0), journeys, make_funnel(2), people=1, window=WINDOW)
    assert at.tolist() == [START + 4]
