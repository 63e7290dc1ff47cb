"""Simulated event log: compact arrays in memory, table chunks for writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.tables import CHANNELS, EVENT_TYPES
from ml.domain.arrays import BoolArray, IntArray
from training.simulator.catalogue import item_ids
from training.simulator.draws import labels, masked, numbered, take
from training.simulator.people import customer_ids
from training.simulator.units import unit_ids
from training.simulator.world import World

Integers = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.floating[Any]]

KIND = {name: number for number, name in enumerate(EVENT_TYPES)}
CHUNK = 500_000
LOGGING_POLICY = "shelves"  # the policy of `storefront`


@dataclass(frozen=True)
class Log:
    """Events as arrays of codes, one element per event. Returned by `log_of` and `join_logs`.

    `training.simulator.visits.orders(world)` returns one. `training.simulator.event_log.event_chunks(log, world)`
    yields it as the table `events`.

    Attributes
    ----------
    at : ndarray of int64
        Microseconds since 1970 UTC.
    kind, channel : ndarray of int8
        Positions in `features.tables.EVENT_TYPES` and `features.tables.CHANNELS`.
    position, page : ndarray of int8
        Place on the page from 1, and number of the page within the visit (1 or 2); 0 for none.
    person, session : ndarray of int32
        Positions in `world.people` and in `Sessions`; -1 for none.
    vehicle : ndarray of int32
        Position of a catalogue item, or number of items + position in `world.units`; -1 for none.
    dwell : ndarray of float32
        Seconds on the page of the vehicle; NaN for none.
    propensity, utility, view : ndarray of float32
        Probability of having been shown; true utility; true probability of a view; NaN for none.
    """

    at: IntArray
    kind: Integers
    channel: Integers
    position: Integers
    page: Integers
    person: Integers
    session: Integers
    vehicle: Integers
    dwell: Floats
    propensity: Floats
    utility: Floats
    view: Floats

    def __len__(self) -> int:
        return len(self.at)


_COLUMNS: dict[str, tuple[type[np.generic], float]] = {  # type, and value of events without one
    "channel": (np.int8, 0),
    "position": (np.int8, 0),
    "page": (np.int8, 0),
    "person": (np.int32, -1),
    "session": (np.int32, -1),
    "vehicle": (np.int32, -1),
    **dict.fromkeys(("dwell", "propensity", "utility", "view"), (np.float32, np.nan)),
}


def log_of(kind: str, at: IntArray, *, person: Integers, channel: Integers, **columns: Integers | Floats) -> Log:
    """Return a log of events of one type; columns that are not passed are empty.

    Parameters
    ----------
    kind : str
        One of `features.tables.EVENT_TYPES`.
    at : ndarray of int64, shape (n,)
        Microseconds since 1970 UTC.
    person, channel : ndarray of int, shape (n,)
        Positions in `world.people` and `features.tables.CHANNELS`.
    **columns : ndarray, shape (n,)
        Other attributes of `Log`, such as `vehicle` or `dwell`.

    Returns
    -------
    Log
        With `at` (int64, microseconds since 1970 UTC), `kind`, `channel`, `position`, `page`, `person`, `session`,
        `vehicle` (codes), `dwell` (seconds), `propensity`, `utility` and `view`, one array element per event;
        `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.event_log import log_of
    >>> log = log_of("view", np.array([5]), person=np.array([0]), channel=np.array([1]), dwell=np.array([30.0]))
    >>> len(log), log.dwell.tolist(), log.vehicle.tolist()
    (1, [30.0], [-1])
    """
    columns |= {"person": person, "channel": channel}
    filled = {name: np.full(len(at), empty, dtype=dtype) for name, (dtype, empty) in _COLUMNS.items()}
    filled |= {name: values.astype(_COLUMNS[name][0]) for name, values in columns.items()}
    return Log(at=at, kind=np.full(len(at), KIND[kind], dtype=np.int8), **filled)


def join_logs(logs: Iterable[Log], *, before: int) -> Log:
    """Concatenate logs in time order, without events at or after the instant `before`.

    Parameters
    ----------
    logs : iterable of Log
        Such as `training.simulator.visits.drives(rng, world)`; at least one.
    before : int
        Microseconds since 1970 UTC, such as `world.window.end`.

    Returns
    -------
    Log
        Ordered by `at`: `at` (int64, microseconds since 1970 UTC), `kind`, `channel`, `position`, `page`, `person`,
        `session`, `vehicle` (codes), `dwell` (seconds), `propensity`, `utility` and `view`, one array element per
        event; `training.simulator.event_log.event_chunks(log, world)` yields them as the table `events`.

    Raises
    ------
    ValueError
        `logs` is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.event_log import join_logs, log_of
    >>> zero = np.array([0])
    >>> logs = [log_of("view", np.array([at]), person=zero, channel=zero) for at in (7, 3, 9)]
    >>> join_logs(logs, before=9).at.tolist()
    [3, 7]
    """
    logs = list(logs)
    at = np.concatenate([log.at for log in logs])
    order = np.argsort(at, kind="stable")[: int((at < before).sum())]
    return Log(**{f.name: np.concatenate([getattr(log, f.name) for log in logs])[order] for f in fields(Log)})


def event_ids(numbers: IntArray) -> pl.Series:
    """Return the `event_id` of event numbers (positions in the joined log) as a String column.

    Parameters
    ----------
    numbers : ndarray of int64
        Positions of events in the log that `training.simulator.event_log.join_logs` returns, from 0.

    Returns
    -------
    polars.Series of String

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.event_log import event_ids
    >>> event_ids(np.array([0])).to_list()
    ['E000000001']
    """
    return numbered("E", numbers + 1, width=9)


def event_chunks(log: Log, world: World) -> Iterator[pl.DataFrame]:
    """Yield the table `events` (columns: `features.tables.EVENTS`) in frames of at most CHUNK rows, to bound memory.

    Parameters
    ----------
    log : Log
        All events in order of time, as returned by `join_logs`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Yields
    ------
    polars.DataFrame
        One row per event; `event_at` as int64 microseconds since 1970 UTC, `dwell_seconds` in seconds, `customer_id`
        null before the person registers. A single frame without rows for an empty log.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.event_log import event_chunks, log_of
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> log = log_of("view", np.array([world.window.start]), person=np.array([0]), channel=np.array([1]))
    >>> [frame["event_id"].to_list() for frame in event_chunks(log, world)]
    [['E000000001']]
    """
    names, models, stores = (vocabulary(world) for vocabulary in (_vehicle_names, _vehicle_models, _home_stores))
    created = world.registered_at
    for begin in range(0, max(len(log), 1), CHUNK):
        part = take(log, slice(begin, begin + CHUNK))
        person, vehicle = part.person.astype(np.int64), part.vehicle.astype(np.int64)
        is_customer = (person < len(created)) & (part.at >= created[np.minimum(person, len(created) - 1)])
        shown = part.position > 0
        yield pl.DataFrame(
            {
                "event_id": event_ids(begin + np.arange(len(part))),
                "event_at": pl.Series(part.at),
                "event_type": labels(EVENT_TYPES, part.kind.astype(np.int64)),
                "customer_id": customer_ids(np.where(is_customer, person, len(created)), customers=len(created)),
                "visitor_id": _visitors(part),
                "session_id": _sessions(part),
                "vehicle_id": _gather(names, vehicle),
                "model": _gather(models, vehicle),
                "store_id": stores.gather(pl.Series(person)),
                "channel": labels(CHANNELS, part.channel.astype(np.int64)),
                "dwell_seconds": _real(part.dwell, ~np.isnan(part.dwell)),
                "position": masked(part.position.astype(np.int64), shown),
                "request_id": _requests(part),
            }
        )


def exposure_chunks(log: Log, world: World) -> Iterator[pl.DataFrame]:
    """Yield the table `exposures` (columns: `features.tables.EXPOSURES`), the impressions of the log, in frames.

    Parameters
    ----------
    log : Log
        All events in order of time, as returned by `join_logs`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Yields
    ------
    polars.DataFrame
        At most CHUNK rows each, one per impression: `place` from 1, `propensity` as a probability, `shown_at` as int64
        microseconds since 1970 UTC.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.visits import orders
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> sum(frame.height for frame in exposure_chunks(orders(world), world))  # orders have no impressions
    0
    """
    names, stores = _vehicle_names(world), _home_stores(world)
    rows = np.flatnonzero(log.position > 0)
    for begin in range(0, max(len(rows), 1), CHUNK):
        part = take(log, rows[begin : begin + CHUNK])
        yield pl.DataFrame(
            {
                "request_id": _requests(part),
                "vehicle_id": _gather(names, part.vehicle.astype(np.int64)),
                "visitor_id": _visitors(part),
                "store_id": stores.gather(pl.Series(part.person.astype(np.int64))),
                "place": pl.Series(part.position.astype(np.int64)),
                "propensity": pl.Series(part.propensity.astype(np.float64)),
                "model_version": pl.repeat(LOGGING_POLICY, len(part), eager=True),
                "shown_at": pl.Series(part.at),
            }
        )


def _sessions(part: Log) -> pl.Series:
    return numbered("T", np.where(part.session >= 0, part.session + 1, -1), width=9)


def _visitors(part: Log) -> pl.Series:
    return numbered("W", np.where(part.session >= 0, part.person.astype(np.int64) + 1, -1), width=8)


def _requests(part: Log) -> pl.Series:
    """Return the `request_id`: the page that showed the vehicle or led to the event; a visit has one or two."""
    return _sessions(part) + "-" + masked(part.page.astype(np.int64), part.page > 0).cast(pl.String)


def _real(values: Floats, valid: BoolArray) -> pl.Series:
    return masked(values.astype(np.float64), valid)


def _gather(names: pl.Series, codes: IntArray) -> pl.Series:
    return names.gather(masked(codes, codes >= 0))


def _vehicle_names(world: World) -> pl.Series:
    items = item_ids(np.arange(len(world.catalogue.item_model)))
    return pl.concat([items, unit_ids(np.arange(len(world.units)))])


def _vehicle_models(world: World) -> pl.Series:
    item = np.r_[np.arange(len(world.catalogue.item_model)), world.units.item]
    return labels(world.catalogue.names, world.catalogue.item_model[item])


def _home_stores(world: World) -> pl.Series:
    return world.stores.ids(world.people.store)
