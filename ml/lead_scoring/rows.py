"""Derived columns of a lead that are computed from its own row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.aggregations import DAY, HOUR

CHINA = 8 * HOUR  # offset of China Standard Time, which has no daylight saving time
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0

FROM_TIME = ("created_hour", "created_weekday", "lead_age_days")
DERIVED: dict[str, dict[str, list[str | float]]] = {
    "price_to_budget": {"ratio": ["price", "budget"]},
    "price_to_budget_high": {"ratio": ["price", "budget_high"]},
    "price_to_budget_low": {"ratio": ["price", "budget_low"]},
    "price_list_share": {"ratio": ["price_lists_90d", "events_90d"]},
    "recent_share": {"ratio": ["events_7d", "events_90d"]},
}
EMPTY = "(empty)"
FIELDS_EMPTY = "fields_empty"


def with_form(X: pl.DataFrame, *, fields: Sequence[str], texts: Sequence[str]) -> pl.DataFrame:
    """Add the number of empty form fields, and replace empty texts by the category "(empty)".

    Empty fields are informative: customers with a firm intention fill in more.

    Parameters
    ----------
    X : DataFrame
        One row for each lead.
    fields : sequence of str
        Columns that the lead fills in; without any, X is returned as it is.
    texts : sequence of str
        Columns with texts.

    Returns
    -------
    DataFrame
        X with `fields_empty` (float, number of null fields) and with the `texts` cast to String.

    Examples
    --------
    >>> import polars as pl
    >>> form = pl.DataFrame({"city": ["x", None], "age": [None, None]})
    >>> with_form(form, fields=["city", "age"], texts=["city"]).select("city", "fields_empty").rows()
    [('x', 1.0), ('(empty)', 2.0)]
    """
    if not fields:
        return X
    count = pl.sum_horizontal(pl.col(f).is_null().cast(pl.Float64) for f in fields)
    return X.with_columns(count.alias(FIELDS_EMPTY), *(pl.col(t).cast(pl.String).fill_null(EMPTY) for t in texts))


def with_time_of_day(X: pl.DataFrame) -> pl.DataFrame:
    """Add hour and weekday of the lead (China Standard Time, Monday is 0) and its age in days.

    Parameters
    ----------
    X : DataFrame
        With `created_at` and `as_of` (microseconds since 1970 UTC, int64).

    Returns
    -------
    DataFrame
        X with `created_hour` (0 to 23), `created_weekday` (0 to 6) and `lead_age_days`, all float; NaN where
        `created_at` is null.

    Examples
    --------
    A lead of Thursday 1970-01-01, 8:00 in China, scored one day later.

    >>> import polars as pl
    >>> from features.aggregations import DAY
    >>> with_time_of_day(pl.DataFrame({"created_at": [0], "as_of": [DAY]})).row(0)[2:]
    (8.0, 3.0, 1.0)
    """
    created = X["created_at"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    as_of = X["as_of"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    local = created + CHINA
    return X.with_columns(
        created_hour=np.floor(local / HOUR) % 24,
        created_weekday=(np.floor(local / DAY) + EPOCH_WEEKDAY) % 7,
        lead_age_days=(as_of - created) / DAY,
    )
