"""Simulated leads: channel, time of the first call, and probability of a purchase.

    base = sigmoid(c + 0.85 * intent + 0.45 * inclusive + channel + store - 0.25 * (log1p(km) - 2.2) + 0.3 * existing)
    purchase = base * (floor + (1 - floor) * exp(-decay[channel] * hours until the first call))

For a lead that is never called, or called after the decision, the exponential is zero: `base * floor`. Shoppers who buy
without a lead follow the same equation with another constant and no decay. Calls are made in shop hours and take longer
in slow stores and busy weeks; this variation makes the decay identifiable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import CHANNELS
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.draws import NEVER, Random, numbered, pick, sigmoid
from training.simulator.journeys import Journeys
from training.simulator.people import People
from training.simulator.seasons import HOUR, MINUTE, ONLINE_HOURS, SHOP_HOURS, Window, local_hour
from training.simulator.stores import Stores

LEAD_SHARE = 0.72
FLOOR = 0.35
NEVER_CALLED = 0.05
BASE_LEAD, BASE_DIRECT = -1.05, 0.55

# channel: share of leads, log-odds, decay per hour, yuan per lead, median hours until the first call
_CHANNELS = {
    "walk_in": (0.08, 0.9, 0.0, 0.0, 0.05),
    "website": (0.19, 0.0, 0.08, 18.0, 2.0),
    "app": (0.15, 0.2, 0.06, 12.0, 1.8),
    "search_ad": (0.15, -0.3, 0.12, 85.0, 1.6),
    "social": (0.13, -0.6, 0.10, 60.0, 2.6),
    "marketplace": (0.13, -0.4, 0.15, 95.0, 1.4),
    "referral": (0.07, 0.9, 0.02, 30.0, 1.2),
    "phone": (0.06, 0.4, 0.03, 5.0, 0.1),
    "event": (0.04, -0.2, 0.03, 120.0, 8.0),
}
SHARES, LOG_ODDS, DECAY, COST, MEDIAN_HOURS = (np.array([_CHANNELS[c][k] for c in CHANNELS]) for k in range(5))
ON_SITE = np.array([c in ("walk_in", "phone", "event") for c in CHANNELS])


@dataclass(frozen=True)
class Funnel:
    """Leads, calls and decisions; each array has one value for each journey. Drawn by `build_funnel`.

    One is `world.funnel`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    lead : ndarray of bool
        Whether the shopper left a lead.
    channel : ndarray of int64
        Position in `features.tables.CHANNELS`.
    created_at, called_at : ndarray of int64
        Time of the lead and of the first call, microseconds since 1970 UTC; `draws.NEVER` without one.
    base, probability : ndarray of float64
        Probability of a purchase after an immediate call, and the true probability, see the module's equation.
    decay, hours : ndarray of float64
        Decay per hour; hours until the first call, infinite without a call.
    wants : ndarray of bool
        Whether the shopper buys if the car is in stock.
    """

    lead: BoolArray
    channel: IntArray
    created_at: IntArray
    called_at: IntArray
    base: FloatArray
    decay: FloatArray
    hours: FloatArray
    probability: FloatArray
    wants: BoolArray


def build_funnel(rng: Random, journeys: Journeys, *, people: People, stores: Stores, window: Window) -> Funnel:
    """Draw leads, first calls and decisions for all journeys.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("leads")`.
    journeys : Journeys
        As returned by `training.simulator.journeys.build_journeys`.
    people : People
        As returned by `training.simulator.people.build_people`.
    stores : Stores
        As returned by `training.simulator.stores.build_stores`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Funnel
        In the order of `journeys`: `lead`, `channel`, `created_at`, `called_at` (int64, microseconds since 1970 UTC),
        `base`, `probability` (0 to 1), `decay` (per hour), `hours` until the call, and `wants`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.leads import build_funnel
    >>> from training.simulator.world import build_world
    >>> w = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = w.size.stream("leads")
    >>> funnel = build_funnel(rng, w.journeys, people=w.people, stores=w.stores, window=w.window)
    >>> bool((funnel.probability <= funnel.base).all())
    True
    """
    n = len(journeys)
    lead = rng.random(n) < LEAD_SHARE
    channel = np.where(lead, pick(rng, SHARES, n), CHANNELS.index("walk_in"))
    created = np.where(lead, _lead_times(rng, journeys, channel, window), NEVER)
    called = _call_times(rng, journeys, channel, created, stores=stores, window=window)
    hours = np.where(called < NEVER, (called - created) / HOUR, np.inf)
    person = journeys.person
    score = (
        0.85 * journeys.intent
        + 0.45 * journeys.inclusive
        + stores.purchase_log_odds[journeys.store]
        - 0.25 * (np.log1p(people.distance[person]) - 2.2)
        + 0.3 * people.existing[person]
    )
    base = sigmoid(score + np.where(lead, BASE_LEAD + LOG_ODDS[channel], BASE_DIRECT))
    decay = np.where(lead, DECAY[channel], 0.0)
    remaining = FLOOR + (1 - FLOOR) * np.exp(-decay * np.where(np.isfinite(hours), hours, 0.0))
    probability = base * np.where(lead, np.where(np.isfinite(hours), remaining, FLOOR), 1.0)
    wants = rng.random(n) < probability
    return Funnel(lead, channel, created, called, base, decay, hours, probability, wants)


def _lead_times(rng: Random, journeys: Journeys, channel: IntArray, window: Window) -> IntArray:
    length = journeys.decided_at - journeys.begun_at
    about = journeys.begun_at + (rng.beta(1.6, 2.6, len(journeys)) * length).astype(np.int64)
    day = window.day(about)
    online, onsite = window.at_hours(rng, day, ONLINE_HOURS), window.at_hours(rng, day, SHOP_HOURS)
    created = np.where(ON_SITE[channel], onsite, online)
    return np.clip(created, journeys.begun_at + 10 * MINUTE, journeys.decided_at - 3 * HOUR)


def _call_times(
    rng: Random, journeys: Journeys, channel: IntArray, created: IntArray, *, stores: Stores, window: Window
) -> IntArray:
    n = len(journeys)
    day = np.clip(window.day(np.minimum(created, window.end - 1)), 0, len(window.season) - 1)
    busy = np.sqrt(window.season[day] / window.season.mean())
    hours = MEDIAN_HOURS[channel] * stores.response_time_factor[journeys.store] * busy * rng.lognormal(0, 1.1, n)
    called = np.where(created < NEVER, created, 0) + (hours * HOUR).astype(np.int64) + MINUTE
    hour = local_hour(called)
    wait = np.where(hour < 9, 9 - hour, np.where(hour >= 21, 33 - hour, 0.0))
    called += np.where(wait > 0, (wait * HOUR).astype(np.int64) + rng.integers(0, HOUR, n), 0)
    missed = (created == NEVER) | (rng.random(n) < NEVER_CALLED) | (called >= journeys.decided_at - 30 * MINUTE)
    return np.where(missed, NEVER, called)


def lead_rows(funnel: Funnel, *, window: Window) -> IntArray:
    """Return the positions of the journeys with a lead in the data, in order of time; lead number k is row k.

    Parameters
    ----------
    funnel : Funnel
        As returned by `training.simulator.leads.build_funnel`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of int64, shape (n_leads,)

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.leads import lead_rows
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rows = lead_rows(world.funnel, window=world.window)
    >>> bool(world.funnel.lead[rows].all())
    True
    """
    rows = np.flatnonzero(funnel.lead & (funnel.created_at < window.end))
    return rows[np.argsort(funnel.created_at[rows], kind="stable")]


def lead_ids(numbers: IntArray) -> pl.Series:
    """Return the lead identifiers of lead numbers as a String column; null for negative numbers.

    Parameters
    ----------
    numbers : ndarray of int64
        As returned by `training.simulator.leads.lead_numbers(funnel, window)`; negative for null.

    Returns
    -------
    polars.Series of String

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.leads import lead_ids
    >>> lead_ids(np.array([0, -1])).to_list()
    ['L00000001', None]
    """
    return numbered("L", np.where(numbers >= 0, numbers + 1, -1), width=8)


def lead_numbers(funnel: Funnel, window: Window) -> IntArray:
    """Return the lead number of each journey; -1 without a lead in the data.

    Parameters
    ----------
    funnel : Funnel
        As returned by `training.simulator.leads.build_funnel`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of int64, shape (n_journeys,)
        Positions in the result of `lead_rows`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.leads import lead_numbers, lead_rows
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rows = lead_rows(world.funnel, window=world.window)
    >>> lead_numbers(world.funnel, world.window)[rows[:3]].tolist()
    [0, 1, 2]
    """
    rows = lead_rows(funnel, window=window)
    numbers = np.full(len(funnel.lead), -1, dtype=np.int64)
    numbers[rows] = np.arange(len(rows))
    return numbers


def first_registration(rng: Random, journeys: Journeys, funnel: Funnel, *, people: int, window: Window) -> IntArray:
    """Draw when each person registers through a journey: at its start, or shortly before its lead.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("leads")`.
    journeys : Journeys
        As returned by `training.simulator.journeys.build_journeys`.
    funnel : Funnel
        As returned by `training.simulator.leads.build_funnel`.
    people : int
        Number of persons, `len(world.people)`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of int64, shape (people,)
        Microseconds since 1970 UTC, of the earliest journey; `training.simulator.draws.NEVER` without a journey.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> options = {"people": len(world.people), "window": world.window}
    >>> len(first_registration(world.size.stream("leads"), world.journeys, world.funnel, **options))
    125
    """
    late = (rng.random(len(journeys)) < 0.5) & funnel.lead & (funnel.created_at < window.end)
    moment = np.where(late, funnel.created_at - 2 * MINUTE, journeys.begun_at)
    registered = np.full(people, NEVER, dtype=np.int64)
    np.minimum.at(registered, journeys.person, moment)
    return registered
