"""What was known as of a moment: the one place that says which rows count.

A row of another table counts for a spine row if it came **strictly before** `as_of`. Instants are int64 microseconds
and windows are integer arithmetic on `age_us = as_of - instant`, so a window of 7 days is the half-open [as_of - 7
days, as_of). Facts are declared once (`count`, `total`, `distinct`, `days_since`, `last`), and all facts of a history
are computed in one pass over its rows, on Polars or on Spark with the same result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import polars as pl

from features.aggregations import AGE, DAY, Aggregation
from features.errors import DataError
from features.tables import Table

Frame = nw.LazyFrame[Any]
AS_OF = "as_of"
_LATEST_AT, _LATEST_ID, _ID = "latest_at_us", "latest_id", "row_id"


@dataclass(frozen=True)
class History:
    """Facts about an entity from the rows of one raw table.

    Attributes
    ----------
    table : Table
        Contract of the raw table; its `time` orders the rows and its key settles ties.
    on : str
        Column of both spine and table that names the entity.
    aggregations : mapping of str to Aggregation
        By column name.
    lookback_days : int or None
        Rows older than this do not count, so neither training nor a request needs them; None for all rows.
    excluding : str or None
        Column of both: rows with the spine row's own value do not count (a lead among its customer's other leads).
    """

    table: Table
    on: str
    aggregations: Mapping[str, Aggregation]
    lookback_days: int | None = None
    excluding: str | None = None

    @property
    def keys(self) -> list[str]:
        """Columns of the spine that tell apart whom the facts are about, and when."""
        return [self.on, *([self.excluding] if self.excluding else []), AS_OF]

    @property
    def time(self) -> str:
        """Column (us) that orders the rows."""
        if self.table.time is None:
            raise DataError(f"{self.table.name}: no column orders its rows, so none comes before `as_of`; use another")
        return self.table.time

    def available_aggregations(self, columns: Collection[str]) -> dict[str, Aggregation]:
        """The facts that a table with these columns can give."""
        links = {self.on, self.time, *([self.excluding] if self.excluding else [])}
        return {name: fact for name, fact in self.aggregations.items() if fact.reads | links <= set(columns)}


def rows_before(
    spine: Frame, table: Frame, *, on: str, time: str, lookback_days: int | None = None, excluding: str | None = None
) -> Frame:
    """Pair each entity and moment of the spine with the rows that came strictly before it.

    Parameters
    ----------
    spine : LazyFrame
        `on`, `as_of` (us) and `excluding` if given; duplicates and unknown entities are passed over.
    table : LazyFrame
        `on`, `time` (us) and what is to be summarised.
    lookback_days, excluding
        As in `History`.

    Returns
    -------
    LazyFrame
        The table's columns, `as_of` and `age_us` (us, above 0).

    Examples
    --------
    >>> import polars as pl
    >>> spine = nw.from_native(pl.LazyFrame({"customer_id": ["a"], "as_of": [100]}))
    >>> events = nw.from_native(pl.LazyFrame({"customer_id": ["a", "a"], "event_at": [99, 100]}))
    >>> rows_before(spine, events, on="customer_id", time="event_at").collect().to_dict(as_series=False)
    {'customer_id': ['a'], 'as_of': [100], 'event_at': [99], 'age_us': [1]}
    """
    moments = spine.select(on, *([excluding] if excluding else []), AS_OF).drop_nulls([on]).unique()
    rows = moments.join(table, on=on, how="inner", suffix="_of_row").filter(nw.col(time) < nw.col(AS_OF))
    if excluding is not None:
        rows = rows.filter(_is_other(f"{excluding}_of_row", excluding))
    rows = rows.with_columns((nw.col(AS_OF) - nw.col(time)).alias(AGE))
    return rows if lookback_days is None else rows.filter(nw.col(AGE) <= lookback_days * DAY)


def attributes_as_of(spine: Frame, tables: Mapping[str, Frame], contract: Table) -> Frame:
    """Add to each spine row the row it asks about, without what was filled in afterwards.

    The row asked about is the question itself, so it also counts at its own instant; before it, all is null. A table
    without its instant (data that has no time) counts always.

    Parameters
    ----------
    spine : LazyFrame
        The contract's key and `as_of` (us); other columns are dropped.
    tables : mapping of str to LazyFrame
        Raw tables.
    contract : Table
        Which of them is asked about.

    Returns
    -------
    LazyFrame
        Key, `as_of` and the table's other columns, a dealership's own included; one row per spine row.

    Raises
    ------
    DataError
        The table is missing, or the spine lacks a key column or `as_of` in int64.
    """
    _check_spine(spine, contract)
    if contract.name not in tables:
        raise DataError(f"{contract.name}: the table is missing; name its source in configs/sources.yaml")
    table, key = tables[contract.name], list(contract.key)
    names = [n for n in table.collect_schema().names() if n not in contract.outcomes and n not in (*key, AS_OF)]
    rows = spine.select(*key, AS_OF).join(table.select(*key, *names), on=key, how="left")
    if contract.time not in names:
        return rows
    there = nw.col(contract.time) <= nw.col(AS_OF)
    return rows.with_columns(nw.when(there).then(nw.col(n)).alias(n) for n in names)


def add_histories(spine: Frame, tables: Mapping[str, Frame], histories: Sequence[History]) -> Frame:
    """Add the facts of each history to the spine.

    A table or column that a dealership does not have takes the facts that need it along. An entity without rows has
    each fact's `empty` value; where the entity itself is unknown, its facts are null.

    Parameters
    ----------
    spine : LazyFrame
        Each history's `on` (and `excluding`) and `as_of` (us).
    tables : mapping of str to LazyFrame
        Raw tables.
    histories : sequence of History
        What to add.

    Returns
    -------
    LazyFrame
        The spine's columns, then the facts; one row per spine row, in no particular order.

    Raises
    ------
    DataError
        The spine already has a column named like a fact.
    """
    present = spine.collect_schema().names()
    result = spine
    filled: list[nw.Expr] = []
    for history in histories:
        if history.table.name not in tables or not {*history.keys} <= set(present):
            continue
        table = tables[history.table.name]
        facts = history.available_aggregations(table.collect_schema().names())
        if clash := sorted(set(facts) & set(present)):
            raise DataError(
                f"column '{clash[0]}' has the name of a computed feature; rename it in configs/sources.yaml"
            )
        for part in _summaries(spine, table, history, facts):
            result = result.join(part, on=history.keys, how="left")
        filled += _filled(history.on, facts)
    return result.with_columns(*filled) if filled else result


def _summaries(spine: Frame, table: Frame, history: History, facts: Mapping[str, Aggregation]) -> list[Frame]:
    """Facts by the history's keys: the aggregates, and the values of the latest row if any are asked for."""
    aggregates = [n for n, f in facts.items() if f.aggregate is not None]
    latest = {n: f.column for n, f in facts.items() if f.column is not None}
    if not facts:
        return []
    time = history.time
    rows = rows_before(
        spine, table, on=history.on, time=time, lookback_days=history.lookback_days, excluding=history.excluding
    )
    grouped = _grouped(rows, history.keys, {n: facts[n] for n in aggregates}, time)
    summaries = [grouped.drop(_LATEST_AT)] if aggregates else []
    return [*summaries, _latest(grouped, table, history, latest)] if latest else summaries


