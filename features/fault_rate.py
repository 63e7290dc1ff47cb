"""Faults by model and component, and vehicles in service: the facts that fault rates are learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from features.aggregations import DAY
from features.as_of import AS_OF
from features.errors import DataError

Frame = nw.LazyFrame[Any]
WEEK, RECENT = 7 * DAY, 91 * DAY


def examples(tables: Mapping[str, Frame], params: Any) -> Frame:
    """Every model and component in each week with a fault: `model`, `component`, `as_of` (us, the first instant of the
    week, weeks counted from the epoch) and `label`, the faults of the week.
    """
    faults = _faults(tables).with_columns((nw.col("serviced_at") // WEEK * WEEK).alias(AS_OF))
    return faults.group_by("model", "component", AS_OF).agg(nw.len().cast(nw.Float64).alias("label"))


def build(spine: Frame, tables: Mapping[str, Frame]) -> Frame:
    """Faults of a component of a model strictly before each moment, and its vehicles in service then.

    Returns
    -------
    LazyFrame
        `model`, `component`, `as_of`, `faults_before`, `faults_91_days` and `vehicles_in_service`.

    Examples
    --------
    >>> import polars as pl
    >>> fleet = pl.LazyFrame({"vehicle_id": ["V", "W"], "model": ["A", "A"], "entered_service_at": [1, 9],
    ...     "left_service_at": [None, None]}, schema_overrides={"left_service_at": pl.Int64})
    >>> records = pl.LazyFrame({"vehicle_id": ["V", "V"], "component": ["brakes"] * 2, "fault": [True] * 2,
    ...     "serviced_at": [3, 5]})
    >>> spine = pl.LazyFrame({"model": ["A"], "component": ["brakes"], "as_of": [5]})
    >>> tables = {"fleet": nw.from_native(fleet), "service_records": nw.from_native(records)}
    >>> build(nw.from_native(spine), tables).collect().rows()
    [('A', 'brakes', 5, 1.0, 1.0, 1.0)]
    """
    keys = ["model", "component", AS_OF]
    moments = spine.select(keys).unique()
    rows = moments.join(_faults(tables), on=["model", "component"], how="inner")
    rows = rows.filter(nw.col("serviced_at") < nw.col(AS_OF))
    recent = nw.when(nw.col(AS_OF) - nw.col("serviced_at") <= RECENT).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    rows = rows.with_columns(nw.lit(1.0).alias("one"), recent.alias("recent"))
    before = rows.group_by(keys).agg(
        nw.col("one").sum().alias("faults_before"), nw.col("recent").sum().alias("faults_91_days")
    )
    found = spine.select(keys).join(before, on=keys, how="left")
    found = found.join(_in_service(moments, tables), on=["model", AS_OF], how="left")
    counts = ("faults_before", "faults_91_days", "vehicles_in_service")
    return found.with_columns(nw.col(n).fill_null(0.0) for n in counts)


def _in_service(moments: Frame, tables: Mapping[str, Frame]) -> Frame:
    fleet = _table(tables, "fleet")
    if "left_service_at" not in fleet.collect_schema().names():
        fleet = fleet.with_columns(nw.lit(None, dtype=nw.Int64).alias("left_service_at"))
    pairs = moments.select("model", AS_OF).unique().join(fleet, on="model", how="inner")
    there = (nw.col("entered_service_at") < nw.col(AS_OF)) & (
        nw.col("left_service_at").is_null() | (nw.col("left_service_at") >= nw.col(AS_OF))
    )
    pairs = pairs.filter(there).with_columns(nw.lit(1.0).alias("one"))
    return pairs.group_by("model", AS_OF).agg(nw.col("one").sum().alias("vehicles_in_service"))


def _faults(tables: Mapping[str, Frame]) -> Frame:
    """Faults with the model of their vehicle."""
    records = _table(tables, "service_records")
    rows = records.filter(nw.col("fault")).drop_nulls(["vehicle_id", "component", "serviced_at"])
    of = _table(tables, "fleet").select("vehicle_id", "model").drop_nulls()
    return rows.select("vehicle_id", "component", "serviced_at").join(of, on="vehicle_id", how="inner")


def _table(tables: Mapping[str, Frame], name: str) -> Frame:
    if name not in tables:
        raise DataError(f"{name}: the table is missing; name its source in configs/sources.yaml")
    return tables[name]
