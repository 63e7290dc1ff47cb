"""Distinct values of one source column, to check a proposed conversion on all of them before it is proposed."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import polars as pl
from pydantic import ValidationError

from features.contracts import Column, Table
from features.errors import ChehangError
from features.sources.column_mapping import ColumnMapping, MappedColumn
from features.sources.column_source import ColumnSource
from features.sources.number_columns import learn_columns
from features.sources.number_dates import read_numbers
from features.sources.scans import ROW
from features.sources.typed_rows import convert_rows

VALUE, COUNT, BROKEN = "value", "count", "broken"


class ColumnValues:
    """Distinct values of the source column of a mapped column; they are read when they are first needed.

    Parameters
    ----------
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    column : MappedColumn
        A column of the result of `features.sources.column_mapping.map_columns`.
    rows : pl.LazyFrame
        The source's rows.
    timezone : str
        IANA name of the time zone of timestamps without an offset.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import ColumnMapping, MappedColumn
    >>> from features.tables import LEADS
    >>> price = MappedColumn("price", "money", ColumnSource(source="p"), in_contract=True, required=False)
    >>> values = ColumnValues(LEADS, price, pl.LazyFrame({"p": ["5", "1.5", "a lot", "5"]}), timezone="UTC")
    >>> values.broken()
    ['1.5', 'a lot']
    >>> values.fits(factor=100), values.fits(factor=100, nulls=("a lot",))
    (False, True)
    """

    def __init__(
        self,
        table: Table,
        column: MappedColumn,
        rows: pl.LazyFrame,
        *,
        timezone: str,
    ) -> None:
        self.table = table
        self.column = column
        self._rows = rows
        self.timezone = timezone

    @property
    def contract(self) -> Column | None:
        """Return the contract of the column; None for an extra feature."""
        return self.table.columns.get(self.column.name) if self.column.in_contract else None

    @cached_property
    def distinct(self) -> pl.DataFrame:
        """Return the distinct values (`value`, not null) and their numbers of rows (`count`), frequent ones first."""
        source = self.column.spec.source
        if source is None:
            return pl.DataFrame({VALUE: [], COUNT: []}, schema={VALUE: pl.String, COUNT: pl.UInt32})
        values = self._rows.select(pl.col(source).alias(VALUE)).drop_nulls()
        if values.collect_schema()[VALUE] in (pl.Categorical, pl.Enum):
            values = values.with_columns(pl.col(VALUE).cast(pl.String))
        return values.group_by(VALUE).len(COUNT).sort([COUNT, VALUE], descending=[True, False]).collect()

    def broken(self, **changes: Any) -> list[Any]:
        """Return the distinct values that break a rule of conversion or contract, frequent ones first.

        Parameters
        ----------
        **changes
            Keys of `ColumnSource` to change before the check, such as ``factor=100``.

        Returns
        -------
        list
            Values of the source.
        """
        checked = self.checked(**changes)
        return self.distinct[VALUE].to_list() if checked is None else checked.filter(BROKEN)[VALUE].to_list()

    def fits(self, **changes: Any) -> bool:
        """Return whether every value keeps all rules with these changes; see `broken`."""
        if self._breaks_without_changes.height and not _all_keep(self.checked(self._breaks_without_changes, **changes)):
            return False
        return _all_keep(self.checked(**changes))

    @cached_property
    def _breaks_without_changes(self) -> pl.DataFrame:
        checked = self.checked()
        return self.distinct.clear() if checked is None else checked.filter(BROKEN).select(VALUE, COUNT)

    def checked(self, values: pl.DataFrame | None = None, **changes: Any) -> pl.DataFrame | None:
        """Return the distinct values converted with these changes; None if the conversion fails as a whole.

        Parameters
        ----------
        values : DataFrame, optional
            Some rows of `distinct`; all by default.
        **changes
            Keys of `ColumnSource` to change, such as ``factor=100``.

        Returns
        -------
        DataFrame or None
            `value`, `count`, `broken` (bool), and the converted value under the name of the column.
        """
        rows = (self.distinct if values is None else values).with_row_index(ROW)
        try:
            column = replace(self.column, spec=self._spec(changes))
            mapping = ColumnMapping((column,), key=(), time=None, problems=(), unused=())
            source = rows.rename({VALUE: column.spec.source}).lazy() if column.spec.source else rows.lazy()
            typed = convert_rows(
                source,
                self.table,
                mapping,
                timezone=self.timezone,
                now=None,
                field=column.name,
                where=column.name,
                numbers=read_numbers(source, mapping).readings,
                marks=learn_columns(source, mapping, self.table).readings,
            )
            flags = pl.any_horizontal(pl.lit(False), *(pl.col(f.name) for f in typed.flags)).alias(BROKEN)
            return rows.drop(ROW).hstack(typed.frame.sort(ROW).select(flags, column.name).collect())
        except (ChehangError, ValidationError, pl.exceptions.PolarsError):
            return None

    def _spec(self, changes: dict[str, Any]) -> ColumnSource:
        spec = self.column.spec
        return ColumnSource.model_validate({**written(spec), **changes}) if changes else spec


def _all_keep(checked: pl.DataFrame | None) -> bool:
    return checked is not None and not checked[BROKEN].any()


def written(spec: ColumnSource) -> dict[str, Any]:
    """Return the keys of a column's entry that differ from their defaults, by their names in YAML.

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> written(ColumnSource(source="p", factor=100))
    {'from': 'p', 'factor': 100.0}
    """
    return spec.model_dump(by_alias=True, exclude_defaults=True)
