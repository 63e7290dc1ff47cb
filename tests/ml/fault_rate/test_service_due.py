"""Services that fall due by date or distance, computed by hand, and their sentences."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
    assert "Due on 4 November 2023, 12 months after the service of 4 November 2022." in rows["V2"]["reason_en"]
    assert rows["V2"]["due_is_fixed"] and "自上次保养（2022年11月4日）起行驶满 6,000 公里" in one["reason_zh"]
    assert all((r["due_low"] == r["due_high"]) == r["due_is_fixed"] for r in rows.values())
    assert all(date(2022, 11, 14) < r["visit_low"] <= r["visit_on"] <= r["visit_high"] for r in rows.values())


def test_an_interval_out_of_range_is_refused() -> None:
    for wrong in ({"km": 0, "months": 12}, {"km": 6_000, "months": 0}, {"km": 6_000, "days": 3}):
        with pytest.raises(ValidationError, match="default"):
            ServiceRules.model_validate({"default": wrong})


def fleet_of(visits: dict[str, list[int]], **columns: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Vehicles that entered service on day 0, and their routine visits by day, without readings."""
    fleet = pl.DataFrame({"vehicle_id": list(visits), "entered_service_at": [START * DAY] * len(visits)})
    lines = [(v, START + d) for v, days in visits.items() for d in days]
    records = pl.DataFrame(lines, schema=["vehicle_id", "day"], orient="row").with_columns(
        serviced_at=pl.col("day") * DAY, component=pl.lit("oil"), fault=pl.lit(value=False), **columns
    )
    return fleet, records.drop("day")


YEARLY = [365, 730, 1_095]


def test_the_list_begins_with_what_is_due_soon_and_ends_with_what_is_lost() -> None:
    visits = {f"N{i:02d}": [365 + i % 9, 730, 1_095 + i % 5] for i in range(40)}
    visits |= {"SOON": [360, 725, 1_070], "LATER": [*YEARLY, 1_250], "LOST": [365], "LATE": [320, 685, 1_040]}
    services = next_services(*fleet_of(visits), rules=ServiceRules(), as_of=(START + 1_420) * DAY)
    rows = {r["vehicle_id"]: r for r in services.vehicles.to_dicts()}
    names = services.vehicles["vehicle_id"].to_list()
    assert names.index("SOON") < names.index("LATER") and names.index("LATE") < names.index("LATER")
    assert names[-1] == "LOST"
    soon, late, lost = rows["SOON"], rows["LATE"], rows["LOST"]
    assert soon["visit_probability"] > 0.6 and soon["visit_for"] == "this" and soon["missed_services"] == 0
    assert soon["reason_en"].startswith("Due on 13 December 2025, 12 months after the service of 13 December 2024.")
    assert late["overdue_days"] == 15 and late["visit_for"] == "following"
    assert late["reason_en"].startswith("Overdue by 15 days: due on 13 November 2025, 12 months after the service of")
    assert "Most likely missed this service: may come when the following one falls due, with a" in late["reason_en"]
    assert late["visit_on"].year == 2026 and late["visit_on"].month == 11
    assert lost["missed_services"] == 2 and lost["attendance"] < soon["attendance"]
    assert "很可能已错过 2 次保养" in lost["reason_zh"] and "已超期 690 天" in lost["reason_zh"]


def test_the_expected_revenue_is_the_mean_visit_times_its_probability() -> None:
    fleet, records = fleet_of({"A": YEARLY, "B": [365, 730]}, cost=pl.lit(50_000))
    rows = next_services(fleet, records, rules=ServiceRules(), as_of=(START + 1_200) * DAY).vehicles.to_dicts()
    for row in rows:
        assert row["visit_revenue_yuan"] == 500.0
        assert row["expected_revenue_yuan"] == pytest.approx(500 * row["visit_probability"])
    without = next_services(fleet, records.drop("cost"), rules=ServiceRules(), as_of=(START + 1_200) * DAY)
    assert without.vehicles["expected_revenue_yuan"].null_count() == 2


def test_a_limit_passed_between_two_readings_has_an_interval() -> None:
    fleet, records = tables()
    repair = pl.DataFrame({"vehicle_id": ["V1"], "odometer_km": [20_000.0], "serviced_at": [(START + 600) * DAY],
                           "component": ["brakes"], "fault": [True]})  # fmt: skip
    rules = ServiceRules.model_validate({"default": {"km": 6_000, "months": 24}})
    everything = pl.concat([records, repair], how="diagonal")
    services = next_services(fleet, everything, rules=rules, as_of=(START + 700) * DAY)
    (row,) = services.vehicles.filter(vehicle_id="V1").to_dicts()
    # 6,000 of the 14,000 km driven in the 300 days after the service.
    assert abs((row["due_on"] - date(2022, 1, 8)).days - (300 + 300 * 6 / 14)) < 10 and row["due_by"] == "km"
    assert row["due_low"] < row["due_on"] < row["due_high"] and not row["due_is_fixed"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(50, 1_200))
