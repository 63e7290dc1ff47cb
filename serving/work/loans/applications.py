"""Applications of the tables and of the desk, with what has become of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
VALUES_CHECKED = "application.values_checked"


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
    def corrected(self) -> frozenset[str]:
        """Return the fields that somebody has corrected, or entered because they were missing."""
        return frozenset(name for e in self.entries if e.kind == VALUES_CHECKED for name in e.content["corrected"])

    @property
    def confirmed(self) -> frozenset[str]:
        """Return the fields whose implausible value somebody has confirmed, and nobody has changed since.

        >>> first = WorkEntry(1, 0, "application.submitted", "A", None, None, None, {"confirmed": ["a", "b"]})
        >>> second = WorkEntry(2, 0, VALUES_CHECKED, "A", None, None, None, {"corrected": ["a"], "confirmed": ["c"]})
        >>> sorted(LoanCase("A", 0, None, None, None, {}, entries=[first, second]).confirmed)
        ['b', 'c']
        """
        names: set[str] = set()
        for entry in self.entries:
            if entry.kind in ("application.submitted", VALUES_CHECKED):
                names -= set(entry.content.get("corrected", ()))
                names |= set(entry.content.get("confirmed", ()))
        return frozenset(names)

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
    """Return an application with its inputs: those entered or corrected at the desk are decrypted.

    Raises
    ------
    Problem
        Status 409 (`purged`): they were deleted. 503: the keys are absent.
    """
    entered = [present.entries[0]] if present.is_of_desk else []
    checks = [e for e in present.entries if e.kind == VALUES_CHECKED and e.content["corrected"]]
    if not entered and not checks:
        return present
    personal = request.context.entries.personal_of([e.sequence for e in (*entered, *checks)])
    if any(e.sequence not in personal for e in (*entered, *checks)):
        raise Problem(409, "purged", "the inputs of this application were deleted at the end of their retention")
    inputs = dict(personal[entered[0].sequence]["inputs"]) if entered else dict(present.inputs)
    for entry in checks:
        inputs.update(personal[entry.sequence]["values"])
    return replace(present, inputs=inputs)


def case_of_row(row: Mapping[str, Any], entries: Iterable[WorkEntry] = ()) -> LoanCase:
    """Return the application of a row of the table `applications`.

    >>> case_of_row({"application_id": "A1", "submitted_at": 5, "vehicle_price": 12_345_00, "term_months": 36}).inputs
    {'vehicle_price': 12345.0, 'term_months': 36}
    """
    inputs = {}
    own = [name for name in row if name not in APPLICATIONS.columns]  # of the dealership, which the model may read
    for name in (*APPLICATIONS.columns, *own):
        value = row.get(name)
        if value is not None and name not in NOT_INPUTS:
            column = APPLICATIONS.columns.get(name)
            inputs[name] = value / FEN if column is not None and column.unit == "fen" else value
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
