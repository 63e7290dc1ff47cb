"""Training rows and features of `credit_risk`: the application as it was submitted.

All features are fields of the application. Ratios of these fields are computed by the estimator, so a request to the
service has the same fields as a training row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from features.tables import APPLICATIONS

KEY = "application_id"


def build_spine(tables: Mapping[str, nw.LazyFrame[Any]], params: Any = None) -> nw.LazyFrame[Any]:
    """Return the labelled rows: applications whose loan has a known outcome.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        `applications` and `loan_outcomes`. `defaulted` is null until the observation window is complete.
    params : model
        Ignored: labels come from `loan_outcomes`.

    Returns
    -------
    narwhals.LazyFrame
        `application_id`, `as_of` (microseconds since 1970; 0 if the data has no `submitted_at`) and `label`
        (1 = defaulted, 0 = repaid).
    """
    applications = tables["applications"]
    timed = "submitted_at" in applications.collect_schema().names()
    as_of = nw.col("submitted_at") if timed else nw.lit(0, dtype=nw.Int64)
    outcomes = tables["loan_outcomes"].filter(~nw.col("defaulted").is_null())
    label = nw.when(nw.col("defaulted")).then(nw.lit(1, dtype=nw.Int64)).otherwise(nw.lit(0, dtype=nw.Int64))
    return (
        outcomes.select(KEY, label.alias("label"))
        .join(applications.select(KEY, as_of.alias("as_of")), on=KEY, how="inner")
        .select(KEY, "as_of", "label")
    )


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Return the fields of each application, without columns that are filled in after submission.

    Parameters
    ----------
    spine : narwhals.LazyFrame
        `application_id` and `as_of` (microseconds), as returned by `build_spine`.
    tables : mapping of str to narwhals.LazyFrame
        `applications`, including the dealership's additional columns.

    Returns
    -------
    narwhals.LazyFrame
        Columns of the spine and of the application, one row per row of the spine.
    """
    applications = tables["applications"]
    excluded = APPLICATIONS.outcomes
    columns = [c for c in applications.collect_schema().names() if c not in excluded and c != KEY]
    return spine.join(applications.select(KEY, *columns), on=KEY, how="left")
