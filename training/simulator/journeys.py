"""Journeys: from the first look at a car to the day of decision, and the car that is wanted then.

A journey ends on a decision day drawn from the season. It began a gamma-distributed time before, shorter the keener
the person. Some journeys look for a used car: the more often, the smaller the budget. Whether the journey ends in a
purchase is decided in `leads`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Float32Array, Random, pick, sigmoid
from training.simulator.people import People
from training.simulator.seasons import DAY, HOUR, MINUTE, SHOP_HOURS, TAIL_DAYS, Window
from training.simulator.stores import Market, Stores
from training.simulator.tastes import PROMOTION_PULL, model_utilities, preferred_trim, reference_prices

REPEAT_GAP = 180 * DAY
SECOND_JOURNEYS = 0.08
EXISTING_JOURNEYS = 0.55
LONGEST = 120 * DAY
UNAVAILABLE = -1e9


@dataclass(frozen=True)
class Journeys:
    """Journeys in the order of their begin.

    Attributes
    ----------
    person, store : ndarray of int64
        Who shops where.
    begun_at, decided_at : ndarray of int64
        First look and decision (us); the decision may lie beyond the end of the data.
    intent : ndarray of float64
        Keenness, standard normal.
    used : ndarray of bool
        Looks for a used car.
    first, second : ndarray of int64
        Model wanted on the day of decision, and the next best.
    seen : ndarray of int64
        Model of interest at the begin.
    trim : ndarray of int64
        Trim that the budget leads to, of `first`.
    inclusive : ndarray of float64
        Log-sum of utilities of what the store offers on the day of decision, standardised.
    share : ndarray of float32, shape (journeys, current)
        Choice probabilities on the day of decision; zero for journeys after a used car.
    """

    person: IntArray
    store: IntArray
    begun_at: IntArray
    decided_at: IntArray
    intent: FloatArray
    used: BoolArray
    first: IntArray
    second: IntArray
    seen: IntArray
    trim: IntArray
    inclusive: FloatArray
    share: Float32Array

    def __len__(self) -> int:
        return len(self.person)


def build_journeys(
    rng: Random, people: People, *, catalogue: Catalogue, stores: Stores, market: Market, window: Window
) -> Journeys:
    """Draw who shops when, and what they want."""
    person = _shoppers(rng, people)
    decided = _decision_times(rng, len(person), window)
    person, decided = _apart(person, decided)
    intent = rng.normal(0, 1, len(person))
    begun = _begin_times(rng, decided, intent, window)
    order = np.argsort(begun, kind="stable")
    person, decided, intent, begun = person[order], decided[order], intent[order], begun[order]
    utilities = model_utilities(people, catalogue)[person]
    used = rng.random(len(person)) < sigmoid(-1.9 - 0.9 * (people.used_aversion[person] - 1.4))
    noise = rng.gumbel(0, 1, utilities.shape).astype(np.float32)
    store = people.store[person]
    now = _offered(utilities, catalogue, market, stores, store=store, month=window.month(decided), used=used)
    then = _offered(utilities, catalogue, market, stores, store=store, month=window.month(begun), used=used)
    first, second = _best_two(now + noise)
    inclusive = np.log(np.exp(now).sum(axis=1))
    prices = reference_prices(catalogue)[first]
    return Journeys(
        person=person,
        store=store,
        begun_at=begun,
        decided_at=decided,
        intent=intent,
        used=used,
        first=first,
        second=second,
        seen=(then + noise).argmax(axis=1).astype(np.int64),
        trim=preferred_trim(prices, people.budget[person], rng.normal(0, 1, len(person))),
        inclusive=_standardised(inclusive, used),
        share=_shares(now[:, : catalogue.current], used),
    )


def _shoppers(rng: Random, people: People) -> IntArray:
    customer = np.arange(people.customers)
    once = ~people.existing[customer] | (rng.random(people.customers) < EXISTING_JOURNEYS)
    again = once & (rng.random(people.customers) < SECOND_JOURNEYS)
    return np.concatenate([customer[once], customer[again]])


def _decision_times(rng: Random, count: int, window: Window) -> IntArray:
    # The first day is left out, so that every journey can begin within the window.
    days = 1 + pick(rng, window.season[1 : window.days + TAIL_DAYS], count)
    return np.maximum(
        window.at_hours(rng, days, SHOP_HOURS), window.start + days * DAY + 2 * HOUR + 30 * MINUTE
    )  # not before 10:30, which leaves time for an application that morning


def _apart(person: IntArray, decided: IntArray) -> tuple[IntArray, IntArray]:
    order = np.lexsort((decided, person))
    person, decided = person[order], decided[order]
    close = np.r_[False, (person[1:] == person[:-1]) & (np.diff(decided) < REPEAT_GAP)]
    return person[~close], decided[~close]


def _begin_times(rng: Random, decided: IntArray, intent: FloatArray, window: Window) -> IntArray:
    length = np.minimum(rng.gamma(2.0, 12.0 * DAY, len(decided)) * np.exp(-0.2 * intent), LONGEST)
    room = (decided - window.start) * rng.uniform(0.3, 0.99, len(decided))
    begun = decided - np.maximum(np.minimum(length, room), 6 * HOUR).astype(np.int64)
    latest = window.end - rng.integers(2 * HOUR, 20 * DAY, len(decided))
    return np.minimum(begun, latest)


def _offered(
    utilities: Float32Array,
    catalogue: Catalogue,
    market: Market,
    stores: Stores,
    *,
    store: IntArray,
    month: IntArray,
    used: BoolArray,
) -> Float32Array:
    """Utilities on the spot; what is not offered, or not looked for, gets UNAVAILABLE."""
    value = utilities + market.appeal.T[month].astype(np.float32)
    current = catalogue.current
    value[:, :current] += PROMOTION_PULL * market.promotion[store, :, month].astype(np.float32)
    sold = catalogue.carried(stores.assortment)[store] & catalogue.on_sale(market.appeal.shape[1]).T[month]
    value[:, :current][~sold | used[:, None]] = UNAVAILABLE
    value[:, current:][~used] = UNAVAILABLE
    return value


def _best_two(value: Float32Array) -> tuple[IntArray, IntArray]:
    rows = np.arange(len(value))
    first = value.argmax(axis=1)
    rest = value.copy()
    rest[rows, first] = 2 * UNAVAILABLE
    return first.astype(np.int64), rest.argmax(axis=1).astype(np.int64)


def _standardised(value: Float32Array, used: BoolArray) -> FloatArray:
    result = np.zeros(len(value))
    for group in (used, ~used):
        part = value[group].astype(np.float64)
        result[group] = (part - part.mean()) / max(float(part.std()), 1e-9) if len(part) else 0.0
    return result


def _shares(value: Float32Array, used: BoolArray) -> Float32Array:
    odds = np.where(used[:, None], 0.0, np.exp(value))
    total = np.maximum(odds.sum(axis=1, keepdims=True), 1e-30)
    return np.asarray(odds / total, dtype=np.float32)
