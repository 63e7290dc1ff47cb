"""Count the decisions of a period: by store, model version, key and month; overrides, reasons, reads and purges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from ml.bilingual import Text
from serving.audit.entry_texts import cause, person
from serving.audit.logged_entries import LoggedEntry, Selection, decisions_of, logged_entries
from serving.audit.periods import Period

BANDS = ("approve", "refer", "decline")
DIMENSIONS = ("endpoint", "store", "model", "key", "month")
UNKNOWN = "–"
_PAGE = 500


@dataclass
class Group:
    """Decisions with the same store, model version or the like.

    Attributes
    ----------
    decisions : int
    bands : Counter
        Number by approve, refer and decline, and by the outcome of decisions without a band.
    overridden : int
        Decisions in whose place an officer decided, up to the end of the log.
    reversed : int
        Those among them that the model had approved or declined, and the officer decided otherwise.
    """

    decisions: int = 0
    bands: Counter[str] = field(default_factory=Counter)
    overridden: int = 0
    reversed: int = 0

    @property
    def other(self) -> int:
        """Return the number of decisions without a band."""
        return self.decisions - sum(self.bands[band] for band in BANDS)


class Override(NamedTuple):
    """An officer's decision: its entry, time, decision, outcome, person and reason; values that are absent are None."""

    sequence: int
    at: int
    decision_id: str | None
    outcome: str | None
    who: str | None
    why: str | None


class Access(NamedTuple):
    """A read of personal fields: its entry, time, decision (None for many), person, reason and names of the fields."""

    sequence: int
    at: int
    decision_id: str | None
    who: str | None
    why: str | None
    fields: str | None


class PurgeEntry(NamedTuple):
    """A removal of personal parts: its entry, time, first and last entry, number of parts, person and reason."""

    sequence: int
    at: int
    first: int | None
    last: int | None
    parts: int | None
    who: str | None
    why: str | None


@dataclass
class Figures:
    """What a period of the log has, as returned by `figures_of`.

    Attributes
    ----------
    total : Group
        All decisions.
    groups : dict
        By dimension ('endpoint', 'store', 'model', 'key', 'month') and value.
    entries : Counter
        Entries of the period by kind.
    personal : Counter
        Decisions by the state of their personal part: 'stored', 'purged', 'not_stored' or 'none'.
    reasons : Counter
        Decisions by code of a reason.
    reason_texts : dict of str to Text
        Texts of the codes.
    explained : int
        Decisions whose answer had reasons.
    explored : int
        Decisions that were taken with a probability below 1.
    transitions : Counter
        Overridden decisions by band of the model and outcome of the officer's last decision.
    officers : dict of str to Counter
        By person: 'overrides' (entries), 'decisions' and 'reversed'.
    overrides_of_earlier : int
        Overrides of the period whose decision lies outside of it, or is not in the log.
    accesses, purges : list
        Entries of the period.
    """

    total: Group = field(default_factory=Group)
    groups: dict[str, dict[str, Group]] = field(default_factory=lambda: {name: {} for name in DIMENSIONS})
    entries: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    reason_texts: dict[str, Text] = field(default_factory=dict)
    explained: int = 0
    explored: int = 0
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    officers: dict[str, Counter[str]] = field(default_factory=dict)
    overrides_of_earlier: int = 0
    accesses: list[Access] = field(default_factory=list)
    purges: list[PurgeEntry] = field(default_factory=list)

    def groups_of(self, logged: LoggedEntry, period: Period) -> Iterator[Group]:
        """Yield the groups of a decision, that of all decisions first; missing ones are made."""
        content = logged.content
        values = {
            "endpoint": content.get("endpoint"),
            "store": content.get("store_id"),
            "model": ", ".join(logged.models),
            "key": content.get("key_id"),
            "month": period.month(logged.entry.at),
        }
        yield self.total
        for name, value in values.items():
            yield self.groups[name].setdefault(str(value or UNKNOWN), Group())


