"""A lead's own arithmetic: what needs no other row. It lives with the model, alike for one row and a million."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.aggregations import DAY, HOUR

CHINA = 8 * HOUR  # hours and weekdays are those of China Standard Time, which has no daylight saving
MONDAY = 3  # the epoch began on a Thursday

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
    """Count the fields of the form that were left empty, and make an empty text a value of its own.

    Who fills in a form says something by what is left out.

    >>> form = pl.DataFrame({"city": ["x", None], "age": [None, None]})
    >>> with_form(form, fields=["city", "age"], texts=["city"]).select("city", "fields_empty").rows()
    [('x', 1.0), ('(empty)', 2.0)]
    """
    if not fields:
        return X
    count = pl.sum_horizontal(pl.col(f).is_null().cast(pl.Float64) for f in fields)
    return X.with_columns(count.alias(FIELDS_EMPTY), *(pl.col(t).cast(pl.String).fill_null(EMPTY) for t in texts))


def with_time_of_day(X: pl.DataFrame) -> pl.DataFrame:
    """Add hour and weekday of the lead and its age in days, all from `created_at` and `as_of` (us).

    Examples
    --------
    A lead of Thursday 1970-01-01 at 8:00 in China, scored a day later.

    >>> with_time_of_day(pl.DataFrame({"created_at": [0], "as_of": [DAY]})).select(FROM_TIME).row(0)
    (8.0, 3.0, 1.0)
    """
    created = X["created_at"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    as_of = X["as_of"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    local = created + CHINA
    return X.with_columns(
        created_hour=np.floor(local / HOUR) % 24,
        created_weekday=(np.floor(local / DAY) + MONDAY) % 7,
        lead_age_days=(as_of - created) / DAY,
    )
