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
        `applications` (`application_id`, `submitted_at`) and `loan_outcomes` (`application_id`, `defaulted`), as
        returned by `features.engines.to_engine`. `defaulted` is null until the observation window is complete.
    params : any, optional
        Not read: labels come from `loan_outcomes`.

    Returns
    -------
    narwhals.LazyFrame
        `application_id`, `as_of` (microseconds since 1970 UTC; 0 if the data has no `submitted_at`) and `label`
        (int64: 1 = defaulted, 0 = repaid).

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> tables = to_engine({
    ...     "applications": pl.LazyFrame({"application_id": ["a", "b"], "submitted_at": [5, 9]}),
    ...     "loan_outcomes": pl.LazyFrame({"application_id": ["a", "b"], "defaulted": [True, None]}),
    ... })
    >>> collect(build_spine(tables)).rows()
    [('a', 5, 1)]
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
        `application_id` and `as_of` (microseconds since 1970 UTC), as returned by
        `features.credit_risk.build_spine`.
    tables : mapping of str to narwhals.LazyFrame
        `applications`, including the dealership's additional columns, as returned by `features.engines.to_engine`.

    Returns
    -------
    narwhals.LazyFrame
        Columns of the spine and of the application, in the units of the source (amounts in fen), one row per row of the
        spine; null where `applications` has no such row.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> tables = to_engine({"applications": pl.LazyFrame({"application_id": ["a"], "loan_amount": [9_000_000]})})
    >>> spine = to_engine({"spine": pl.LazyFrame({"application_id": ["a"], "as_of": [5]})})["spine"]
    >>> collect(build(spine, tables)).rows(named=True)
    [{'application_id': 'a', 'as_of': 5, 'loan_amount': 9000000}]
    """
    applications = tables["applications"]
    excluded = APPLICATIONS.outcomes
    columns = [c for c in applications.collect_schema().names() if c not in excluded and c != KEY]
    return spine.join(applications.select(KEY, *columns), on=KEY, how="left")
