"""Training rows and features of `residual_value`: a used car as it was listed, without its price.

Age is computed here, by the same expression for training rows and for requests. `model_year` is dropped if the age is
available: a future value is predicted for the same car at a higher age, which a constant model year would contradict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import narwhals as nw

from features.errors import DataError
from features.tables import VEHICLES

KEY = "vehicle_id"
MONTH = 2_629_746_000_000  # us: a twelfth of the mean Gregorian year
MONTHS_PER_MICROSECOND = 1 / MONTH
# Columns that are unknown to a caller who requests a price, or that reveal it.
EXCLUDED = frozenset({"price", "cost", "kind", "condition", "built_at"})


def build_spine(tables: Mapping[str, nw.LazyFrame[Any]], params: Any = None) -> nw.LazyFrame[Any]:
    """Return the labelled rows: used vehicles with an asking price.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        `vehicles` with `vehicle_id`, `price` (fen) and, if available, `listed_at` (microseconds since 1970 UTC), as
        returned by `features.engines.to_engine`. Rows without a price or `listed_at`, and rows with `kind` "catalogue"
        or `condition` "new", are left out.
    params : any, optional
        Not read: labels come from `vehicles`.

    Returns
    -------
    narwhals.LazyFrame
        `vehicle_id`, `as_of` (microseconds since 1970 UTC; 0 if the data has no `listed_at`) and `label` (price in
        yuan).

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> cars = {"vehicle_id": ["u", "n"], "condition": ["used", "new"], "price": [8_000_000, 9_000_000]}
    >>> collect(build_spine(to_engine({"vehicles": pl.LazyFrame(cars)}))).rows()
    [('u', 0, 80000.0)]

    Raises
    ------
    DataError
        `vehicles` has no `price`.
    """
    vehicles = tables["vehicles"]
    names = vehicles.collect_schema().names()
    if "price" not in names:
        raise DataError("vehicles: the source has no price, the task's target; map `price` in the sources")
    rows = vehicles.filter(nw.col("price") > 0)
    for column, other in (("kind", "catalogue"), ("condition", "new")):
        if column in names:
            rows = rows.filter(nw.col(column).is_null() | (nw.col(column) != other))
    as_of = nw.col("listed_at") if "listed_at" in names else nw.lit(0, dtype=nw.Int64)
    if "listed_at" in names:
        rows = rows.filter(~nw.col("listed_at").is_null())
    return rows.select(KEY, as_of.alias("as_of"), (nw.col("price").cast(nw.Float64) / 100).alias("label"))


def build(spine: nw.LazyFrame[Any], tables: Mapping[str, nw.LazyFrame[Any]]) -> nw.LazyFrame[Any]:
    """Return the fields of each car as it was listed, and its age in months.

    Parameters
    ----------
    spine : narwhals.LazyFrame
        `vehicle_id` and `as_of` (microseconds since 1970 UTC), as returned by
        `features.residual_value.build_spine`.
    tables : mapping of str to narwhals.LazyFrame
        `vehicles`, including the dealership's additional columns, as returned by `features.engines.to_engine`.

    Returns
    -------
    narwhals.LazyFrame
        Columns of the spine and of the car, one row per row of the spine; `age_months`, computed where it is missing,
        replaces `model_year`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> from features.residual_value import MONTH, build_spine
    >>> listed = 12 * MONTH  # a year after 1970
    >>> cars = {"vehicle_id": ["u"], "listed_at": [listed], "model_year": [1970], "price": [8_000_000]}
    >>> tables = to_engine({"vehicles": pl.LazyFrame(cars)})
    >>> collect(build(build_spine(tables), tables)).select("vehicle_id", "age_months").rows()
    [('u', 12.0)]
    """
    vehicles = tables["vehicles"]
    excluded = VEHICLES.outcomes | EXCLUDED
    names = [c for c in vehicles.collect_schema().names() if c not in excluded and c != KEY]
    rows = spine.join(vehicles.select(KEY, *names), on=KEY, how="left")
    age = age_months(names)
    if age is not None:
        rows = rows.with_columns(age.alias("age_months"))
        rows = rows.select([c for c in rows.collect_schema().names() if c != "model_year"])
    return rows


def age_months(names: Collection[str], namespace: Any = nw) -> Any:
    """Return the expression of a car's age: the stated one, or else the months since its registration or model year.

    Parameters
    ----------
    names : collection of str
        Columns of the rows. Of `age_months`, `first_registered_at` (microseconds since 1970 UTC) and `model_year`
        those present are used; a date counts only if `listed_at` is among `names`.
    namespace : module
        Narwhals, for any engine, or Polars, which is quicker for a single request.

    Returns
    -------
    expression or None
        Months at `as_of`, at least 0; null where no column has a value. A model year counts from its 1 January. None if
        there is no usable column.

    Examples
    --------
    >>> import polars as pl
    >>> rows = {"as_of": [24 * MONTH] * 3, "age_months": [5.0, None, None], "model_year": [1970, 1971, None]}
    >>> pl.DataFrame(rows).select(age=age_months({*rows, "listed_at"}, pl))["age"].to_list()
    [5.0, 12.0, None]
    """
    col = namespace.col
    ages = [col("age_months").cast(namespace.Float64)] if "age_months" in names else []
    starts = []
    if "listed_at" in names and "first_registered_at" in names:
        starts.append(col("first_registered_at"))
    if "listed_at" in names and "model_year" in names:
        starts.append((col("model_year") - 1970) * (12 * MONTH))
    for start in starts:
        months = (col("as_of") - start).cast(namespace.Float64) * MONTHS_PER_MICROSECOND
        ages.append(namespace.when(months < 0).then(namespace.lit(0.0)).otherwise(months))
    return namespace.coalesce(*ages) if len(ages) > 1 else (ages[0] if ages else None)
