"""Value of a fault and cost of an inspection from rules and records."""

from __future__ import annotations

from ml.fault_rate.fault_value import fault_value
from ml.fault_rate.rules import AlarmRules


def test_the_rules_come_before_the_records() -> None:
    value = fault_value(
        AlarmRules(fault_cost=700, campaign_cost=300, service_inspection_cost=90), "pump", {"pump": 5.0}
    )
    assert (value.repair, value.call_in, value.at_service) == (700, 300, 90)


def test_costs_follow_from_each_other_where_they_are_not_configured() -> None:
    value = fault_value(AlarmRules(), "pump", {"pump": 800.0})
    assert (value.repair, value.call_in, value.at_service, value.total) == (800, 800, 800, 800)
    assert value.uncounted == ("goodwill", "complaint_cost", "customer_value")


def test_an_unknown_fault_cost_is_not_replaced() -> None:
    value = fault_value(AlarmRules(goodwill=50, campaign_cost=10), "pump", {})
    assert value.repair is None and value.total is None and value.other == 50
