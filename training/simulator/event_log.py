"""The event log, compactly in memory and piece by piece on its way to a file."""

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

Whole = npt.NDArray[np.integer[Any]]
Real = npt.NDArray[np.floating[Any]]

KIND = {name: number for number, name in enumerate(EVENT_TYPES)}
CHUNK = 500_000
LOGGING_POLICY = "shelves"  # what `storefront` describes


@dataclass(frozen=True)
class Log:
    """Events, compactly: codes, not texts.

    Attributes
    ----------
    at : ndarray of int64
        Instant (us).
    kind, channel, position, page : ndarray of int8
        Positions in EVENT_TYPES and CHANNELS; place on the page or 0; page of the visit that led to it or 0.
    person, session, vehicle : ndarray of int32
        Vehicle is a catalogue item, or the number of items + unit; session and vehicle -1 for none.
    dwell, propensity, utility, view : ndarray of float32
        Seconds, chance of having been shown, true utility, true chance of a view; NaN for none.
    """

    at: IntArray
    kind: Whole
    channel: Whole
    position: Whole
    page: Whole
    person: Whole
    session: Whole
    vehicle: Whole
    dwell: Real
    propensity: Real
    utility: Real
    view: Real

    def __len__(self) -> int:
        return len(self.at)


_COLUMNS: dict[str, tuple[type[np.generic], float]] = {  # type, and value where an event has none
    "channel": (np.int8, 0),
    "position": (np.int8, 0),
    "page": (np.int8, 0),
    "person": (np.int32, -1),
    "session": (np.int32, -1),
    "vehicle": (np.int32, -1),
    **dict.fromkeys(("dwell", "propensity", "utility", "view"), (np.float32, np.nan)),
}


def log_of(kind: str, at: IntArray, *, person: Whole, channel: Whole, **columns: Whole | Real) -> Log:
    """Make a log of events of one kind; what is not given is empty."""
    columns |= {"person": person, "channel": channel}
    filled = {name: np.full(len(at), empty, dtype=dtype) for name, (dtype, empty) in _COLUMNS.items()}
    filled |= {name: values.astype(_COLUMNS[name][0]) for name, values in columns.items()}
    return Log(at=at, kind=np.full(len(at), KIND[kind], dtype=np.int8), **filled)


def join_logs(logs: Iterable[Log], *, before: int) -> Log:
    """Put logs together in the order of time; what falls after the end of the data is left out."""
    logs = list(logs)
    at = np.concatenate([log.at for log in logs])
    order = np.argsort(at, kind="stable")[: int((at < before).sum())]
    return Log(**{f.name: np.concatenate([getattr(log, f.name) for log in logs])[order] for f in fields(Log)})


def event_ids(numbers: IntArray) -> pl.Series:
    """Identifiers of events."""
    return numbered("E", numbers + 1, width=9)


def event_chunks(log: Log, world: World) -> Iterator[pl.DataFrame]:
    """The events table, in pieces that keep memory small."""
    names, models, stores = (vocabulary(world) for vocabulary in (_vehicle_names, _vehicle_models, _home_stores))
    created = world.registered_at
    for begin in range(0, max(len(log), 1), CHUNK):
        part = take(log, slice(begin, begin + CHUNK))
        person, vehicle = part.person.astype(np.int64), part.vehicle.astype(np.int64)
        known = (person < len(created)) & (part.at >= created[np.minimum(person, len(created) - 1)])
        shown = part.position > 0
        yield pl.DataFrame(
            {
                "event_id": event_ids(begin + np.arange(len(part))),
                "event_at": pl.Series(part.at),
                "event_type": labels(EVENT_TYPES, part.kind.astype(np.int64)),
                "customer_id": customer_ids(np.where(known, person, len(created)), customers=len(created)),
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
    """The exposures table: the impressions of the log, in pieces."""
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
    """The page that showed the vehicle, or led to the event: a visit has one or two."""
    return _sessions(part) + "-" + masked(part.page.astype(np.int64), part.page > 0).cast(pl.String)


def _real(values: Real, known: BoolArray) -> pl.Series:
    return masked(values.astype(np.float64), known)


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
