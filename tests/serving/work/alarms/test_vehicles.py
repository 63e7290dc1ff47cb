"""Vehicles to inspect: order, weeks by capacity, what is masked and what a table that is missing takes away."""

from __future__ import annotations

import json
from collections.abc import Callable

import polars as pl

from serving.work.alarms.disclosures import DisclosureRequest
from serving.work.alarms.inspections import HIGH, LOW
from serving.work.alarms.vehicles import MAX_VEHICLES, mask_vin
from tests.serving.in_process import ask
from tests.serving.work.alarms.conftest import Work, fill_store, without_safety_parts

ALARM = "/v1/alarms/1"


def test_the_vehicles_and_weeks_are_those_of_the_model(work: Work) -> None:
    """At the capacity of the rules the schedule is the one of `/v1/fault_rate/vehicles`."""
    listed = work.get(f"{ALARM}/vehicles")
    body = json.dumps({"model": "D", "component": "brakes", "limit": 10_000}).encode()
    answer = ask(work.app, "/v1/fault_rate/vehicles", body).json()
    weeks = [(row["vehicle_id"], row["inspection_week"]) for row in answer["vehicles"]]
    assert [(row["vehicle_id"], row["week"]) for row in listed["items"]] == weeks
    assert listed["total"] == len(listed["items"]) and listed["weeks"] == answer["inspection_weeks"]
    assert listed["capacity"] == 50 and listed["missing"] == []


def test_capacity_changes_weeks_at_once_and_for_all_when_it_is_set(work: Work) -> None:
    """Twice the capacity needs half the weeks."""
    plan = work.get(f"{ALARM}/inspections?capacity=10")
    assert plan["weeks"] == -(-plan["vehicles"] // 10) and plan["by_week"][0]["vehicles"] == 10
    assert plan["by_week"][-1]["risk_share"] == 1 and plan["parts_low"] < plan["parts_high"]
    assert plan["half_risk_week"] <= plan["weeks"] / 2 + 1
    work.log_in("after_sales")
    assert work.post("/v1/alarms/capacity", capacity=20)["capacity"] == 20
    again = work.get(f"{ALARM}/inspections")
    assert again["capacity"] == 20 and again["capacity_by"] == "after_sales person"
    assert work.get(f"{ALARM}/inspections?capacity=0", 422)["code"] == "invalid"


def test_vins_are_masked_until_they_are_asked_for_and_then_logged(work: Work) -> None:
    """The entry has neither VIN nor name."""
    first = work.get(f"{ALARM}/vehicles")["items"][0]
    assert mask_vin("12345678") == "···78" and LOW + HIGH == 1
    assert DisclosureRequest.model_json_schema()["properties"]["vehicle_ids"]["anyOf"][0]["maxItems"] == MAX_VEHICLES
    assert first["vin"].startswith("LSV···") and len(first["vin"]) == 10
    work.log_in("after_sales")
    answer = work.post(f"{ALARM}/disclosures", fields=["vin", "contact"], vehicle_ids=[first["vehicle_id"]])
    (row,) = answer["items"]
    assert row["vin"].startswith("LSVAA49J1320") and row["vin"].endswith(first["vin"][-4:])
    entry = work.get("/v1/work_entries?subject=alarm-1")["items"][0]
    assert entry["sequence"] == answer["sequence"] and entry["person"] == "after_sales person"
    assert row["vin"] not in json.dumps(entry) and "陈静" not in json.dumps(entry, ensure_ascii=False)
    everything = work.post(f"{ALARM}/disclosures", fields=["vin"])["items"]
    assert len(everything) == work.get(f"{ALARM}/vehicles")["to_inspect"] and everything[0]["phone"] is None
    assert "1 of them" in work.post(f"{ALARM}/disclosures", 422, fields=["vin"], vehicle_ids=["X"])["message"]


def test_a_key_of_one_store_has_its_own_vehicles(work: Work) -> None:
    """The total of the group stays beside them."""
    work.log_in("after_sales", "S1")
    listed = work.get(f"{ALARM}/vehicles")
    assert {row["store_id"] for row in listed["items"]} == {"S1"} and len(listed["items"]) < listed["total"]
    shown = work.post(f"{ALARM}/disclosures", fields=["contact"])["items"]
    assert {row["vehicle_id"] for row in shown} == {row["vehicle_id"] for row in listed["items"]}


def test_reports_and_stopped_stock_are_noted_beside_a_vehicle(work: Work) -> None:
    """V4 was reported if it is of the affected builds."""
    items = {row["vehicle_id"]: row for row in work.get(f"{ALARM}/vehicles")["items"]}
    noted = {number for number, row in items.items() if row["reported_on"]}
    assert noted == {"V4"} & set(items)


def test_another_part_has_a_value_for_each_inspection(work: Work) -> None:
    """The first vehicles save most."""
    without_safety_parts(work)
    items = work.get(f"{ALARM}/vehicles")["items"]
    assert items[0]["value"] >= items[-1]["value"] and items[0]["value"] is not None
    assert all((row["week"] is not None) == row["inspect"] for row in items)


def test_tables_that_are_missing_are_named(make_work: Callable[..., Work]) -> None:
    """The vehicles of the weekly run stay."""
    work = make_work(absent=("fleet", "customers", "vehicles"))
    fill_store(work)
    listed = work.get(f"{ALARM}/vehicles")
    assert listed["missing"] == ["fleet", "customers", "vehicles"] and not listed["has_vins"]
    assert listed["items"][0]["vin"] is None and listed["total"] == len(listed["items"]) > 0
    assert work.get(f"{ALARM}/stock") == {"cars": 0, "source": None, "items": []}
    assert work.get("/v1/alarms/services")["missing"].startswith("the sources lack the table fleet")


def test_stock_without_single_cars_is_counted_by_store(make_work: Callable[..., Work]) -> None:
    """Nobody can tell the builds of counted cars."""
    rows = {"store_id": ["S1", "S2"], "model": ["D", "D"], "snapshot_at": [1, 1], "quantity": [3.0, 2.0]}
    work = make_work(absent=("vehicles",), changes={"stock": pl.DataFrame(rows)})
    fill_store(work)
    stock = work.get(f"{ALARM}/stock")
    assert stock["source"] == "stock" and stock["cars"] == 5
    assert not any(car["build_known"] for car in stock["items"])
