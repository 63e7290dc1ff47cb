"""What happens in the showroom: test drives asked for and taken, and orders signed."""

from __future__ import annotations

import numpy as np

from features.tables import CHANNELS
from training.simulator.draws import Random
from training.simulator.event_log import Log, log_of
from training.simulator.seasons import DAY, HOUR, SHOP_HOURS
from training.simulator.units import HANDOVER
from training.simulator.world import World

ASKS_BUYER, ASKS_OTHER = 0.55, 0.16
TAKES = 0.78
WALK_IN = CHANNELS.index("walk_in")


def drives(rng: Random, world: World) -> list[Log]:
    """Draw requests and test drives between the lead (or the first look) and the decision."""
    journeys, funnel, window = world.journeys, world.funnel, world.window
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
    item = world.catalogue.item(journeys.seen[row], journeys.trim[row])
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


def orders(world: World) -> Log:
    """Log the order of each sale."""
    sales = world.sales
    return log_of(
        "order",
        sales.sold_at - HANDOVER,
        person=world.journeys.person[sales.journey],
        channel=np.full(len(sales), WALK_IN),
        vehicle=len(world.catalogue.item_model) + sales.unit,
    )
