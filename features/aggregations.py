"""Aggregations: columns computed from the rows that came before, each declared once for every engine.

An aggregate is written in the expressions that Narwhals and Polars share: Spark runs it through Narwhals, and a single
request runs it in Polars without the cost of a translation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_
from typing import Any

import narwhals as nw
import polars as pl

Where = Mapping[str, Collection[str]]

DAY, HOUR = 86_400_000_000, 3_600_000_000  # us
DAYS_PER_MICROSECOND = 1 / DAY
AGE = "age_us"


@dataclass(frozen=True)
class Aggregation:
    """One column computed from the rows that came before.

    Attributes
    ----------
    aggregate : callable or None
        ``(namespace) -> expression``: aggregate over the rows of one entity at one `as_of`, in the words that Narwhals
        and Polars share; None for a last value.
    reads : frozenset of str
        Columns of the raw table it needs. Where the table lacks one, the aggregation is left out.
    empty : int or None
        What it is for an entity that has no such row; None where nothing can be said.
    zh, en : str
        What it means, for people.
    column : str or None
        Of a last value: the column that is taken from the latest row.
    """

    aggregate: Callable[[Any], Any] | None
    reads: frozenset[str]
    empty: int | None
    zh: str
    en: str
    column: str | None = None

    @cached_property
    def expr(self) -> nw.Expr | None:
        """The aggregate for any engine."""
        return None if self.aggregate is None else self.aggregate(nw)

    @cached_property
    def native(self) -> pl.Expr | None:
        """The aggregate for Polars itself: translating a plan anew costs a single request more than computing it."""
        return None if self.aggregate is None else self.aggregate(pl)


def count(*, days: int | None = None, where: Where | None = None, zh: str, en: str) -> Aggregation:
    """Count the rows of a window.

    Parameters
    ----------
    days : int, optional
        Window length; every earlier row by default.
    where : mapping, optional
        Accepted values by column.
    zh, en : str
        What it means.

    Returns
    -------
    Aggregation
        int64; 0 without rows.
    """

    def aggregate(ns: Any) -> Any:
        met = _met(ns, days, where)
        # One byte a row instead of eight until it is summed: a quarter less time on 20 million events.
        return ns.len().cast(ns.Int64) if met is None else met.cast(ns.Int8).sum()

    return Aggregation(aggregate, frozenset(where or ()), 0, zh, en)


def total(column: str, *, days: int | None = None, where: Where | None = None, zh: str, en: str) -> Aggregation:
    """Add up the whole part of a number (seconds, fen) over a window; unknown values add nothing.

    Whole numbers below 2**53 add up to the same float64 in any order, so engines and partitions agree to the last bit.

    Returns
    -------
    Aggregation
        float64, in the column's unit; 0 without rows.
    """

    def aggregate(ns: Any) -> Any:
        met = _met(ns, days, where)
        whole = ns.col(column).floor()
        return (whole if met is None else ns.when(met).then(whole)).sum().cast(ns.Float64)

    return Aggregation(aggregate, frozenset({column, *(where or ())}), 0, zh, en)


def distinct(column: str, *, days: int | None = None, where: Where | None = None, zh: str, en: str) -> Aggregation:
    """Count the different known values of a column over a window.

    Returns
    -------
    Aggregation
        int64; 0 without rows.
    """

    def aggregate(ns: Any) -> Any:
        met = _met(ns, days, where)
        value = ns.col(column) if met is None else ns.when(met).then(ns.col(column))
        # n_unique counts null as a value of its own.
        unknown = value.is_null().cast(ns.Int8).max().cast(ns.Int64)
        return value.n_unique().cast(ns.Int64) - unknown

    return Aggregation(aggregate, frozenset({column, *(where or ())}), 0, zh, en)


def days_since(*, days: int | None = None, where: Where | None = None, zh: str, en: str) -> Aggregation:
    """Days from the latest row to `as_of`.

    Returns
    -------
    Aggregation
        float64, above 0; null without rows.
    """

    def aggregate(ns: Any) -> Any:
        met = _met(ns, days, where)
        age = ns.col(AGE) if met is None else ns.when(met).then(ns.col(AGE))
        # Polars divides by a constant by way of its reciprocal, others do not: spelt out, all agree to the last bit.
        return age.min().cast(ns.Float64) * DAYS_PER_MICROSECOND

    return Aggregation(aggregate, frozenset(where or ()), None, zh, en)


def last(column: str, *, zh: str, en: str) -> Aggregation:
    """Value in the latest row, the one with the largest key among rows of the same instant.

    Returns
    -------
    Aggregation
        The column's type; null without rows, or where the latest row has none.
    """
    return Aggregation(None, frozenset({column}), None, zh, en, column)


def _met(ns: Any, days: int | None, where: Where | None) -> Any:
    conditions = [ns.col(AGE) <= days * DAY] if days is not None else []
    for column, values in (where or {}).items():
        one = next(iter(values)) if len(values) == 1 else None
        conditions.append(ns.col(column).is_in(list(values)) if one is None else ns.col(column) == one)
    return reduce(and_, conditions) if conditions else None
