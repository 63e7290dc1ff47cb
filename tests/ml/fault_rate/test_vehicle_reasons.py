"""Reasons of vehicles in words."""

from __future__ import annotations

from ml.fault_rate.campaign import InspectionPlan
from ml.fault_rate.vehicle_reasons import LISTED_COLUMNS, _band, with_reasons
from tests.ml.fault_rate.small_campaign import TODAY, snapshot
from tests.ml.fault_rate.test_campaign import plan


def reasons(result: InspectionPlan) -> dict[str, tuple[str, str]]:
    listed = with_reasons(result.vehicles, result)
    assert listed.columns == list(LISTED_COLUMNS)
    return {v: (zh, en) for v, zh, en in listed.select("vehicle_id", "reason_zh", "reason_en").iter_rows()}


def test_distance_repair_and_money_explain_the_place() -> None:
    """TODAY is 2024-10-04; 213 days are seven months."""
    far = {"monthly_km": 2_000.0}
    cars = ({}, far, {"monthly_km": None}, {}, {})
    texts = reasons(plan(snapshot(*cars, fast=3.0, repaired={0: 213, 3: 2_000}), campaign_cost=640.0))
    assert texts["V1"] == (
        "与一般受影响车辆相比：每月行驶 1,000 公里以上的车辆故障多 200%（本车约 2,000 公里）；"
        "未来 5 年检查可省约 748 元，花费 640 元：现在邀约",
        "against the typical affected vehicle: 200% more faults among those that drive at least 1,000 km a month "
        "(this one 2,000); an inspection saves about 748 yuan over the next 5 years and costs 640 yuan: call in now",
    )
    assert texts["V0"] == (
        "悬架系统已在 7 个月前维修：超出部分的风险降低 100%，还可维持 4.4 年；"
        "行驶里程和车龄与一般受影响车辆相近；未来 5 年检查可省约 100 元，花费 640 元：不划算",
        "suspension repaired 7 months ago: 100% of the excess risk is gone for another 4.4 years; drives and ages "
        "like the typical affected vehicle; an inspection saves about 100 yuan over the next 5 years and costs 640 "
        "yuan: it does not pay",
    )
    assert texts["V2"][1].startswith("against the typical affected vehicle: its distance is unknown; ")
    assert texts["V3"][1].startswith("suspension repaired 5.5 years ago: too long ago to count; ")
    assert texts["V4"][0].startswith("行驶里程和车龄与一般受影响车辆相近；")


def test_a_vehicle_that_waits_names_the_month_of_its_service() -> None:
    result = plan(snapshot({"next_visit": TODAY + 40}), campaign_cost=900.0, service_inspection_cost=1.0)
    zh, en = reasons(result)["V0"]
    assert en.endswith("costs 1 yuan: with its service about November 2024")
    assert zh.endswith("2024 年 11 月前后保养时检查")


def test_a_safety_component_has_reasons_without_money() -> None:
    zh, en = reasons(plan(snapshot({}), "brakes"))["V0"]
    assert en == "drives and ages like the typical affected vehicle" and "元" not in zh


def test_bands_of_distance_are_open_at_the_ends() -> None:
    assert _band(None, 800.0).en == "less than 800" and _band(None, 800.0).zh == "不足 800 公里"
    assert _band(800.0, 1_391.4).en == "800 to 1,391" and _band(800.0, 1_391.4).zh == " 800 至 1,391 公里"
