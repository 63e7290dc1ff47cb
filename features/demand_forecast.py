"""What was sold and what was in stock, by series and period: the facts that demand is learnt from.

A series is a store and a model, or whatever columns of `sales` the configuration names. A period is a day, a week or a
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


def sold(
    tables: Mapping[str, Frame],
    *,
    series: Sequence[str],
    frequency: Frequency,
    timezone: str,
    condition: str | None = None,
    drivers: Sequence[str] = (),
    attributes: Sequence[str] = (),
) -> Frame:
    """What each series sold in each period, returns and corrections netted.

    Parameters
    ----------
    tables : mapping of str to LazyFrame
        `sales`, and `vehicles` where `condition` is to be told.
    series : sequence of str
        Columns of `sales` that name a series; rows without one of them do not count.
    condition : str, optional
        Only vehicles of this condition count (and those whose condition is not known).
    drivers, attributes : sequence of str
        Numbers that go with a period (their mean is taken) and properties of a series.

    Returns
    -------
    LazyFrame
        The series' columns, `period`, `rows`, `known` (rows whose quantity is known), `quantity`, the mean `price`
        (fen), `promotion` and drivers, and attributes.

    Raises
    ------
    DataError
        A column is missing.
    """
    sales = _table(tables, "sales")
    names = sales.collect_schema().names()
    for name in (*series, *drivers, *attributes):
        if name not in names:
            raise DataError(f"sales.{name}: the column is missing; map it in the sources or leave it out of params")
    if condition and "vehicles" in tables and "vehicle_id" in names:
        vehicles = tables["vehicles"]
        if "condition" in vehicles.collect_schema().names():
            of = vehicles.select("vehicle_id", nw.col("condition").alias("vehicle_condition"))
            sales = sales.join(of, on="vehicle_id", how="left")
            sales = sales.filter(nw.col("vehicle_condition").is_null() | (nw.col("vehicle_condition") == condition))
    one = nw.lit(1.0)
    quantity = nw.col("quantity") if "quantity" in names else one.alias("quantity")
    rows = sales.drop_nulls([*series, "sold_at"]).with_columns(quantity.alias("quantity"))
    rows = with_period(rows, nw.col("sold_at"), frequency, timezone=timezone, name=PERIOD)
    means = [n for n in ("price", "promotion", *drivers) if n in names]
    taken = dict.fromkeys(a for a in attributes if a not in series)
    return rows.group_by(*series, PERIOD).agg(
        nw.len().alias("rows"),
        nw.col("quantity").count().alias("known"),
        nw.col("quantity").sum().alias("quantity"),
        *(nw.col(n).mean().alias(n) for n in means),
        *(nw.col(n).max().alias(n) for n in taken),
    )


def stocked(tables: Mapping[str, Frame], *, series: Sequence[str], frequency: Frequency, timezone: str) -> Frame:
    """What each series had in stock in each period; a snapshot speaks of the period that ends with it.

    Returns
    -------
    LazyFrame
        The series' columns, `period`, and of `on_hand` (the last snapshot's), `days_in_stock` (their sum), `price`
        (fen) and `promotion` those that there are.
    """
    stock = _table(tables, "stock")
    names = stock.collect_schema().names()
    for name in series:
        if name not in names:
            raise DataError(f"stock.{name}: the column is missing; map it in the sources, or leave stock out")
    at = nw.col("snapshot_at") - MICROSECOND
    rows = with_period(stock, at, frequency, timezone=timezone, name=PERIOD)
    days = [n for n in ("days_in_stock",) if n in names]
    last = rows.group_by(*series, PERIOD).agg(nw.col("snapshot_at").max().alias("latest_at"))
    found = rows.group_by(*series, PERIOD).agg(
        *(nw.col(n).sum().alias(n) for n in days),
        *(nw.col(n).count().alias(f"{n}_known") for n in days),
        *(nw.col(n).mean().alias(n) for n in ("price", "promotion") if n in names),
    )
    known = [nw.when(nw.col(f"{n}_known") > 0).then(nw.col(n)).otherwise(None).alias(n) for n in days]
    found = found.with_columns(*known).drop([f"{n}_known" for n in days])
    if "quantity" not in names:
        return found
    closing = rows.join(last, on=[*series, PERIOD], how="inner").filter(nw.col("snapshot_at") == nw.col("latest_at"))
    closing = closing.group_by(*series, PERIOD).agg(nw.col("quantity").max().alias("on_hand"))
    return found.join(closing, on=[*series, PERIOD], how="left")


def _table(tables: Mapping[str, Frame], name: str) -> Frame:
    if name not in tables:
        raise DataError(f"{name}: the table is missing; name its source in configs/sources.yaml")
    return tables[name]
