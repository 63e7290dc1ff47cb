"""Filters on source rows, `only`, `drop` and the blank cells of a wide table, with the number of rows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from features.plurals import count_text
from features.sources.table_source import TableSource
from features.sources.texts import as_text
from features.sources.values import is_listed

_MARK = "__filter__"
_MAX_VALUES = 20  # a filter column with more distinct values is no category, and an error does not show its values


@dataclass(frozen=True)
class RowFilter:
    """One filter of a table, such as an entry of `only`.

    Attributes
    ----------
    name : str
        Key in sources.yaml, such as "only".
    excluded : pl.Expr
        Boolean, never null: true in the rows that the filter leaves out.
    which : str
        Rows that are left out, after the word "rows", such as "whose `kind` is not listed"; may be empty.
    columns : tuple of str
        Columns that `excluded` reads.
    is_literal : bool
        Whether the filter names values to leave out, so that finding none of them is remarkable.
    noun : str
        What is left out, in the singular.
    detail : str
        End of the sentence.
    """

    name: str
    excluded: pl.Expr
    which: str
    columns: tuple[str, ...]
    is_literal: bool = False
    noun: str = "row"
    detail: str = ""


@dataclass(frozen=True)
class FilterCount:
    """A filter, and the number of rows that it leaves out of those that the filters before it let through."""

    row_filter: RowFilter
    rows: int

    @property
    def note(self) -> str | None:
        """A sentence with the number of rows; None where there is nothing to say."""
        if self.rows or self.row_filter.is_literal:
            each = self.row_filter
            noun, verb = count_text(self.rows, each.noun), "was" if self.rows == 1 else "were"
            return " ".join(
                part for part in (noun, each.which, f"{verb} left out by `{each.name}`{each.detail}") if part
            )
        return None


def row_filters(source: TableSource, schema: Mapping[str, pl.DataType]) -> list[RowFilter]:
    """Return the filters on source rows of a table's entry in sources.yaml, in the order of their effect.

    Parameters
    ----------
    source : TableSource
        A value of ``features.sources.load_sources(path).tables``.
    schema : mapping of str to pl.DataType
        Types of the source columns by name. A filter on another column is ignored here and reported by
        `features.sources.column_mapping.map_columns`.

    Returns
    -------
    list of RowFilter
        The blank cells of `unpivot`, then a filter for each column of `only` and of `drop`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> source = TableSource(csv="cars.csv", only={"kind": ["used"]})
    >>> [f.which for f in row_filters(source, {"kind": pl.String()})]
    ["whose `kind` is not 'used'"]
    """
    filters = []
    if source.unpivot is not None and source.unpivot.value in schema:
        name = source.unpivot.value
        blank = pl.col(name).is_null()
        filters.append(RowFilter("unpivot", blank, "of the wide table", (name,), noun="blank cell"))
    for key, columns in (("only", source.only), ("drop", source.drop)):
        for column in [c for c in columns if c in schema]:
            value, dtype = pl.col(column), schema[column]
            if dtype in (pl.Categorical, pl.Enum, pl.Null):
                value, dtype = value.cast(pl.String), pl.String()
            is_named = is_listed(value, dtype, columns[column])
            names = f"{'not ' if key == 'only' else ''}{_listed(columns[column])}"
            which = f"whose `{column}` is {names}"
            excluded = ~is_named if key == "only" else is_named
            filters.append(RowFilter(key, excluded, which, (column,), is_literal=key == "drop"))
    return filters


def filter_rows(rows: pl.LazyFrame, source: TableSource) -> pl.LazyFrame:
    """Return the rows that pass `only` and `drop` of a table's entry in sources.yaml, without blank cells of `unpivot`.

    Parameters
    ----------
    rows : pl.LazyFrame
        The source's rows; their columns are not changed.
    source : TableSource
        A value of ``features.sources.load_sources(path).tables``. A filter on a column that `rows` lacks is ignored
        here and reported by `features.sources.column_mapping.map_columns`.

    Returns
    -------
    pl.LazyFrame
        Rows that pass, with the columns of `rows`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> rows = pl.LazyFrame({"kind": ["new", "used"]})
    >>> filter_rows(rows, TableSource(csv="cars.csv", only={"kind": ["used"]})).collect()["kind"].to_list()
    ['used']
    """
    for row_filter in row_filters(source, rows.collect_schema()):
        rows = rows.filter(~row_filter.excluded)
    return rows


def count_filtered(rows: pl.LazyFrame, filters: Sequence[RowFilter], *, range_of: str | None = None) -> FilteredCounts:
    """Count the rows that each filter leaves out; a row is counted once, by the first filter that excludes it.

    Parameters
    ----------
    rows : pl.LazyFrame
        All rows, before the filters.
    filters : sequence of RowFilter
        As returned by `row_filters`; at least one.
    range_of : str, optional
        Column whose smallest and largest value in all rows are returned.

    Returns
    -------
    FilteredCounts
        `counts` in the order of the filters, `rows_read`, `rows_left`, and `low`, `high` and `nulls` of `range_of`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> rows = pl.LazyFrame({"kind": ["new", "used", "?"]})
    >>> filters = row_filters(TableSource(csv="cars.csv", drop={"kind": ["?"]}), rows.collect_schema())
    >>> result = count_filtered(rows, filters)
    >>> result.rows_read, result.rows_left, result.counts[0].note
    (3, 2, "1 row whose `kind` is '?' was left out by `drop`")
    """
    mark = pl.coalesce([pl.when(f.excluded).then(pl.lit(i, dtype=pl.Int32)) for i, f in enumerate(filters)])
    ends, ranged = [], []
    if range_of is not None:
        column, ranged = pl.col(range_of), [range_of]
        ends = [column.min().alias("low"), column.max().alias("high"), column.null_count().alias("nulls")]
    selected = rows.select(mark.alias(_MARK), *ranged)
    table = selected.group_by(_MARK).agg(pl.len(), *ends).collect(engine="streaming")
    numbers = dict(table.select(_MARK, "len").rows())
    counts = tuple(FilterCount(f, numbers.get(i, 0)) for i, f in enumerate(filters))
    totals = FilteredCounts(counts, sum(numbers.values()), numbers.get(None, 0))
    if range_of is None:
        return totals
    return replace(totals, low=table["low"].min(), high=table["high"].max(), nulls=int(table["nulls"].sum()))


@dataclass(frozen=True)
class FilteredCounts:
    """Numbers of rows of a filtered table; returned by `count_filtered`.

    Attributes
    ----------
    counts : tuple of FilterCount
        In the order of the filters.
    rows_read, rows_left : int
        Number of all rows, and of the rows that pass the filters.
    low, high : Any
        Smallest and largest value of a column in all rows; None without such a column, or without a value.
    nulls : int
        Number of all rows without a value in this column.
    remarks : tuple of str
        Other sentences about the filters.
    """

    counts: tuple[FilterCount, ...]
    rows_read: int
    rows_left: int
    low: Any = None
    high: Any = None
    nulls: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def rows_left_out(self) -> int:
        """Number of rows that the filters leave out."""
        return self.rows_read - self.rows_left

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each filter that leaves rows out, for each `drop` that finds nothing, and the remarks."""
        return (*(c.note for c in self.counts if c.note), *self.remarks)


