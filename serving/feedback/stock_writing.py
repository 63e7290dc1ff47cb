"""Write pushed vehicles and their states, in one transaction for each push."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from features.sources.feedback_stores import OWN_FEATURES
from features.tables import VEHICLES
from ml.instants import microseconds
from ml.signature import FEN
from serving.feedback.contract_models import row_of
from serving.feedback.stock_requests import Listing, PriceChange, StateChange, StockAnswer
from serving.stores import writing

CHUNK = 500  # values of one IN list
STATES = ("sold_at", "reserved_at", "withdrawn_at")
COLUMN_OF = {"sold": "sold_at", "reserved": "reserved_at", "deleted": "withdrawn_at"}
COLUMNS = (*VEHICLES.columns, OWN_FEATURES)
STOCK = sa.table("stock_vehicles", *map(sa.column, COLUMNS))
STATE = sa.table("stock_states", sa.column("vehicle_id"), *map(sa.column, STATES))
HEAD = sa.table("stock_head", sa.column("listings"), sa.column("states"))
Row = dict[str, Any]


class NotPushed(Exception):
    """Changes of a price name vehicles that no push has listed; `positions` are those of the changes."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(len(positions))
        self.positions = positions


class WrongStore(Exception):
    """Changes name vehicles of other stores than those of the key; `positions` are those of the changes."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(len(positions))
        self.positions = positions


def vehicle_row(vehicle: BaseModel, *, store: str | None, now: int) -> Row:
    """Return the row of a pushed vehicle.

    Parameters
    ----------
    vehicle : BaseModel
        A `serving.feedback.stock_requests.Vehicle`.
    store : str or None
        Store of the push, which a vehicle without a store gets.
    now : int
        Present instant (microseconds since 1970 UTC).

    Raises
    ------
    OutOfRange
        An instant is outside the range of its column, or an outcome is in the future.
    """
    content: Any = vehicle
    row = row_of(vehicle, VEHICLES, now=now)
    row["store_id"] = row["store_id"] or store
    own = content.own_features
    return {**row, OWN_FEATURES: json.dumps(own, ensure_ascii=False, sort_keys=True) if own else None}


def replace_stock(
    engine: sa.Engine, rows: Sequence[Row], *, store: str | None, now: int, stores: frozenset[str] | None = None
) -> StockAnswer:
    """Make the rows the whole stock, or that of one store; what they lack is withdrawn.

    A vehicle that a change has marked as sold or reserved stays off offer until it is released: a list that was made
    before the sale must not bring it back. A deleted vehicle is on offer again when a push lists it.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        ``serving.stores.open_store(url, "feedback")``.
    rows : sequence of dict
        As returned by `vehicle_row`, one for each vehicle.
    store : str or None
        Store whose stock is replaced; None for all.
    now : int
        Present instant (microseconds since 1970 UTC).
    stores : frozenset of str or None
        Stores whose vehicles may be changed; None for all. A vehicle that another store has withdrawn may be listed.

    Raises
    ------
    WrongStore
        A vehicle is on offer at a store that is not one of `stores`.
    """
    with writing(engine) as connection:
        _count(connection)
        if stores is not None:
            others = _elsewhere(connection, [row["vehicle_id"] for row in rows], stores)
            if others:
                raise WrongStore([i for i, row in enumerate(rows) if row["vehicle_id"] in others])
        scope = sa.true() if store is None else STOCK.c.store_id == store
        present = {
            r[0]: r[1] for r in connection.execute(sa.select(STOCK.c.vehicle_id, STOCK.c.withdrawn_at).where(scope))
        }
        ids = [row["vehicle_id"] for row in rows]
        listed = set(present) if store is None else set(_chosen(connection, STOCK, ids))
        absent = sorted(name for name, withdrawn in present.items() if withdrawn is None and name not in set(ids))
        for chunk in _chunks(absent):
            connection.execute(sa.update(STOCK).where(STOCK.c.vehicle_id.in_(chunk)).values(withdrawn_at=now))
        _write(connection, rows, listed)
        for chunk in _chunks(ids):
            connection.execute(sa.update(STATE).where(STATE.c.vehicle_id.in_(chunk)).values(withdrawn_at=None))
        connection.execute(sa.delete(STATE).where(*(STATE.c[name].is_(None) for name in STATES)))
        off_offer = sum(1 for _ in _chosen(connection, STATE, ids))
        _count_listings(connection)
    added = sum(name not in listed for name in ids)
    return StockAnswer(
        added=added, changed=len(ids) - added, withdrawn=len(absent), off_offer=off_offer, unknown=[], stale=0
    )


def apply_changes(
    engine: sa.Engine, changes: Sequence[Any], *, rows: Sequence[Row | None], now: int, stores: frozenset[str] | None
) -> StockAnswer:
    """Apply changes in their order, all or none.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        ``serving.stores.open_store(url, "feedback")``.
    changes : sequence
        `StateChange`, `PriceChange` or `Listing` of `serving.feedback.stock_requests`.
    rows : sequence of dict or None
        Row of each listing, as returned by `vehicle_row`; None for other changes.
    now : int
        Present instant (microseconds since 1970 UTC).
    stores : frozenset of str or None
        Stores whose vehicles may be changed; None for all.

    Raises
    ------
    NotPushed
        A price change names a vehicle that no push has listed.
    WrongStore
        A change names a vehicle that is not of one of `stores`.
    """
    names: list[str] = [getattr(change, "vehicle", change).vehicle_id for change in changes]
    with writing(engine) as connection:
        _count(connection)
        store_of = _stores(connection, names)
        if stores is not None:
            wrong = [i for i, name in enumerate(names) if store_of.get(name) not in stores and name in store_of]
            wrong += [i for i, c in enumerate(changes) if names[i] not in store_of and not isinstance(c, Listing)]
            if wrong:
                raise WrongStore(sorted(wrong))
        listed, states = set(store_of), _states(connection, names)
        before = {name: dict(state) for name, state in states.items()}
        added, stale, has_listings = 0, 0, False
        changed: set[str] = set()
        unknown: set[str] = set()
        missing: list[int] = []
        for position, (change, name) in enumerate(zip(changes, names, strict=True)):
            if isinstance(change, Listing):
                _write(connection, [rows[position] or {}], listed)
                added += name not in listed
                listed.add(name)
                states.get(name, {}).pop("withdrawn_at", None)
                has_listings = True
            elif isinstance(change, PriceChange):
                if name not in listed:
                    missing.append(position)
                    continue
                price = round(change.price * FEN)
                connection.execute(sa.update(STOCK).where(STOCK.c.vehicle_id == name).values(price=price))
                has_listings = True
            else:
                if not _apply_state(states.setdefault(name, {}), change, now):
                    stale += 1
                    continue
                if name not in listed:
                    unknown.add(name)
                if change.type == "released" and name in listed:
                    none = dict.fromkeys(STATES)
                    connection.execute(sa.update(STOCK).where(STOCK.c.vehicle_id == name).values(**none))
                    has_listings = True
            changed.add(name)
        if missing:
            raise NotPushed(missing)
        _write_states(connection, {n: s for n, s in states.items() if s != before.get(n, {})})
        if has_listings:
            _count_listings(connection)
    return StockAnswer(
        added=added, changed=len(changed) - added, withdrawn=0, off_offer=0, unknown=sorted(unknown), stale=stale
    )


def _apply_state(state: dict[str, int], change: StateChange, now: int) -> bool:
    """Change a vehicle's state in place; return whether the change is not older than the state."""
    # A clock that runs ahead must not make the changes that follow look old.
    at = now if change.at is None else min(microseconds(change.at), now)
    if at < max(state.values(), default=at):
        return False
    if change.type == "released":
        state.clear()
    else:
        state[COLUMN_OF[change.type]] = at
    return True


