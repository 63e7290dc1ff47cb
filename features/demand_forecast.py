"""Sales and stock by series and period, the inputs of `demand_forecast`.

A series is a store and a model, or the columns of `sales` that the configuration names. A period is a day, a week or a
month of local time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from features.errors import DataError
from features.periods import Frequency, with_period

Frame = nw.LazyFrame[Any]
PERIOD = "period"
MICROSECOND = 1
_HAS_SERIES, _HAS_CONDITION = "__has_series__", "__has_condition__"


def sales_by_period(
    tables: Mapping[str, Frame],
    *,
    series: Sequence[str],
    frequency: Frequency,
    timezone: str,
    condition: str | None = None,
    drivers: Sequence[str] = (),
    attributes: Sequence[str] = (),
) -> Frame:
    """Return sales by series and period, net of returns and corrections.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        As returned by `features.engines.to_engine`: `sales` with `sold_at` (int64, microseconds since 1970 UTC), the
        columns of `series` and, if available, `quantity` (vehicles), `price` (fen), `promotion` (fraction) and
        `vehicle_id`; to filter by condition also `vehicles` with `vehicle_id` and `condition`.
    series : sequence of str
        Columns of `sales` that identify a series; rows with a null in one of them or in `sold_at` are left out.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        Time zone whose midnight separates periods, such as Asia/Shanghai.
    condition : str, optional
        Condition of the vehicles to count, such as new; vehicles without a recorded condition count too.
    drivers : sequence of str
        Numeric columns of `sales`; their mean in the period is returned.
    attributes : sequence of str
        Text columns of `sales` that describe a series; their maximum in the period is returned.

    Returns
    -------
    narwhals.LazyFrame
        One row per series and period with sales, in no particular order: the columns of `series`, `period` (number
        since 1970), `rows` (number of rows), `quantities` (number of rows with a quantity), `quantity` (units; a row
        counts 1 if `sales` has no such column), the mean `price` (fen), `promotion` and drivers as far as `sales` has
        them, and the attributes. Compute it with `features.engines.collect`.

    Raises
    ------
    DataError
        `sales` or one of its named columns is missing.
    ConfigError
        The time zone does not exist.

    Examples
    --------
    Two cars sold in February 2026, month 673.

    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> sales = {"model": ["a", "a"], "sold_at": [1_770_000_000_000_000, 1_771_000_000_000_000]}
    >>> months = sales_by_period(
    ...     to_engine({"sales": pl.LazyFrame(sales)}), series=["model"], frequency="month", timezone="Asia/Shanghai"
    ... )
    >>> collect(months).select("model", "period", "rows", "quantity").rows()
    [('a', 673, 2, 2.0)]
    """
    sales, names = _flagged_sales(tables, series, condition, columns=(*series, *drivers, *attributes))
    rows = sales.filter(nw.col(_HAS_SERIES) & nw.col(_HAS_CONDITION)).drop_nulls(["sold_at"])
    rows = with_period(rows, nw.col("sold_at"), frequency, timezone=timezone, name=PERIOD)
    means = [n for n in ("price", "promotion", *drivers) if n in names]
    maxima = dict.fromkeys(a for a in attributes if a not in series)
    return rows.group_by(*series, PERIOD).agg(
        nw.len().alias("rows"),
        nw.col("quantity").count().alias("quantities"),
        nw.col("quantity").sum().alias("quantity"),
        *(nw.col(n).mean().alias(n) for n in means),
        *(nw.col(n).max().alias(n) for n in maxima),
    )


def sales_by_day(
    tables: Mapping[str, Frame], *, series: Sequence[str], timezone: str, condition: str | None = None
) -> Frame:
    """Return the number of rows of `sales` by day, and how many of them `sales_by_period` leaves out.

    Parameters
    ----------
    tables, series, timezone, condition
        As for `sales_by_period`.

    Returns
    -------
    narwhals.LazyFrame
        One row per day with sales, in no particular order: `period` (days since 1970-01-01 in local time), `rows`
        (number of rows that `sales_by_period` counts), `without_series` (rows with a null in a column of `series`),
        `of_other_condition` (rows of vehicles of another condition), `without_quantity` (counted rows whose
        quantity is missing) and `returns` (counted rows with a negative quantity). Compute it with
        `features.engines.collect`.

    Raises
    ------
    DataError
        `sales` or a column of `series` is missing.
    ConfigError
        The time zone does not exist.

    Examples
    --------
    Two sales on 1 January 1970, one of them without a model.

    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> sales = pl.LazyFrame({"model": ["a", None], "sold_at": [0, 1]})
    >>> days = sales_by_day(to_engine({"sales": sales}), series=["model"], timezone="UTC")
    >>> collect(days).select("period", "rows", "without_series").rows()
    [(0, 1, 1)]
    """
    sales, _ = _flagged_sales(tables, series, condition, columns=series)
    rows = with_period(sales.drop_nulls(["sold_at"]), nw.col("sold_at"), "day", timezone=timezone, name=PERIOD)
    has_series, has_condition = nw.col(_HAS_SERIES), nw.col(_HAS_CONDITION)
    counts = {
        "rows": has_series & has_condition,
        "without_series": ~has_series,
        "of_other_condition": has_series & ~has_condition,
        "without_quantity": has_series & has_condition & nw.col("quantity").is_null(),
        "returns": has_series & has_condition & (nw.col("quantity") < 0),
    }
    numbers = rows.with_columns(
        *(nw.when(c).then(nw.lit(1)).otherwise(nw.lit(0)).alias(f"__{n}__") for n, c in counts.items())
    )
    return numbers.group_by(PERIOD).agg(*(nw.col(f"__{n}__").sum().alias(n) for n in counts))


def _flagged_sales(
    tables: Mapping[str, Frame], series: Sequence[str], condition: str | None, *, columns: Sequence[str]
) -> tuple[Frame, list[str]]:
    """Return sales with `quantity` and a flag for each reason to leave a row out, and the columns of the source."""
    sales = _table(tables, "sales")
    names = sales.collect_schema().names()
    for name in columns:
        if name not in names:
            raise DataError(f"sales.{name}: the column is missing; map it in the sources, or remove it from params")
    has_condition = nw.lit(True)
    if condition and "vehicles" in tables and "vehicle_id" in names:
        vehicles = tables["vehicles"]
        if "condition" in vehicles.collect_schema().names():
            conditions = vehicles.select("vehicle_id", nw.col("condition").alias("vehicle_condition"))
            sales = sales.join(conditions, on="vehicle_id", how="left")
            has_condition = nw.col("vehicle_condition").is_null() | (nw.col("vehicle_condition") == condition)
    quantity = nw.col("quantity") if "quantity" in names else nw.lit(1.0)
    has_series = nw.all_horizontal(*(~nw.col(s).is_null() for s in series), ignore_nulls=False)
    flags = (quantity.alias("quantity"), has_series.alias(_HAS_SERIES), has_condition.alias(_HAS_CONDITION))
    return sales.with_columns(*flags), names


def stock_by_period(
    tables: Mapping[str, Frame], *, series: Sequence[str], frequency: Frequency, timezone: str
) -> Frame:
    """Return stock by series and period; a snapshot belongs to the period that ends with it.

    Parameters
    ----------
    tables : mapping of str to narwhals.LazyFrame
        As returned by `features.engines.to_engine`: `stock` with `snapshot_at` (int64, microseconds since 1970 UTC),
        the columns of `series` and, if available, `quantity` (vehicles), `days_in_stock` (days of the period that
        began with stock), `price` (fen) and `promotion` (fraction).
    series : sequence of str
        Columns of `stock` that identify a series.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        Time zone whose midnight separates periods, such as Asia/Shanghai.

    Returns
    -------
    narwhals.LazyFrame
        One row per series and period with a snapshot, in no particular order: the columns of `series`, `period` (number
        since 1970), and as far as `stock` has them `on_hand` (units in the last snapshot), `days_in_stock` (sum, days),
        the mean `price` (fen) and `promotion` (fraction). Compute it with `features.engines.collect`.

    Raises
    ------
    DataError
        `stock` or a column of `series` is missing.
    ConfigError
        The time zone does not exist.

    Examples
    --------
    A snapshot at the end of February 2026 (month 673), midnight in Shanghai.

    >>> import polars as pl
    >>> from features.engines import collect, to_engine
    >>> from features.periods import period_start
    >>> at = period_start([674], "month", timezone="Asia/Shanghai").tolist()
    >>> stock = pl.LazyFrame({"model": ["a"], "snapshot_at": at, "quantity": [3.0], "days_in_stock": [20.0]})
    >>> months = stock_by_period(
    ...     to_engine({"stock": stock}), series=["model"], frequency="month", timezone="Asia/Shanghai"
    ... )
    >>> collect(months).select("model", "period", "on_hand", "days_in_stock").rows()
    [('a', 673, 3.0, 20.0)]
    """
    stock = _table(tables, "stock")
    names = stock.collect_schema().names()
    for name in series:
        if name not in names:
            raise DataError(f"stock.{name}: the column is missing; map it in the sources, or remove the stock table")
    at = nw.col("snapshot_at") - MICROSECOND
    rows = with_period(stock, at, frequency, timezone=timezone, name=PERIOD)
    days = [n for n in ("days_in_stock",) if n in names]
    last = rows.group_by(*series, PERIOD).agg(nw.col("snapshot_at").max().alias("latest_at"))
    periods = rows.group_by(*series, PERIOD).agg(
        *(nw.col(n).sum().alias(n) for n in days),
        *(nw.col(n).count().alias(f"{n}_count") for n in days),
        *(nw.col(n).mean().alias(n) for n in ("price", "promotion") if n in names),
    )
    sums = [nw.when(nw.col(f"{n}_count") > 0).then(nw.col(n)).otherwise(None).alias(n) for n in days]
    if sums:
        periods = periods.with_columns(*sums).drop([f"{n}_count" for n in days])
    if "quantity" not in names:
        return periods
    closing = rows.join(last, on=[*series, PERIOD], how="inner").filter(nw.col("snapshot_at") == nw.col("latest_at"))
    closing = closing.group_by(*series, PERIOD).agg(nw.col("quantity").max().alias("on_hand"))
    return periods.join(closing, on=[*series, PERIOD], how="left")


def _table(tables: Mapping[str, Frame], name: str) -> Frame:
    if name not in tables:
        raise DataError(f"{name}: the table is missing; configure its source in configs/sources.yaml")
    return tables[name]
