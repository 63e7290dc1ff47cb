"""Keys of one raw table that refer to rows of another: how many rows have a partner there, and which keys have none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from features.contracts import Table
from features.plurals import count_text
from features.sources.key_hints import HintSide, key_hint, spelling_hint
from features.sources.key_spellings import written_alike

MAX_EXAMPLES = 3
FEW_ROWS = 0.01  # a smaller share of rows without a partner is not worth another pass over the rows
FEW_KEYS = 10_000
# Rows that may have no partner, such as applications whose loan is still open: (table, column, other table): partner.
LOOKUPS = {
    ("applications", "application_id", "loan_outcomes"): "an outcome",
    ("leads", "customer_id", "events"): "an event of their customer",
    ("leads", "customer_id", "sales"): "a purchase of their customer",
}
_ROWS = "__rows__"


@dataclass(frozen=True)
class KeyTable:
    """Rows of a raw table whose keys `match_keys` compares; `features.sources.read_tables` makes one for each table.

    Attributes
    ----------
    contract : Table
        Contract of the table: a value of `features.tables.TABLES`.
    valid : LazyFrame
        Rows that satisfy the contract.
    rows : LazyFrame or None
        The same columns of all rows that were read, quarantined ones included; None if no row was quarantined.
    sources : mapping of str to str
        Source column by contract column.
    max_unmatched_share : float
        Largest accepted share of rows without a partner, from 0 to 1; above it, more causes are tried.
    source_rows : callable
        Returns the rows of the source as a LazyFrame, with the names and types of the source.
    is_query : bool
        Whether the source is a database query.
    timezone : str
        IANA name of the time zone of the table.
    unfiltered : callable or None
        Takes a contract column and returns its values (Series) in all rows of the source, those included that the
        filters of the table's entry leave out. None if the table has no filter.
    """

    contract: Table
    valid: pl.LazyFrame
    rows: pl.LazyFrame | None
    sources: Mapping[str, str]
    max_unmatched_share: float
    source_rows: Callable[[], pl.LazyFrame]
    is_query: bool = False
    timezone: str = "UTC"
    unfiltered: Callable[[str], pl.Series] | None = None

    def side(self, column: str, are_personal: bool) -> HintSide:
        """Return the table as a side of `features.sources.key_hints.key_hint`, with the keys of a contract column."""
        names = (self.contract, column, self.sources[column])
        return HintSide(*names, self.valid, self.source_rows, self.is_query, self.timezone, are_personal)


@dataclass(frozen=True)
class KeyMatch:
    """Partners of a reference column in another table; in `features.sources.RawTables.key_matches`.

    Attributes
    ----------
    table, column : str
        Raw table and its column, such as `loan_outcomes` and `application_id`.
    source_column : str
        Name of the column in the source.
    other_table, other_column : str
        Raw table and column that the keys are compared with, such as `applications` and `application_id`.
    partner : str or None
        What a row may be without, such as "an outcome"; None if every row should have a partner.
    joined : bool
        Whether the caller joins on the column, so that too many rows without a partner stop the run.
    rows, unmatched_rows : int
        Number of rows with a key, and of those whose key the other table lacks. Rows without a key are not counted.
    keys, unmatched_keys : int
        Number of distinct keys, and of those that the other table lacks.
    quarantined_rows, filtered_rows : int
        Number of the unmatched rows whose partner is quarantined, and of those whose partner the filters of the other
        table leave out.
    examples : tuple of str
        Up to three keys that neither quarantine nor filters explain, those with most rows first; none if the contract
        marks the column as personal.
    hint : str or None
        Likely cause, tried out on the keys, and its remedy.
    """

    table: str
    column: str
    source_column: str
    other_table: str
    other_column: str
    partner: str | None
    joined: bool
    rows: int
    unmatched_rows: int
    keys: int
    unmatched_keys: int
    quarantined_rows: int = 0
    filtered_rows: int = 0
    examples: tuple[str, ...] = ()
    hint: str | None = None

    @property
    def unexplained_share(self) -> float:
        """Share of the rows whose partner is neither there nor quarantined nor left out by a filter; 0 without rows."""
        unexplained = self.unmatched_rows - self.quarantined_rows - self.filtered_rows
        return unexplained / self.rows if self.rows else 0.0

    @property
    def text(self) -> str:
        """Numbers of rows with and without a partner in words, with examples and hint."""
        return self.counts if self.hint is None else f"{self.counts}; {self.hint}"

    @property
    def counts(self) -> str:
        """Numbers of rows with and without a partner in words, with examples.

        >>> names = {"table": "loan_outcomes", "column": "application_id", "source_column": "loan"}
        >>> names |= {"other_table": "applications", "other_column": "application_id", "partner": None}
        >>> KeyMatch(**names, joined=True, rows=9, unmatched_rows=0, keys=9, unmatched_keys=0).counts
        'loan_outcomes.application_id (`loan`): all 9 rows have a partner in applications'
        """
        matched = self.rows - self.unmatched_rows
        if self.partner is not None:
            verb = "has" if matched == 1 else "have"
            start = f"{self.table}: {matched:,} of {self.rows:,} rows {verb} {self.partner} in {self.other_table}"
            return "; ".join([f"{start}, {count_text(self.unmatched_rows, 'has', 'have')} none", *self._causes])
        if not self.unmatched_rows:
            return f"{self.place}: all {self.rows:,} rows have a partner in {self.other_table}"
        shares = f"{self.unmatched_rows / self.rows:.1%}; {self.unmatched_keys:,} of {self.keys:,} keys"
        verb = "has" if self.unmatched_rows == 1 else "have"
        start = f"{self.place}: {self.unmatched_rows:,} of {self.rows:,} rows ({shares}) {verb} no partner in "
        examples = f", for example {', '.join(map(repr, self.examples))}" if self.examples else ""
        return "; ".join([f"{start}{self.other_table}{examples}", *self._causes])

    @property
    def place(self) -> str:
        """Table and column, with the name of the column in the source where that is another one."""
        source = "" if self.source_column == self.column else f" (`{self.source_column}`)"
        return f"{self.table}.{self.column}{source}"

    @property
    def _causes(self) -> list[str]:
        counts = {
            f"quarantined rows of {self.other_table}": self.quarantined_rows,
            f"rows that the filters of {self.other_table} leave out": self.filtered_rows,
        }
        return [f"{count_text(n, 'of them refers', 'of them refer')} to {rows}" for rows, n in counts.items() if n]

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name, for JSON."""
        return asdict(self) | {"examples": list(self.examples)}


