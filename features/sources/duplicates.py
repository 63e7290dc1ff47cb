"""Rows with the same key: exact repetitions, contradictions, and the latest of several versions of a row."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.errors import DataError
from features.plurals import count_text
from features.sources.column_mapping import ColumnMapping
from features.sources.instants import to_microseconds
from features.sources.scans import ROW
from features.sources.table_source import TableSource
from features.sources.texts import as_text, is_text
from features.sources.typed_rows import TypedRows

_ORDER, _LAST = "__order__", "__last__"
_AMBIGUOUS_DATE = r"^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|[A-Za-z]{3,}"  # texts that do not sort by time


@dataclass(frozen=True)
class LatestRow:
    """The order of rows with the same key, of which the last is read; returned by `latest_row`.

    Attributes
    ----------
    order : pl.LazyFrame
        `__row__` and `__order__` of all rows: a larger value is later.
    column : str or None
        The source column of the order; None for the position in the source.
    """

    order: pl.LazyFrame
    column: str | None


@dataclass(frozen=True)
class Duplicates:
    """Positions of the rows that share their key with another row, from 0; returned by `find_duplicates`.

    Attributes
    ----------
    repeated : pl.Series
        Rows that repeat a valid row exactly.
    contradictory : pl.Series
        Rows that share their key with a different row.
    replaced : pl.Series
        Rows that are older than another row of their key.
    notes : tuple of str
        Sentences about replaced rows.
    n_keys : int
        Number of distinct keys of the contradictory rows.
    """

    repeated: pl.Series
    contradictory: pl.Series
    replaced: pl.Series
    notes: tuple[str, ...] = ()
    n_keys: int = 0


def latest_row(
    rows: pl.LazyFrame, table: TypedRows, source: TableSource, mapping: ColumnMapping, *, timezone: str, where: str
) -> LatestRow | None:
    """Return the order by which the latest of several rows with the same key is chosen.

    Parameters
    ----------
    rows : pl.LazyFrame
        Source rows with `__row__` and the column `latest_by`, as selected by `features.sources.selection.select_rows`.
    table : TypedRows
        The same rows, as returned by `features.sources.typed_rows.convert_rows`.
    source : TableSource
        The table's entry in sources.yaml: a value of ``features.sources.load_sources(path).tables``.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    timezone : str
        IANA name of the table's time zone.
    where : str
        Name of the source, for error messages.

    Returns
    -------
    LatestRow or None
        The order of `latest_by`: by its contract column if it is mapped to a time or a number, or else as numbers, ISO
        dates or text, whichever fits all values. Without `latest_by`, the position in the source. None unless
        `duplicate_keys` is latest.

    Raises
    ------
    DataError
        `latest_by` has texts with dates that do not sort by time.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> from features.sources.column_mapping import ColumnMapping
    >>> rows = pl.LazyFrame({"__row__": [0, 1], "version": ["9", "10"]})
    >>> source = TableSource(csv="a.csv", duplicate_keys="latest", latest_by="version")
    >>> latest = latest_row(
    ...     rows, TypedRows(rows, (), ()), source, ColumnMapping((), (), None, (), ()), timezone="UTC", where="a.csv"
    ... )
    >>> latest.order.collect()["__order__"].to_list()
    [9.0, 10.0]
    """
    if source.duplicate_keys != "latest":
        return None
    name = source.latest_by
    if name is None:
        return LatestRow(rows.select(ROW, pl.col(ROW).alias(_ORDER)), None)
    for column in mapping.columns:
        if column.spec.source == name and column.spec.map is None and column.kind not in ("text", "boolean"):
            return LatestRow(table.frame.select(ROW, pl.col(column.name).alias(_ORDER)), name)
    return LatestRow(rows.select(ROW, _order(rows, name, timezone, where).alias(_ORDER)), name)


def find_duplicates(
    typed: TypedRows, unbroken: pl.DataFrame, broken: pl.DataFrame, key: tuple[str, ...], *, latest: LatestRow | None
) -> Duplicates:
    """Return the rows that share their key with another row.

    Parameters
    ----------
    typed : TypedRows
        All rows of the table.
    unbroken, broken : pl.DataFrame
        `__row__` and `__key__` (a hash of the key) of the rows that break no rule, and of those that break one.
    key : tuple of str
        Columns that identify a row.
    latest : LatestRow or None
        As returned by `latest_row`; None if rows with the same key and different values are contradictory.

    Returns
    -------
    Duplicates
        Of the rows that break no rule. Of identical rows the first stays, and under `latest` the last.

    Examples
    --------
    >>> import polars as pl
    >>> rows = pl.DataFrame({"__row__": [0, 1, 2], "vin": ["a", "a", "a"], "price": [1, 2, 1], "__key__": [7, 7, 7]})
    >>> typed = TypedRows(rows.lazy().drop("__key__"), ("vin", "price"), ())
    >>> duplicates = find_duplicates(typed, rows.select("__row__", "__key__"), rows.clear(), ("vin",), latest=None)
    >>> duplicates.repeated.to_list(), duplicates.contradictory.to_list()
    ([2], [0, 1])
    """
    none = pl.Series(ROW, [], dtype=unbroken.schema[ROW])
    is_shared = pl.col("__key__").is_duplicated()
    suspects = none if unbroken["__key__"].n_unique() == unbroken.height else unbroken.filter(is_shared)[ROW]
    if latest is None:
        if suspects.is_empty():
            return Duplicates(none, none, none)
        rows = _rows(typed, suspects, None)
        # Different keys may have the same hash, so the keys themselves are compared.
        first = rows.select(pl.struct(typed.columns).is_first_distinct()).to_series()
        distinct = rows.filter(first)
        contradictory = distinct.filter(pl.struct(list(key)).is_duplicated())
        n_keys = contradictory.select(key).n_unique() if contradictory.height else 0
        return Duplicates(rows.filter(~first)[ROW], contradictory[ROW], none, n_keys=n_keys)
    newer = _newer_broken_keys(typed, unbroken, broken, key, latest)
    if suspects.is_empty():
        return Duplicates(none, none, none, newer)
    rows = _rows(typed, suspects, latest).sort(_ORDER, ROW, nulls_last=False)
    content, keys = pl.struct(typed.columns), list(key)
    judged = rows.with_columns(
        (pl.col(ROW) == pl.col(ROW).last().over(keys)).alias(_LAST),
        content.eq_missing(content.last().over(keys)).alias("__same__"),
        pl.col(_ORDER).eq_missing(pl.col(_ORDER).last().over(keys)).alias("__tie__"),
    ).filter(~pl.col(_LAST))
    replaced = judged.filter(~pl.col("__same__"))
    ties = replaced.filter("__tie__").select(keys).n_unique() if latest.column is not None else 0
    return Duplicates(
        judged.filter("__same__")[ROW], none, replaced[ROW], (*_notes(replaced.height, ties, latest.column), *newer)
    )


def _rows(typed: TypedRows, positions: pl.Series, latest: LatestRow | None) -> pl.DataFrame:
    is_selected = pl.col(ROW).is_in(positions.implode())
    rows = typed.frame.filter(is_selected).select(ROW, *typed.columns).collect().sort(ROW)
    return rows if latest is None else rows.join(latest.order.filter(is_selected).collect(), on=ROW, how="left")


def _newer_broken_keys(
    typed: TypedRows, unbroken: pl.DataFrame, broken: pl.DataFrame, key: tuple[str, ...], latest: LatestRow
) -> tuple[str, ...]:
    """Return a note on the keys whose latest row breaks a rule, so that an older row is read."""
    shared = broken.select(ROW, "__key__").join(unbroken, on="__key__", how="semi") if broken.height else broken
    if shared.is_empty():
        return ()
    both = pl.concat([shared, unbroken.join(shared, on="__key__", how="semi").select(shared.columns)])
    rows = _rows(typed, both[ROW], latest).drop_nulls(list(key)).sort(_ORDER, ROW, nulls_last=False)
    is_broken = pl.col(ROW).is_in(shared[ROW].implode())
    last = rows.group_by(list(key)).agg(is_broken.last().alias("newest"), is_broken.all().alias("all"))
    n = last.filter(pl.col("newest") & ~pl.col("all")).height
    return (
        (f"{count_text(n, 'key has', 'keys have')} a newer row that breaks the contract; the older row is read",)
        if n
        else ()
    )


def _notes(replaced: int, ties: int, column: str | None) -> list[str]:
    if not replaced:
        return []
    by = "the later row of the source" if column is None else f"the row with the largest `{column}`"
    older, verb = count_text(replaced, "older row"), "was" if replaced == 1 else "were"
    notes = [f"{older} of the same key {verb} replaced by {by} (`duplicate_keys: latest`)"]
    if ties:
        keys = count_text(ties, "key has", "keys have")
        notes.append(f"{keys} different rows with the same `{column}`: the later row of the source is read")
    return notes


def _order(rows: pl.LazyFrame, name: str, timezone: str, where: str) -> pl.Expr:
    """Return the values of a source column in a type that sorts."""
    dtype = rows.collect_schema()[name]
    if not is_text(dtype) or dtype.is_temporal():
        return pl.col(name)
    text = as_text(pl.col(name), dtype)
    number = text.cast(pl.Float64, strict=False)
    instant = to_microseconds(text, pl.String(), timezone=timezone, formats=(), unit=None)
    is_date = text.str.contains(r"^\d{4}[-/.]?\d{2}[-/.]?\d{2}")
    example = text.filter(text.str.contains(_AMBIGUOUS_DATE) & text.str.contains(r"\d")).first()
    test = rows.select(
        text.count().alias("texts"),
        number.count().alias("numbers"),
        (instant.is_not_null() & is_date).sum().alias("dates"),
        example.alias("example"),
    ).collect()
    texts, numbers, dates, value = test.row(0)
    if numbers == texts:
        return number
    if dates == texts:
        return instant
    if value is not None:
        raise DataError(
            f"{where}: `latest_by: {name}` has values such as {value!r}, which do not sort by time as text: export the "
            "column as 2024-03-31 18:00:00, or remove `latest_by` if the later rows of the source are the newer ones"
        )
    return text
