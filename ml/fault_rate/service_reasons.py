"""Sentences for service reminders, in Chinese and English."""

from __future__ import annotations

import polars as pl

from ml.dates import date_column

SERVICE = {
    "vehicle_id": pl.String, "model": pl.String, "store_id": pl.String, "last_service_on": pl.Date,
    "last_km": pl.Float64, "km_now": pl.Float64, "due_on": pl.Date, "due_low": pl.Date, "due_high": pl.Date,
    "due_is_fixed": pl.Boolean, "due_km": pl.Float64, "due_by": pl.String, "overdue_days": pl.Int64,
    "missed_services": pl.Int64, "visit_probability": pl.Float64, "visit_for": pl.String, "attendance": pl.Float64,
    "visit_on": pl.Date, "visit_low": pl.Date, "visit_high": pl.Date, "visit_revenue_yuan": pl.Float64,
    "expected_revenue_yuan": pl.Float64, "reason_zh": pl.String, "reason_en": pl.String,
}  # fmt: skip


def with_reasons(services: pl.DataFrame, *, today: int, visit_days: int) -> pl.DataFrame:
    """Return the services with rounded distances, dates and sentences, the likeliest visits first.

    Vehicles with an equal probability (in whole percent) are sorted by the days between today and the due date.

    Parameters
    ----------
    services : DataFrame
        `vehicle_id`, `model`, `store_id`, `visit` (day) and `visit_km` of the last routine visit (null without one),
        `entered` (day), `limit_km`, `limit_months`, `km_now`, `due_km`, `by_km` (bool), the dates `due_on`, `due_low`,
        `due_high`, `visit_on`, `visit_low`, `visit_high`, and `visit_probability`, `attendance`, `missed_services`,
        `visit_for`, `visit_revenue_yuan`.
    today : int
        Day from 1970-01-01, as the day columns of `services`.
    visit_days : int
        Days of `visit_probability`.

    Returns
    -------
    DataFrame
        Columns of `SERVICE`, as `ml.fault_rate.service_due.ServiceDue.vehicles` describes them.
    """
    rows = services.with_columns(
        last_service_on=pl.col("visit").cast(pl.Int32).cast(pl.Date),
        last_km=pl.col("visit_km"),
        due_by=pl.when("by_km").then(pl.lit("km")).otherwise(pl.lit("date")),
        due_is_fixed=pl.col("due_low") == pl.col("due_high"),
        overdue_days=pl.max_horizontal(today - pl.col("due_on").cast(pl.Int32).cast(pl.Int64), 0),
        since=pl.coalesce("visit", "entered").cast(pl.Int32).cast(pl.Date),
        expected_revenue_yuan=pl.col("visit_probability") * pl.col("visit_revenue_yuan"),
        **{n: pl.col(n).fill_nan(None).round(0) for n in ("km_now", "due_km")},
    )
    rows = rows.with_columns(
        reason_zh=pl.concat_str(_due_zh(), _visit_zh(today, visit_days)),
        reason_en=pl.concat_str(_due_en(), pl.lit(" "), _visit_en(today, visit_days)),
    )
    distance = (pl.col("due_on").cast(pl.Int32).cast(pl.Int64) - today).abs()
    place = (-_percent("visit_probability"), distance, pl.col("due_on"), pl.col("vehicle_id"))
    return rows.sort(place).select(pl.col(n).cast(t) for n, t in SERVICE.items())


def _percent(column: str) -> pl.Expr:
    return (100 * pl.col(column)).round(0).cast(pl.Int64)


def _thousands(column: str) -> pl.Expr:
    """Return whole numbers with a comma after the thousands."""
    digits = pl.col(column).round(0).cast(pl.Int64).cast(pl.String)
    return pl.when(digits.str.len_chars() > 3).then(
        pl.concat_str(digits.str.head(-3), pl.lit(","), digits.str.tail(3))
    ).otherwise(digits)  # fmt: skip


def _due_zh() -> pl.Expr:
    """Return when the service falls due and why, in Chinese."""
    day, low, high, since = (date_column(c, "zh") for c in ("due_on", "due_low", "due_high", "since"))
    begin = pl.when(pl.col("visit").is_null()).then(pl.format("交车（{}）", since)).otherwise(
        pl.format("上次保养（{}）", since)
    )  # fmt: skip
    by_km = pl.format("自{}起行驶满 {} 公里", begin, _thousands("limit_km"))
    by_date = pl.format("自{}起满 {} 个月", begin, "limit_months")
    text = _due_case(
        pl.format("{}，{}到期。", by_km, day), pl.format("{}，预计{}前后到期（{}至{}之间）。", by_km, day, low, high),
        pl.format("{}，{}到期。", by_date, day), pl.format("{}，最迟{}到期，按里程可能自{}起到期。", by_date, day, low),
    )  # fmt: skip
    late = pl.format("已超期{} {} 天：{}", _unless_fixed("约"), "overdue_days", text)
    return pl.when(pl.col("overdue_days") > 0).then(late).otherwise(text)