class _Pair(NamedTuple):
    table: str
    column: str
    other: str
    key: str
    partner: str | None


def match_keys(tables: Mapping[str, KeyTable], *, joins: Collection[str] | None = None) -> tuple[KeyMatch, ...]:
    """Count the rows of each table whose key has no partner in the table that it refers to.

    Compared are the references between two of the tables (`Table.foreign_keys`), and the lookups of `LOOKUPS`, whose
    rows may lack a partner.

    Parameters
    ----------
    tables : mapping of str to KeyTable
        By name of the raw table.
    joins : collection of str, optional
        References on which the caller joins, such as `events.vehicle_id`; by default all between two tables.

    Returns
    -------
    tuple of KeyMatch
        One for each pair of columns that both tables have, in the order of the tables.

    Examples
    --------
    >>> import polars as pl
    >>> from features.tables import TABLES
    >>> def table(name, **columns):
    ...     frame = pl.LazyFrame(columns)
    ...     return KeyTable(TABLES[name], frame, None, {c: c for c in columns}, 1.0, lambda: frame)
    >>> tables = {
    ...     "applications": table("applications", application_id=["1", "2"]),
    ...     "loan_outcomes": table("loan_outcomes", application_id=["2", "3"]),
    ... }
    >>> for match in match_keys(tables):
    ...     print(match.text)
    applications: 1 of 2 rows has an outcome in loan_outcomes, 1 has none
    loan_outcomes.application_id: 1 of 2 rows (50.0%; 1 of 2 keys) has no partner in applications, for example '3'
    """
    pairs = [pair for name in tables for pair in _pairs(name, tables)]
    columns = list(dict.fromkeys(side for p in pairs for side in ((p.table, p.column), (p.other, p.key))))
    counted = pl.collect_all([_rows_by_key(tables[t].valid, c) for t, c in columns], engine="streaming")
    keys = dict(zip(columns, counted, strict=True))
    return tuple(
        _match(pair, tables, keys[pair.table, pair.column], keys[pair.other, pair.key], _is_joined(pair, joins))
        for pair in pairs
    )


def _pairs(name: str, tables: Mapping[str, KeyTable]) -> list[_Pair]:
    references = [(c, t, k, None) for c, (t, k) in tables[name].contract.foreign_keys.items()]
    lookups = [(c, other, c, partner) for (table, c, other), partner in LOOKUPS.items() if table == name]
    return [
        _Pair(name, column, other, key, partner)
        for column, other, key, partner in (*references, *lookups)
        if column in tables[name].sources and other in tables and key in tables[other].sources
    ]