def test_intervals_contain_their_value_and_only_certain_days_have_no_width(seed: int, day: int) -> None:
    rng = np.random.default_rng(seed)
    n = 12
    gaps = rng.integers(20, 500, (n, 4)).cumsum(axis=1)
    lines = [(f"V{i}", START + int(d), float(d * rng.integers(1, 120))) for i in range(n) for d in [5, *gaps[i]]]
    fleet = pl.DataFrame({"vehicle_id": [f"V{i}" for i in range(n)], "entered_service_at": [START * DAY] * n})
    records = pl.DataFrame(lines, schema=["vehicle_id", "d", "odometer_km"], orient="row").with_columns(
        serviced_at=pl.col("d") * DAY, component=pl.lit("oil"), fault=pl.lit(value=False)
    )
    vehicles = next_services(fleet, records, rules=ServiceRules(), as_of=(START + day) * DAY).vehicles
    today = pl.lit(START + day).cast(pl.Int32).cast(pl.Date)
    assert vehicles.filter(~pl.col("due_on").is_between("due_low", "due_high")).is_empty()
    assert vehicles.filter(~pl.col("visit_on").is_between("visit_low", "visit_high")).is_empty()
    assert vehicles.filter(pl.col("visit_low") < today).is_empty()
    assert vehicles.filter((pl.col("due_low") == pl.col("due_high")) != pl.col("due_is_fixed")).is_empty()
    for column in ("visit_probability", "attendance"):
        assert vehicles[column].is_between(0, 1).all()


def reminder(**changes: object) -> dict[str, object]:
    days = {"visit": 100, "entered": 10, "due_on": 465, "due_low": 465, "due_high": 465, "visit_on": 480,
            "visit_low": 471, "visit_high": 500}  # fmt: skip
    row = {
        "vehicle_id": "V", "model": "A", "store_id": None, "visit_km": 900.0, "limit_km": 7_500.4, "limit_months": 12,
        "km_now": 1_234.5, "due_km": float("nan"), "by_km": False, "visit_probability": 0.741, "attendance": 0.82,
        "missed_services": 0, "visit_for": "this", "visit_revenue_yuan": 400.0,
    }  # fmt: skip
    services = pl.DataFrame([row | days | changes]).with_columns(
        pl.col("^(due|visit)_(on|low|high)$").cast(pl.Int32).cast(pl.Date)
    )
    table = with_reasons(services, today=470, visit_days=28)
    assert table.columns == list(SERVICE)
    return table.row(0, named=True)


def test_an_overdue_service_says_so_in_both_languages() -> None:
    line = reminder()
    assert (line["overdue_days"], line["due_by"], line["km_now"], line["due_km"]) == (5, "date", 1_234.0, None)
    assert line["reason_en"] == (
        "Overdue by 5 days: due on 11 April 1971, 12 months after the service of 11 April 1970. Comes to it with a "
        "probability of 82%, about 26 April 1971 (between 17 April 1971 and 16 May 1971); 74% within the next 28 days."
    )
    assert line["reason_zh"] == (
        "已超期 5 天：自上次保养（1970年4月11日）起满 12 个月，1971年4月11日到期。为本次保养到店的概率 82%，"
        "预计1971年4月26日前后到店（1971年4月17日至1971年5月16日之间）；未来 28 天内到店概率 74%。"
    )
    assert line["expected_revenue_yuan"] == pytest.approx(296.4)


def test_each_kind_of_limit_has_its_sentence() -> None:
    uncertain = reminder(due_low=450, due_on=475, due_high=475)["reason_en"]
    assert uncertain.startswith("Due on 21 April 1971 at the latest, 12 months after the service of 11 April 1970; by")
    assert "by distance perhaps from 27 March 1971." in uncertain
    distance = reminder(by_km=True, due_on=475, due_low=471, due_high=480, visit=None)
    assert distance["reason_en"].startswith(
        "Due about 21 April 1971 (between 17 April 1971 and 26 April 1971), 7,500 km after entering service on 11 Jan"
    )
    assert distance["reason_zh"].startswith("自交车（1970年1月11日）起行驶满 7,500 公里，预计1971年4月21日前后到期")
    assert reminder(by_km=True)["reason_en"].startswith("Overdue by 5 days: due on 11 April 1971, 7,500 km after the")
    missed = reminder(missed_services=1, visit_for="following", due_on=469, due_low=469, due_high=469)
    assert missed["reason_en"].startswith("Overdue by 1 day: due on")
    assert (
        "Most likely missed this service: may come when the following one falls due, with a probability of 82%, about "
        "26 April 1971" in missed["reason_en"]
    )
    assert "Most likely missed 3 services: may come" in reminder(missed_services=3, visit_for="following")["reason_en"]


def test_uncertain_days_are_about_and_a_visit_soon_may_be_for_another_service() -> None:
    overdue = reminder(by_km=True, due_on=465, due_low=461, due_high=469)
    assert overdue["reason_en"].startswith("Overdue by about 5 days: due about 11 April 1971 (between")
    assert overdue["reason_zh"].startswith("已超期约 5 天：")
    often = reminder(attendance=0.6, visit_probability=0.65)  # the service after it may fall due in these days too
    assert often["reason_en"].endswith("65% within the next 28 days, other services included.")
    assert often["reason_zh"].endswith("未来 28 天内到店概率 65%（含其他保养）。")
    assert reminder(attendance=0.65, visit_probability=0.65)["reason_en"].endswith("65% within the next 28 days.")
    later = {"visit_for": "following", "missed_services": 1, "visit_on": 700, "visit_low": 690, "visit_high": 720}
    missed = reminder(**later, attendance=0.39, visit_probability=0.38)  # the following one falls due after these days
    assert missed["reason_en"].endswith("; 38% within the next 28 days, late to the one that fell due.")
    assert missed["reason_zh"].endswith("未来 28 天内到店概率 38%（迟来做已到期的保养）。")
    assert reminder(**later, visit_probability=0.0)["reason_en"].endswith("; 0% within the next 28 days.")
