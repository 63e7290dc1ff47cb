"""Stock of the builds affected by a safety alarm, named so that its sale stops (停售)."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY

STOP_SALE = {
    "vehicle_id": pl.String, "store_id": pl.String, "condition": pl.String, "built_on": pl.Date, "listed_on": pl.Date,
    "quantity": pl.Float64, "build_known": pl.Boolean,
}  # fmt: skip
_UNIT = {
    "vehicle_id": pl.String, "kind": pl.String, "condition": pl.String, "model": pl.String, "store_id": pl.String,
    "built_at": pl.Int64, "listed_at": pl.Int64, "sold_at": pl.Int64,
}  # fmt: skip


def unsold_units(
    vehicles: pl.LazyFrame, model: str, built: tuple[int | None, int | None], *, as_of: int
) -> pl.DataFrame:
    """Return the units of a model that are on offer and of affected builds, or of unknown build.

    Parameters
    ----------
    vehicles : LazyFrame
        Table `vehicles` of `features.tables`; a column that is missing is null. Instants are int64, microseconds.
    model : str
        Model of the alarm.
    built : tuple of int or None
        Affected builds as days from 1970-01-01: from the first and before the second; None leaves a side open.
    as_of : int
        Instant (microseconds): units sold before it or listed after it are left out.

    Returns
    -------
    DataFrame
        `vehicle_id`, `store_id`, `condition`, `built_on`, `listed_on` (dates), `quantity` (1) and `build_known` (bool:
        where it is false, the unit is named because nobody can tell), by store and vehicle.

    Examples
    --------
    >>> import polars as pl
    >>> units = pl.LazyFrame({"vehicle_id": ["V1", "V2", "V3"], "model": "A", "built_at": [0, 9 * DAY, None]})
    >>> unsold_units(units, "A", (5, 10), as_of=20 * DAY).select("vehicle_id", "build_known").rows()
    [('V2', True), ('V3', False)]
    """
    names = vehicles.collect_schema().names()
    columns = [(pl.col(n) if n in names else pl.lit(None)).cast(t).alias(n) for n, t in _UNIT.items()]
    units = vehicles.select(columns).filter(
        (pl.col("model") == model)
        & pl.col("kind").ne_missing("catalogue")
        & (pl.col("sold_at").is_null() | (pl.col("sold_at") >= as_of))
        & (pl.col("listed_at").is_null() | (pl.col("listed_at") < as_of))
    )
    day, (first, last) = pl.col("built_at") // DAY, built
    affected = pl.lit(value=True)
    if first is not None or last is not None:
        inside = [day >= first] if first is not None else []
        inside += [day < last] if last is not None else []
        affected = pl.col("built_at").is_null() | pl.all_horizontal(inside)
    rows = units.filter(affected).with_columns(
        built_on=day.cast(pl.Int32).cast(pl.Date),
        listed_on=(pl.col("listed_at") // DAY).cast(pl.Int32).cast(pl.Date),
        quantity=pl.lit(1.0),
        # Where all builds are affected, an unknown build date changes nothing.
        build_known=pl.col("built_at").is_not_null() | pl.lit(first is None and last is None),
    )
    return rows.select(pl.col(n).cast(t) for n, t in STOP_SALE.items()).sort("store_id", "vehicle_id").collect()


def counted_stock(stock: pl.LazyFrame, model: str, *, as_of: int) -> pl.DataFrame:
    """Return the stock of a model by store at its last snapshot, where single units are not known.

    Parameters
    ----------
    stock : LazyFrame
        Table `stock` of `features.tables`; instants are int64, microseconds.
    model : str
        Model of the alarm.
    as_of : int
        Instant (microseconds): later snapshots are left out.

    Returns
    -------
    DataFrame
        As returned by `unsold_units`, one row per store with stock; `build_known` is false.

    Examples
    --------
    >>> import polars as pl
    >>> rows = {"store_id": ["S1", "S1", "S2"], "model": "A", "snapshot_at": [1, 2, 2], "quantity": [5.0, 3.0, 0.0]}
    >>> counted_stock(pl.LazyFrame(rows), "A", as_of=9).select("store_id", "quantity").rows()
    [('S1', 3.0)]
    """
    if "quantity" not in stock.collect_schema().names():
        return pl.DataFrame(schema=STOP_SALE)
    rows = stock.filter((pl.col("model") == model) & (pl.col("snapshot_at") <= as_of)).sort("snapshot_at")
    last = rows.group_by("store_id").agg(pl.col("quantity").last().cast(pl.Float64)).filter(pl.col("quantity") > 0)
    columns = [pl.col(n) if n in ("store_id", "quantity") else pl.lit(None) for n in STOP_SALE]
    frame = last.select(c.cast(t).alias(n) for c, (n, t) in zip(columns, STOP_SALE.items(), strict=True))
    return frame.with_columns(build_known=pl.lit(value=False)).sort("store_id").collect()
