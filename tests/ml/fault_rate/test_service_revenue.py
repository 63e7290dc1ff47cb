"""Mean amount of a routine visit, by hand."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.fault_rate.routine import build_service_history
from ml.fault_rate.service_revenue import MIN_VISITS, visit_revenue


def test_a_model_with_enough_visits_has_its_own_mean_and_repairs_do_not_count() -> None:
    fleet = pl.DataFrame({"vehicle_id": ["A", "B"], "model": ["x", "y"], "entered_service_at": [0, 0]})
    visits = [("A", 100 + 30 * i, 20_000, False) for i in range(MIN_VISITS)]
    repair = [("A", 100, 90_000, True), ("A", 115, 70_000, True)]
    lines = [*visits, *repair, ("B", 100, 41_000, False), ("B", 100, 21_000, False), ("B", 5_000, 1, False)]
    records = pl.DataFrame(lines, schema=["vehicle_id", "day", "cost", "fault"], orient="row").with_columns(
        serviced_at=pl.col("day") * DAY, component=pl.lit("oil")
    )
    history = build_service_history(fleet, records, as_of=2_000 * DAY)
    means = visit_revenue(history, records, timezone="UTC", as_of=2_000 * DAY)
    overall = (MIN_VISITS * 200 + 620) / (MIN_VISITS + 1)
    assert means.rows() == [("A", 200.0), ("B", overall)]