def figures_of(engine: sa.Engine, period: Period, *, end: int) -> Figures:
    """Count a period of the log in one pass; only overrides, reads and purges are kept in memory.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Of the decision store.
    period : Period
        Of the decisions. Overrides of these decisions count up to the end of the log.
    end : int
        The last entry that is read.

    Returns
    -------
    Figures

    Raises
    ------
    StoreUnavailable
        The store cannot be read.
    """
    figures = Figures()
    overrides: list[Override] = []
    from_start = Selection(Period(period.zone, period.first))
    for logged in logged_entries(engine, from_start, end=end):
        if logged.entry.kind == "override":
            overrides.append(_override(logged))
        if period.has(logged.entry.at):
            _count(figures, logged, period)
    _count_overrides(figures, engine, overrides, period)
    return figures


def _count(figures: Figures, logged: LoggedEntry, period: Period) -> None:
    entry, content = logged.entry, logged.content
    figures.entries[entry.kind] += 1
    if entry.kind == "decision":
        _count_decision(figures, logged, period)
    elif entry.kind == "access":
        fields = content.get("fields")
        names = ", ".join(fields) if isinstance(fields, list) else fields
        figures.accesses.append(Access(entry.sequence, entry.at, entry.decision_id, *_by(content), names))
    elif entry.kind == "purge":
        first, last, parts = (content.get(name) for name in ("first", "last", "parts"))
        figures.purges.append(PurgeEntry(entry.sequence, entry.at, first, last, parts, *_by(content)))


def _count_decision(figures: Figures, logged: LoggedEntry, period: Period) -> None:
    content, band = logged.content, logged.band or UNKNOWN
    for group in figures.groups_of(logged, period):
        group.decisions += 1
        group.bands[band] += 1
    figures.personal[logged.personal_state] += 1
    propensity = content.get("propensity", 1)
    figures.explored += isinstance(propensity, int | float) and propensity < 1
    reasons = [r for r in content.get("reasons") or () if isinstance(r, Mapping) and "code" in r]
    figures.explained += bool(reasons)
    figures.reasons.update({str(reason["code"]) for reason in reasons})
    for reason in reasons:
        if reason["code"] not in figures.reason_texts and reason.get("zh") and reason.get("en"):
            figures.reason_texts[str(reason["code"])] = Text(zh=str(reason["zh"]), en=str(reason["en"]))


def _override(logged: LoggedEntry) -> Override:
    entry, outcome = logged.entry, logged.content.get("outcome")
    return Override(entry.sequence, entry.at, entry.decision_id, outcome, *_by(logged.content))


def _by(content: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return person(content), cause(content)


def _count_overrides(figures: Figures, engine: sa.Engine, overrides: Sequence[Override], period: Period) -> None:
    last = {o.decision_id: o for o in overrides if o.decision_id is not None}
    decisions: dict[str, LoggedEntry] = {}
    for page in _pages(last, _PAGE):
        decisions |= {str(d.entry.decision_id): d for d in decisions_of(engine, page) if period.has(d.entry.at)}
    for override in overrides:
        if override.decision_id in decisions:
            figures.officers.setdefault(override.who or UNKNOWN, Counter())["overrides"] += 1
        elif period.has(override.at):
            figures.overrides_of_earlier += 1
    for identity, decision in decisions.items():
        override, band = last[identity], decision.band or UNKNOWN
        outcome = override.outcome or UNKNOWN
        is_reversed = band in ("approve", "decline") and outcome in BANDS and outcome != band
        figures.transitions[band, outcome] += 1
        for group in figures.groups_of(decision, period):
            group.overridden += 1
            group.reversed += is_reversed
        officer = figures.officers[override.who or UNKNOWN]
        officer["decisions"] += 1
        officer["reversed"] += is_reversed


def _pages(values: Iterable[str], size: int) -> Iterator[list[str]]:
    remaining = iter(values)
    while page := list(islice(remaining, size)):
        yield page
