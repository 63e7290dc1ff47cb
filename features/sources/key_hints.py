"""Likely causes of keys without a partner, each tried out on the keys before it is said, with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from features.contracts import Table
from features.sources.key_spellings import Spelling, matching_spelling
from features.sources.texts import as_key, as_text

MIN_SHARE = 0.1  # of the unmatched keys that a cause must explain
MAX_MAPPED_KEYS = 20  # more keys than this are corrected in the source, not listed one by one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class HintSide:
    """One of the two tables whose keys are compared.

    Attributes
    ----------
    contract : Table
        Contract of the table: a value of `features.tables.TABLES`.
    column : str
        Contract column with the keys.
    source_column : str
        Source column with the keys.
    valid : LazyFrame
        Rows that satisfy the contract.
    source_rows : callable
        Returns the rows of the source as a LazyFrame, with the names and types of the source.
    is_query : bool
        Whether the source is a database query.
    timezone : str
        IANA name of the time zone in which dates are shown.
    are_personal : bool
        Whether the keys are personal data, which are not shown.
    """

    contract: Table
    column: str
    source_column: str
    valid: pl.LazyFrame
    source_rows: Callable[[], pl.LazyFrame]
    is_query: bool
    timezone: str
    are_personal: bool = False

    @property
    def place(self) -> str:
        """Place of the column in the YAML file."""
        return f"tables.{self.contract.name}.columns.{self.column}"


def key_hint(
    keys: pl.Series, others: pl.Series, side: HintSide, other: HintSide, *, columns: bool = True
) -> str | None:
    """Return the likely cause of keys without a partner, with its remedy.

    Parameters
    ----------
    keys : Series of str
        Distinct keys without a partner, at least one.
    others : Series of str
        Distinct keys of the other table.
    side, other : HintSide
        Table with the keys, and the other table.
    columns : bool
        Try the other source columns too, which reads all of both sources again.

    Returns
    -------
    str or None
        A sentence with the number of keys or rows that the cause explains; None if no cause explains a tenth of them.
        Tried are other spellings, other columns, and rows dated before or after those of the other table.

    Examples
    --------
    >>> import polars as pl
    >>> from features.tables import TABLES
    >>> def side(name, *keys):
    ...     rows = pl.LazyFrame({"application_id": keys})
    ...     return HintSide(TABLES[name], "application_id", "id", rows, lambda: rows, False, "Asia/Shanghai")
    >>> both = side("loan_outcomes", "a1", "a2"), side("applications", "A1", "A2")
    >>> print(key_hint(pl.Series(["a1", "a2"]), pl.Series(["A1", "A2"]), *both))  # doctest: +NORMALIZE_WHITESPACE
    in upper case 2 of 2 keys have a partner ('a1' is 'A1' in applications): write both alike in one of the sources, or
    list the keys under `map` at tables.loan_outcomes.columns.application_id, with `map_other: keep`
    """
    if (hint := spelling_hint(keys, others, side, other)) is not None:
        return hint
    attempts: list[Callable[[], str | None]] = [lambda: _of_same_row(keys, side)]
    if columns:
        attempts += [lambda: _of_own_column(keys, others, side, other), lambda: _of_other_column(keys, other)]
    attempts.append(lambda: _of_period(keys, side, other))
    for attempt in attempts:
        if (hint := attempt()) is not None:
            return hint
    return spelling_hint(keys, others, side, other, least_share=MIN_SHARE, weak=True)


def spelling_hint(
    keys: pl.Series, others: pl.Series, side: HintSide, other: HintSide, *, least_share: float = 0.5, weak: bool = False
) -> str | None:
    """Return the hint on another spelling of the keys; None if it gives a partner to less than `least_share` of them.

    Keys that are equal in their digits only count if `weak` is set. The other parameters are those of `key_hint`.
    """
    spelling = matching_spelling(keys, others)
    if spelling is None or spelling.keys < least_share * len(keys) or (spelling.is_weak and not weak):
        return None
    return _of_spelling(spelling, len(keys), side, other)


def _of_spelling(spelling: Spelling, n_keys: int, side: HintSide, other: HintSide) -> str:
    example = f" ({spelling.example[0]!r} is {spelling.example[1]!r} in {other.contract.name})"
    queries = [s.contract.name for s in (side, other) if s.is_query]
    remedy = "write both alike in one of the sources"
    if spelling.is_weak:
        remedy = f"check that both number the same things, and {remedy}"
    if queries:
        remedy += f", such as in the `sql` of tables.{queries[0]}"
    if spelling.keys <= MAX_MAPPED_KEYS:
        remedy += f", or list the keys under `map` at {side.place}, with `map_other: keep`"
    verb = "has" if spelling.keys == 1 else "have"
    start = f"{spelling.change} {spelling.keys:,} of {n_keys:,} keys {verb} a partner"
    return f"{start}{'' if side.are_personal or other.are_personal else example}: {remedy}"


def _of_same_row(keys: pl.Series, side: HintSide) -> str | None:
    """Return the hint if the key is that of another column in the same rows, such as the visitor for the customer."""
    names = [
        n
        for n in side.valid.collect_schema().names()
        if n in side.contract.references and n != side.column and not side.contract.columns[n].personal
    ]
    if not names:
        return None
    rows = side.valid.filter(pl.col(side.column).is_in(keys.implode()))
    equal = rows.select(
        pl.len().alias(side.column), *((pl.col(n) == pl.col(side.column)).sum() for n in names)
    ).collect()
    n_rows = int(equal[side.column][0])
    name = max(names, key=lambda n: int(equal[n][0]))
    if not n_rows or equal[name][0] < n_rows / 2:
        return None
    return (
        f"in {equal[name][0]:,} of these {n_rows:,} rows `{side.column}` has the value of `{name}`: map another source "
        f"column at {side.place}, or leave it out with `{side.column}: null`"
    )


def _of_own_column(keys: pl.Series, others: pl.Series, side: HintSide, other: HintSide) -> str | None:
    """Return the hint if another source column of the table has keys of the other table."""
    rows = side.source_rows()
    texts = _texts(rows, side.source_column)
    if not texts:
        return None
    # A column with few values, such as a number of months, may hold small key numbers by chance.
    counts = rows.select(
        *(t.is_in(others.implode()).sum().alias(f"rows {n}") for n, t in texts.items()),
        *(t.count().alias(f"values {n}") for n, t in texts.items()),
        *(t.filter(t.is_in(others.implode())).n_unique().alias(f"keys {n}") for n, t in texts.items()),
    ).collect(engine="streaming")
    name = max(texts, key=lambda n: int(counts[f"keys {n}"][0]))
    n_rows, n_values, n_keys = (int(counts[f"{what} {name}"][0]) for what in ("rows", "values", "keys"))
    if not n_values or n_rows < n_values / 2 or n_keys < len(keys) / 2:
        return None
    return (
        f"the source column `{name}` has keys of {other.contract.name} in {n_rows:,} of {n_values:,} rows: map it at "
        f"{side.place}"
    )


def _of_other_column(keys: pl.Series, other: HintSide) -> str | None:
    """Return the hint if another source column of the other table has the keys."""
    rows = other.source_rows()
    texts = _texts(rows, other.source_column)
    if not texts:
        return None
    counts = rows.select(
        *(t.filter(t.is_in(keys.implode())).n_unique().alias(f"keys {n}") for n, t in texts.items()),
        *(((t.n_unique() == t.count()) & (t.null_count() == 0)).alias(f"unique {n}") for n, t in texts.items()),
    ).collect(engine="streaming")
    name = max(texts, key=lambda n: int(counts[f"keys {n}"][0]))
    n_keys = int(counts[f"keys {name}"][0])
    if n_keys < len(keys) / 2:
        return None
    start = f"{n_keys:,} of {len(keys):,} keys are values of the source column `{name}` of {other.contract.name}"
    if counts[f"unique {name}"][0]:
        return f"{start}: map it at {other.place}"
    return (
        f"{start}, which does not identify its rows: add a column with the keys of {other.contract.name} to the source"
    )


def _texts(rows: pl.LazyFrame, key: str) -> dict[str, pl.Expr]:
    """Return, by name, the values as keys of the source columns that may hold keys, without the key column."""
    schema = rows.collect_schema()
    is_key = {n: t == pl.String or t.is_integer() or t.is_float() for n, t in schema.items()}
    return {n: as_key(as_text(pl.col(n), schema[n]), pl.String()) for n in schema if is_key[n] and n != key}


def _of_period(keys: pl.Series, side: HintSide, other: HintSide) -> str | None:
    """Return the hint if the rows without a partner are dated before or after all rows of the other table."""
    times = [s.contract.time for s in (side, other)]
    if None in times or any(t not in s.valid.collect_schema() for t, s in zip(times, (side, other), strict=True)):
        return None
    at, other_at = pl.col(str(times[0])), pl.col(str(times[1]))
    first, last = other.valid.select(other_at.min().alias("first"), other_at.max().alias("last")).collect().row(0)
    if first is None:
        return None
    # Outcomes are observed after the rows they belong to, so that later ones say nothing.
    sides = (at < first,) if side.contract.columns[str(times[0])].outcome else (at < first, at > last)
    unmatched = pl.col(side.column).is_in(keys.implode())
    has_key = side.valid.filter(pl.col(side.column).is_not_null() & at.is_not_null())
    for n, outside in enumerate(sides):
        sums = [
            (e & w).sum().alias(f"{i}{j}")
            for i, e in enumerate((unmatched, ~unmatched))
            for j, w in enumerate((outside, ~outside))
        ]
        unmatched_outside, unmatched_inside, matched_outside, matched_inside = has_key.select(sums).collect().row(0)
        # The time is the cause only if rows of that time have no partner, and most others do.
        if unmatched_outside <= 9 * matched_outside or unmatched_inside > min(matched_inside, unmatched_outside):
            continue
        name, instant, key = (("before the first", first, "since"), ("after the last", last, "until"))[n]
        day = (_EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(side.timezone)).date()
        return (
            f"{unmatched_outside:,} of these {unmatched_outside + unmatched_inside:,} rows are dated {name} row of "
            f"{other.contract.name} ({day}): add the rows that {other.contract.name} lacks, or leave these out with "
            f"`{key}: {day}` at tables.{side.contract.name}"
        )
    return None
