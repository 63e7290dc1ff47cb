"""Rows of the raw tables as they were at an instant: later rows are absent, and later outcomes are null."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import polars as pl

from features.tables import TABLES


def rows_at(name: str, frame: pl.DataFrame, instant: int) -> pl.DataFrame:
    """Return the rows of a table that existed at an instant, with the outcomes that were recorded by then.

    Parameters
    ----------
    name : str
        Key of `features.tables.TABLES`.
    frame : DataFrame
        All contract columns of the table; instants in microseconds since 1970 UTC.
    instant : int
        Microseconds since 1970 UTC.

    Examples
    --------
    >>> import polars as pl
    >>> from features.tables import TABLES
    >>> columns = {n: pl.Series([], dtype=c.dtype) for n, c in TABLES["vehicles"].columns.items()}
    >>> frame = pl.DataFrame(columns)
    >>> row = {"vehicle_id": "U1", "listed_at": 10, "sold_at": 30}
    >>> frame = pl.concat([frame, pl.DataFrame([row], schema_overrides={"listed_at": pl.Int64})], how="diagonal")
    >>> rows_at("vehicles", frame, 20)["sold_at"].to_list(), rows_at("vehicles", frame, 5).height
    ([None], 0)
    """
    masks = _MASKS.get(name)
    if masks is not None:
        frame = frame.with_columns(masks(pl.lit(instant)))
    start = _STARTS.get(name, TABLES[name].time)
    if start is None or start not in frame.columns:
        return frame
    return frame.filter(pl.col(start).is_null() | (pl.col(start) <= instant))


def _null_after(instant: pl.Expr, time: str, *columns: str) -> list[pl.Expr]:
    """Return the columns, null where the time column is later than the instant."""
    is_later = pl.col(time) > instant
    return [pl.when(is_later).then(None).otherwise(pl.col(name)).alias(name) for name in columns]


def _leads(instant: pl.Expr) -> list[pl.Expr]:
    sold_later = pl.col("converted_at") > instant
    lost_later = pl.col("closed_at") > instant
    is_open = sold_later.fill_null(False) | lost_later.fill_null(False)
    return [
        pl.when(is_open).then(None).otherwise(pl.col("converted")).alias("converted"),
        *_null_after(instant, "converted_at", "converted_at", "gross_margin"),
        *_null_after(instant, "closed_at", "closed_at"),
        *_null_after(instant, "first_contact_at", "first_contact_at", "salesperson_id"),
        # How many of several contacts were made by then is not recorded.
        *_null_after(instant, "last_contact_at", "last_contact_at", "contact_count"),
    ]


def _loan_outcomes(instant: pl.Expr) -> list[pl.Expr]:
    window_open = (pl.col("observed_at") > instant) & ~(pl.col("defaulted_at") <= instant).fill_null(False)
    return [
        pl.when(window_open.fill_null(False)).then(None).otherwise(pl.col("defaulted")).alias("defaulted"),
        *_null_after(instant, "observed_at", "loss", "months_on_book"),
        *_null_after(instant, "defaulted_at", "defaulted_at"),
    ]


_MASKS: Mapping[str, Callable[[pl.Expr], list[pl.Expr]]] = MappingProxyType(
    {
        "leads": _leads,
        "loan_outcomes": _loan_outcomes,
        "applications": lambda instant: _null_after(instant, "decided_at", "decision", "decided_at"),
        "vehicles": lambda instant: [
            e for name in ("sold_at", "reserved_at", "withdrawn_at") for e in _null_after(instant, name, name)
        ],
        "fleet": lambda instant: _null_after(instant, "left_service_at", "left_service_at"),
    }
)
# Column at which a row begins to exist, where it is not the table's time column.
_STARTS: Mapping[str, str] = MappingProxyType({"loan_outcomes": "originated_at", "service_records": "reported_at"})
