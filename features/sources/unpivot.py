"""Wide tables, with months, makes or stores as columns, as rows: one for each cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import ConfigError
from features.plurals import count_text
from features.sources.filters import filter_rows
from features.sources.table_source import TableSource, Unpivot
from features.sources.texts import as_text
from features.yaml_config import name_hint

TOTAL_NAMES = (
    "total", "totals", "grand total", "subtotal", "sub-total", "sub total", "sum", "overall", "summe", "gesamt",
    "gesamtergebnis", "всего", "итого", "合计", "总计", "小计", "总和", "汇总",
)  # fmt: skip
_MAX_TOTALS_CELLS = 20_000_000  # a larger table is not searched for totals


def unpivoted_columns(columns: Sequence[str], unpivot: Unpivot, *, where: str) -> tuple[list[str], list[str]]:
    """Return the columns of a wide table that stay, and those that become rows, each in the table's order.

    Parameters
    ----------
    columns : sequence of str
        Names of the wide table's columns.
    unpivot : Unpivot
        The table's entry `unpivot` in sources.yaml.
    where : str
        Name of the source, for error messages.

    Returns
    -------
    index, on : list of str
        Columns that stay, and columns that become rows.

    Raises
    ------
    ConfigError
        `index` or `on` names a column that the table does not have, no column becomes a row, or `variable` or `value`
        is the name of a column that stays.

    Examples
    --------
    >>> from features.sources.table_source import Unpivot
    >>> unpivot = Unpivot(index=["model"], variable="month", value="units")
    >>> unpivoted_columns(["model", "Jan", "Feb"], unpivot, where="sales: a.csv")
    (['model'], ['Jan', 'Feb'])
    """
    option = "index" if unpivot.index else "on"
    names = unpivot.index or unpivot.on
    if absent := [n for n in names if n not in columns]:
        raise ConfigError(
            f"{where}: has no column `{absent[0]}`, used in `unpivot.{option}`; {name_hint(absent[0], columns)}"
        )
    on = [c for c in columns if (c in names) == (option == "on")]
    index = [c for c in columns if c not in on]
    if not on:
        raise ConfigError(f"{where}: `unpivot.index` lists every column, so none becomes a row: remove some from it")
    for key, name in (("variable", unpivot.variable), ("value", unpivot.value)):
        if name in index:
            raise ConfigError(
                f"{where}: `unpivot.{key}` adds column `{name}`, which the source already has: choose another name"
            )
    return index, on


def unpivot_rows(
    wide: pl.LazyFrame, index: Sequence[str], on: Sequence[str], unpivot: Unpivot, *, row: str
) -> pl.LazyFrame:
    """Return one row for each cell of the columns `on` of a wide table.

    Parameters
    ----------
    wide : pl.LazyFrame
        The wide table with its row numbers from 0.
    index, on : sequence of str
        As returned by `unpivoted_columns`.
    unpivot : Unpivot
        Names of the new columns.
    row : str
        Name of the column of row numbers.

    Returns
    -------
    pl.LazyFrame
        `row`, the columns `index`, `variable` (String) and `value`, in no particular order. `row` numbers all cells
        from 0, line by line: number of the wide row times the number of columns `on`, plus the column's position in
        `on`. Blank cells (missing, NaN or blank text) have a null `value`. Columns of different types become text,
        unless all are numbers.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.table_source import Unpivot
    >>> wide = pl.LazyFrame({"__row__": [0, 1], "model": ["A", "B"], "Jan": ["3", " "], "Feb": ["0", "5"]})
    >>> unpivot = Unpivot(index=["model"], variable="month", value="units")
    >>> sorted(unpivot_rows(wide, ["model"], ["Jan", "Feb"], unpivot, row="__row__").collect().rows())
    [(0, 'A', 'Jan', '3'), (1, 'A', 'Feb', '0'), (2, 'B', 'Jan', None), (3, 'B', 'Feb', '5')]
    """
    schema = wide.collect_schema()
    types = {schema[c] for c in on if schema[c] != pl.Null}
    if len(types) > 1 and not all(t.is_numeric() for t in types):
        wide = wide.with_columns(as_text(pl.col(c), schema[c]).alias(c) for c in on)
    long = wide.unpivot(list(on), index=[row, *index], variable_name=unpivot.variable, value_name=unpivot.value)
    value = pl.col(unpivot.value)
    dtype = long.collect_schema()[unpivot.value]
    if dtype == pl.String:
        value = pl.when(value.str.strip_chars() != "").then(value)
    elif dtype.is_float():
        value = value.fill_nan(None)
    column = pl.col(unpivot.variable).cast(pl.Enum(list(on))).to_physical().cast(pl.Int64)
    number = pl.col(row).cast(pl.Int64) * len(on) + column
    return long.select(number.alias(row), *index, unpivot.variable, value)


def total_notes(
    wide: pl.LazyFrame, index: Sequence[str], on: Sequence[str], source: TableSource, *, row: str
) -> list[str]:
    """Return a sentence for each column and row of a wide table that seems to be a total of the others.

    A column or row is reported if it equals the sum of all others, of which two or more are not 0, or if its name is
    one of the usual words, such as "Total". A table of more than 20 million cells is not searched.

    Parameters
    ----------
    wide : pl.LazyFrame
        The wide table with its row numbers from 0.
    index, on : sequence of str
        As returned by `unpivoted_columns`.
    source : TableSource
        The table's entry in sources.yaml, with `unpivot`. Columns and rows that its `only` and `drop` leave out are
        not searched.
    row : str
        Name of the column of row numbers.

    Returns
    -------
    list of str
        Each with the key of sources.yaml that leaves the column or row out.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> cells = {"Jan": ["3", "1", "4"], "Feb": ["0", "5", "5"], "Sum": ["3", "6", "9"]}
    >>> wide = pl.LazyFrame({"__row__": [0, 1, 2], "model": ["A", "B", "C"], **cells})
    >>> unpivot = {"index": ["model"], "variable": "month", "value": "units"}
    >>> source = TableSource(csv="a.csv", unpivot=unpivot)
    >>> for note in total_notes(wide, ["model"], ["Jan", "Feb", "Sum"], source, row="__row__"):
    ...     print(note)
    column `Sum` equals the sum of the other columns that become rows: leave it out with `drop: {month: ['Sum']}`
    the row with `model` 'C' equals the sum of the other rows: leave it out with `drop: {model: ['C']}`
    """
    variable = source.unpivot.variable if source.unpivot else ""
    on = filter_rows(pl.LazyFrame({variable: list(on)}), source).collect()[variable].to_list()
    wide = filter_rows(wide.select(row, *index, *on), source)
    n_rows = int(wide.select(pl.len()).collect().item())
    if n_rows * len(on) > _MAX_TOTALS_CELLS:
        return []
    value = source.unpivot.value if source.unpivot else ""
    decimal = next((c.decimal for c in source.columns.values() if c and c.source == value and c.decimal), ".")
    schema = wide.collect_schema()
    table = wide.select(row, *index, *(_number(c, schema[c], decimal) for c in on)).collect()
    cells = table.select(on).to_numpy()
    is_number = bool(np.isfinite(cells).all())
    total_columns = _totals(cells.T) if is_number else np.zeros(len(on), dtype=bool)
    notes = []
    for name, is_sum in zip(on, total_columns, strict=True):
        if is_sum or name.strip().lower() in TOTAL_NAMES:
            reason = (
                "equals the sum of the other columns that become rows" if is_sum else "seems to be a total by its name"
            )
            notes.append(f"column `{name}` {reason}: leave it out with `drop: {{{variable}: [{name!r}]}}`")
    total_rows = _totals(cells[:, ~total_columns]) if is_number and not total_columns.all() else np.zeros(n_rows, bool)
    return notes + _row_notes(table.select(index), total_rows)


def _number(column: str, dtype: pl.DataType, decimal: str) -> pl.Expr:
    """Return the cells of a column as numbers: 0 for a blank cell, NaN for other text."""
    text = as_text(pl.col(column), dtype)
    if dtype.is_numeric():
        number = pl.col(column).cast(pl.Float64)
    else:
        digits = text.str.replace_all("." if decimal == "," else ",", "", literal=True)
        number = digits.str.replace_all(decimal, ".", literal=True).cast(pl.Float64, strict=False)
    return pl.when(text.is_null()).then(0.0).otherwise(number.fill_null(float("nan"))).alias(column)


def _totals(lines: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which lines (rows of the array) equal the sum of all others, where two or more others are not 0."""
    total = lines.sum(axis=0)
    is_sum = (np.abs(2 * lines - total) <= 1e-6 * np.maximum(1.0, np.abs(total))).all(axis=1)
    has_value = (lines != 0).any(axis=1)
    return np.asarray(is_sum & has_value & (np.count_nonzero(has_value) >= 3))


_SEEM = ("seems to be a total by its name: leave it", "seem to be totals by their name: leave them")


def _row_notes(index: pl.DataFrame, is_total: NDArray[np.bool_]) -> list[str]:
    notes = []
    texts = index.select(as_text(pl.col(c), t).alias(c) for c, t in index.schema.items())
    for column in texts.columns:
        named = texts.filter(pl.col(column).str.to_lowercase().is_in(TOTAL_NAMES)).group_by(column).len().sort(column)
        notes += [
            f"{count_text(n, 'row')} of the wide table with `{column}` {value!r} {_SEEM[n > 1]} out with "
            f"`drop: {{{column}: [{value!r}]}}`"
            for value, n in named.rows()
        ]
    if notes:
        return notes
    for position in np.flatnonzero(is_total).tolist():
        unique = [c for c in texts.columns if texts[c][position] and (texts[c] == texts[c][position]).sum() == 1]
        if unique:
            value = texts[unique[0]][position]
            notes.append(
                f"the row with `{unique[0]}` {value!r} equals the sum of the other rows: leave it out with "
                f"`drop: {{{unique[0]}: [{value!r}]}}`"
            )
        else:
            notes.append(f"row {position + 1} equals the sum of the other rows: remove it from the source")
    return notes
