"""Simulated visits to the storefront."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import CHANNELS
from tests.training.simulator.small_group import END, START, make_funnel, make_journeys, make_people, make_world
from training.simulator.seasons import DAY, MINUTE
from training.simulator.sessions import APP, CASUAL, WEBSITE, build_sessions

SEARCH = CHANNELS.index("search_ad")


def test_journeys_and_online_leads_have_visits_in_time_order() -> None:
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


def test_showroom_leads_have_no_storefront_visit() -> None:
    n = 200
    journeys = make_journeys(n, begun_at=START + DAY, decided_at=START + 9 * DAY, intent=-40.0)  # no further visits
    walk_in = make_funnel(n, lead=True, channel=CHANNELS.index("walk_in"), created_at=START + 5 * DAY)
    people = make_people(n, customers=0)
    sessions = build_sessions(np.random.default_rng(0), make_world(people=people, journeys=journeys, funnel=walk_in))
    of_journeys = sessions.keenness != CASUAL
    assert of_journeys.sum() == n
    assert (sessions.begun_at[of_journeys] == START + DAY).all()


def test_unregistered_visitors_come_at_least_once_by_default_channel_or_referral() -> None:
    people = make_people(400, customers=0, app=np.arange(400) < 200)
    none = make_journeys(0, share=np.zeros((0, 1)))
    sessions = build_sessions(np.random.default_rng(0), make_world(people=people, journeys=none, funnel=make_funnel(0)))
    assert set(sessions.person) == set(range(400))
    assert sessions.begun_at.min() >= START and sessions.begun_at.max() < END
    usual = np.where(sessions.person < 200, APP, WEBSITE)
    assert (sessions.channel == usual).mean() == pytest.approx(0.88, abs=0.03)
    assert {CHANNELS[c] for c in sessions.channel[sessions.channel != usual]} == {"search_ad", "social", "marketplace"}
