"""Facts of one lead that reasons for its score are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from scipy.special import expit

from features.aggregations import HOUR
from ml.estimators.shrunken_rates import SEPARATOR, ShrunkenRates
from ml.instants import instant, microseconds
from ml.signature import Signature

ZONE = ZoneInfo("Asia/Shanghai")  # of dates in texts, as of the hour and weekday of a lead
FEN = 100
DAY_HOURS = 24


@dataclass(frozen=True)
class LeadFacts:
    """One lead at the time of its score.

    Attributes
    ----------
    row : mapping of str to value
        Features of the lead in the units of the raw tables (money in fen), as `read_requests` computes them.
    as_of : int or None
        Time of the score (microseconds since 1970 UTC); None if leads have no times.
    created_at : int or None
        Time of the lead.
    last_events : mapping of str to int
        Time of the last event before `as_of` by its type.
    vehicles_7d : int
        Number of different vehicles that the customer viewed in the 7 days before `as_of`.
    rates : ShrunkenRates
        Conversion rates of new leads, by groups of columns.
    signature : Signature
        Of the model, with the readable names of columns and values.
    form : sequence of str
        Features that are details of the enquiry itself.
    horizon_days : float
        Days within which a sale counts.
    """

    row: Mapping[str, Any]
    as_of: int | None
    created_at: int | None
    last_events: Mapping[str, int]
    vehicles_7d: int
    rates: ShrunkenRates
    signature: Signature
    form: Sequence[str]
    horizon_days: float

    def number(self, name: str) -> float | None:
        """Return the value of a numeric feature; None if it is missing."""
        value = self.row.get(name)
        return None if value is None or value != value else float(value)

    def count(self, name: str) -> int:
        """Return a number of events; 0 if it is missing."""
        return int(self.number(name) or 0)

    def yuan(self, name: str) -> float | None:
        """Return an amount in yuan; None if it is missing."""
        fen = self.number(name)
        return None if fen is None else fen / FEN

    @property
    def age_hours(self) -> float | None:
        """Return the hours from the lead to the score; None if leads have no times."""
        if self.as_of is None or self.created_at is None:
            return None
        return (self.as_of - self.created_at) / HOUR

    def last(self, *event_types: str) -> datetime | None:
        """Return the local time of the last event of one of these types; None without one."""
        moments = [self.last_events[t] for t in event_types if t in self.last_events]
        return instant(max(moments)).astimezone(ZONE) if moments else None

    @property
    def today(self) -> datetime | None:
        """Return the local time of the score."""
        return None if self.as_of is None else instant(self.as_of).astimezone(ZONE)

    def rate(self, *columns: str) -> tuple[float, float] | None:
        """Return the conversion rate of the leads that share these values with the lead, and that of all leads.

        None if the model has no rate by these columns, or the lead has no value or one without a rate. The rates are
        shrunken towards the rate of all leads.
        """
        groups = [list(g) for g in self.rates.groups]
        values = [self.row.get(c) for c in columns]
        if list(columns) not in groups or any(v is None for v in values):
            return None
        log_odds = self.rates.rates_[groups.index(list(columns))].get(SEPARATOR.join(str(v) for v in values))
        return None if log_odds is None else (float(expit(log_odds)), float(expit(self.rates.overall_)))


def last_events(events: Sequence[Any], until: int | None) -> tuple[dict[str, int], int]:
    """Return the time of the last event by type, and the number of vehicles viewed in the last 7 days.

    Parameters
    ----------
    events : sequence
        With `event_at` (datetime), `event_type` and `vehicle_id`: the `events` of a request.
    until : int or None
        Only earlier events count (microseconds since 1970 UTC); None: no event counts.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from types import SimpleNamespace
    >>> view = SimpleNamespace(event_at=datetime(1970, 1, 1, 1, tzinfo=UTC), event_type="view", vehicle_id="V1")
    >>> last_events([view], until=2 * HOUR), last_events([view], until=HOUR)
    (({'view': 3600000000}, 1), ({}, 0))
    """
    if until is None:
        return {}, 0
    last: dict[str, int] = {}
    vehicles = set()
    for event in events:
        at = microseconds(event.event_at)
        if at >= until:
            continue
        last[event.event_type] = max(at, last.get(event.event_type, at))
        if event.event_type == "view" and event.vehicle_id is not None and at >= until - 7 * DAY_HOURS * HOUR:
            vehicles.add(event.vehicle_id)
    return last, len(vehicles)
