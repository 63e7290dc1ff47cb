"""Point-in-time joins: every feature of a spine row uses only rows from before its `as_of`.

A row of another table counts for a spine row if its instant is **strictly before** `as_of`. Instants are int64
microseconds since 1970 UTC, and windows are integer arithmetic on `age_us = as_of - instant`: a window of 7 days is the
half-open interval [as_of - 7 days, as_of). All aggregations of a `History` are computed in one pass over its rows, on
Polars or Spark, with identical results.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import polars as pl

from features.aggregations import AGE, DAY, Aggregation
from features.contracts import Table
from features.errors import DataError

Frame = nw.LazyFrame[Any]
AS_OF = "as_of"
_LATEST_AT, _LATEST_ID, _ID = "latest_at_us", "latest_id", "row_id"


@dataclass(frozen=True)
class History:
    """Features of an entity, aggregated over its earlier rows in one raw table; the input of `add_histories`.

    Make one with `features.as_of.History(features.tables.EVENTS, on="customer_id", aggregations={"n":
    features.aggregations.count(zh="次数", en="events")})`.

    Attributes
    ----------
    table : Table
        Contract of the raw table, such as `features.tables.EVENTS`. Its `time` column orders the rows; its key breaks
        ties.
    on : str
        Column of the spine and the table that identifies the entity, such as `customer_id`.
    aggregations : mapping of str to Aggregation
        Feature name to aggregation, as returned by `features.aggregations.count`, `total`, `distinct`, `days_since` or
        `last`.
    lookback_days : int or None
        Rows older than this number of days before `as_of` do not count; None counts all.
    excluding : str or None
        Column of the spine and the table: rows with the spine row's own value do not count. `lead_id` excludes a lead
        from its customer's other leads.
    """

    table: Table
    on: str
    aggregations: Mapping[str, Aggregation]
    lookback_days: int | None = None
    excluding: str | None = None

    @property
    def keys(self) -> list[str]:
        """Columns of the spine that identify an entity at one `as_of`."""
        return [self.on, *([self.excluding] if self.excluding else []), AS_OF]

    @property
    def time(self) -> str:
        """Column (int64, microseconds since 1970 UTC) that orders the rows; DataError for a table without one."""
        if self.table.time is None:
            raise DataError(f"{self.table.name}: the table has no time column; use a table that has one")
        return self.table.time

    def available_aggregations(self, columns: Collection[str]) -> dict[str, Aggregation]:
        """Return, by feature name, the aggregations that need only these columns of the table.

        `columns` are names (str) of columns of the raw table, including those that join and order its rows.

        Returns
        -------
        dict of str to Aggregation
            By feature name, in the order of `aggregations`.

        Examples
        --------
        >>> from features.aggregations import count, total
        >>> from features.tables import SALES
        >>> sums = {"n": count(zh="次数", en="sales"), "paid": total("price", zh="金额（分）", en="paid (fen)")}
        >>> list(History(SALES, on="customer_id", aggregations=sums).available_aggregations(["customer_id", "sold_at"]))
        ['n']
        """
        join_columns = {self.on, self.time, *([self.excluding] if self.excluding else [])}
        return {name: a for name, a in self.aggregations.items() if a.columns | join_columns <= set(columns)}


def rows_before(
    spine: Frame, table: Frame, *, on: str, time: str, lookback_days: int | None = None, excluding: str | None = None
) -> Frame:
    """Join each distinct (entity, `as_of`) of the spine with the entity's rows from strictly before `as_of`.

    Parameters
    ----------
    spine : narwhals.LazyFrame
        `on`, `as_of` (int64, microseconds since 1970 UTC) and, if used, `excluding`. Duplicates count once; rows with a
        null entity are ignored. `features.engines.to_engine({"spine": polars.LazyFrame(...)})["spine"]` makes one.
    table : narwhals.LazyFrame
        `on`, `time` (int64, microseconds since 1970 UTC) and any other columns; a value of the result of
        `features.engines.to_engine`.
    on, time : str
        Entity column of both frames, and instant column (int64, microseconds since 1970 UTC) of the table.
    lookback_days : int, optional
        Rows older than this number of days before `as_of` are left out; all earlier rows if omitted.
    excluding : str, optional
        Column of both frames: rows with the spine row's own value are left out, such as a lead's own row by `lead_id`.

    Returns
    -------
    narwhals.LazyFrame
        One row per spine entity, `as_of` and earlier row, in no particular order: the table's columns, `as_of` and
        `age_us` (`as_of` minus the row's instant in microseconds, int64, above 0). `features.engines.collect` computes
        it.

    Examples
    --------
    >>> import narwhals as nw
    >>> import polars as pl
    >>> spine = nw.from_native(pl.LazyFrame({"customer_id": ["a"], "as_of": [100]}))
    >>> events = nw.from_native(pl.LazyFrame({"customer_id": ["a", "a"], "event_at": [99, 100]}))
    >>> rows_before(spine, events, on="customer_id", time="event_at").collect().to_dict(as_series=False)
    {'customer_id': ['a'], 'as_of': [100], 'event_at': [99], 'age_us': [1]}
    """
    queries = spine.select(on, *([excluding] if excluding else []), AS_OF).drop_nulls([on]).unique()
    rows = queries.join(table, on=on, how="inner", suffix="_of_row").filter(nw.col(time) < nw.col(AS_OF))
    if excluding is not None:
        rows = rows.filter(_is_other(f"{excluding}_of_row", excluding))
    rows = rows.with_columns((nw.col(AS_OF) - nw.col(time)).alias(AGE))
    return rows if lookback_days is None else rows.filter(nw.col(AGE) <= lookback_days * DAY)


def attributes_as_of(spine: Frame, tables: Mapping[str, Frame], contract: Table) -> Frame:
    """Look up the attributes of each spine row in its own table, without the outcome columns.

    All attributes are null where `as_of` is before the row's own instant; at the same instant they are returned. If the
    table has no time column (undated data), they are always returned.

    Parameters
    ----------
    spine : narwhals.LazyFrame
        Key columns of `contract` and `as_of` (int64, microseconds since 1970 UTC); other columns are dropped. A
        module's `build_spine` returns one, such as `features.lead_scoring.build_spine(tables, params)`.
    tables : mapping of str to narwhals.LazyFrame
        Raw tables by name, as returned by `features.engines.to_engine`.
    contract : Table
        Contract of the table to look up, for example `features.tables.LEADS`.

    Returns
    -------
    narwhals.LazyFrame
        Key, `as_of` and all columns of the table that are not outcomes, including extra features; one row per spine
        row.

    Raises
    ------
    DataError
        The table is missing, or the spine lacks a key column or an int64 `as_of`.

    Examples
    --------
    >>> import narwhals as nw
    >>> import polars as pl
    >>> from features.tables import LEADS
    >>> leads = nw.from_native(pl.LazyFrame({"lead_id": ["a"], "created_at": [50], "channel": ["app"]}))
    >>> spine = nw.from_native(pl.LazyFrame({"lead_id": ["a", "a"], "as_of": [49, 50]}))
    >>> attributes_as_of(spine, {"leads": leads}, LEADS).sort("as_of").collect()["channel"].to_list()
    [None, 'app']
    """
    _check_spine(spine, contract)
    if contract.name not in tables:
        raise DataError(f"{contract.name}: the table is missing; add its source to configs/sources.yaml")
    table, key = tables[contract.name], list(contract.key)
    names = [n for n in table.collect_schema().names() if n not in contract.outcomes and n not in (*key, AS_OF)]
    rows = spine.select(*key, AS_OF).join(table.select(*key, *names), on=key, how="left")
    if contract.time not in names:
        return rows
    exists = nw.col(contract.time) <= nw.col(AS_OF)
    return rows.with_columns(nw.when(exists).then(nw.col(n)).alias(n) for n in names)


def add_histories(spine: Frame, tables: Mapping[str, Frame], histories: Sequence[History]) -> Frame:
    """Add the features of each history to the spine.

    Features whose table or column is missing are left out. An entity without earlier rows gets the aggregation's
    `fill_value`; a null entity gets null.

    Parameters
    ----------
    spine : narwhals.LazyFrame
        `as_of` (int64, microseconds since 1970 UTC) and each history's `on` and `excluding`;
        `features.engines.to_engine({"spine": polars.LazyFrame(...)})["spine"]` makes one.
    tables : mapping of str to narwhals.LazyFrame
        Raw tables by name, as returned by `features.engines.to_engine`.
    histories : sequence of History
        Features to add, each `features.as_of.History(features.tables.EVENTS, on="customer_id", aggregations={...})`.

    Returns
    -------
    narwhals.LazyFrame
        The spine's columns, then the features; one row per spine row, in no particular order. Compute it with
        `features.engines.collect`.

    Raises
    ------
    DataError
        The spine already has a column with the name of a feature.

    Examples
    --------
    >>> from features.as_of import History
    >>> import narwhals as nw
    >>> import polars as pl
    >>> from features.aggregations import count
    >>> from features.tables import EVENTS
    >>> visits = History(EVENTS, on="customer_id", aggregations={"n": count(zh="次数", en="events so far")})
    >>> events = nw.from_native(pl.LazyFrame({"event_id": ["e"], "event_at": [9], "customer_id": ["a"]}))
    >>> spine = nw.from_native(pl.LazyFrame({"customer_id": ["a", "b"], "as_of": [10, 10]}))
    >>> add_histories(spine, {"events": events}, [visits]).sort("customer_id").collect()["n"].to_list()
    [1, 0]
    """
    present = spine.collect_schema().names()
    extended = spine
    filled: list[nw.Expr] = []
    for history in histories:
        if history.table.name not in tables or not {*history.keys} <= set(present):
            continue
        table = tables[history.table.name]
        available = history.available_aggregations(table.collect_schema().names())
        if shared := sorted(set(available) & set(present)):
            raise DataError(
                f"column '{shared[0]}' has the name of a computed feature; rename it in configs/sources.yaml"
            )
        for part in _summaries(spine, table, history, available):
            extended = extended.join(part, on=history.keys, how="left")
        filled += _filled(history.on, available)
    return extended.with_columns(*filled) if filled else extended


def _summaries(spine: Frame, table: Frame, history: History, available: Mapping[str, Aggregation]) -> list[Frame]:
    """Return the features by the history's keys: one frame of aggregates, and one of values of the latest row."""
    aggregates = [n for n, a in available.items() if a.aggregate is not None]
    latest = {n: a.latest for n, a in available.items() if a.latest is not None}
    if not available:
        return []
    time = history.time
    rows = rows_before(
        spine, table, on=history.on, time=time, lookback_days=history.lookback_days, excluding=history.excluding
    )
    grouped = _grouped(rows, history.keys, {n: available[n] for n in aggregates}, time)
    summaries = [grouped.drop(_LATEST_AT)] if aggregates else []
    return [*summaries, _latest(grouped, table, history, latest)] if latest else summaries


def _grouped(rows: Frame, keys: Sequence[str], aggregations: Mapping[str, Aggregation], time: str) -> Frame:
    native = nw.to_native(rows)
    if isinstance(native, pl.LazyFrame):
        columns = [a.native.alias(n) for n, a in aggregations.items() if a.native is not None]
        grouped: Frame = nw.from_native(native.group_by(list(keys)).agg(*columns, pl.col(time).max().alias(_LATEST_AT)))
        return grouped
    aggregates = [a.expr.alias(n) for n, a in aggregations.items() if a.expr is not None]
    return rows.group_by(list(keys)).agg(*aggregates, nw.col(time).max().alias(_LATEST_AT))


def _filled(on: str, aggregations: Mapping[str, Aggregation]) -> list[nw.Expr]:
    """Return one expression for each fill value: building the query plan is most of the work of one request."""
    names: dict[int, list[str]] = {}
    for name, aggregation in aggregations.items():
        if aggregation.fill_value is not None:
            names.setdefault(aggregation.fill_value, []).append(name)
    has_entity = ~nw.col(on).is_null()
    return [nw.col(*group).fill_null(nw.when(has_entity).then(nw.lit(value))) for value, group in names.items()]


def _latest(grouped: Frame, table: Frame, history: History, columns: Mapping[str, str]) -> Frame:
    """Return values of the latest row; `grouped` has its instant, and the largest key breaks ties."""
    (key,) = history.table.key
    excluded = [nw.col(history.excluding).alias("excluded")] if history.excluding else []
    rows = table.select(
        history.on,
        nw.col(history.time).alias(_LATEST_AT),
        nw.col(key).alias(_ID),
        *excluded,
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
            raise DataError(f"spine: column '{name}' for {contract.name} is missing, got {schema.names()}; add it")
    if schema[AS_OF] != nw.Int64:
        raise DataError(f"spine: 'as_of' must be int64 microseconds since 1970 in UTC, got {schema[AS_OF]}; convert it")
