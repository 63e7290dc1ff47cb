"""Simulated events in the showroom: test-drive requests, test drives and orders."""

from __future__ import annotations

import numpy as np

from features.tables import CHANNELS
from training.simulator.draws import Random
from training.simulator.event_log import Log, log_of
from training.simulator.seasons import DAY, HOUR, SHOP_HOURS
from training.simulator.units import HANDOVER
from training.simulator.world import World

REQUEST_RATE_BUYER, REQUEST_RATE_OTHER = 0.55, 0.16
SHOW_UP_RATE = 0.78
WALK_IN = CHANNELS.index("walk_in")


def drives(rng: Random, world: World) -> list[Log]:
    """Draw test-drive requests and test drives between the lead (or the start of the journey) and the decision.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    list of two Log
        The test-drive requests, then the drives that take place, some after the end of the data. Each has `at` (int64,
        microseconds since 1970 UTC), `kind`, `channel`, `position`, `page`, `person`, `session`, `vehicle` (codes),
        `dwell` (seconds), `propensity`, `utility` and `view`, one array element per event;
        `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.visits import drives
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> requests, test_drives = drives(world.size.stream("browsing"), world)
    >>> len(requests) >= len(test_drives) > 0
    True
    """
    journeys, funnel, window = world.journeys, world.funnel, world.window
    begin = np.where(funnel.lead, funnel.created_at, journeys.begun_at)
    probability = np.where(funnel.wants, REQUEST_RATE_BUYER, REQUEST_RATE_OTHER)
    row = np.flatnonzero((journeys.decided_at - begin > 2 * DAY) & (rng.random(len(journeys)) < probability))
    time_left = journeys.decided_at[row] - begin[row]
    requested = begin[row] + (rng.uniform(0.02, 0.5, len(row)) * time_left).astype(np.int64)
    approximate_at = requested + (rng.uniform(0.2, 0.9, len(row)) * (journeys.decided_at[row] - requested)).astype(
        np.int64
    )
    driven_at = np.clip(
        window.at_hours(rng, window.day(approximate_at), SHOP_HOURS),
        requested + 2 * HOUR,
        journeys.decided_at[row] - HOUR,
    )
    drove = rng.random(len(row)) < SHOW_UP_RATE
    item = world.catalogue.item(journeys.initial_model[row], journeys.trim[row])
    channel = np.where(funnel.lead[row], funnel.channel[row], WALK_IN)
    person = journeys.person[row]
    return [
        log_of("test_drive_request", requested, person=person, channel=channel, vehicle=item),
        log_of(
            "test_drive",
            driven_at[drove],
            person=person[drove],
            channel=np.full(int(drove.sum()), WALK_IN),
            vehicle=item[drove],
        ),
    ]


def orders(world: World) -> Log:
    """Return the log of one order per sale, in the order of `world.sales`.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    Log
        Events of type `order`: `at` (int64, microseconds since 1970 UTC), `kind`, `channel`, `position`, `page`,
        `person`, `session`, `vehicle` (codes), `dwell` (seconds), `propensity`, `utility` and `view`, one array element
        per event; `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.visits import orders
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> len(orders(world)) == len(world.sales)
    True
    """
    sales = world.sales
    return log_of(
        "order",
        sales.sold_at - HANDOVER,
        person=world.journeys.person[sales.journey],
        channel=np.full(len(sales), WALK_IN),
        vehicle=len(world.catalogue.item_model) + sales.unit,
    )