def column_values(rows: pl.LazyFrame, column: str) -> str:
    """Return the most frequent values of a source column for an error message; empty if it is no category.

    Parameters
    ----------
    rows : pl.LazyFrame
        All rows of the source.
    column : str
        Name of one of its columns.

    Returns
    -------
    str
        At most five values in quotes; empty if the column has more than 20 distinct values, which may be personal.

    Examples
    --------
    >>> import polars as pl
    >>> column_values(pl.LazyFrame({"kind": ["new", "used", "new", None]}), "kind")
    "'new', 'used', null"
    """
    text = as_text(pl.col(column), rows.collect_schema()[column]).alias("value")
    values = rows.select(text).group_by("value").len().sort(["len", "value"], descending=[True, False], nulls_last=True)
    distinct = values.head(_MAX_VALUES + 1).collect()["value"].to_list()
    if len(distinct) > _MAX_VALUES:
        return ""
    more = ", ..." if len(distinct) > 5 else ""
    return ", ".join("null" if v is None else repr(v) for v in distinct[:5]) + more


def _listed(values: Sequence[Any]) -> str:
    texts = ["null" if v is None else repr(v) for v in values]
    return " or ".join(texts) if len(texts) <= 3 else f"one of {len(texts)} values ({', '.join(texts[:2])}, ...)"
