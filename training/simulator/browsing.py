"""The event log: pages shown, looks taken, and what followed.

    P(view | page) = 1 / (1 + 0.18 * (position - 1)) * sigmoid(1.5 * utility - 4.0)

where `utility` is that of `tastes` at the vehicle's own price. A shopper also searches for what suits him best and
looks at it without having been shown it. A view is followed by a favourite, a comparison, a look at the price list, a
finance quote or a chat, each with its own rate, higher for vehicles of higher utility and for keener visitors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.draws import Random, pick_rows, sigmoid, take
from training.simulator.event_log import Log, log_of
from training.simulator.seasons import MINUTE, Window
from training.simulator.sessions import Sessions
from training.simulator.storefront import PLACES, Pages, build_shelves, build_used_stock, show_pages
from training.simulator.tastes import PROMOTION_PULL, fit, liking
from training.simulator.world import World

SECOND = 1_000_000
BLOCK = 50_000  # visits
EXAMINATION = 0.18
CLICK_SLOPE, CLICK_OFFSET = 1.5, -4.0
SECOND_PAGE = 0.12
SEARCHES = 0.5
FOLLOW_RATES = {"favourite": 0.09, "compare": 0.14, "price_list": 0.10, "finance_quote": 0.06, "chat": 0.05}


def vehicle_utility(world: World, *, person: IntArray, vehicle: IntArray, at: IntArray) -> FloatArray:
    """True utility of vehicles to persons (see `tastes`), at the vehicles' own prices."""
    catalogue, people, units = world.catalogue, world.people, world.units
    items = len(catalogue.item_model)
    unit = np.where(vehicle >= items, vehicle - items, 0)
    used = vehicle >= items
    item = np.where(used, units.item[unit], vehicle)
    model, month = catalogue.item_model[item], world.window.month(at)
    price = np.where(used, units.price[unit], catalogue.item_price[item])
    promotion = world.market.promotion[people.store[person], np.where(used, 0, model), month]
    value = liking(people, catalogue, person=person, model=model) + fit(price, people.budget[person])
    value += world.market.appeal[model, month] + PROMOTION_PULL * np.where(used, 0.0, promotion)
    return value - np.where(used, people.used_aversion[person], 0.0)


def browse(rng: Random, world: World, sessions: Sessions) -> Iterator[Log]:
    """Draw the events of all visits, some visits at a time to keep memory small."""
    shelves = build_shelves(world.catalogue, world.market)
    items, stores = len(world.catalogue.item_model), len(world.stores.city)
    used = build_used_stock(world.units, items=items, stores=stores, window=world.window)
    for begin in range(0, len(sessions), BLOCK):
        visits = np.arange(begin, min(begin + BLOCK, len(sessions)))
        session, page, at = _page_times(rng, sessions, visits, window=world.window)
        store = world.people.store[sessions.person[session]]
        pages = show_pages(rng, shelves, used, at=at, store=store, stores=world.stores, window=world.window)
        shown = impressions(world, sessions, pages, session=session, page=page, at=at)
        looks = views(rng, shown)
        found, found_looks = searches(rng, world, sessions, visits)
        yield from (shown, looks, found, found_looks)
        for seen in (looks, found_looks):
            yield from follow_ups(rng, world, sessions, seen)


def _page_times(
    rng: Random, sessions: Sessions, visits: IntArray, *, window: Window
) -> tuple[IntArray, IntArray, IntArray]:
    """Session of each page shown, its number in the session, and its instant (us)."""
    second = visits[rng.random(len(visits)) < SECOND_PAGE]
    session, page = np.r_[visits, second], np.repeat([1, 2], [len(visits), len(second)])
    at = np.r_[sessions.begun_at[visits], sessions.begun_at[second] + rng.integers(4 * MINUTE, 9 * MINUTE, len(second))]
    inside = at < window.end
    return session[inside], page[inside], at[inside]


