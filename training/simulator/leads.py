"""Leads: by which channel a shopper turned to us, when we called back, and how likely that made a purchase.

    base = sigmoid(c + 0.85 * intent + 0.45 * inclusive + channel + store - 0.25 * (log1p(km) - 2.2) + 0.3 * existing)
    purchase = base * (floor + (1 - floor) * exp(-decay[channel] * hours until the first call))

A lead that was never called, or only after the day of decision, has no exponential left: `base * floor`. Shoppers who
walk in and buy without a lead follow the same equation with their own constant and no decay. Calls wait for shop hours
and are slower in slow stores and busy weeks, which is what lets the decay be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import CHANNELS
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import Catalogue, item_ids
from training.simulator.draws import NEVER, Random, fen, instants, labels, masked, numbered, pick, sigmoid
from training.simulator.journeys import Journeys
from training.simulator.people import People, customer_ids
from training.simulator.seasons import DAY, HOUR, MINUTE, ONLINE_HOURS, SHOP_HOURS, Window, local_hour
from training.simulator.stores import Stores
from training.simulator.tastes import reference_prices

LEAD_SHARE = 0.72
FLOOR = 0.35
NEVER_CALLED = 0.05
BASE_LEAD, BASE_DIRECT = -1.05, 0.55

# channel: share of leads, log-odds, decay an hour, yuan a lead, median hours until the call
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
_CAMPAIGNS = {"search_ad": "搜索投放", "social": "社交投放", "marketplace": "平台集客", "event": "区域车展"}


@dataclass(frozen=True)
class Funnel:
    """What became of each journey on our side, by journey.

    Attributes
    ----------
    lead : ndarray of bool
        Left a lead.
    channel : ndarray of int64
        Position in CHANNELS.
    created_at, called_at : ndarray of int64
        The lead and the first call (us); NEVER where there is none.
    base, decay, hours, probability : ndarray of float64
        The equation's terms; hours are infinite without a call.
    wants : ndarray of bool
        Decides to buy, if the car is there.
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
    """Draw leads, calls and decisions."""
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
        + stores.selling[journeys.store]
        - 0.25 * (np.log1p(people.distance[person]) - 2.2)
        + 0.3 * people.existing[person]
    )
    base = sigmoid(score + np.where(lead, BASE_LEAD + LOG_ODDS[channel], BASE_DIRECT))
    decay = np.where(lead, DECAY[channel], 0.0)
    answered = FLOOR + (1 - FLOOR) * np.exp(-decay * np.where(np.isfinite(hours), hours, 0.0))
    probability = base * np.where(lead, np.where(np.isfinite(hours), answered, FLOOR), 1.0)
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
    hours = MEDIAN_HOURS[channel] * stores.slowness[journeys.store] * busy * rng.lognormal(0, 1.1, n)
    called = np.where(created < NEVER, created, 0) + (hours * HOUR).astype(np.int64) + MINUTE
    hour = local_hour(called)
    wait = np.where(hour < 9, 9 - hour, np.where(hour >= 21, 33 - hour, 0.0))
    called += np.where(wait > 0, (wait * HOUR).astype(np.int64) + rng.integers(0, HOUR, n), 0)
    missed = (created == NEVER) | (rng.random(n) < NEVER_CALLED) | (called >= journeys.decided_at - 30 * MINUTE)
    return np.where(missed, NEVER, called)


def lead_rows(funnel: Funnel, *, window: Window) -> IntArray:
    """Journeys whose lead is in the data, in the order of the leads; lead number k is row k."""
    rows = np.flatnonzero(funnel.lead & (funnel.created_at < window.end))
    return rows[np.argsort(funnel.created_at[rows], kind="stable")]


def lead_ids(numbers: IntArray) -> pl.Series:
    """Identifiers; null where negative."""
    return numbered("L", np.where(numbers >= 0, numbers + 1, -1), width=8)


def leads_frame(
    rng: Random,
    journeys: Journeys,
    funnel: Funnel,
    *,
    people: People,
    catalogue: Catalogue,
    stores: Stores,
    window: Window,
    ordered_at: IntArray,
    margin: FloatArray,
) -> pl.DataFrame:
    """The leads table; `ordered_at` (us, NEVER without a sale) and `margin` (yuan) are by journey."""
    rows = lead_rows(funnel, window=window)
    n, end = len(rows), window.end
    channel, person, store = funnel.channel[rows], journeys.person[rows], journeys.store[rows]
    created, called, decided = funnel.created_at[rows], funnel.called_at[rows], journeys.decided_at[rows]
    model = journeys.seen[rows]
    item = catalogue.item(model, journeys.trim[rows])
    price = np.where(model < catalogue.current, catalogue.item_price[item], reference_prices(catalogue)[model])
    known = called < end
    stop = np.minimum(decided, end) - MINUTE
    more = np.where(stop > called + DAY, rng.poisson(1.0 + 1.5 * sigmoid(journeys.intent[rows])), 0)
    last = called + np.where(more > 0, rng.uniform(0.2, 1.0, n) * np.maximum(stop - called, 0), 0).astype(np.int64)
    ordered = ordered_at[rows]
    sold = ordered < end
    lost = decided + rng.integers(DAY, 12 * DAY, n)
    person_code = store * 100 + rng.integers(0, stores.salespeople[store])
    told = rng.random(n) < 0.7
    return pl.DataFrame(
        {
            "lead_id": lead_ids(np.arange(n)),
            "created_at": pl.Series(created),
            "customer_id": customer_ids(person, customers=people.customers),
            "store_id": stores.ids(store),
            "channel": labels(CHANNELS, channel),
            "campaign": _campaigns(channel, created, window),
            "model": labels(catalogue.names, model),
            "vehicle_id": item_ids(item),
            "price": pl.Series(fen(price)),
            "budget": masked(fen(np.round(people.budget[person] * rng.lognormal(0, 0.12, n), -3)), told),
            "distance_km": pl.Series(np.round(people.distance[person], 1)),
            "acquisition_cost": pl.Series(fen(COST[channel] * rng.lognormal(-0.08, 0.4, n))),
            "salesperson_id": numbered("P", np.where(known, person_code, -1), width=6),
            "first_contact_at": instants(called, before=end),
            "last_contact_at": instants(np.where(known, last, NEVER), before=end),
            "contact_count": pl.Series(np.where(known, 1 + more, 0)),
            "converted_at": instants(ordered, before=end),
            "closed_at": instants(np.where(sold, ordered, lost), before=end),
            "gross_margin": masked(fen(np.where(sold, margin[rows], 0.0)), sold),
        }
    )


def _campaigns(channel: IntArray, created: IntArray, window: Window) -> pl.Series:
    quarter = window.month(created) // 3
    named = [c for c in CHANNELS if c in _CAMPAIGNS]
    position = np.array([named.index(c) if c in _CAMPAIGNS else -1 for c in CHANNELS])[channel]
    quarters = int(quarter.max(initial=0)) + 1
    names = [f"{_CAMPAIGNS[c]}-{q + 1:02d}" for c in named for q in range(quarters)]
    return labels(names, np.where(position >= 0, position * quarters + quarter, -1))
