"""Who visits the storefront when, and when a visitor becomes a customer."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import CHANNELS
from tests.training.simulator.small_group import END, START, make_funnel, make_journeys, make_people, make_world
from training.simulator.seasons import DAY, MINUTE
from training.simulator.sessions import APP, CASUAL, WEBSITE, build_sessions

SEARCH = CHANNELS.index("search_ad")


def test_a_journey_and_its_online_lead_bring_visits_in_the_order_of_time() -> None:
    journeys = make_journeys(1, begun_at=START + DAY, decided_at=START + 9 * DAY, intent=1.0)
    funnel = make_funnel(1, lead=True, channel=SEARCH, created_at=START + 5 * DAY)
    sessions = build_sessions(np.random.default_rng(0), make_world(journeys=journeys, funnel=funnel))
    assert (np.diff(sessions.begun_at) >= 0).all()
    assert set(sessions.person) == {0}
    keen = sessions.begun_at[sessions.keenness != CASUAL]
    assert sessions.keenness[sessions.keenness != CASUAL] == pytest.approx(np.exp(0.45))
    assert keen.min() == START + DAY and keen.max() < START + 9 * DAY
    before_lead = START + 5 * DAY - keen
    assert ((before_lead >= 3 * MINUTE) & (before_lead < 25 * MINUTE)).any()


def test_a_lead_left_in_the_showroom_brings_no_visit_to_the_storefront() -> None:
    n = 200
    journeys = make_journeys(n, begun_at=START + DAY, decided_at=START + 9 * DAY, intent=-40.0)  # never comes again
    walk_in = make_funnel(n, lead=True, channel=CHANNELS.index("walk_in"), created_at=START + 5 * DAY)
    people = make_people(n, customers=0)
    sessions = build_sessions(np.random.default_rng(0), make_world(people=people, journeys=journeys, funnel=walk_in))
    of_journeys = sessions.keenness != CASUAL
    assert of_journeys.sum() == n
    assert (sessions.begun_at[of_journeys] == START + DAY).all()


def test_strangers_come_at_least_once_by_their_usual_channel_or_a_referral() -> None:
    people = make_people(400, customers=0, app=np.arange(400) < 200)
    none = make_journeys(0, share=np.zeros((0, 1)))
    sessions = build_sessions(np.random.default_rng(0), make_world(people=people, journeys=none, funnel=make_funnel(0)))
    assert set(sessions.person) == set(range(400))
    assert sessions.begun_at.min() >= START and sessions.begun_at.max() < END
    usual = np.where(sessions.person < 200, APP, WEBSITE)
    assert (sessions.channel == usual).mean() == pytest.approx(0.88, abs=0.03)
    assert {CHANNELS[c] for c in sessions.channel[sessions.channel != usual]} == {"search_ad", "social", "marketplace"}
