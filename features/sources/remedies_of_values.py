"""Remedies that name values of the source: `map` for outcomes and categories, `nulls` for markers of missing values."""

from __future__ import annotations

import difflib
import re
from typing import Any

import polars as pl

from features.sources.column_values import COUNT, VALUE, ColumnValues
from features.sources.yaml_lines import TO_FILL_IN, column_line, scalar

MAX_VALUES = 12  # values written out in a message
MAX_MARKERS = 4  # more distinct values than these are hardly markers of missing values

_HIDDEN = "the quarantine file has the values"

# Words that mean "missing" everywhere, in lower case: they are shown even where values may be personal data.
_MISSING_WORDS = frozenset(
    (
        *("n/a", "na", "#n/a", "n.a.", "null", "none", "nan", "nil", "-", "--", "---", "—", ".", "?", "unknown"),
        *("missing", "blank", "empty", "无", "未知", "不详", "暂无", "空", "unbekannt", "k.a.", "k. a.", "inconnu"),
    )
)
_MISSING_NUMBER = re.compile(r"-(?:1|9+)(?:\.0+)?|9{4,}(?:\.0+)?")


def flag_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for a column of yes and no that has other values: a `map` of all its values.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str
        Which value means yes is not guessed: with two values, the message has both readings.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("converted", "boolean", ColumnSource(source="status"), in_contract=True, required=False)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"status": ["Won", "Lost", "Open", "Lost"]}), timezone="UTC")
    >>> print(flag_remedy(values, False))
    `converted: {from: status, map: {Lost: ..., Open: ..., Won: ...}}` with true for the values that mean converted, \
false for the others and null where it is not known yet
    """
    column = values.column
    meaning = column.name.replace("_", " ")
    states = f"true for the values that mean {meaning}, false for the others and null where it is not known yet"
    checked = values.checked()
    if checked is None:
        return "map another source column"
    distinct = checked[VALUE].to_list()
    if hidden:
        return f"set `map` with {states}; {_HIDDEN}"
    if len(distinct) > MAX_VALUES:
        shown = ", ".join(scalar(v) for v in distinct[:MAX_VALUES])
        return (
            f"{len(distinct):,} different values ({shown}, ...) are more than yes and no: map another source column, "
            f"or set `map` with {states}"
        )
    readings = dict(zip(distinct, checked[column.name].to_list(), strict=True))
    if not _has_zero_and_one(distinct):  # 1 beside 2 or 9 is a code
        readings = {v: None if _is_digit(v) else reading for v, reading in readings.items()}
    unread = [v for v in distinct if readings[v] is None]
    if len(distinct) == 2 and len(unread) == 1:
        reading = next(r for r in readings.values() if r is not None)
        entries = {v: not reading if v in unread else reading for v in sorted(distinct, key=str)}
        line = column_line(column.name, column.spec, map=entries)
        return f"if {scalar(unread[0])} means {'not ' if reading else ''}{meaning}, {line}"
    if len(distinct) == 2 and not any(v is not None for v in readings.values()):
        first, second = sorted(distinct, key=str)
        lines = [column_line(column.name, column.spec, map={first: yes, second: not yes}) for yes in (True, False)]
        return f"which value means {meaning}? If {scalar(first)} does, {lines[0]}; if {scalar(second)} does, {lines[1]}"
    entries = {v: TO_FILL_IN if readings[v] is None else readings[v] for v in sorted(distinct, key=str)}
    return f"{column_line(column.name, column.spec, map=entries)} with {states}"


def _is_digit(value: Any) -> bool:
    return re.fullmatch(r"[01](\.0)?", str(value).strip()) is not None


def _has_zero_and_one(values: list[Any]) -> bool:
    return {str(v).strip()[:1] for v in values if _is_digit(v)} == {"0", "1"}


def category_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for a category that the contract does not have: a `map` with the closest values proposed.

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
    >>> from features.tables import VEHICLES
    >>> column = MappedColumn("condition", "text", ColumnSource(source="state"), in_contract=True, required=False)
    >>> values = ColumnValues(VEHICLES, column, pl.LazyFrame({"state": ["usd", "demo", "new"]}), timezone="UTC")
    >>> print(category_remedy(values, False))
    `condition: {from: state, map: {demo: ..., usd: used}, map_other: keep}` with new, used or null for each value
    """
    column, contract = values.column, values.contract
    choices = contract.values if contract else ()
    states = f"{', '.join(choices)} or null for each value"
    if hidden:
        return f"set `map` with {states}; {_HIDDEN}"
    broken = values.broken()
    present = dict(column.spec.map or {})
    entries = {v: closest(v, choices) or TO_FILL_IN for v in broken[:MAX_VALUES]}
    other = "keep" if column.spec.map_other is None and not present else column.spec.map_other
    changes: dict[str, Any] = {"map": {**present, **dict(sorted(entries.items(), key=lambda item: str(item[0])))}}
    if other:
        changes["map_other"] = other
    more = ""
    if len(broken) > MAX_VALUES:
        changes["map_other"] = "null"
        more = f"; the other {len(broken) - MAX_VALUES:,} values become null"
    return f"{column_line(column.name, column.spec, **changes)} with {states}{more}"


