"""Contract columns that are read because a source column has their name: their notes, and columns that do not fit.

A dealership's own column may have the name of an optional contract column by coincidence. Such a column never stops a
run: if more than the accepted share of its values break the contract, the column is left out as a whole, as `null` in
sources.yaml would do. A smaller share of broken values quarantines the rows, as for every other column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import polars as pl

from features.sources.column_mapping import ColumnMapping
from features.sources.conversion import can_convert
from features.sources.scans import ROW
from features.sources.typed_rows import TypedRows
from features.sources.validation import ValidationResult
from features.sources.violations import Violation

_LISTED = 8  # a longer list is not read, if the source has no other columns


def capture_note(names: Sequence[str], *, has_other_columns: bool = True) -> str:
    """Return a note that lists the optional contract columns found by name alone.

    Parameters
    ----------
    names : sequence of str
        Contract columns, at least one: those of a mapping with `by_name`.
    has_other_columns : bool
        Whether the source has columns that are no contract columns, or maps some. Otherwise it was written for the
        contract, and many columns are counted instead of listed.

    Returns
    -------
    str

    Examples
    --------
    >>> capture_note(["model", "price"])
    'taken by their names: model, price (a column of yours with another meaning? `model: null` leaves it out)'
    """
    whose = "their names" if len(names) > 1 else "its name"
    if len(names) > _LISTED and not has_other_columns:
        return f"taken by {whose}: all {len(names)} optional columns, as the contract names them"
    return (
        f"taken by {whose}: {', '.join(names)} (a column of yours with another meaning? `{names[0]}: null` leaves it "
        "out)"
    )


def replacement_notes(mapping: ColumnMapping, contract: Collection[str]) -> list[str]:
    """Return a note for each extra feature that has the name of a contract column.

    Parameters
    ----------
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    contract : collection of str
        Names of the contract's columns, such as ``features.tables.TABLES["leads"].columns``.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.tables import TABLES
    >>> options = {"extra": ExtraFeatures(numeric=("price",)), "undated": False, "file": "sources.yaml"}
    >>> mapping = map_columns(TABLES["leads"], TableSource(csv="a"), ["lead_id", "created_at", "price"], **options)
    >>> replacement_notes(mapping, TABLES["leads"].columns)
    ['price is read as your extra feature, not as the contract column of that name']
    """
    names = [c.name for c in mapping.columns if not c.in_contract and c.name in contract]
    return [f"{n} is read as your extra feature, not as the contract column of that name" for n in names]


def unconvertible_columns(mapping: ColumnMapping, schema: Mapping[str, pl.DataType]) -> list[str]:
    """Return the columns that may be set aside and whose source type cannot be converted, such as a Date as a price.

    Parameters
    ----------
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    schema : mapping of str to polars data type
        Types of the source columns.

    Returns
    -------
    list of str
        Names of contract columns.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.tables import TABLES
    >>> options = {"extra": ExtraFeatures(), "undated": False, "file": "sources.yaml"}
    >>> mapping = map_columns(TABLES["leads"], TableSource(csv="a"), ["lead_id", "created_at", "price"], **options)
    >>> types = {"lead_id": pl.String(), "created_at": pl.Date(), "price": pl.Date()}
    >>> unconvertible_columns(mapping, types)
    ['price']
    """
    return [
        c.name
        for c in mapping.columns
        if c.may_be_set_aside and c.spec.source is not None and not can_convert(c.kind, schema[c.spec.source])
    ]


def type_note(name: str, kind: str, dtype: pl.DataType) -> str:
    """Return the note of a column that is set aside because its type cannot be converted.

    Parameters
    ----------
    name : str
        Contract column, and source column.
    kind : str
        Kind of the contract column, such as "money".
    dtype : polars data type
        Type of the source column.

    Returns
    -------
    str

    Examples
    --------
    >>> import polars as pl
    >>> type_note("price", "money", pl.Date())
    "price set aside (taken by its name): its type Date is no money; map the contract's price from another column, or \
leave it out with `price: null`"
    """
    return (
        f"{name} set aside (taken by its name): its type {dtype} is no {kind}; map the contract's {name} from another "
        f"column, or leave it out with `{name}: null`"
    )


def set_aside_notes(violations: Sequence[Violation], n_read: int) -> list[str]:
    """Return a note for each column that is set aside: what is wrong with its values, and both remedies.

    Parameters
    ----------
    violations : sequence of Violation
        Rules that the columns break, as returned by `features.sources.violations.explained_violations`.
    n_read : int
        Number of rows read.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from features.sources.violations import Violation
    >>> remedy = "`price: {from: price, factor: 100}`"
    >>> print(set_aside_notes([Violation("price", "price", "not a whole number", 7, "0.5", remedy)], 8)[0])
    price set aside (taken by its name): not a whole number in 7 of 8 rows, for example 0.5. If it is the contract's \
price: `price: {from: price, factor: 100}`. If it has another meaning: `price: null` leaves it out
    """
    notes = []
    for name in dict.fromkeys(v.column for v in violations):
        own = [v for v in violations if v.column == name]
        rules = ", ".join(
            f"{v.rule} in {v.rows:,} of {n_read:,} rows" + (f", for example {v.example}" if v.example else "")
            for v in own
        )
        notes.append(
            f"{name} set aside (taken by its name): {rules}. If it is the contract's {name}: "
            f"{own[0].remedy or 'map it with a conversion'}. If it has another meaning: `{name}: null` leaves it out"
        )
    return notes


def columns_to_set_aside(
    mapping: ColumnMapping, typed: TypedRows, validation: ValidationResult, rows: pl.LazyFrame, *, share: float
) -> list[str]:
    """Return the columns found by name of whose values more than the accepted share break the contract.

    If the table as a whole would stop the run nevertheless, all such columns with a broken value are returned.

    Parameters
    ----------
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    typed : TypedRows
        As returned by `features.sources.typed_rows.convert_rows`; its flags and positions of rows are read.
    validation : ValidationResult
        As returned by `features.sources.validation.validate_rows` for these rows.
    rows : pl.LazyFrame
        Source columns and `__row__` of these rows.
    share : float
        Largest accepted share of broken values, from 0 to 1.

    Returns
    -------
    list of str
        Names of contract columns; empty in the usual case, without reading `rows`.
    """
    broken = {
        c.name: n
        for c in mapping.columns
        if c.may_be_set_aside and (n := broken_rows(validation, [f.label for f in typed.flags if f.column == c.name]))
    }
    if not broken:
        return []
    if validation.broken.height > share * validation.rows_read or validation.rows_valid == 0:
        others = validation.broken.filter(_breaks([f.label for f in typed.flags if f.column not in broken])).height
        if others <= share * validation.rows_read and others < validation.rows_read:
            return list(broken)
    sources = {c.name: c.spec.source for c in mapping.columns if c.name in broken}
    present = rows.join(typed.frame.select(ROW), on=ROW, how="semi")
    values = present.select(pl.col(str(s)).count().alias(n) for n, s in sources.items()).collect().row(0, named=True)
    return [n for n, count in broken.items() if count > share * values[n]]


def broken_rows(validation: ValidationResult, labels: Collection[str]) -> int:
    """Return the number of rows that break one of these rules or several of them.

    Parameters
    ----------
    validation : ValidationResult
        As returned by `features.sources.validation.validate_rows`.
    labels : collection of str
        Rules, such as "price: wrong type".

    Returns
    -------
    int

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.typed_rows import Flag, TypedRows
    >>> from features.sources.validation import validate_rows
    >>> rows = {"__row__": [0, 1], "vin": ["a", None], "flag": [False, True]}
    >>> typed = TypedRows(pl.LazyFrame(rows), ("vin",), (Flag("flag", "vin", "missing value"),))
    >>> broken_rows(validate_rows(typed, ("vin",)), ["vin: missing value"])
    1
    """
    if not any(label in validation.rules for label in labels):
        return 0
    return validation.broken.filter(_breaks(labels)).height


def without_columns(mapping: ColumnMapping, names: Collection[str]) -> ColumnMapping:
    """Return a mapping without some of its columns.

    Parameters
    ----------
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    names : collection of str
        Names of contract columns.

    Returns
    -------
    ColumnMapping

    Examples
    --------
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.sources.column_mapping import map_columns
    >>> from features.tables import TABLES
    >>> options = {"extra": ExtraFeatures(), "undated": False, "file": "sources.yaml"}
    >>> mapping = map_columns(TABLES["leads"], TableSource(csv="a"), ["lead_id", "created_at", "price"], **options)
    >>> [c.name for c in without_columns(mapping, ["price"]).columns]
    ['lead_id', 'created_at']
    """
    return replace(mapping, columns=tuple(c for c in mapping.columns if c.name not in names))


def _breaks(labels: Collection[str]) -> pl.Expr:
    return pl.col("broken_rules").list.eval(pl.element().is_in(list(labels))).list.any()
