"""What happens in the showroom: test drives asked for and taken, and orders signed."""

from __future__ import annotations

import numpy as np

from features.tables import CHANNELS
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Random
from training.simulator.event_log import Log, log_of
from training.simulator.journeys import Journeys
from training.simulator.leads import Funnel
from training.simulator.sales import Sales
from training.simulator.seasons import DAY, HOUR, SHOP_HOURS, Window
from training.simulator.storefront import catalogue_count
from training.simulator.units import HANDOVER

ASKS_BUYER, ASKS_OTHER = 0.55, 0.16
TAKES = 0.78
WALK_IN = CHANNELS.index("walk_in")


def drives(rng: Random, journeys: Journeys, funnel: Funnel, *, catalogue: Catalogue, window: Window) -> list[Log]:
    """Draw requests and test drives between the lead (or the first look) and the decision."""
    begin = np.where(funnel.lead, funnel.created_at, journeys.begun_at)
    chance = np.where(funnel.wants, ASKS_BUYER, ASKS_OTHER)
    row = np.flatnonzero((journeys.decided_at - begin > 2 * DAY) & (rng.random(len(journeys)) < chance))
    room = journeys.decided_at[row] - begin[row]
    asked = begin[row] + (rng.uniform(0.02, 0.5, len(row)) * room).astype(np.int64)
    about = asked + (rng.uniform(0.2, 0.9, len(row)) * (journeys.decided_at[row] - asked)).astype(np.int64)
    driven = np.clip(
        window.at_hours(rng, window.day(about), SHOP_HOURS), asked + 2 * HOUR, journeys.decided_at[row] - HOUR
    )
    taken = rng.random(len(row)) < TAKES
    item = catalogue.item(journeys.seen[row], journeys.trim[row])
    channel = np.where(funnel.lead[row], funnel.channel[row], WALK_IN)
    person = journeys.person[row]
    return [
        log_of("test_drive_request", asked, person=person, channel=channel, vehicle=item),
        log_of(
            "test_drive",
            driven[taken],
            person=person[taken],
            channel=np.full(int(taken.sum()), WALK_IN),
            vehicle=item[taken],
        ),
    ]


def orders(sales: Sales, journeys: Journeys, *, catalogue: Catalogue) -> Log:
    """Log the order of each sale."""
    return log_of(
        "order",
        sales.sold_at - HANDOVER,
        person=journeys.person[sales.journey],
        channel=np.full(len(sales), WALK_IN),
        vehicle=catalogue_count(catalogue) + sales.unit,
    )
