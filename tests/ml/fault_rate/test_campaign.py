"""Inspection plans of a small fleet with known rates: verdict, options, cut and break-even, computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.fault_rate.campaign import InspectionPlan, plan_inspection
from ml.fault_rate.rules import AlarmRules
from tests.ml.fault_rate.small_campaign import SURE, TODAY, snapshot

PLAIN: dict[str, Any] = {
    "repair_years": 5.0, "discount_rate": 0.0, "leaving_rate": 0.0, "delay_days": 0.0, "visit_probability": 1.0,
    "repair_effectiveness": 1.0, "campaign_cost": 200.0,
}  # fmt: skip
# Rate .1 a year, four times as often, over five years: an inspection avoids .75 * (1 - exp(-2)) faults.
AVOIDED = 0.75 * (1 - np.exp(-2.0))


def plan(state: Any, component: str = "suspension", **changes: Any) -> InspectionPlan:
    rules = AlarmRules(**(PLAIN | changes))
    result = plan_inspection(state, "M", component, rules, built=(None, None), posterior=SURE)
    assert result is not None
    return result


def test_one_vehicle_by_hand() -> None:
    result = plan(snapshot({}))
    best = result.best
    assert result.verdict == "call_in_now" and (result.inspected, result.called_in) == (1, 1)
    assert best.avoided == pytest.approx(AVOIDED, rel=1e-3)
    assert best.cost == pytest.approx(200) and best.benefit == pytest.approx(1_000 * AVOIDED, rel=1e-3)
    assert best.net == pytest.approx(1_000 * AVOIDED - 200, rel=1e-3)
    assert best.net_low <= best.net <= best.net_high  # type: ignore[operator]
    # Benefits reach 200 yuan when 1 - exp(-.4 t) = 200 / 750.
    assert best.break_even_months == pytest.approx(12 * -np.log(1 - 200 / 750) / 0.4, rel=0.01)
    assert best.break_even_cost == pytest.approx(1_000 * AVOIDED, rel=1e-3)
    assert result.first_value == pytest.approx(200 / AVOIDED, rel=1e-3)
    assert result.faults == pytest.approx(0.5 + AVOIDED, rel=1e-3)
    (row,) = result.vehicles.to_dicts()
    assert row["inspect"] and row["moment"] == "call_in_now" and row["value"] == pytest.approx(best.net)
    assert row["faults"] == pytest.approx(0.1 * 90 / 365.25 + 0.75 * (1 - np.exp(-0.4 * 90 / 365.25)), rel=1e-3)


def test_goodwill_complaints_and_customers_add_to_the_value_of_a_fault() -> None:
    result = plan(
        snapshot({}), goodwill=100.0, complaint_probability=0.2, complaint_cost=500.0, customer_loss_probability=0.1,
        customer_value=3_000.0,
    )  # fmt: skip
    assert result.value.total == 1_000 + 100 + 100 + 300 and result.value.uncounted == ()
    assert result.best.benefit == pytest.approx(1_500 * AVOIDED, rel=1e-3)


@pytest.mark.parametrize(("cost", "verdict"), [(0.999, "call_in_now"), (1.001, "not_worth_on_cost")])
def test_the_verdict_changes_where_the_benefit_equals_the_cost(cost: float, verdict: str) -> None:
    state = snapshot({}, {}, {})
    benefit = plan(state).best.break_even_cost
    assert benefit is not None
    result = plan(state, campaign_cost=cost * benefit)
    assert result.verdict == verdict and result.inspected == (3 if verdict == "call_in_now" else 0)
    # A campaign that does not pay is compared on all affected vehicles.
    assert result.best.avoided == pytest.approx(3 * AVOIDED, rel=1e-3)
    assert result.all_value == pytest.approx(1_000 * cost)


def test_the_list_is_cut_at_the_first_vehicle_that_does_not_pay() -> None:
    """Two vehicles drive far and fail three times as often: 750 * (1 - exp(-6)) = 748 yuan against 648 yuan."""
    far = {"monthly_km": 2_000.0}
    result = plan(snapshot({}, far, {}, far, {}, fast=3.0), campaign_cost=700.0)
    assert (result.verdict, result.inspected, result.vehicles.height) == ("call_in_now", 2, 5)
    assert result.vehicles["vehicle_id"].to_list() == ["V1", "V3", "V0", "V2", "V4"]
    assert result.vehicles["inspect"].to_list() == [True, True, False, False, False]
    assert result.vehicles["moment"].to_list() == ["call_in_now", "call_in_now", None, None, None]
    assert (result.vehicles["value"].to_numpy() >= 0).tolist() == [True, True, False, False, False]
    assert result.best.cost == pytest.approx(1_400)
    assert result.vehicles["distance_effect"].to_list() == pytest.approx([3, 3, 1, 1, 1])


def test_a_repair_seven_months_ago_lowers_the_risk_and_the_rank() -> None:
    """Its effect lasts 5 years: inspecting the repaired vehicle gains the first faults of the last 7 months.

    Until then it fails at the baseline rate, .1 a year, and each of these faults renews the repair.
    """
    result = plan(snapshot({}, {}, repaired={0: 213}))
    assert result.vehicles["vehicle_id"].to_list() == ["V1", "V0"]
    avoided = result.vehicles["avoided"].to_list()
    left = 5 - 213 / 365.25
    assert avoided == pytest.approx([AVOIDED, 0.75 * np.exp(-0.1 * left) * (1 - np.exp(-0.4 * (5 - left)))], rel=1e-3)
    assert result.vehicles["inspect"].to_list() == [True, False] and result.vehicles["faults"][1] < 0.026
    old = plan(snapshot({}, {}, repaired={0: 1_900}))
    assert old.vehicles["avoided"].to_list() == pytest.approx([AVOIDED, AVOIDED], rel=1e-3)


def test_a_cheaper_inspection_at_the_next_service_is_weighed_against_its_delay() -> None:
    """The service is due in one year: it avoids .75 * (exp(-.4) - exp(-2)) faults, for 50 instead of 300 yuan."""
    soon, later = {"next_visit": TODAY + 10}, {"next_visit": round(TODAY + 365.25)}
    waiting = plan(snapshot(later), campaign_cost=300.0, service_inspection_cost=50.0)
    late = 750 * (np.exp(-0.4) - np.exp(-2.0))
    assert waiting.verdict == "with_next_service" and waiting.called_in == 0
    nets = {o.name: o.net for o in waiting.options}
    assert nets["call_in_now"] == pytest.approx(1_000 * AVOIDED - 300, rel=1e-3)
    assert nets["with_next_service"] == pytest.approx(late - 50, rel=1e-3) == nets["each_at_its_best"]
    assert plan(snapshot(later), campaign_cost=200.0, service_inspection_cost=50.0).verdict == "call_in_now"
    both = plan(snapshot(later, soon), campaign_cost=200.0, service_inspection_cost=50.0)
    assert both.verdict == "call_in_now" and (both.inspected, both.called_in) == (2, 1)
    assert dict(both.vehicles.select("vehicle_id", "moment").iter_rows()) == {
        "V0": "call_in_now", "V1": "with_next_service",
    }  # fmt: skip


def test_every_vehicle_of_a_safety_component_is_inspected_by_risk_and_no_cost_is_shown() -> None:
    far = {"monthly_km": 2_000.0}
    result = plan(snapshot({}, far, fast=3.0), "brakes", campaign_cost=1e6)
    assert result.verdict == "inspect_all" and result.inspected == result.called_in == 2
    assert result.vehicles["vehicle_id"].to_list() == ["V1", "V0"]
    assert result.best.cost is None and result.best.net is None and result.vehicles["cost"].null_count() == 2
    assert result.best.avoided > AVOIDED


def test_without_a_fault_cost_there_is_no_verdict_and_the_order_is_that_of_avoided_faults() -> None:
    result = plan(snapshot({}, {"monthly_km": 2_000.0}, fast=3.0, costs={}))
    assert result.verdict is None and result.best.cost is None and result.first_value is None
    assert result.vehicles["vehicle_id"].to_list() == ["V1", "V0"] and result.vehicles["value"].null_count() == 2


def test_the_source_of_the_leaving_rate_is_named() -> None:
    assert plan(snapshot({})).leaving == "rules"
    unknown, fleet = (plan(snapshot({}, exits=n), leaving_rate=None) for n in (0.0, 100.0))
    assert (unknown.leaving, fleet.leaving) == ("unknown", "fleet")
    assert unknown.best.avoided == pytest.approx(AVOIDED, rel=1e-3)
    assert fleet.best.avoided < AVOIDED
    # A tenth a year leaves: the avoided faults are those of an exponential life of rate .1.
    expected = 0.75 * 0.4 / 0.5 * (1 - np.exp(-5 * 0.5))
    assert fleet.best.avoided == pytest.approx(expected, rel=0.01)


def test_no_affected_vehicle_and_no_fleet() -> None:
    empty = plan_inspection(snapshot({}), "other", "suspension", AlarmRules(), built=(None, None), posterior=SURE)
    assert empty is not None and empty.vehicles.is_empty() and empty.best.cost == 0 and empty.parts_to_stock == 0
    state = snapshot({})
    state.vehicles = None
    assert plan_inspection(state, "M", "suspension", AlarmRules(), built=(None, None), posterior=SURE) is None


def test_parts_are_for_the_first_weeks_only() -> None:
    """Forty invited vehicles come evenly within 112 days, half of them in eight weeks; services in a year do not."""
    cars = [{"next_visit": TODAY + 365} for _ in range(40)]
    now = plan(snapshot(*cars, yearly=1e-9), delay_days=56.0, campaign_cost=0.0, service_inspection_cost=1e6)
    assert (now.called_in, now.parts_to_stock) == (40, 20)
    later = plan(snapshot(*cars, yearly=1e-9), campaign_cost=1e6, service_inspection_cost=0.0)
    assert (later.inspected, later.called_in, later.parts_to_stock) == (40, 0, 0)


@settings(deadline=None, max_examples=30)
@given(goodwill=st.floats(0, 3_000), more=st.floats(0, 3_000), cost=st.floats(0, 2_000), service=st.floats(0, 2_000))
def test_more_goodwill_never_shrinks_the_list(goodwill: float, more: float, cost: float, service: float) -> None:
    cars = [{"monthly_km": 500.0 * (1 + i % 3), "next_visit": TODAY + 60 * i + 1} for i in range(4)]
    state = snapshot(*cars, fast=2.0, repaired={2: 400})

    def listed(amount: float) -> set[str]:
        result = plan(state, goodwill=amount, campaign_cost=cost, service_inspection_cost=service)
        return set(result.vehicles.filter("inspect")["vehicle_id"])

    assert listed(goodwill) <= listed(goodwill + more)


@settings(deadline=None, max_examples=30)
@given(
    goodwill=st.floats(0, 3_000), cost=st.floats(0, 2_000), service=st.floats(0, 2_000), days=st.integers(1, 2_500),
)  # fmt: skip
def test_a_repaired_vehicle_never_ranks_above_its_unrepaired_twin(
    goodwill: float, cost: float, service: float, days: int
) -> None:
    """The twin has the later id, so that it comes first only by its risk; beyond the repair's end both are equal.

    Both are inspected now or tomorrow: until a later service the twin may fail, and have its repair.
    """
    state = snapshot({"next_visit": TODAY + 1}, {"next_visit": TODAY + 1}, fast=2.0, repaired={0: days})
    amounts = {"goodwill": goodwill, "campaign_cost": cost, "service_inspection_cost": service}
    for component in ("suspension", "brakes"):
        listed = plan(state, component, **amounts).vehicles
        repaired, twin = (listed.row(by_predicate=pl.col("vehicle_id") == v, named=True) for v in ("V0", "V1"))
        assert (repaired["inspect"], repaired["faults"]) <= (twin["inspect"], twin["faults"] + 1e-12)
        if component == "suspension" and days < 5 * 365:
            assert listed["vehicle_id"].to_list() == ["V1", "V0"] or repaired["avoided"] == twin["avoided"]
