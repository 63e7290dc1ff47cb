"""Simulated purchase journeys: start, decision day and preferred models of each.

The decision day is drawn from the season. The start precedes it by a gamma-distributed time, shorter for higher intent.
Some journeys look for a used vehicle, more often for smaller budgets. `leads` simulates whether a journey ends in a
purchase.
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
    """Journeys in order of their start, one array element per journey. Drawn by `build_journeys`.

    One is `world.journeys`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    person, store : ndarray of int64
        Positions in `world.people` and `world.stores`.
    begun_at, decided_at : ndarray of int64
        Start and decision, microseconds since 1970 UTC; the decision may lie after the end of the data.
    intent : ndarray of float64
        Purchase intent, standard normal.
    used : ndarray of bool
        Whether the journey looks for a used vehicle.
    first, second : ndarray of int64
        Models with the highest and second-highest utility on the decision day, positions in `Catalogue.names`.
    initial_model : ndarray of int64
        Model with the highest utility at the start.
    trim : ndarray of int64
        Preferred trim of `first`, given the budget: a position in `training.simulator.catalogue.TRIMS`.
    inclusive : ndarray of float64
        Inclusive value: log-sum of the utilities of the store's offer on the decision day, standardised.
    share : ndarray of float32, shape (n_journeys, n_current_models)
        Choice probabilities on the decision day; 0 for journeys that look for a used vehicle.
    """

    person: IntArray
    store: IntArray
    begun_at: IntArray
    decided_at: IntArray
    intent: FloatArray
    used: BoolArray
    first: IntArray
    second: IntArray
    initial_model: IntArray
    trim: IntArray
    inclusive: FloatArray
    share: Float32Array

    def __len__(self) -> int:
        return len(self.person)


def build_journeys(
    rng: Random, people: People, *, catalogue: Catalogue, stores: Stores, market: Market, window: Window
) -> Journeys:
    """Draw the journeys of all shoppers: times, intent and preferred models.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("journeys")`.
    people : People
        As returned by `training.simulator.people.build_people`.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.
    stores : Stores
        As returned by `training.simulator.stores.build_stores`.
    market : Market
        As returned by `training.simulator.stores.build_market`, for the same stores and months.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Journeys
        By journey: `person`, `store` (positions), `begun_at`, `decided_at` (int64, microseconds since 1970 UTC),
        `intent` (standard normal), `used`, `first`, `second`, `initial_model`, `trim` (positions), `inclusive` and
        `share`.

    Examples
    --------
    `training.simulator.world.build_world` makes the arguments and calls this function:

    >>> from training.simulator import Size
    >>> from training.simulator.world import build_world
    >>> journeys = build_world(Size(stores=1, customers=100, months=3)).journeys
    >>> bool((journeys.begun_at < journeys.decided_at).all())
    True
    """
    person = _shoppers(rng, people)
    decided = _decision_times(rng, len(person), window)
    person, decided = _drop_close_journeys(person, decided)
    intent = rng.normal(0, 1, len(person))
    begun = _begin_times(rng, decided, intent, window)
    order = np.argsort(begun, kind="stable")
    person, decided, intent, begun = person[order], decided[order], intent[order], begun[order]
    utilities = model_utilities(people, catalogue)[person]
    used = rng.random(len(person)) < sigmoid(-1.9 - 0.9 * (people.used_aversion[person] - 1.4))
    noise = rng.gumbel(0, 1, utilities.shape).astype(np.float32)
    store = people.store[person]
    at_decision = _utilities_at_store(
        utilities, catalogue, market, stores, store=store, month=window.month(decided), used=used
    )
    at_start = _utilities_at_store(
        utilities, catalogue, market, stores, store=store, month=window.month(begun), used=used
    )
    first, second = _best_two(at_decision + noise)
    inclusive = np.log(np.exp(at_decision).sum(axis=1))
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
        initial_model=(at_start + noise).argmax(axis=1).astype(np.int64),
        trim=preferred_trim(prices, people.budget[person], rng.normal(0, 1, len(person))),
        inclusive=_standardised(inclusive, used),
        share=_shares(at_decision[:, : catalogue.current], used),
    )


def _shoppers(rng: Random, people: People) -> IntArray:
    customer = np.arange(people.customers)
    once = ~people.existing[customer] | (rng.random(people.customers) < EXISTING_JOURNEYS)
    again = once & (rng.random(people.customers) < SECOND_JOURNEYS)
    return np.concatenate([customer[once], customer[again]])


def _decision_times(rng: Random, count: int, window: Window) -> IntArray:
    # Excludes the first day, so that every journey can start within the window.
    days = 1 + pick(rng, window.season[1 : window.days + TAIL_DAYS], count)
    return np.maximum(
        window.at_hours(rng, days, SHOP_HOURS), window.start + days * DAY + 2 * HOUR + 30 * MINUTE
    )  # not before 10:30, which leaves time for an application that morning


def _drop_close_journeys(person: IntArray, decided: IntArray) -> tuple[IntArray, IntArray]:
    order = np.lexsort((decided, person))
    person, decided = person[order], decided[order]
    close = np.r_[False, (person[1:] == person[:-1]) & (np.diff(decided) < REPEAT_GAP)]
    return person[~close], decided[~close]


def _begin_times(rng: Random, decided: IntArray, intent: FloatArray, window: Window) -> IntArray:
    length = np.minimum(rng.gamma(2.0, 12.0 * DAY, len(decided)) * np.exp(-0.2 * intent), LONGEST)
    available = (decided - window.start) * rng.uniform(0.3, 0.99, len(decided))
    begun = decided - np.maximum(np.minimum(length, available), 6 * HOUR).astype(np.int64)
    latest = window.end - rng.integers(2 * HOUR, 20 * DAY, len(decided))
    return np.minimum(begun, latest)


def _utilities_at_store(
    utilities: Float32Array,
    catalogue: Catalogue,
    market: Market,
    stores: Stores,
    *,
    store: IntArray,
    month: IntArray,
    used: BoolArray,
) -> Float32Array:
    """Return utilities at the store and month; models not offered or not looked for get `UNAVAILABLE`."""
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
    standardised = np.zeros(len(value))
    for group in (used, ~used):
        part = value[group].astype(np.float64)
        standardised[group] = (part - part.mean()) / max(float(part.std()), 1e-9) if len(part) else 0.0
    return standardised


def _shares(value: Float32Array, used: BoolArray) -> Float32Array:
    odds = np.where(used[:, None], 0.0, np.exp(value))
    total = np.maximum(odds.sum(axis=1, keepdims=True), 1e-30)
    return np.asarray(odds / total, dtype=np.float32)
