"""Facts for `residual_value`: a used car as it was listed, without its price.

Age is computed here and nowhere else. Where both age and model year could be known, only age stays: a forecast of the
value three years on is the value of the same car made older, and a model year would contradict it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from features.tables import VEHICLES

KEY = "vehicle_id"
MONTH = 2_629_746_000_000  # us: a twelfth of the mean Gregorian year
MONTHS_PER_MICROSECOND = 1 / MONTH
# What else the dealership knows of a car and a caller asking for its price does not, or must not say.
WITHHELD = frozenset({"price", "cost", "kind", "condition"})


def build_spine(tables: Mapping[str, nw.LazyFrame[Any]], params: Any = None) -> nw.LazyFrame[Any]:
    """Used units whose asking price is known.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `vehicles`. Where `kind` or `condition` is given, catalogue entries and new cars are passed over.
    params : model
        Not used: the table itself says what became of a row.

    Returns
    -------
    LazyFrame
        `vehicle_id`, `as_of` (us; 0 where the data has no time) and `label` (price in yuan).
    """
    vehicles = tables["vehicles"]
    names = vehicles.collect_schema().names()
    rows = vehicles.filter(nw.col("price") > 0)
    for column, other in (("kind", "catalogue"), ("condition", "new")):
        if column in names:
            rows = rows.filter(nw.col(column).is_null() | (nw.col(column) != other))
    as_of = nw.col("listed_at") if "listed_at" in names else nw.lit(0, dtype=nw.Int64)
    if "listed_at" in names:
        rows = rows.filter(~nw.col("listed_at").is_null())
    return rows.select(KEY, as_of.alias("as_of"), (nw.col("price").cast(nw.Float64) / 100).alias("label"))


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Columns of each car as it was listed, and its age.

    Parameters
    ----------
    spine : LazyFrame
        `vehicle_id` and `as_of` (us).
    tables : mapping of str to LazyFrame
        `vehicles`, with a dealership's own columns.

    Returns
    -------
    LazyFrame
        The spine's columns and those of the car; `age_months` in place of `model_year` where it can be computed.
    """
    vehicles = tables["vehicles"]
    later = VEHICLES.outcomes | WITHHELD
    names = [c for c in vehicles.collect_schema().names() if c not in later and c != KEY]
    rows = spine.join(vehicles.select(KEY, *names), on=KEY, how="left")
    age = None if "age_months" in names else _age(names)
    if age is not None:
        rows = rows.with_columns(nw.max_horizontal(age, nw.lit(0.0)).alias("age_months"))
    if age is not None or "age_months" in names:
        rows = rows.select([c for c in rows.collect_schema().names() if c != "model_year"])
    return rows


def _age(names: list[str]) -> nw.Expr | None:
    """Months from the first registration (else the start of the model year) to `as_of`, null where unknown."""
    if "listed_at" not in names:
        return None
    known = []
    if "first_registered_at" in names:
        known.append(nw.col("first_registered_at"))
    if "model_year" in names:
        known.append((nw.col("model_year") - 1970) * (12 * MONTH))
    if not known:
        return None
    born = nw.coalesce(*known) if len(known) > 1 else known[0]
    return (nw.col("as_of") - born).cast(nw.Float64) * MONTHS_PER_MICROSECOND
