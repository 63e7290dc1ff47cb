"""Sentences on quality alarms in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.asgi import Problem
from serving.desk.formats import format_month, format_number
from serving.desk.page import PageRequest
from serving.desk.tables import Choice

STATES: Mapping[str, Choice] = {
    "open": Choice("faults.state.open", "bad"),
    "acknowledged": Choice("faults.state.acknowledged", "wait"),
    "watched": Choice("faults.state.watched", "wait"),
    "campaign": Choice("faults.state.campaign", "accent"),
    "closed": Choice("faults.state.closed", "none"),
    "none": Choice("faults.state.unrecorded", "bad"),
}
REPORT_STATES: Mapping[str, Choice] = {
    "new": Choice("faults.report.new", "bad"),
    "acknowledged": Choice("faults.report.acknowledged", "wait"),
    "reported": Choice("faults.report.reported", "good"),
    "closed": Choice("faults.report.closed", "none"),
}
LARGE_ODDS = 100_000


def odds_text(request: PageRequest, odds: float) -> str:
    """Return odds as people say them: 6 to 1, 1 to 5, over 100,000 to 1.

    Parameters
    ----------
    request : PageRequest
        Its language counts.
    odds : float
        Such as 6 for 6 to 1.
    """
    if odds >= LARGE_ODDS:
        return request.text("faults.odds.over", n=LARGE_ODDS)
    if odds >= 1:
        return request.text("faults.odds.to", n=format_number(odds), m="1")
    return request.text("faults.odds.to", n="1", m=format_number(min(1 / max(odds, 1e-9), 1_000)))


def component_text(request: PageRequest, name: Mapping[str, str], *, capital: bool = False) -> str:
    """Return the name of a component; `capital` for the beginning of an English sentence."""
    text = name[request.language]
    return text[:1].upper() + text[1:] if capital else text


def builds_text(request: PageRequest, builds: Mapping[str, Any]) -> str:
    """Return the affected builds as a sentence."""
    if builds["model_year_from"] is not None:
        first, last = (str(builds[n]) for n in ("model_year_from", "model_year_until"))
        if first == last:
            return request.text("faults.builds.year", year=first)
        return request.text("faults.builds.years", first=first, last=last)
    first, last = (builds[n] and format_month(builds[n], request.language) for n in ("built_from", "built_until"))
    if first and last:
        return request.text("faults.builds.between", first=first, last=last)
    if first or last:
        return request.text("faults.builds.since" if first else "faults.builds.until", month=first or last)
    return request.text("faults.builds.all")


def list_text(request: PageRequest, words: list[str]) -> str:
    """Return words as an enumeration."""
    if len(words) < 2:
        return "".join(words)
    separator, final = request.text("faults.list.separator"), request.text("faults.list.final")
    return separator.join(words[:-1]) + final + words[-1]


def problem_text(request: PageRequest, problem: Problem) -> str:
    """Return why a move was refused, and what to do, in the language of the page."""
    if problem.code == "changed":
        return request.text("faults.problem.changed")
    if problem.code == "move_not_allowed":
        return request.text("faults.problem.not_allowed")
    if problem.code == "wrong_store":
        return request.text("faults.problem.wrong_store")
    if problem.code == "alarm_store_unavailable":
        return request.text("faults.problem.store")
    name = problem.message.partition(":")[0]
    key = {"note": "note", "reported_on": "date", "notified_on": "date", "capacity": "capacity"}.get(name, "other")
    return request.text(f"faults.problem.{key}")
