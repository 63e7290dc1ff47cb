"""Classes of the table contracts: what a raw table and each of its columns must satisfy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Column:
    """One column of a raw table, such as ``TABLES["sales"].columns["price"]``.

    Attributes
    ----------
    dtype : polars data type
        Type of the values.
    nullable : bool
        Whether a value may be missing.
    required : bool
        Whether a source must have the column.
    low, high : float or None
        Smallest and largest valid number or instant, both included.
    values : tuple of str
        Valid categories; empty if any text is valid.
    min_length : int
        Smallest number of characters of a text.
    unit : str or None
        Unit of a number: `us` (microseconds since 1970 UTC, int64), `fen`, `km` and others.
    refers_to : str or None
        Key column of another raw table whose values the column holds, such as `customers.customer_id`.
    personal, protected, reference, outcome : bool
        Membership in `Table.personal`, `.protected`, `.references` and `.outcomes`; see there.
    """

    dtype: type[pl.DataType]
    nullable: bool = True
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    min_length: int = 0
    unit: str | None = None
    refers_to: str | None = None
    personal: bool = False
    protected: bool = False
    reference: bool = False
    outcome: bool = False

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low and high must be set together, got low={self.low} and high={self.high}")


@dataclass(frozen=True)
class Table:
    """Contract of one raw table: a constant of `features.tables` such as `LEADS`, or ``TABLES["leads"]``.

    Attributes
    ----------
    name : str
        Name of the table, such as `leads`: its key in `TABLES` and under `tables` in `configs/sources.yaml`.
    columns : mapping of str to Column
        Column contracts by name.
    key : tuple of str
        Columns that together identify a row.
    time : str or None
        Column (int64, microseconds since 1970 UTC) of the instant from which the row counts as known; None if undated.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    time: str | None

    @property
    def personal(self) -> frozenset[str]:
        """Names of the columns that are personal data."""
        return frozenset(n for n, c in self.columns.items() if c.personal)

    @property
    def protected(self) -> frozenset[str]:
        """Names of the columns that models must not use; they serve to measure fairness only."""
        return frozenset(n for n, c in self.columns.items() if c.protected)

    @property
    def references(self) -> frozenset[str]:
        """Names of the columns that only identify something: the key and references to other tables."""
        return frozenset(n for n, c in self.columns.items() if c.reference) | frozenset(self.key)

    @property
    def outcomes(self) -> frozenset[str]:
        """Names of the columns filled in after the row's own instant, which are never features of that row.

        >>> from features.tables import APPLICATIONS
        >>> sorted(APPLICATIONS.outcomes)
        ['decided_at', 'decision']
        """
        return frozenset(n for n, c in self.columns.items() if c.outcome)

    @property
    def foreign_keys(self) -> dict[str, tuple[str, str]]:
        """Table and column that a reference column refers to, by the name of the reference column.

        >>> from features.tables import SALES
        >>> SALES.foreign_keys["lead_id"]
        ('leads', 'lead_id')
        """
        targets = {n: c.refers_to.split(".") for n, c in self.columns.items() if c.refers_to is not None}
        return {n: (table, column) for n, (table, column) in targets.items()}
