"""Mean amount of a routine visit."""

from __future__ import annotations

import polars as pl

from ml.fault_rate.reported import reported_before
from ml.fault_rate.routine import ServiceHistory, local_day

FEN = 100
MIN_VISITS = 20  # visits from which a model has a mean of its own


def visit_revenue(history: ServiceHistory, records: pl.DataFrame, *, timezone: str, as_of: int) -> pl.DataFrame:
    """Return the mean amount of a routine visit of each vehicle's model.

    Parameters
    ----------
    history : ServiceHistory
        As returned by `ml.fault_rate.routine.build_service_history`.
    records : DataFrame
        `vehicle_id`, `serviced_at` (microseconds) and, optionally, `cost` (fen, amount of the line).
    timezone : str
        IANA time zone of the calendar.
    as_of : int
        Instant (microseconds); records reported at or after it are left out.

    Returns
    -------
    DataFrame
        `vehicle_id` and `visit_revenue_yuan`: mean over the routine visits of the model, all lines of the day without
        repairs added up; the mean of all models where a model has fewer than 20 visits; null without amounts.

    Examples
    --------
    >>> from ml.fault_rate.routine import build_service_history
    >>> day = 24 * 3_600 * 1_000_000  # microseconds
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"] * 2, "serviced_at": [300 * day] * 2, "fault": [False, False],
    ...     "component": ["oil_and_filter", None], "cost": [30_000, 7_000]})
    >>> history = build_service_history(fleet, records, as_of=400 * day)
    >>> visit_revenue(history, records, timezone="UTC", as_of=400 * day).rows()  # oil and labour
    [('V', 370.0)]
    """
    cars = history.cars.select("vehicle_id", "row", "model")
    if "cost" not in records.columns:
        return cars.select("vehicle_id", visit_revenue_yuan=pl.lit(None, dtype=pl.Float64))
    lines = reported_before(records.drop_nulls(["vehicle_id", "serviced_at", "cost"]), as_of)
    if "fault" in lines.columns:
        lines = lines.filter(~pl.col("fault").fill_null(value=False))
    lines = lines.join(cars, on="vehicle_id").with_columns(day=local_day(pl.col("serviced_at"), timezone))
    amounts = lines.group_by("row", "day").agg(pl.col("cost").sum() / FEN, pl.col("model").first())
    visits = amounts.join(history.visits.select("row", "day"), on=["row", "day"])
    by_model = visits.group_by("model").agg(own=pl.col("cost").mean(), visits=pl.len())
    own = pl.when(pl.col("visits") >= MIN_VISITS).then("own")
    joined = cars.join(by_model, on="model", how="left", maintain_order="left", nulls_equal=True)
    return joined.select(
        "vehicle_id", visit_revenue_yuan=pl.coalesce(own, pl.lit(visits["cost"].mean(), dtype=pl.Float64))
    )
