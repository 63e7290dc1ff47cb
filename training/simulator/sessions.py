"""Simulated visits to the storefront: of journeys, of customers outside journeys, and of visitors who never register.

A journey has one visit at its start and Poisson(2.2 * exp(0.6 * intent)) more; an online lead is created during one.
Customers make Poisson-distributed visits outside journeys, unregistered visitors one or a few. Before registration,
events carry `visitor_id` only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.tables import CHANNELS
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.draws import NEVER, Random, pick
from training.simulator.journeys import Journeys
from training.simulator.leads import ON_SITE, Funnel
from training.simulator.people import People
from training.simulator.seasons import HOUR, MINUTE, ONLINE_HOURS, Window
from training.simulator.world import World

VISITS_PER_JOURNEY = 2.2
VISITS_OUTSIDE_JOURNEYS = 0.9
VISITS_UNREGISTERED = 1.2
CASUAL = 0.35
WEBSITE, APP = CHANNELS.index("website"), CHANNELS.index("app")
_REFERRED = np.array([CHANNELS.index(c) for c in ("search_ad", "social", "marketplace")])


@dataclass(frozen=True)
class Sessions:
    """Visits in order of their start, one array element per visit. Drawn by `build_sessions`.

    `training.simulator.sessions.build_sessions(world.size.stream("browsing"), world)` makes one, with `world` =
    `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    person, channel : ndarray of int64
        Positions in `world.people` and `features.tables.CHANNELS`.
    begun_at : ndarray of int64
        Start, microseconds since 1970 UTC.
    keenness : ndarray of float64
        Factor on the follow-up rates after a view: exp(0.45 * intent) in a journey, `CASUAL` outside.
    """

    person: IntArray
    channel: IntArray
    begun_at: IntArray
    keenness: FloatArray

    def __len__(self) -> int:
        return len(self.person)


def build_sessions(rng: Random, world: World) -> Sessions:
    """Draw all visits within the window.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    Sessions
        By visit, in order of start: `person`, `channel` (positions), `begun_at` (int64, microseconds since 1970 UTC)
        and `keenness` (factor on the follow-up rates).

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.sessions import build_sessions
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> len(build_sessions(world.size.stream("browsing"), world))
    413
    """
    people, journeys, funnel, window = world.people, world.journeys, world.funnel, world.window
    parts = [
        _journey_begins(rng, journeys, funnel),
        _journey_visits(rng, journeys, window),
        _lead_visits(rng, journeys, funnel),
        _casual_visits(rng, people, window),
        _unregistered_visits(rng, people, window),
    ]
    person, begun, channel, keenness = (np.concatenate([p[k] for p in parts]) for k in range(4))
    default_channel = np.where(people.app[person], APP, WEBSITE)
    referred = _REFERRED[rng.integers(0, len(_REFERRED), len(person))]
    default_channel = np.where(rng.random(len(person)) < 0.12, referred, default_channel)
    rows = np.flatnonzero((begun >= window.start) & (begun < window.end))
    rows = rows[np.argsort(begun[rows], kind="stable")]
    channel = np.where(channel < 0, default_channel, channel)[rows]
    return Sessions(person[rows], channel, begun[rows], keenness[rows])


_Visits = tuple[IntArray, IntArray, IntArray, FloatArray]  # person, start, channel or -1, keenness


def _visits(
    person: IntArray, begun: IntArray, *, channel: IntArray | None = None, intent: FloatArray | None = None
) -> _Visits:
    n = len(person)
    channels = np.full(n, -1, dtype=np.int64) if channel is None else channel
    return person, begun, channels, np.full(n, CASUAL) if intent is None else np.exp(0.45 * intent)


def _online_lead(funnel: Funnel) -> BoolArray:
    return np.asarray(funnel.lead & ~ON_SITE[funnel.channel], dtype=np.bool_)


def _journey_begins(rng: Random, journeys: Journeys, funnel: Funnel) -> _Visits:
    via_lead_channel = _online_lead(funnel) & (rng.random(len(journeys)) < 0.6)
    return _visits(
        journeys.person,
        journeys.begun_at,
        channel=np.where(via_lead_channel, funnel.channel, -1),
        intent=journeys.intent,
    )


def _journey_visits(rng: Random, journeys: Journeys, window: Window) -> _Visits:
    count = rng.poisson(VISITS_PER_JOURNEY * np.exp(0.6 * journeys.intent))
    row = np.repeat(np.arange(len(journeys)), count)
    low, high = journeys.begun_at[row], journeys.decided_at[row] - 2 * HOUR
    approximate_at = low + (rng.random(len(row)) * (high - low)).astype(np.int64)
    begun = np.clip(window.at_hours(rng, window.day(approximate_at), ONLINE_HOURS), low, high)
    return _visits(journeys.person[row], begun, intent=journeys.intent[row])


def _lead_visits(rng: Random, journeys: Journeys, funnel: Funnel) -> _Visits:
    row = np.flatnonzero(_online_lead(funnel) & (funnel.created_at < NEVER))
    before = funnel.created_at[row] - rng.integers(3 * MINUTE, 25 * MINUTE, len(row))
    begun = np.maximum(before, journeys.begun_at[row])
    channel = np.where(rng.random(len(row)) < 0.8, funnel.channel[row], -1)
    return _visits(
        journeys.person[row], np.maximum(begun, journeys.begun_at[row]), channel=channel, intent=journeys.intent[row]
    )


def _casual_visits(rng: Random, people: People, window: Window) -> _Visits:
    person = np.repeat(np.arange(people.customers), rng.poisson(VISITS_OUTSIDE_JOURNEYS, people.customers))
    day = pick(rng, window.season[: window.days], len(person))
    return _visits(person, window.at_hours(rng, day, ONLINE_HOURS))


def _unregistered_visits(rng: Random, people: People, window: Window) -> _Visits:
    unregistered = np.arange(people.customers, len(people))
    count = 1 + rng.poisson(VISITS_UNREGISTERED, len(unregistered))
    person = np.repeat(unregistered, count)
    first = np.repeat(rng.integers(0, window.days, len(unregistered)), count)
    day = np.minimum(first + rng.integers(0, 20, len(person)), window.days - 1)
    return _visits(person, window.at_hours(rng, day, ONLINE_HOURS))
