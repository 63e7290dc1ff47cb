"""Records reported before an instant, and the records whose dates run backwards."""

from __future__ import annotations

import polars as pl

REPORTED_TOO_EARLY = "with reported_at before serviced_at"
UNDATED = "reported_at is missing: recent weeks are assumed to be completely reported"


def reported_before(records: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """Return the records serviced and reported before an instant (microseconds since 1970 UTC).

    `records` has the int64 columns `serviced_at` and, optionally, `reported_at`. A record without `reported_at` counts
    as reported at `serviced_at`.

    >>> import polars as pl
    >>> records = pl.DataFrame({"serviced_at": [1, 2, 9], "reported_at": [None, 9, 9]})
    >>> reported_before(records, 9)["serviced_at"].to_list()
    [1]
    """
    rows = records.filter(pl.col("serviced_at") < as_of)
    return rows.filter(pl.coalesce("reported_at", "serviced_at") < as_of) if "reported_at" in rows.columns else rows


def reports_are_dated(records: pl.DataFrame) -> bool:
    """Return whether any row of `records` has a `reported_at` that is not null; false without the column.

    >>> import polars as pl
    >>> reports_are_dated(pl.DataFrame({"reported_at": [None, 5]})), reports_are_dated(pl.DataFrame({"fault": [True]}))
    (True, False)
    """
    return "reported_at" in records.columns and records["reported_at"].null_count() < records.height


def reported_records(records: pl.DataFrame, *, since: int, as_of: int) -> tuple[pl.DataFrame, int]:
    """Return the records serviced from `since` and reported before `as_of`, and how many run backwards.

    All instants are int64, microseconds since 1970 UTC.

    A record runs backwards if `reported_at` lies before `serviced_at`; such records are left out. A null `reported_at`
    becomes `serviced_at`. Where no record has a `reported_at`, the column is dropped and all records count as reported.

    >>> import polars as pl
    >>> records = pl.DataFrame({"serviced_at": [1, 2, 3, 9], "reported_at": [None, 8, 1, 9]})
    >>> rows, backwards = reported_records(records, since=0, as_of=9)
    >>> rows["reported_at"].to_list(), backwards
    ([1, 8], 1)
    """
    dated = reports_are_dated(records)
    rows = records.filter(pl.col("serviced_at").is_between(since, as_of, closed="left"))
    if not dated:
        return rows.drop("reported_at", strict=False), 0
    rows = rows.with_columns(pl.col("reported_at").fill_null(pl.col("serviced_at")))
    ordered = rows.filter(pl.col("reported_at") >= pl.col("serviced_at"))
    return ordered.filter(pl.col("reported_at") < as_of), rows.height - ordered.height
