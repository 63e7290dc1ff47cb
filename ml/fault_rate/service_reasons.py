"""Sentences for service reminders, in Chinese and English."""

from __future__ import annotations

import polars as pl

SERVICE = {
    "vehicle_id": pl.String, "model": pl.String, "store_id": pl.String, "last_service_on": pl.Date,
    "last_km": pl.Float64,
    "km_now": pl.Float64, "due_on": pl.Date, "due_low": pl.Date, "due_high": pl.Date, "due_km": pl.Float64,
    "due_by": pl.String, "overdue_days": pl.Int64, "visit_on": pl.Date, "visit_low": pl.Date, "visit_high": pl.Date,
    "reason_zh": pl.String, "reason_en": pl.String,
}  # fmt: skip


def with_reasons(services: pl.DataFrame, *, today: int) -> pl.DataFrame:
    """Return the services with rounded distances, dates and the reason why each falls due.

    Parameters
    ----------
    services : DataFrame
        `vehicle_id`, `model`, `store_id`, `visit` (day) and `visit_km` of the last routine visit (null without one),
        `entered` (day), `limit_km`, `limit_months`, `km_now`, `due_km`, `by_km` (bool), and the dates `due_on`,
        `due_low`, `due_high`, `visit_on`, `visit_low`, `visit_high`.
    today : int
        Day from 1970-01-01, as the day columns of `services`.

    Returns
    -------
    DataFrame
        Columns of `SERVICE`, as `ml.fault_rate.service_due.ServiceDue.vehicles` describes them, sorted by `due_on`.
    """
    date = pl.col("due_on").cast(pl.String)
    rows = services.with_columns(
        last_service_on=pl.col("visit").cast(pl.Int32).cast(pl.Date),
        last_km=pl.col("visit_km"),
        due_by=pl.when("by_km").then(pl.lit("km")).otherwise(pl.lit("date")),
        overdue_days=pl.max_horizontal(today - pl.col("due_on").cast(pl.Int32).cast(pl.Int64), 0),
        since=pl.coalesce("visit", "entered").cast(pl.Int32).cast(pl.Date).cast(pl.String),
        km=pl.col("limit_km").round(0).cast(pl.Int64),
        **{n: pl.col(n).fill_nan(None).round(0) for n in ("km_now", "due_km")},
    )
    never = pl.col("visit").is_null()
    overdue = pl.col("overdue_days") > 0
    between = (pl.col("due_low").cast(pl.String), pl.col("due_high").cast(pl.String))
    zh_since = pl.when(never).then(pl.format("交车（{}）", "since")).otherwise(pl.format("上次保养（{}）", "since"))
    en_since = pl.when(never).then(pl.format("entering service on {}", "since")).otherwise(
        pl.format("the service of {}", "since")
    )  # fmt: skip
    zh = pl.when("by_km").then(
        pl.format("自{}起将行驶满 {} 公里，预计 {} 前后到期（{} 至 {}）", zh_since, "km", date, *between)
    ).otherwise(pl.format("自{}起满 {} 个月，{} 到期", zh_since, "limit_months", date))  # fmt: skip
    en = pl.when("by_km").then(
        pl.format("{} km after {}: due about {} (between {} and {})", "km", en_since, date, *between)
    ).otherwise(pl.format("{} months after {}: due on {}", "limit_months", en_since, date))  # fmt: skip
    late_zh, late_en = pl.format("已超期 {} 天：", "overdue_days"), pl.format("overdue by {} days: ", "overdue_days")
    rows = rows.with_columns(
        reason_zh=pl.when(overdue).then(pl.concat_str(late_zh, zh)).otherwise(zh),
        reason_en=pl.when(overdue).then(pl.concat_str(late_en, en)).otherwise(en),
    )
    return rows.select(pl.col(n).cast(t) for n, t in SERVICE.items()).sort("due_on", "vehicle_id")
