"""Applications of the tables and of the desk, with what has become of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from features.tables import APPLICATIONS
from serving.asgi import Problem
from serving.work.entries import WorkEntry
from serving.work.routing import WorkContext, WorkRequest

FEN = 100
MINUTE = 60_000_000
DAY = 1_440 * MINUTE
# Waiting applications older than this are no work of today; a table without decisions would otherwise be all waiting.
WAITING_DAYS = 30
NOT_INPUTS = ("application_id", "submitted_at", "customer_id", "store_id", "vehicle_id", "decision", "decided_at")
PREFIX = "application."


@dataclass(frozen=True)
class LoanCase:
    """An application.

    Attributes
    ----------
    application_id : str
        Number.
    submitted_at : int
        By the clock of the desk if it is of the tables, else real time (microseconds since 1970 UTC).
    store_id, customer_id, vehicle_id : str or None
        From the application.
    inputs : mapping
        Fields of the application by name, money in yuan; those without a value are absent.
    is_of_desk : bool
        Whether it was entered at the desk.
    decision : str or None
        Decision of the tables.
    entries : list of WorkEntry
        Of the application, the earliest first.
    """

    application_id: str
    submitted_at: int
    store_id: str | None
    customer_id: str | None
    vehicle_id: str | None
    inputs: Mapping[str, Any]
    is_of_desk: bool = False
    decision: str | None = None
    entries: list[WorkEntry] = field(default_factory=list)

    def last(self, kind: str) -> WorkEntry | None:
        """Return the last entry of a kind, such as `application.decided`."""
        return next((e for e in reversed(self.entries) if e.kind == kind), None)

    @property
    def state(self) -> str:
        """Return `waiting`, `documents`, `second_person`, `approve`, `decline` or the decision of the tables."""
        decided, proposed = self.last("application.decided"), self.last("application.proposed")
        if proposed is not None and (decided is None or decided.sequence < proposed.sequence):
            return "second_person"
        if decided is not None:
            outcome = str(decided.content["outcome"])
            return "documents" if outcome == "refer" else outcome
        return self.decision or "waiting"

    @property
    def is_waiting(self) -> bool:
        """Return whether somebody must do something: decide, or confirm."""
        return self.state in ("waiting", "second_person")

    def waiting_minutes(self, context: WorkContext) -> int:
        """Return how long the application has waited, in minutes."""
        now = int(datetime.now(UTC).timestamp() * 1e6) if self.is_of_desk else context.clock.now()
        return max(0, (now - self.submitted_at) // MINUTE)


def cases(request: WorkRequest) -> list[LoanCase]:
    """Return the applications that wait, and those of the tables of the last 30 days, of the caller's stores."""
    context = request.context
    rows = context.records.cached("recent applications", lambda: _recent(context))
    by_subject: dict[str, list[WorkEntry]] = {}
    for entry in context.entries.of(PREFIX):
        by_subject.setdefault(entry.subject, []).append(entry)
    present = [case_of_row(row, by_subject.get(row["application_id"], [])) for row in rows]
    entered = [case_of_entries(group) for group in by_subject.values() if group[0].kind == "application.submitted"]
    return [case for case in (*entered, *present) if _may_see(request, case)]


def case(request: WorkRequest, application_id: str) -> LoanCase:
    """Return one application.

    Raises
    ------
    Problem
        Status 404: there is none with this number, or it is of another store.
    """
    context = request.context
    entries = context.entries.of(PREFIX, application_id)
    if entries and entries[0].kind == "application.submitted":
        present: LoanCase | None = case_of_entries(entries)
    else:
        table = context.records.table("applications")
        rows = table.filter(pl.col("application_id") == application_id).to_dicts()
        present = case_of_row(rows[0], entries) if rows else None
    if present is None or not _may_see(request, present):
        raise Problem(404, "no_application", "there is no application with this number, or it is of another store")
    return present


def with_inputs(request: WorkRequest, present: LoanCase) -> LoanCase:
    """Return an application with its inputs: those that were entered at the desk are decrypted."""
    if not present.is_of_desk:
        return present
    personal = request.context.entries.personal(present.entries[0].sequence)
    if personal is None:
        raise Problem(409, "purged", "the inputs of this application were deleted at the end of their retention")
    values = {**vars(present), "inputs": personal["inputs"]}
    return LoanCase(**values)


def case_of_row(row: Mapping[str, Any], entries: Iterable[WorkEntry] = ()) -> LoanCase:
    """Return the application of a row of the table `applications`.

    >>> case_of_row({"application_id": "A1", "submitted_at": 5, "vehicle_price": 12_345_00, "term_months": 36}).inputs
    {'vehicle_price': 12345.0, 'term_months': 36}
    """
    inputs = {}
    for name, column in APPLICATIONS.columns.items():
        value = row.get(name)
        if value is not None and name not in NOT_INPUTS:
            inputs[name] = value / FEN if column.unit == "fen" else value
    return LoanCase(
        application_id=row["application_id"],
        submitted_at=row["submitted_at"],
        store_id=row.get("store_id"),
        customer_id=row.get("customer_id"),
        vehicle_id=row.get("vehicle_id"),
        inputs=inputs,
        decision=row.get("decision"),
        entries=list(entries),
    )


def case_of_entries(entries: list[WorkEntry]) -> LoanCase:
    """Return an application that was entered at the desk, without its inputs, which are personal."""
    first = entries[0]
    return LoanCase(
        application_id=first.subject,
        submitted_at=first.at,
        store_id=first.store_id,
        customer_id=first.content.get("customer_id"),
        vehicle_id=first.content.get("vehicle_id"),
        inputs=first.content["plan"],
        is_of_desk=True,
        entries=entries,
    )


def _recent(context: WorkContext) -> list[dict[str, Any]]:
    since = context.clock.now() - WAITING_DAYS * DAY
    table = context.records.table("applications").filter(pl.col("submitted_at") > since)
    return table.sort("submitted_at", descending=True).to_dicts()


def _may_see(request: WorkRequest, present: LoanCase) -> bool:
    return request.stores is None or present.store_id in request.stores
