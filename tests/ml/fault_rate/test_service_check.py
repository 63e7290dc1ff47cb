"""The check of an earlier list: counted by hand, and absent where the records are too short."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.fault_rate.service_check import ServiceCheck, check_services
from ml.fault_rate.service_rules import ServiceRules

YEAR = 365


def check(days: int, *, visit_days: int = 28) -> ServiceCheck | None:
    """Twenty vehicles come each year, a day later each; after three years only the first half of them."""
    lines = [(f"V{i:02d}", YEAR * year + i) for i in range(20) for year in (1, 2, 3) if year < 3 or i < 10]
    fleet = pl.DataFrame({"vehicle_id": [f"V{i:02d}" for i in range(20)], "entered_service_at": [0] * 20})
    records = pl.DataFrame(lines, schema=["vehicle_id", "day"], orient="row").with_columns(
        serviced_at=pl.col("day") * DAY, component=pl.lit("oil"), fault=pl.lit(value=False)
    )
    return check_services(
        fleet, records, rules=ServiceRules(), as_of=days * DAY, timezone="UTC", visit_days=visit_days, within_days=60,
        overdue_days=180,
    )  # fmt: skip


def test_visits_that_followed_are_counted() -> None:
    result = check(3 * YEAR + 80)  # computed as of 10 days before the first vehicle falls due again
    assert result is not None and (result.days_before, result.visit_days) == (90, 28)
    assert result.visits == 10 and 10 < result.expected < 20  # half of the vehicles stayed away
    assert result.interval_visits == 10 and result.coverage is not None and result.coverage >= 0.8
    assert (result.first, result.first_share, result.nearest_due_share) == (2, 1.0, 1.0)


def test_without_earlier_records_there_is_no_check() -> None:
    assert check(YEAR + 30) is None and check(3 * YEAR + 80, visit_days=91) is None
