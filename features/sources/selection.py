"""Selection of a table's rows by its filters, with their numbers, and the error of a table without a row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from features.errors import DataError
from features.plurals import count_text
from features.sources.column_mapping import ColumnMapping
from features.sources.filters import (
    FilterCount,
    FilteredCounts,
    RowFilter,
    column_values,
    count_filtered,
    row_filters,
)
from features.sources.sampling import sampled_rows
from features.sources.scans import ROW, Scan
from features.sources.table_source import Sample, TableSource
from features.sources.time_filters import local_moment, time_filters
from features.sources.typed_rows import TypedRows, select_mapped, source_columns

NO_FILTERS = FilteredCounts((), 0, 0)


@dataclass(frozen=True)
class SelectedRows:
    """Source rows that pass `only` and `drop`; returned by `select_rows`.

    Attributes
    ----------
    rows : pl.LazyFrame
        `__row__` and the mapped source columns. In memory unless the scan is cheap to repeat.
    counts : FilteredCounts
        Rows that each filter leaves out.
    """

    rows: pl.LazyFrame
    counts: FilteredCounts


def select_rows(scan: Scan, source: TableSource, mapping: ColumnMapping) -> SelectedRows:
    """Read the source rows that pass `only` and `drop`, and count the others.

    Parameters
    ----------
    scan : Scan
        As returned by ``features.sources.scans.open_source(name, source)``.
    source : TableSource
        The table's entry in sources.yaml: a value of ``features.sources.load_sources(path).tables``.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.

    Returns
    -------
    SelectedRows
        `rows` (LazyFrame) and `counts`.

    Raises
    ------
    DataError
        The filters leave no row, or the source cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.sources.scans import open_source
    >>> from features.tables import TABLES
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "outcomes.csv")
    ...     _ = file.write_text("application_id,defaulted\\nL1,?\\nL2,no\\n")
    ...     source = TableSource(csv=str(file), drop={"defaulted": ["?"]})
    ...     scan = open_source("loan_outcomes", source)
    ...     options = {"extra": ExtraFeatures(), "undated": True, "file": "sources.yaml"}
    ...     mapping = map_columns(TABLES["loan_outcomes"], source, scan.columns, **options)
    ...     selected = select_rows(scan, source, mapping)
    >>> selected.rows.collect().rows(), selected.counts.notes
    ([(1, 'L2', 'no')], ("1 row whose `defaulted` is '?' was left out by `drop`",))
    """
    rows = scan.rows()
    filters = row_filters(source, rows.collect_schema())
    if not scan.cheap_to_repeat:
        columns = [*source_columns(mapping), *(c for f in filters for c in f.columns)]
        columns += [source.latest_by] if source.latest_by else []
        rows = rows.select(ROW, *dict.fromkeys(columns)).collect().lazy()
    selected = select_mapped(rows, source, mapping)
    if not filters:
        return SelectedRows(selected, NO_FILTERS)
    counts = count_filtered(rows, filters)
    if counts.rows_read and not counts.rows_left:
        raise DataError(f"{scan.where}: {_nothing_left(counts)}{_values(rows, counts)}: correct the filters")
    return SelectedRows(selected if scan.cheap_to_repeat else selected.collect().lazy(), counts)


def limit_rows(
    table: TypedRows, source: TableSource, mapping: ColumnMapping, *, timezone: str, where: str
) -> tuple[TypedRows, FilteredCounts]:
    """Select the rows that pass `since`, `before`, `until` and `sample`, and count the others.

    Parameters
    ----------
    table : TypedRows
        As returned by `features.sources.typed_rows.convert_rows`.
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
    table : TypedRows
        The rows that pass.
    counts : FilteredCounts
        Rows that each filter leaves out.

    Raises
    ------
    DataError
        The filters leave no row; the message has the range of dates in the table.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> from features.sources.column_mapping import ColumnMapping
    >>> table = TypedRows(pl.LazyFrame({"__row__": [0, 1], "sold_at": [0, 86_400_000_000]}), ("sold_at",), ())
    >>> source, mapping = TableSource(csv="a.csv", before=date(1970, 1, 2)), ColumnMapping((), (), "sold_at", (), ())
    >>> sold, counts = limit_rows(table, source, mapping, timezone="UTC", where="sales: a.csv")
    >>> sold.frame.collect().rows(), counts.notes
    ([(0, 0)], ('1 row at or after 1970-01-02 was left out by `before`',))
    """
    counts, frame = NO_FILTERS, table.frame
    if filters := time_filters(source, mapping.time, timezone=timezone):
        counts = count_filtered(frame, filters, range_of=mapping.time)
        if counts.rows_read and not counts.rows_left:
            raise DataError(f"{where}: {_nothing_left(counts)}{_range(counts, mapping, timezone)}: correct the filters")
        if counts.nulls and not any(c.name == mapping.time and c.required for c in mapping.columns):
            names = " and ".join(f"`{f.name}`" for f in filters)
            verb = "passes" if counts.nulls == 1 else "pass"
            remark = f"{count_text(counts.nulls, 'row')} without a value in {mapping.time} {verb} {names}"
            counts = replace(counts, remarks=(remark,))
        for row_filter in filters:
            frame = frame.filter(~row_filter.excluded)
    if source.sample is not None and source.sample.share < 1:
        frame, counts = _sampled(frame, source.sample, mapping, counts, where)
    return replace(table, frame=frame), counts


def _sampled(
    frame: pl.LazyFrame, sample: Sample, mapping: ColumnMapping, counts: FilteredCounts, where: str
) -> tuple[pl.LazyFrame, FilteredCounts]:
    """Return the rows of a sample, and the counts of the filters with that of the sample."""
    positions, n_rows = sampled_rows(frame, sample, key=mapping.key, row=ROW)
    names = ", ".join(sample.by or mapping.key)
    if n_rows and positions.is_empty():
        raise DataError(
            f"{where}: `sample` draws none of the {n_rows:,} rows, with a share of {sample.share:.3g} of the values of "
            f"{names}: raise `share`"
        )
    detail = f": {sample.share:.3g} of the values of {names} are drawn"
    sample_count = FilterCount(RowFilter("sample", pl.lit(False), "", (), detail=detail), n_rows - len(positions))
    n_read = counts.rows_read if counts.counts else n_rows
    sampled = replace(counts, counts=(*counts.counts, sample_count), rows_read=n_read, rows_left=len(positions))
    return frame.filter(pl.col(ROW).is_in(positions.implode())), sampled


def _nothing_left(counts: FilteredCounts) -> str:
    notes = "; ".join(c.note for c in counts.counts if c.rows and c.note)
    return f"the filters leave none of the {counts.rows_read:,} rows: {notes}"


def _values(rows: pl.LazyFrame, counts: FilteredCounts) -> str:
    used = dict.fromkeys(c.row_filter.columns[0] for c in counts.counts if c.rows and c.row_filter.name == "only")
    texts = {column: column_values(rows, column) for column in used}
    return "".join(f". The values of `{column}` are {values}" for column, values in texts.items() if values)


def _range(counts: FilteredCounts, mapping: ColumnMapping, timezone: str) -> str:
    if counts.low is None:
        return ""
    low, high = (local_moment(int(t), timezone=timezone) for t in (counts.low, counts.high))
    return f". {mapping.time} runs from {low} to {high} in the table"