def closest(value: Any, choices: tuple[str, ...]) -> str | None:
    """Return the value of the contract that is spelt most like `value`; None if none is close.

    Examples
    --------
    >>> [closest(v, ("walk_in", "website", "phone")) for v in ("Walk-In", "web site", "fax")]
    ['walk_in', 'website', None]
    """
    if (same := normal_spelling(value)) in choices:
        return same
    matches = difflib.get_close_matches(same, choices, n=1, cutoff=0.75)
    return matches[0] if matches else None


def normal_spelling(value: Any) -> str:
    """Return a text as the contract spells its categories: lower case, with _ for blanks and hyphens.

    Examples
    --------
    >>> normal_spelling(" Test Drive"), normal_spelling("PLUG-IN hybrid")
    ('test_drive', 'plug_in_hybrid')
    """
    return re.sub(r"[\s\-_]+", "_", str(value).strip().lower())


def unmapped_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for values that `map` does not list: `map` with them added.

    Parameters
    ----------
    values : ColumnValues
        Values of the column; its entry has `map`.
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
    >>> spec = ColumnSource(source="status", map={"won": True})
    >>> column = MappedColumn("converted", "boolean", spec, in_contract=True, required=False)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"status": ["won", "lost"]}), timezone="UTC")
    >>> print(unmapped_remedy(values, False))
    add the values to `map`, as in `converted: {from: status, map: {won: true, lost: ...}}`, or set `map_other`: keep \
reads the others as they are, null makes them missing
    """
    column = values.column
    other = "or set `map_other`: keep reads the others as they are, null makes them missing"
    if hidden:
        return f"add the values to `map`, {other}; {_HIDDEN}"
    broken = values.broken()
    shown = dict.fromkeys(broken[:MAX_VALUES], TO_FILL_IN)
    line = column_line(column.name, column.spec, map={**dict(column.spec.map or {}), **shown})
    more = f" and {len(broken) - MAX_VALUES:,} more values" if len(broken) > MAX_VALUES else ""
    return f"add the values to `map`, as in {line}{more}, {other}"


def missing_markers(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy `nulls`, if few values break a rule and the column is neither required nor a target.

    Of a hidden column, only values that mean "missing" everywhere are shown, such as "n/a" and -999.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str
        Empty where `nulls` is no remedy: all values must keep the rules with it.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("price", "money", ColumnSource(source="p"), in_contract=True, required=False)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"p": ["5", "n/a", "7"]}), timezone="UTC")
    >>> missing_markers(values, False)
    'if n/a means missing, `price: {from: p, nulls: [n/a]}`'
    """
    column, contract = values.column, values.contract
    if column.required or column.is_target or (contract is not None and not contract.nullable):
        return ""
    broken, distinct = values.broken(), values.distinct
    if hidden and not all(_is_marker(v) for v in broken):
        return ""
    n_rows = distinct.filter(pl.col(VALUE).is_in(broken))[COUNT].sum()
    if not 0 < len(broken) <= MAX_MARKERS or n_rows > distinct[COUNT].sum() / 2:
        return ""
    for markers in (broken, [str(v) for v in broken], [str(v)[:10] for v in broken]):
        nulls = (*column.spec.nulls, *markers)
        if values.fits(nulls=nulls):
            mean = "means" if len(broken) == 1 else "mean"
            listed = " and ".join(dict.fromkeys(scalar(m) for m in markers))
            return f"if {listed} {mean} missing, {column_line(column.name, column.spec, nulls=list(nulls))}"
    return ""


def _is_marker(value: Any) -> bool:
    text = str(value).strip().lower()
    return text in _MISSING_WORDS or _MISSING_NUMBER.fullmatch(text) is not None