def _due_en() -> pl.Expr:
    """Return when the service falls due and why, in English."""
    day, low, high, since = (date_column(c, "en") for c in ("due_on", "due_low", "due_high", "since"))
    begin = pl.when(pl.col("visit").is_null()).then(pl.format("entering service on {}", since)).otherwise(
        pl.format("the service of {}", since)
    )  # fmt: skip
    by_km = pl.format("{} km after {}", _thousands("limit_km"), begin)
    month = pl.when(pl.col("limit_months") == 1).then(pl.lit("month")).otherwise(pl.lit("months"))
    by_date = pl.format("{} {} after {}", "limit_months", month, begin)
    text = _due_case(
        pl.format("ue on {}, {}.", day, by_km),
        pl.format("ue about {} (between {} and {}), {}.", day, low, high, by_km),
        pl.format("ue on {}, {}.", day, by_date),
        pl.format("ue on {} at the latest, {}; by distance perhaps from {}.", day, by_date, low),
    )
    days = pl.when(pl.col("overdue_days") == 1).then(pl.lit("day")).otherwise(pl.lit("days"))
    late = pl.format("Overdue by {}{} {}: d{}", _unless_fixed("about "), "overdue_days", days, text)
    return pl.when(pl.col("overdue_days") > 0).then(late).otherwise(pl.format("D{}", text))


def _due_case(km_fixed: pl.Expr, km: pl.Expr, date_fixed: pl.Expr, date: pl.Expr) -> pl.Expr:
    """Return the text of the limit that decides: on a certain day, or within an interval."""
    fixed = pl.col("due_is_fixed")
    by_km = pl.when(fixed).then(km_fixed).otherwise(km)
    return pl.when("by_km").then(by_km).otherwise(pl.when(fixed).then(date_fixed).otherwise(date))


def _visit_zh(today: int, visit_days: int) -> pl.Expr:
    """Return when the vehicle is likely to come, in Chinese."""
    dates = tuple(date_column(c, "zh") for c in ("visit_on", "visit_low", "visit_high"))
    missed = pl.when(pl.col("missed_services") == 1).then(pl.lit("本次保养很可能已错过")).otherwise(
        pl.format("很可能已错过 {} 次保养", "missed_services")
    )  # fmt: skip
    about = pl.format("{}前后到店（{}至{}之间）", *dates)
    text = pl.when(pl.col("visit_for") == "following").then(
        pl.format("{}，下次到期时可能到店：概率 {}%，{}；", missed, _percent("attendance"), about)
    ).otherwise(pl.format("为本次保养到店的概率 {}%，预计{}；", _percent("attendance"), about))  # fmt: skip
    soon = "{}" + f"未来 {visit_days} 天内到店概率 " + "{}%{}。"
    which = _which(today + visit_days, late="（迟来做已到期的保养）", other="（含其他保养）")
    return pl.format(soon, text, _percent("visit_probability"), which)


def _visit_en(today: int, visit_days: int) -> pl.Expr:
    """Return when the vehicle is likely to come, in English."""
    dates = tuple(date_column(c, "en") for c in ("visit_on", "visit_low", "visit_high"))
    about = pl.format("with a probability of {}%, about {} (between {} and {});", _percent("attendance"), *dates)
    missed = pl.when(pl.col("missed_services") == 1).then(pl.lit("Most likely missed this service")).otherwise(
        pl.format("Most likely missed {} services", "missed_services")
    )  # fmt: skip
    text = pl.when(pl.col("visit_for") == "following").then(
        pl.format("{}: may come when the following one falls due, {}", missed, about)
    ).otherwise(pl.format("Comes to it {}", about))  # fmt: skip
    which = _which(today + visit_days, late=", late to the one that fell due", other=", other services included")
    soon = "{} {}" + f"% within the next {visit_days} days" + "{}."
    return pl.format(soon, text, _percent("visit_probability"), which)


def _unless_fixed(word: str) -> pl.Expr:
    """Return `word` where the due day is not certain."""
    return pl.when("due_is_fixed").then(pl.lit("")).otherwise(pl.lit(word))


def _which(until: int, *, late: str, other: str) -> pl.Expr:
    """Return for which service a visit up to the day `until` is, where it is not that of the sentence alone."""
    is_earlier = (pl.col("visit_for") == "following") & (pl.col("visit_low").cast(pl.Int32) > until)
    chance = _percent("visit_probability")
    return (
        pl.when(is_earlier & (chance > 0)).then(pl.lit(late))
        .when(chance > _percent("attendance")).then(pl.lit(other)).otherwise(pl.lit(""))
    )  # fmt: skip