def impressions(
    world: World, sessions: Sessions, pages: Pages, *, session: IntArray, page: IntArray, at: IntArray
) -> Log:
    """Log what the pages showed, with the truth of how likely each was to be looked at."""
    shown = np.flatnonzero(pages.vehicle.ravel() >= 0)
    row = shown // PLACES
    person, vehicle = sessions.person[session[row]], pages.vehicle.ravel()[shown]
    position = pages.position.ravel()[shown]
    utility = vehicle_utility(world, person=person, vehicle=vehicle, at=at[row])
    view = sigmoid(CLICK_SLOPE * utility + CLICK_OFFSET) / (1 + EXAMINATION * (position - 1))
    return log_of(
        "impression",
        at[row],
        person=person,
        channel=sessions.channel[session[row]],
        session=session[row],
        vehicle=vehicle,
        position=position,
        page=page[row],
        propensity=pages.propensity.ravel()[shown],
        utility=utility,
        view=view,
    )


def views(rng: Random, shown: Log) -> Log:
    """Draw the looks that the impressions led to."""
    row = np.flatnonzero(rng.random(len(shown)) < shown.view)
    at = shown.at[row] + rng.integers(4 * SECOND, 240 * SECOND, len(row))
    return _looks(rng, at, take(shown, row), utility=shown.utility[row].astype(np.float64))


def _looks(rng: Random, at: IntArray, of: Log, *, utility: FloatArray) -> Log:
    dwell = np.exp(3.1 + 0.22 * np.clip(utility, -6, 6) + rng.normal(0, 0.7, len(at)))
    dwell = np.round(np.clip(dwell, 1, 1_800), 1)
    return log_of(
        "view",
        at,
        person=of.person,
        channel=of.channel,
        session=of.session,
        vehicle=of.vehicle,
        page=of.page,
        dwell=dwell,
    )


def searches(rng: Random, world: World, sessions: Sessions, visits: IntArray) -> tuple[Log, Log]:
    """Draw searches, and the looks at what was found: what suits the person best in his store that month."""
    session = visits[rng.random(len(visits)) < SEARCHES]
    person, catalogue = sessions.person[session], world.catalogue
    at = sessions.begun_at[session] + rng.integers(MINUTE, 4 * MINUTE, len(session))
    month = world.window.month(at)
    item = np.flatnonzero(catalogue.item_model < catalogue.current)
    there = catalogue.carried(world.stores.assortment)[world.people.store[person]]
    there = (there & catalogue.on_sale(world.window.months).T[month])[:, catalogue.item_model[item]]
    utility = np.empty((len(session), len(item)), dtype=np.float32)
    for column, number in enumerate(item):
        utility[:, column] = vehicle_utility(world, person=person, vehicle=np.full(len(person), number), at=at)
    chosen = item[pick_rows(rng, np.where(there, np.exp(utility.astype(np.float64)), 0.0))]
    found = log_of("search", at, person=person, channel=sessions.channel[session], session=session, vehicle=chosen)
    liked = utility[np.arange(len(session)), chosen].astype(np.float64)
    looks = _looks(rng, at + rng.integers(5 * SECOND, 60 * SECOND, len(at)), found, utility=liked)
    return log_of("search", at, person=person, channel=sessions.channel[session], session=session), looks


def follow_ups(rng: Random, world: World, sessions: Sessions, looks: Log) -> list[Log]:
    """Draw what views led to within the same visit."""
    utility = vehicle_utility(
        world, person=looks.person.astype(np.int64), vehicle=looks.vehicle.astype(np.int64), at=looks.at
    )
    keen = sessions.keenness[looks.session] * np.clip(0.6 + 0.2 * utility, 0.1, 2.0)
    left = looks.at + (looks.dwell.astype(np.float64) * SECOND).astype(np.int64)
    logs = []
    for kind, rate in FOLLOW_RATES.items():
        row = np.flatnonzero(rng.random(len(looks)) < rate * keen)
        of = take(looks, row)
        at = left[row] + rng.integers(SECOND, 90 * SECOND, len(row))
        log = log_of(kind, at, person=of.person, channel=of.channel, session=of.session, vehicle=of.vehicle)
        logs.append(replace(log, page=of.page))
    return logs
