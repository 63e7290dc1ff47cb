"""Facts for `credit_risk`: the application as it was submitted.

Everything the model reads stands in the application itself; its ratios are arithmetic of that one row and
live in the estimator. A request therefore carries the same fields, and no frame is built to answer it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from features.tables import APPLICATIONS

KEY = "application_id"


def build_spine(tables: Mapping[str, nw.LazyFrame[Any]], params: Any = None) -> nw.LazyFrame[Any]:
    """Applications that became loans whose outcome is known.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `applications` and `loan_outcomes`. An outcome is null until its observation window is complete.
    params : model
        Not used: the table itself says what became of a row.

    Returns
    -------
    LazyFrame
        `application_id`, `as_of` (us; 0 where the data has no time) and `label` (1 = defaulted).
    """
    applications = tables["applications"]
    timed = "submitted_at" in applications.collect_schema().names()
    as_of = nw.col("submitted_at") if timed else nw.lit(0, dtype=nw.Int64)
    known = tables["loan_outcomes"].filter(~nw.col("defaulted").is_null())
    label = nw.when(nw.col("defaulted")).then(nw.lit(1, dtype=nw.Int64)).otherwise(nw.lit(0, dtype=nw.Int64))
    return (
        known.select(KEY, label.alias("label"))
        .join(applications.select(KEY, as_of.alias("as_of")), on=KEY, how="inner")
        .select(KEY, "as_of", "label")
    )


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Columns of each application, without those that were filled in after it was submitted.

    Parameters
    ----------
    spine : LazyFrame
        `application_id` and `as_of` (us).
    tables : mapping of str to LazyFrame
        `applications`, with a dealership's own columns.

    Returns
    -------
    LazyFrame
        The spine's columns and those of the application, one row per spine row.
    """
    applications = tables["applications"]
    later = APPLICATIONS.outcomes
    columns = [c for c in applications.collect_schema().names() if c not in later and c != KEY]
    return spine.join(applications.select(KEY, *columns), on=KEY, how="left")
