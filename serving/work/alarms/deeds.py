"""What was done about an alarm: reports, stops of sale and notices, as they follow from the entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serving.work.alarms.answers import Deed
from serving.work.alarms.times import iso

if TYPE_CHECKING:
    from serving.work.routing import WorkContext


def deed_of(entry: Any) -> Deed:
    """Return an entry as a deed."""
    names = ("sequence", "person", "store_id")
    return Deed(at=iso(entry.at), content=dict(entry.content), **{n: getattr(entry, n) for n in names})


def last_deed(context: WorkContext, subject: str, kind: str) -> Deed | None:
    """Return the last entry of a kind that holds; None without one, or without a subject."""
    entries = context.entries.of(kind, subject) if subject else []
    return deed_of(entries[-1]) if entries else None


def stops_of(context: WorkContext, subject: str) -> list[Deed]:
    """Return the stops of sale that hold: of each store, and of the group, the last entry if it is a stop."""
    last = {}
    for entry in context.entries.of("alarm.", subject) if subject else []:
        if entry.kind in ("alarm.sale_stopped", "alarm.sale_resumed"):
            last[entry.store_id] = entry
            if entry.store_id is None and entry.kind == "alarm.sale_resumed":
                last = {None: entry}
    return [deed_of(entry) for entry in last.values() if entry.kind == "alarm.sale_stopped"]