def _write(connection: sa.Connection, rows: Sequence[Row], listed: set[str]) -> None:
    """Insert or replace rows of vehicles; `listed` has the ids that the table has."""
    new = [row for row in rows if row["vehicle_id"] not in listed]
    old = [row for row in rows if row["vehicle_id"] in listed]
    for chunk in _chunks([row["vehicle_id"] for row in old]):
        connection.execute(sa.delete(STOCK).where(STOCK.c.vehicle_id.in_(chunk)))
    if new or old:
        connection.execute(sa.insert(STOCK), [*new, *old])


def _write_states(connection: sa.Connection, states: dict[str, dict[str, int]]) -> None:
    for chunk in _chunks(sorted(states)):
        connection.execute(sa.delete(STATE).where(STATE.c.vehicle_id.in_(chunk)))
    rows = [{"vehicle_id": n, **dict.fromkeys(STATES), **state} for n, state in states.items() if state]
    if rows:
        connection.execute(sa.insert(STATE), rows)


def _count(connection: sa.Connection) -> None:
    """Count the push; on PostgreSQL this also makes other pushes wait until the transaction ends."""
    connection.execute(sa.update(HEAD).values(states=HEAD.c.states + 1))


def _count_listings(connection: sa.Connection) -> None:
    connection.execute(sa.update(HEAD).values(listings=HEAD.c.listings + 1))


def _stores(connection: sa.Connection, names: Sequence[str]) -> dict[str, str | None]:
    return {row[0]: row[1] for row in _selected(connection, STOCK, names, ("vehicle_id", "store_id"))}


def _elsewhere(connection: sa.Connection, names: Sequence[str], stores: frozenset[str]) -> set[str]:
    """Return the vehicles that stand at other stores and were not withdrawn there."""
    rows = _selected(connection, STOCK, names, ("vehicle_id", "store_id", "withdrawn_at"))
    return {name for name, store, withdrawn in rows if store not in stores and withdrawn is None}


def _states(connection: sa.Connection, names: Sequence[str]) -> dict[str, dict[str, int]]:
    rows = _selected(connection, STATE, names, ("vehicle_id", *STATES))
    return {name: {n: v for n, v in zip(STATES, values, strict=True) if v is not None} for name, *values in rows}


def _chosen(connection: sa.Connection, table: sa.TableClause, names: Sequence[str]) -> Iterator[str]:
    return (row[0] for row in _selected(connection, table, names, ("vehicle_id",)))


def _selected(
    connection: sa.Connection, table: sa.TableClause, names: Iterable[str], columns: Sequence[str]
) -> Iterator[Any]:
    for chunk in _chunks(sorted(set(names))):
        chosen = table.c.vehicle_id.in_(chunk)
        yield from connection.execute(sa.select(*(table.c[n] for n in columns)).where(chosen))


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
