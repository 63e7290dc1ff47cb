"""Remedies of timestamps: `format`, `unit` and `nulls`, each tried on all values of the column."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from features.plurals import count_text
from features.sources.column_values import VALUE, ColumnValues
from features.sources.conversion import with_nulls
from features.sources.date_proposals import DateEntry, DateProposal, propose_dates
from features.sources.remedies_of_values import missing_markers
from features.sources.yaml_lines import column_line, flow, scalar
from features.tables import EARLIEST, LATEST

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_HOURS_14 = 14 * 3_600_000_000
GENERAL = 'give the strptime `format` of the values, for example format: "%d.%m.%Y" for 31.12.2024'


def time_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for timestamps that cannot be read or lie outside the contract's range.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str
        With an entry of sources.yaml only if every value can then be read. Where day and month may be either, the
        message has both entries.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("created_at", "timestamp", ColumnSource(source="day"), in_contract=True, required=True)
    >>> days = pl.LazyFrame({"day": ["Aug 29, 2025", "Sep 1, 2025"]})
    >>> time_remedy(ColumnValues(LEADS, column, days, timezone="UTC"), False)
    '`created_at: {from: day, format: "%b %d, %Y"}`: then every value can be read, from 2025-08-29 to 2025-09-01'
    """
    column, proposal = values.column, _proposal(values)
    lines = [(_line(values, entry, hidden), entry.condition) for entry in proposal.entries]
    if len(lines) == 1:
        return lines[0][0]
    if lines:
        return "; ".join(f"if {condition}, {line}" for line, condition in lines)
    if proposal.remark:
        return proposal.remark
    if markers := missing_markers(values, hidden):
        return markers
    if values.distinct.schema[VALUE] == pl.String and not column.spec.format:
        return GENERAL
    return "correct the values in the source, or map another source column"


def _proposal(values: ColumnValues) -> DateProposal:
    column, dtype = values.column, values.distinct.schema[VALUE]
    if column.spec.map is not None or not (dtype.is_numeric() or dtype == pl.String):
        return DateProposal()
    raw, _ = with_nulls(pl.col(VALUE), dtype, column.kind, column.spec)
    source_values = values.distinct.select(raw).to_series().drop_nulls().unique(maintain_order=True)
    contract = values.contract
    earliest = EARLIEST if contract is None or contract.low is None else int(contract.low)
    limits = [time.time_ns() // 1_000, LATEST] if column.name == values.table.time else [LATEST]
    proposals = [
        propose_dates(source_values, timezone=values.timezone, earliest=earliest, latest=latest) for latest in limits
    ]
    proposal = next((p for p in proposals if p.entries), proposals[0])
    # An entry replaces the present `format` or `unit`; the other key would contradict it.
    present = {key for key, value in (("format", column.spec.format), ("unit", column.spec.unit)) if value}
    return replace(proposal, entries=tuple(e for e in proposal.entries if present <= set(e.changes)))


def _line(values: ColumnValues, entry: DateEntry, hidden: bool) -> str:
    column, changes = values.column, dict(entry.changes)
    if len(formats := changes.get("format", [])) == 1:
        changes["format"] = formats[0]
    is_optional = values.contract is None or values.contract.nullable
    if entry.others and is_optional and not hidden:
        changes["nulls"] = [*column.spec.nulls, *entry.others]
    days = "" if hidden else f", from {_day(entry.first, values)} to {_day(entry.last, values)}"
    if entry.others and {*map(str, entry.others)} == {*map(str, values.broken())}:
        return _without_effect(values, entry, changes.get("nulls"), hidden)
    line = column_line(column.name, column.spec, **changes)
    if not entry.others:
        return f"{line}: then every value can be read{days}"
    if "nulls" in changes:
        return f"{line}: then every value can be read{days}, or is missing"
    others = f"{len(entry.others)} others" if hidden else ", ".join(map(str, entry.others))
    return f"{line}: then the values can be read{days}; correct {others} in the source"


def _without_effect(values: ColumnValues, entry: DateEntry, nulls: list[Any] | None, hidden: bool) -> str:
    """Return the remedy for a few values that are no plausible dates where all others are read as they are."""
    column = values.column
    if nulls:
        listed = " and ".join(scalar(v) for v in entry.others)
        mean = "means" if len(entry.others) == 1 else "mean"
        return f"if {listed} {mean} missing, {column_line(column.name, column.spec, nulls=nulls)}"
    if hidden:
        return f"correct {count_text(len(entry.others), 'value')} in the source"
    dropped = flow({column.spec.source: list(entry.others)})
    listed = ", ".join(map(str, entry.others))
    return f"correct {listed} in the source, or leave these rows out with `drop: {dropped}` beside `columns`"


def _day(us: int, values: ColumnValues) -> dt.date:
    return (_EPOCH + dt.timedelta(microseconds=us)).astimezone(ZoneInfo(values.timezone)).date()


def future_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for timestamps later than the read: `timezone` if they are hours ahead, or `allow_future`.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("created_at", "timestamp", ColumnSource(source="day"), in_contract=True, required=True)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"day": ["2099-01-01"]}), timezone="UTC")
    >>> future_remedy(values, False)
    'correct the dates, or set `allow_future: true` for this table if they are right'
    """
    checked = values.checked()
    latest = None if checked is None else checked[values.column.name].max()
    if isinstance(latest, int) and latest - time.time_ns() // 1_000 < _HOURS_14:
        return "the latest value is less than 14 hours ahead: correct `timezone`"
    return "correct the dates, or set `allow_future: true` for this table if they are right"
