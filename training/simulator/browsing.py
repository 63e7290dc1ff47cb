"""Simulated browsing: impressions, views, searches and follow-up events of visits.

    P(view | page) = 1 / (1 + 0.18 * (position - 1)) * sigmoid(1.5 * utility - 4.0)

where `utility` is that of `tastes` at the vehicle's own price. A visitor may also search, and view a vehicle drawn by
utility without an impression. A view may be followed by a favourite, a comparison, a price-list view, a finance quote
or a chat, each at its own rate, higher for vehicles of higher utility and for keener visitors.
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
from training.simulator.tastes import PROMOTION_PULL, attribute_utility, price_utility
from training.simulator.world import World

SECOND = 1_000_000
BLOCK = 50_000  # visits
EXAMINATION = 0.18
CLICK_SLOPE, CLICK_OFFSET = 1.5, -4.0
SECOND_PAGE = 0.12
SEARCHES = 0.5
FOLLOW_RATES = {"favourite": 0.09, "compare": 0.14, "price_list": 0.10, "finance_quote": 0.06, "chat": 0.05}


def vehicle_utility(world: World, *, person: IntArray, vehicle: IntArray, at: IntArray) -> FloatArray:
    """Return the true utility of vehicles to persons, at the vehicles' own prices.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    person : ndarray of int64, shape (n,)
        Positions in `world.people`.
    vehicle : ndarray of int64, shape (n,)
        Position of a catalogue item, or number of items + position in `world.units` for a used car.
    at : ndarray of int64, shape (n,)
        Microseconds since 1970 UTC.

    Returns
    -------
    ndarray of float64, shape (n,)
        Utility, without unit: a difference of 1 multiplies the odds of a choice by e.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.browsing import vehicle_utility
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> vehicle_utility(world, person=np.array([0]), vehicle=np.array([5]), at=np.array([world.window.start])).shape
    (1,)
    """
    catalogue, people, units = world.catalogue, world.people, world.units
    items = len(catalogue.item_model)
    unit = np.where(vehicle >= items, vehicle - items, 0)
    used = vehicle >= items
    item = np.where(used, units.item[unit], vehicle)
    model, month = catalogue.item_model[item], world.window.month(at)
    price = np.where(used, units.price[unit], catalogue.item_price[item])
    promotion = world.market.promotion[people.store[person], np.where(used, 0, model), month]
    value = attribute_utility(people, catalogue, person=person, model=model) + price_utility(
        price, people.budget[person]
    )
    value += world.market.appeal[model, month] + PROMOTION_PULL * np.where(used, 0.0, promotion)
    return value - np.where(used, people.used_aversion[person], 0.0)


def browse(rng: Random, world: World, sessions: Sessions) -> Iterator[Log]:
    """Draw the events of all visits to the storefront, in blocks of visits that bound memory.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    sessions : Sessions
        As returned by `training.simulator.sessions.build_sessions`.

    Yields
    ------
    Log
        Events of one type each, not in order of time; combine them with `training.simulator.event_log.join_logs`. Each
        has `at` (int64, microseconds since 1970 UTC), `kind`, `channel`, `position`, `page`, `person`, `session`,
        `vehicle` (codes), `dwell` (seconds), `propensity`, `utility` and `view`, one array element per event;
        `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.browsing import browse
    >>> from training.simulator.event_log import join_logs
    >>> from training.simulator.sessions import build_sessions
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> stream = world.size.stream("browsing")
    >>> log = join_logs(browse(stream, world, build_sessions(stream, world)), before=world.window.end)
    >>> bool((log.at[1:] >= log.at[:-1]).all())
    True
    """
    shelves = build_shelves(world.catalogue, world.market)
    items, stores = len(world.catalogue.item_model), len(world.stores.city)
    used = build_used_stock(world.units, items=items, stores=stores, window=world.window)
    for begin in range(0, len(sessions), BLOCK):
        visits = np.arange(begin, min(begin + BLOCK, len(sessions)))
        session, page, at = _page_times(rng, sessions, visits, window=world.window)
        store = world.people.store[sessions.person[session]]
        pages = show_pages(rng, shelves, used, at=at, store=store, stores=world.stores, window=world.window)
        shown = impressions(world, sessions, pages, session=session, page=page, at=at)
        shown_views = views(rng, shown)
        search_log, search_views = searches(rng, world, sessions, visits)
        yield from (shown, shown_views, search_log, search_views)
        for view_log in (shown_views, search_views):
            yield from follow_ups(rng, world, sessions, view_log)


def _page_times(
    rng: Random, sessions: Sessions, visits: IntArray, *, window: Window
) -> tuple[IntArray, IntArray, IntArray]:
    """Return session, number within the session and instant (us) of each page shown."""
    second = visits[rng.random(len(visits)) < SECOND_PAGE]
    session, page = np.r_[visits, second], np.repeat([1, 2], [len(visits), len(second)])
    at = np.r_[sessions.begun_at[visits], sessions.begun_at[second] + rng.integers(4 * MINUTE, 9 * MINUTE, len(second))]
    inside = at < window.end
    return session[inside], page[inside], at[inside]


def impressions(
    world: World, sessions: Sessions, pages: Pages, *, session: IntArray, page: IntArray, at: IntArray
) -> Log:
    """Return the impressions of pages, with the true probability that each is viewed.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    sessions : Sessions
        As returned by `training.simulator.sessions.build_sessions`.
    pages : Pages
        As returned by `training.simulator.storefront.show_pages`.
    session : ndarray of int64, shape (n_pages,)
        Position in `sessions` of the visit of each page.
    page : ndarray of int64, shape (n_pages,)
        Number of the page within its visit, from 1.
    at : ndarray of int64, shape (n_pages,)
        Instant of each page, microseconds since 1970 UTC.

    Returns
    -------
    Log
        One event per vehicle shown, with `propensity`, `utility` and `view`: `at` (int64, microseconds since 1970 UTC),
        `kind`, `channel`, `position`, `page`, `person`, `session`, `vehicle` (codes), `dwell` (seconds), `propensity`,
        `utility` and `view`, one array element per event; `training.simulator.event_log.event_chunks(log, world)`
        yields them as the table `events`.
    """
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
    """Draw the views that follow impressions, each with its probability `shown.view`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    shown : Log
        As returned by `training.simulator.browsing.impressions`.

    Returns
    -------
    Log
        Events `view` in the order of `shown`, 4 to 240 seconds after the impression: `at` (int64, microseconds since
        1970 UTC), `kind`, `channel`, `position`, `page`, `person`, `session`, `vehicle` (codes), `dwell` (seconds),
        `propensity`, `utility` and `view`, one array element per event; `training.simulator.event_log.event_chunks(log,
        world)` yields them as the table `events`.
    """
    row = np.flatnonzero(rng.random(len(shown)) < shown.view)
    at = shown.at[row] + rng.integers(4 * SECOND, 240 * SECOND, len(row))
    return _view_log(rng, at, take(shown, row), utility=shown.utility[row].astype(np.float64))


def _view_log(rng: Random, at: IntArray, of: Log, *, utility: FloatArray) -> Log:
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
    """Draw searches, and a view of one new vehicle of the store for each, chosen by its utility (multinomial logit).

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    sessions : Sessions
        As returned by `training.simulator.sessions.build_sessions`.
    visits : ndarray of int64
        Positions in `sessions` of the visits to simulate.

    Returns
    -------
    searches, views : Log
        Events `search` without a vehicle, and the views that follow them, in the same order. Each has `at` (int64,
        microseconds since 1970 UTC), `kind`, `channel`, `position`, `page`, `person`, `session`, `vehicle` (codes),
        `dwell` (seconds), `propensity`, `utility` and `view`, one array element per event;
        `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.sessions import build_sessions
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = world.size.stream("browsing")
    >>> sessions = build_sessions(rng, world)
    >>> search_log, view_log = searches(rng, world, sessions, np.arange(10))
    >>> len(search_log) == len(view_log)
    True
    """
    session = visits[rng.random(len(visits)) < SEARCHES]
    person, catalogue = sessions.person[session], world.catalogue
    at = sessions.begun_at[session] + rng.integers(MINUTE, 4 * MINUTE, len(session))
    month = world.window.month(at)
    item = np.flatnonzero(catalogue.item_model < catalogue.current)
    available = catalogue.carried(world.stores.assortment)[world.people.store[person]]
    available = (available & catalogue.on_sale(world.window.months).T[month])[:, catalogue.item_model[item]]
    utility = np.empty((len(session), len(item)), dtype=np.float32)
    for column, number in enumerate(item):
        utility[:, column] = vehicle_utility(world, person=person, vehicle=np.full(len(person), number), at=at)
    chosen = item[pick_rows(rng, np.where(available, np.exp(utility.astype(np.float64)), 0.0))]
    views_of = log_of("search", at, person=person, channel=sessions.channel[session], session=session, vehicle=chosen)
    chosen_utility = utility[np.arange(len(session)), chosen].astype(np.float64)
    views_log = _view_log(rng, at + rng.integers(5 * SECOND, 60 * SECOND, len(at)), views_of, utility=chosen_utility)
    return log_of("search", at, person=person, channel=sessions.channel[session], session=session), views_log


def follow_ups(rng: Random, world: World, sessions: Sessions, views_log: Log) -> list[Log]:
    """Draw the events that follow views within the same visit: one log for each key of FOLLOW_RATES.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("browsing")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    sessions : Sessions
        As returned by `training.simulator.sessions.build_sessions`.
    views_log : Log
        Views, such as the second log returned by `searches`.

    Returns
    -------
    list of Log
        Events of one type each. Each has `at` (int64, microseconds since 1970 UTC), `kind`, `channel`, `position`,
        `page`, `person`, `session`, `vehicle` (codes), `dwell` (seconds), `propensity`, `utility` and `view`, one array
        element per event; `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.browsing import searches
    >>> from training.simulator.sessions import build_sessions
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = world.size.stream("browsing")
    >>> sessions = build_sessions(rng, world)
    >>> _, view_log = searches(rng, world, sessions, np.arange(10))
    >>> all(len(log) <= len(view_log) for log in follow_ups(rng, world, sessions, view_log))
    True
    """
    utility = vehicle_utility(
        world, person=views_log.person.astype(np.int64), vehicle=views_log.vehicle.astype(np.int64), at=views_log.at
    )
    rate_factor = sessions.keenness[views_log.session] * np.clip(0.6 + 0.2 * utility, 0.1, 2.0)
    end = views_log.at + (views_log.dwell.astype(np.float64) * SECOND).astype(np.int64)
    logs = []
    for kind, rate in FOLLOW_RATES.items():
        row = np.flatnonzero(rng.random(len(views_log)) < rate * rate_factor)
        of = take(views_log, row)
        at = end[row] + rng.integers(SECOND, 90 * SECOND, len(row))
        log = log_of(kind, at, person=of.person, channel=of.channel, session=of.session, vehicle=of.vehicle)
        logs.append(replace(log, page=of.page))
    return logs