def _is_joined(pair: _Pair, joins: Collection[str] | None) -> bool:
    if pair.partner is not None:
        return False
    return pair.table != pair.other if joins is None else f"{pair.table}.{pair.column}" in joins


def _rows_by_key(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    return frame.select(column).drop_nulls().group_by(column).agg(pl.len().alias(_ROWS))


def _match(
    pair: _Pair, tables: Mapping[str, KeyTable], rows: pl.DataFrame, others: pl.DataFrame, joined: bool
) -> KeyMatch:
    table, other = tables[pair.table], tables[pair.other]
    unmatched = rows.join(others, left_on=pair.column, right_on=pair.key, how="anti")
    quarantined = filtered = unmatched.clear()
    if unmatched.height and other.rows is not None:
        quarantined = _with_key_in(unmatched, pair.column, other.rows.select(pair.key).unique().collect()[pair.key])
    rest = unmatched.join(quarantined, on=pair.column, how="anti")
    if rest.height and other.unfiltered is not None:
        filtered = _with_key_in(rest, pair.column, other.unfiltered(pair.key))
    unexplained = unmatched.join(pl.concat([quarantined, filtered]), on=pair.column, how="anti")
    first = unexplained.sort(_ROWS, pair.column, descending=[True, False])[pair.column].head(MAX_EXAMPLES)
    sides = ((table, pair.column), (other, pair.key))
    are_personal = any(_are_personal(first, t, c) for t, c in sides)
    match = KeyMatch(
        table=pair.table,
        column=pair.column,
        source_column=table.sources[pair.column],
        other_table=pair.other,
        other_column=pair.key,
        partner=pair.partner,
        joined=joined,
        rows=int(rows[_ROWS].sum()),
        unmatched_rows=int(unmatched[_ROWS].sum()),
        keys=rows.height,
        unmatched_keys=unmatched.height,
        quarantined_rows=int(quarantined[_ROWS].sum()),
        filtered_rows=int(filtered[_ROWS].sum()),
        examples=() if are_personal or pair.partner else tuple(first),
    )
    if unexplained.is_empty() or others.is_empty():
        return match
    side, other_side = (t.side(c, are_personal) for t, c in sides)
    limit = table.max_unmatched_share
    return replace(match, hint=_hint(match, unexplained[pair.column], others[pair.key], side, other_side, limit))


def _are_personal(keys: pl.Series, table: KeyTable, column: str) -> bool:
    """Return whether the column is personal, or the keys are values of a personal column, such as vehicle numbers."""
    if keys.is_empty() or table.contract.columns[column].personal:
        return True
    names = [n for n in table.contract.personal if n in table.sources and table.contract.columns[n].dtype == pl.String]
    if not names:
        return False
    values = [pl.col(n).is_in(keys.implode()).any() for n in names]
    return bool(table.valid.select(pl.any_horizontal(values)).collect().item())


def _hint(
    match: KeyMatch, keys: pl.Series, others: pl.Series, side: HintSide, other: HintSide, limit: float
) -> str | None:
    """Return the likely cause; the more rows lack a partner, the more causes are tried."""
    is_above_limit = match.unexplained_share > limit
    if match.partner is not None:  # single rows without one are normal
        return spelling_hint(keys, others, side, other) if match.unmatched_rows == match.rows else None
    if match.joined and match.unexplained_share > FEW_ROWS:
        hint = key_hint(keys, others, side, other, columns=is_above_limit)
        return hint or (_other_keys(match, keys, others) if is_above_limit else None)
    return spelling_hint(keys, others, side, other) if len(keys) <= FEW_KEYS else None


def _other_keys(match: KeyMatch, keys: pl.Series, others: pl.Series) -> str | None:
    if written_alike(keys, others):
        return f"keys of both are written alike: {match.other_table} lacks rows, or the columns number different things"
    if not match.examples:  # the keys are personal
        return None
    examples = ", ".join(map(repr, others.sort().head(MAX_EXAMPLES)))
    return f"no cause was recognised: keys of {match.other_table} are, for example, {examples}"


def _with_key_in(rows: pl.DataFrame, column: str, keys: pl.Series) -> pl.DataFrame:
    return rows.join(keys.alias(column).to_frame().unique(), on=column, how="semi")
