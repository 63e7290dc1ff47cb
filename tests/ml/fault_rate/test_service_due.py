"""Services that fall due by date or distance, computed by hand, and their sentences."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

from features.aggregations import DAY
from ml.fault_rate.service_due import next_services
from ml.fault_rate.service_reasons import SERVICE, with_reasons
from ml.fault_rate.service_rules import ServiceRules

START = 19_000  # 2022-01-08


def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """V1 drives 20 km a day, V2 hardly, V3 has no record, V4 has left, one reading of V5 is ten times too large."""
    fleet = pl.DataFrame(
        {
            "vehicle_id": ["V1", "V2", "V3", "V4", "V5"],
            "model": ["A"] * 5,
            "entered_service_at": [START * DAY] * 5,
            "left_service_at": [None, None, None, (START + 300) * DAY, None],
            "monthly_km": [600.0, 60.0, 900.0, 900.0, 600.0],
        }
    )
    lines = [
        (vehicle, START + day, km)
        for vehicle, day, km in (
            *(("V1", d, 20.0 * d) for d in (100, 200, 300)),
            *(("V2", d, 2.0 * d) for d in (100, 300)),
            ("V4", 100, 3_000.0),
            *(("V5", d, 20.0 * d) for d in (100, 300)),
            ("V5", 200, 40_000.0),
        )
    ]
    records = pl.DataFrame(lines, schema=["vehicle_id", "day", "odometer_km"], orient="row").with_columns(
        serviced_at=pl.col("day") * DAY, component=pl.lit("oil"), fault=pl.lit(value=False)
    )
    return fleet, records.drop("day")


def test_date_or_distance_whichever_is_first() -> None:
    fleet, records = tables()
    rules = ServiceRules.model_validate({"default": {"km": 6_000, "months": 12}})
    services = next_services(fleet, records, rules=rules, as_of=(START + 310) * DAY)
    rows = {r["vehicle_id"]: r for r in services.vehicles.to_dicts()}
    assert set(rows) == {"V1", "V2", "V3", "V5"}
    begin = date(2022, 1, 8)
    one = rows["V1"]  # last service at 6,000 km on day 300: 6,000 km more take 300 days
    assert one["due_by"] == "km" and abs((one["due_on"] - begin).days - 600) <= 10
    assert one["due_km"] == pytest.approx(12_000, rel=0.02) and one["km_now"] == pytest.approx(6_200, rel=0.02)
    assert rows["V2"]["due_by"] == "date" and rows["V2"]["due_on"] == date(2023, 11, 4)
    assert rows["V3"]["last_service_on"] is None and rows["V3"]["overdue_days"] > 60
    assert abs((rows["V5"]["due_on"] - one["due_on"]).days) <= 10  # the typing error is left out
    assert all(r["due_low"] <= r["due_on"] <= r["due_high"] for r in rows.values())
    assert "12 months after the service of 2022-11-04" in rows["V2"]["reason_en"] and "上次保养" in one["reason_zh"]


def test_an_interval_out_of_range_is_refused() -> None:
    for wrong in ({"km": 0, "months": 12}, {"km": 6_000, "months": 0}, {"km": 6_000, "days": 3}):
        with pytest.raises(ValidationError, match="default"):
            ServiceRules.model_validate({"default": wrong})


def test_an_overdue_service_says_so_in_both_languages() -> None:
    days = {"visit": 100, "entered": 10, "due_on": 465, "due_low": 460, "due_high": 470}
    row = {
        "vehicle_id": "V", "model": "A", "store_id": None, "visit_km": 900.0, "limit_km": 7_500.4, "limit_months": 12,
        "km_now": 1_234.5, "due_km": float("nan"), "by_km": False, "visit_on": 470, "visit_low": 465, "visit_high": 480,
    }  # fmt: skip
    services = pl.DataFrame([row | days]).with_columns(pl.col("^due_(on|low|high)$").cast(pl.Int32).cast(pl.Date))
    table = with_reasons(services, today=470)
    assert table.columns == list(SERVICE)
    (line,) = table.to_dicts()
    assert (line["overdue_days"], line["due_by"], line["km_now"], line["due_km"]) == (5, "date", 1_234.0, None)
    assert line["reason_en"] == "overdue by 5 days: 12 months after the service of 1970-04-11: due on 1971-04-11"
    assert line["reason_zh"] == "已超期 5 天：自上次保养（1970-04-11）起满 12 个月，1971-04-11 到期"
