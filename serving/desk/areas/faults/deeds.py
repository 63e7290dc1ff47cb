"""What was done about an alarm or report, as lines of a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.desk.areas.faults.words import REPORT_STATES, STATES
from serving.desk.formats import format_date, format_moment
from serving.desk.page import PageRequest

UNDOABLE = ("alarm.reported", "alarm.sale_stopped", "alarm.owners_notified")


async def deed_rows(request: PageRequest, alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return moves and entries of an alarm, the last first: `time`, `text`, and `undo`, a sequence, where it may be.

    Parameters
    ----------
    request : PageRequest
        Page.
    alarm : mapping
        Answer of `/v1/alarms/{alarm_id}`.
    """
    rows = [_of_move(request, move, STATES) for move in alarm["moves"]]
    if alarm["id"] is None:
        return []
    answer = await request.ask("GET", "/v1/work_entries", query={"subject": f"alarm-{alarm['id']}", "limit": 100})
    last = {entry["kind"]: entry["sequence"] for entry in reversed(answer["items"]) if entry["holds"]}
    for entry in answer["items"]:
        if entry["kind"] == "undo" or (entry["kind"] == "alarm.moved" and entry["content"]["to"] != "watched"):
            continue
        rows.append(_of_entry(request, entry, is_last=last.get(entry["kind"]) == entry["sequence"]))
    return sorted(rows, key=lambda row: row["at"], reverse=True)


def report_rows(request: PageRequest, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the moves of a report of a dangerous fault, the last first."""
    return [_of_move(request, move, REPORT_STATES) for move in reversed(report["moves"])]


def _of_move(request: PageRequest, move: Mapping[str, Any], states: Mapping[str, Any]) -> dict[str, Any]:
    person = move["by"] or request.text("faults.deed.weekly_run")
    text = request.text("faults.deed.moved", state=request.text(states[move["to_state"]].key), person=person)
    return _line(request, move["at"], text, move["note"])


def _of_entry(request: PageRequest, entry: Mapping[str, Any], *, is_last: bool) -> dict[str, Any]:
    content, kind = entry["content"], entry["kind"].removeprefix("alarm.")
    person, language, now = entry["person"] or "—", request.language, request.clock.local()
    key, values = f"faults.deed.{kind}", {"person": person}
    if kind == "moved":
        values["state"] = request.text(STATES["watched"].key)
    elif kind == "reported":
        values |= {"day": format_date(content["reported_on"], language, now), "to": content["recipient"]}
    elif kind == "sale_stopped":
        values |= {"n": content["cars"], "store": entry["store_id"] or request.text("faults.deed.all_stores")}
    elif kind == "sale_resumed":
        values["store"] = entry["store_id"] or request.text("faults.deed.all_stores")
    elif kind == "owners_notified":
        day = format_date(content["notified_on"], language, now)
        values |= {
            "day": day,
            "n": content["vehicles"],
            "channel": request.text(f"faults.channel.{content['channel']}"),
        }
    elif kind == "disclosed":
        values["n"] = content["vehicles"]
    note = "; ".join(text for text in (content.get("reference"), content.get("note")) if text)
    row = _line(request, entry["at"], request.text(key, **values), note)
    is_undoable = entry["holds"] and is_last and entry["kind"] in UNDOABLE and request.may("alarms:write")
    return {**row, "undo": entry["sequence"] if is_undoable else None, "holds": entry["holds"]}


def _line(request: PageRequest, at: str, text: str, note: str | None) -> dict[str, Any]:
    time = format_moment(at, request.language, request.clock.local())
    return {"at": at, "time": time, "text": text, "note": note or "", "undo": None, "holds": True}
