"""`PUT /v1/stock` and `POST /v1/stock/changes`: the stock as the dealership's own system pushes it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ChehangError
from features.sources import load_sources
from features.sources.feedback_stores import store_url
from ml.instants import microseconds
from serving.asgi import Problem, Receive, Scope, Send, send_json
from serving.bodies import (
    MAX_DETAILS,
    check_complexity,
    check_repetition,
    error_details,
    invalid_field,
    invalid_fields,
    parse_request,
)
from serving.feedback.contract_models import CLOCK_SKEW_US, FUTURE, OutOfRange
from serving.feedback.pushes import STOCK, ChangeCounters
from serving.feedback.stock_requests import CHANGE, MAX_CHANGES, Listing, StateChange, StockAnswer, StockPush
from serving.feedback.stock_writing import NotPushed, WrongStore, apply_changes, replace_stock, vehicle_row
from serving.feedback.store import FeedbackStore
from serving.limits.elements import list_elements
from serving.limits.lists import MAX_BULK_VALUES, parse_list
from serving.query_strings import parse_parameters

Detail = dict[str, str]
NOT_OWNER = (
    "the vehicles are read from another source: sold, reserved, deleted and released vehicles can be pushed, but rows "
    "and prices come from there; to push them, set `vehicles: {store: feedback}` in sources.yaml"
)


class StockApp:
    """ASGI application of a route that writes the pushed stock; it answers when the push is on the disk.

    Parameters
    ----------
    store : FeedbackStore
        ``serving.feedback.store.FeedbackStore(settings.feedback_store)``.
    counters : ChangeCounters
        Its counter `stock` is increased after a push.
    configs : Path
        Folder with `sources.yaml`, which says whether the vehicles are read from the store.
    write : callable
        `put_stock` or `change_stock`.
    """

    is_bulk = True

    def __init__(self, store: FeedbackStore, counters: ChangeCounters, configs: Path, write: Write) -> None:
        self.store = store
        self.counters = counters
        self.configs = configs
        self.write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parse_parameters(scope["query_string"])
        caller = scope.get("caller")
        body = (await receive())["body"]
        answer = await run_sync(self.write, self, body, None if caller is None else caller.stores)
        self.counters.increase(STOCK)
        await send_json(send, answer.model_dump_json().encode())

    @property
    def owns_vehicles(self) -> bool:
        """Whether `sources.yaml`, or that of a named model, reads the vehicles from this store."""
        for path in sorted(self.configs.glob("sources*.yaml")):
            try:
                source = load_sources(path).tables.get("vehicles")
            except ChehangError:  # the model store logs it
                continue
            address = source.store if source is not None else None
            if address is not None and address.get_secret_value() == store_url(self.store.url):
                return True
        return False


Write = Callable[[StockApp, bytes, frozenset[str] | None], StockAnswer]


def put_stock(app: StockApp, body: bytes, stores: frozenset[str] | None) -> StockAnswer:
    """Replace the whole stock, or that of one store.

    Raises
    ------
    Problem
        Status 422: a vehicle is invalid or occurs twice. 409: the vehicles come from another source. 403: the key is
        not for this store. 503: the store cannot be written. Nothing is written.
    """
    push: Any = parse_list(StockPush, body, field="vehicles")
    now = time.time_ns() // 1_000
    if stores is not None and push.store_id not in stores:
        raise Problem(403, "wrong_store", "store_id: this key holds for some stores only; name one of them")
    if push.store_id is None and not push.vehicles:
        text = (
            "the whole stock must have a vehicle: to take vehicles off offer, send changes, or the stock of one store"
        )
        raise invalid_field("vehicles", "too_short", text)
    rows, details = [], []
    for position, vehicle in enumerate(push.vehicles):
        row, detail = _row(vehicle, f"vehicles.{position}", push.store_id, now)
        rows.append(row)
        details += detail
        if push.store_id is not None and not detail and row["store_id"] != push.store_id:
            details.append(_detail(f"vehicles.{position}.store_id", "wrong_store", "must be the store of the push"))
    counts = Counter(row["vehicle_id"] for row in rows if row)
    for position, row in enumerate(rows):
        if row and counts[row["vehicle_id"]] > 1:
            details.append(_detail(f"vehicles.{position}.vehicle_id", "repeated", "send each vehicle once"))
    if details:
        raise invalid_fields(details[:MAX_DETAILS])
    _check_owner(app)
    try:
        return app.store.run(lambda engine: replace_stock(engine, rows, store=push.store_id, now=now, stores=stores))
    except WrongStore as e:
        text = "another store lists this vehicle; it must be withdrawn there before this key may list it"
        raise _refused(e.positions, "wrong_store", text, of="vehicles") from None


def change_stock(app: StockApp, body: bytes, stores: frozenset[str] | None) -> StockAnswer:
    """Apply changes: sold, reserved, deleted, released, price, listed.

    Raises
    ------
    Problem
        As `put_stock`.
    """
    changes = _parsed_changes(body)
    now = time.time_ns() // 1_000
    rows: list[dict[str, Any] | None] = []
    details: list[Detail] = []
    for position, change in enumerate(changes):
        row: dict[str, Any] | None = None
        detail: list[Detail] = []
        if isinstance(change, Listing):
            row, detail = _row(change.vehicle, f"changes.{position}.vehicle", None, now)
            if row and stores is not None and row["store_id"] not in stores:
                detail = [
                    _detail(f"changes.{position}.vehicle.store_id", "wrong_store", "this key is not for this store")
                ]
        elif change.at is not None and microseconds(change.at) > now + CLOCK_SKEW_US:
            detail = [_detail(f"changes.{position}.at", "future", FUTURE)]
        rows.append(row)
        details += detail
    if details:
        raise invalid_fields(details[:MAX_DETAILS])
    if not all(isinstance(change, StateChange) for change in changes):
        _check_owner(app)
    try:
        return app.store.run(lambda engine: apply_changes(engine, changes, rows=rows, now=now, stores=stores))
    except NotPushed as e:
        raise _refused(
            e.positions, "unknown_vehicle", "no push has listed this vehicle: send it as type listed"
        ) from None
    except WrongStore as e:
        raise _refused(e.positions, "wrong_store", "the vehicle is not of a store of this key") from None


def _check_owner(app: StockApp) -> None:
    if not app.owns_vehicles:
        raise Problem(409, "not_owner", NOT_OWNER)


class _WithoutChanges(BaseModel):
    """A body whose changes have been taken out."""

    model_config = ConfigDict(extra="forbid")

    changes: list[None]


def _parsed_changes(body: bytes) -> list[Any]:
    check_complexity(body, max_values=MAX_BULK_VALUES)
    elements = list_elements(body, "changes")
    if elements is None:
        raise invalid_field("changes", "missing", 'the body must be an object with a list: {"changes": [...]}')
    check_complexity(elements.rest)
    parse_request(_WithoutChanges, elements.rest)
    if not 1 <= len(elements.starts) <= MAX_CHANGES:
        text = f"must have from 1 to {MAX_CHANGES:,} changes, not {len(elements.starts):,}"
        raise invalid_field("changes", "length", text)
    changes, details = [], []
    for position, (start, end) in enumerate(zip(elements.starts, elements.ends, strict=True)):
        try:
            change = CHANGE.validate_json(body[start:end])
        except ValidationError as e:
            details += [_change_detail(position, detail) for detail in error_details(e)]
            if len(details) >= MAX_DETAILS:
                break
        else:
            check_repetition(body[start:end], [change])
            changes.append(change)
    if details:
        raise invalid_fields(details[:MAX_DETAILS])
    return changes


def _change_detail(position: int, detail: Detail) -> Detail:
    """Return a detail without the type in the name of its field, and without the value of an unknown type."""
    if detail["rule"].startswith("union_tag"):
        text = "must be sold, reserved, deleted, released, price or listed"
        return _detail(f"changes.{position}.type", detail["rule"], text)
    _, _, field = detail["field"].partition(".")
    return {**detail, "field": f"changes.{position}.{field}".rstrip(".")}


def _row(vehicle: Any, place: str, store: str | None, now: int) -> tuple[dict[str, Any], list[Detail]]:
    try:
        return vehicle_row(vehicle, store=store, now=now), []
    except OutOfRange as e:
        return {}, [_detail(f"{place}.{e.field}", e.rule, e.message)]


def _refused(positions: Sequence[int], rule: str, message: str, *, of: str = "changes") -> Problem:
    return invalid_fields([_detail(f"{of}.{i}.vehicle_id", rule, message) for i in positions[:MAX_DETAILS]])


def _detail(field: str, rule: str, message: str) -> Detail:
    return {"field": field, "rule": rule, "message": message}
