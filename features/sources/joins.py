"""Join of a second file: keys compared as text however a program wrote them, and the rows without a partner counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from features.errors import DataError
from features.sources.texts import as_key, as_text, is_text

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class UnmatchedRows:
    """Rows of a table that find no row in a joined file; returned by `unmatched_rows`.

    Attributes
    ----------
    where : str
        The joined file, for messages.
    on : tuple of str
        Join columns.
    rows : int
        Number of rows that have a value in every join column.
    unmatched : int
        How many of them have no row in the joined file.
    examples : tuple of str
        Up to three of their keys; empty if a join column is personal data.
    """

    where: str
    on: tuple[str, ...]
    rows: int
    unmatched: int
    examples: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Return the numbers and examples in one sentence without its full stop."""
        such = f", for example {', '.join(self.examples)}" if self.examples else ""
        return (
            f"{self.unmatched:,} of {self.rows:,} rows have no partner in {self.where} (`join` on {self._names}){such}"
        )

    @property
    def _names(self) -> str:
        return ", ".join(self.on)

    def check(self, share: float, *, place: str) -> str | None:
        """Return a note on rows without a partner, or None if there are none.

        Parameters
        ----------
        share : float
            Largest accepted share of rows without a partner, from 0 to 1.
        place : str
            Place of the table's entry in the YAML file, for the error message.

        Returns
        -------
        str or None

        Raises
        ------
        DataError
            The share of rows without a partner is larger.

        Examples
        --------
        >>> join = UnmatchedRows("prices.csv", ("vin",), rows=10, unmatched=1, examples=())
        >>> join.check(0.2, place="sources.yaml: tables.sales")
        '1 of 10 rows have no partner in prices.csv (`join` on vin): its columns are missing there'
        """
        if self.unmatched > share * self.rows:
            raise DataError(
                f"{self.summary}, and max_unmatched_share is {share:.1%}: correct `join.on` or the keys, complete the "
                f"joined file, or raise `max_unmatched_share` at {place}"
            )
        return f"{self.summary}: its columns are missing there" if self.unmatched else None


def join_columns(left: pl.LazyFrame, right: pl.LazyFrame, on: Sequence[str]) -> pl.LazyFrame:
    """Return the rows of `left` with the columns of the row of `right` that has the same key; null without one.

    Texts and numbers are compared as keys: `1038`, `1038.0` and `"1038"` are equal. Other types are compared as they
    are, or as text if the types differ.

    Parameters
    ----------
    left, right : pl.LazyFrame
        Any rows with the columns `on`; no other name is in both. The keys of `right` are unique (`repeated_key`).
    on : sequence of str
        Join columns.

    Returns
    -------
    pl.LazyFrame
        In the order of `left`.

    Examples
    --------
    >>> import polars as pl
    >>> left, right = pl.LazyFrame({"no": ["7", "8"]}), pl.LazyFrame({"no": [7.0], "model": ["M1"]})
    >>> join_columns(left, right, ["no"]).collect().rows()
    [('7', 'M1'), ('8', None)]
    """
    first, second = _with_keys(left, right, on)
    names = _key_names(on)
    return first.join(second.drop(on), on=names, how="left", maintain_order="left").drop(names)


def repeated_key(left: pl.LazyFrame, right: pl.LazyFrame, on: Sequence[str]) -> tuple[str, int] | None:
    """Return a key that several rows of `right` have, as text, and their number; None if all keys are unique.

    Parameters
    ----------
    left, right : pl.LazyFrame
        As for `join_columns`; of `left` only the types are used.
    on : sequence of str
        Join columns.

    Returns
    -------
    (str, int) or None

    Examples
    --------
    >>> import polars as pl
    >>> rows = pl.LazyFrame({"no": ["7", "7.0"]})
    >>> repeated_key(rows, rows, ["no"])
    ('no 7', 2)
    """
    _, second = _with_keys(left, right, on)
    names = _key_names(on)
    counts = second.drop_nulls(names).group_by(names, maintain_order=True).len().filter(pl.col("len") > 1)
    first = counts.head(1).collect()
    return (_shown(first.row(0)[:-1], on), int(first["len"][0])) if first.height else None


def unmatched_rows(
    left: pl.LazyFrame, right: pl.LazyFrame, on: Sequence[str], *, where: str, personal: Collection[str] = ()
) -> UnmatchedRows:
    """Return how many rows of `left` find no row of `right`.

    Parameters
    ----------
    left, right : pl.LazyFrame
        As for `join_columns`.
    on : sequence of str
        Join columns.
    where : str
        Name of the joined file.
    personal : collection of str
        Columns whose values are not shown.

    Returns
    -------
    UnmatchedRows

    Examples
    --------
    >>> import polars as pl
    >>> left, right = pl.LazyFrame({"no": ["7", "8", None]}), pl.LazyFrame({"no": ["7.0"], "model": ["M1"]})
    >>> unmatched_rows(left, right, ["no"], where="models.csv").summary
    '1 of 2 rows have no partner in models.csv (`join` on no), for example no 8'
    """
    first, second = _with_keys(left, right, on)
    names = _key_names(on)
    keys = first.select(names).drop_nulls().group_by(names).len()
    partners = second.select(names).with_columns(__partner__=True)
    counts = keys.join(partners, on=names, how="left").collect()
    without = counts.filter(pl.col("__partner__").is_null()).sort(names)
    is_shown = not set(on) & set(personal)
    examples = [_shown(key, on) for key in without.select(names).head(MAX_EXAMPLES).rows()] if is_shown else []
    return UnmatchedRows(where, tuple(on), int(counts["len"].sum()), int(without["len"].sum()), tuple(examples))


def _with_keys(left: pl.LazyFrame, right: pl.LazyFrame, on: Sequence[str]) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return both sides with comparable join columns under the names of `_key_names`."""
    left_types, right_types = left.collect_schema(), right.collect_schema()
    pairs = [_comparable(name, left_types[name], right_types[name]) for name in on]
    names = _key_names(on)
    return (
        left.with_columns(first.alias(n) for n, (first, _) in zip(names, pairs, strict=True)),
        right.with_columns(second.alias(n) for n, (_, second) in zip(names, pairs, strict=True)),
    )


def _comparable(name: str, left: pl.DataType, right: pl.DataType) -> tuple[pl.Expr, pl.Expr]:
    column = pl.col(name)
    if left == right and not (is_text(left) and left == pl.String) and not left.is_float():
        return column, column
    return _as_key(column, left), _as_key(column, right)


def _as_key(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_temporal() or dtype == pl.Boolean:
        return column.cast(pl.String)
    if dtype.is_numeric():
        return as_key(column, dtype)
    return as_key(as_text(column.cast(pl.String), pl.String()), pl.String())


def _key_names(on: Sequence[str]) -> list[str]:
    return [f"__key_{i}__" for i in range(len(on))]


def _shown(key: Sequence[object], on: Sequence[str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(on, key, strict=True))