def _grouped(rows: Frame, keys: Sequence[str], facts: Mapping[str, Aggregation], time: str) -> Frame:
    native = nw.to_native(rows)
    if isinstance(native, pl.LazyFrame):
        own = [f.native.alias(n) for n, f in facts.items() if f.native is not None]
        grouped: Frame = nw.from_native(native.group_by(list(keys)).agg(*own, pl.col(time).max().alias(_LATEST_AT)))
        return grouped
    aggregates = [f.expr.alias(n) for n, f in facts.items() if f.expr is not None]
    return rows.group_by(list(keys)).agg(*aggregates, nw.col(time).max().alias(_LATEST_AT))


def _filled(on: str, facts: Mapping[str, Aggregation]) -> list[nw.Expr]:
    """One expression for all facts with the same empty value: building a plan is most of the work of one request."""
    names: dict[int, list[str]] = {}
    for name, fact in facts.items():
        if fact.empty is not None:
            names.setdefault(fact.empty, []).append(name)
    there = ~nw.col(on).is_null()
    return [nw.col(*group).fill_null(nw.when(there).then(nw.lit(empty))) for empty, group in names.items()]


def _latest(grouped: Frame, table: Frame, history: History, columns: Mapping[str, str]) -> Frame:
    """Values of the row with the largest (instant, key): joined on the instant, so `rows_before` has chosen already."""
    (key,) = history.table.key
    own = [nw.col(history.excluding).alias("excluded")] if history.excluding else []
    rows = table.select(
        history.on,
        nw.col(history.time).alias(_LATEST_AT),
        nw.col(key).alias(_ID),
        *own,
        *(nw.col(column).alias(name) for name, column in columns.items()),
    )
    tied = grouped.select(*history.keys, _LATEST_AT).join(rows, on=[history.on, _LATEST_AT], how="inner")
    if history.excluding:
        tied = tied.filter(_is_other("excluded", history.excluding))
    top = nw.col(_ID).max().over(*history.keys).alias(_LATEST_ID)
    return tied.with_columns(top).filter(nw.col(_ID) == nw.col(_LATEST_ID)).select(*history.keys, *columns)


def _is_other(column: str, own: str) -> nw.Expr:
    return nw.col(column).is_null() | (nw.col(column) != nw.col(own))


def _check_spine(spine: Frame, contract: Table) -> None:
    schema = spine.collect_schema()
    for name in (*contract.key, AS_OF):
        if name not in schema:
            raise DataError(f"spine: column '{name}' is missing, it has {schema.names()}; {contract.name} need it")
    if schema[AS_OF] != nw.Int64:
        raise DataError(f"spine: 'as_of' must be int64 microseconds since 1970 in UTC, got {schema[AS_OF]}; convert it")
