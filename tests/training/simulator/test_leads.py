"""Leads: the equation of a purchase, calls in shop hours, and the leads table."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import CHANNELS
from tests.training.simulator.small_group import (
    CATALOGUE,
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
    lead_ids,
    lead_rows,
    leads_frame,
)
from training.simulator.seasons import DAY, HOUR, MINUTE, local_hour

WEBSITE = CHANNELS.index("website")


@pytest.fixture(scope="module")
def funnel() -> Funnel:
    """What became of 600 journeys of 20 days, all of ordinary keenness, at the door of an ordinary store."""
    journeys = make_journeys(600, person=0, begun_at=START + DAY, decided_at=START + 21 * DAY)
    return build_funnel(np.random.default_rng(0), journeys, people=make_people(1), stores=STORES, window=WINDOW)


def test_the_probability_of_a_purchase_follows_the_equation(funnel: Funnel) -> None:
    distance = 0.25 * 2.2  # of somebody who lives next door
    score = np.where(funnel.lead, BASE_LEAD + LOG_ODDS[funnel.channel], BASE_DIRECT) + distance
    assert np.allclose(funnel.base, sigmoid(score))
    called, lead = funnel.called_at < NEVER, funnel.lead
    freshness = np.exp(-DECAY[funnel.channel] * np.where(called, funnel.hours, 0.0))
    assert np.allclose(funnel.probability[called], (funnel.base * (FLOOR + (1 - FLOOR) * freshness))[called])
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


def test_the_leads_table_shows_what_is_known_at_the_end() -> None:
    journeys = make_journeys(3, begun_at=START, decided_at=[START + 9 * DAY, START + 9 * DAY, END + DAY], trim=1)
    funnel = make_funnel(
        3,
        lead=True,
        channel=[WEBSITE, CHANNELS.index("event"), WEBSITE],
        created_at=[START + DAY, START + 2 * DAY, END - HOUR],
        called_at=[START + DAY + HOUR, NEVER, END + HOUR],
    )
    frame = leads_frame(
        np.random.default_rng(0),
        journeys,
        funnel,
        people=make_people(3, distance=4.26),
        catalogue=CATALOGUE,
        stores=STORES,
        window=WINDOW,
        ordered_at=np.array([START + 9 * DAY, NEVER, NEVER]),
        margin=np.array([5_000.0, 0.0, 0.0]),
    )
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
