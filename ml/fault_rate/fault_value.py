"""What an avoided fault is worth and what an inspection costs, from the rules and the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml.fault_rate.rules import AlarmRules


@dataclass(frozen=True)
class FaultValue:
    """Yuan of one fault and of one inspection, as returned by `fault_value`.

    Attributes
    ----------
    repair : float or None
        Cost of repairing a fault; None where neither the rules nor the records have one.
    goodwill, complaint, customer : float or None
        Cost of a fault beside its repair, of its complaint and of its lost customer, each times its probability; None
        where it is not configured.
    call_in, at_service : float or None
        Cost of inspecting one vehicle that is called in, or that is at its routine service; None where no cost is
        known.
    """

    repair: float | None
    goodwill: float | None
    complaint: float | None
    customer: float | None
    call_in: float | None
    at_service: float | None

    @property
    def other(self) -> float:
        """Yuan of one fault beside its repair; amounts that are not configured do not count."""
        return sum(v for v in (self.goodwill, self.complaint, self.customer) if v is not None)

    @property
    def total(self) -> float | None:
        """Yuan that one avoided fault is worth; None without a cost of the repair."""
        return None if self.repair is None else self.repair + self.other

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Keys of the rules that are null, so that their amounts are not counted."""
        amounts = {"goodwill": self.goodwill, "complaint_cost": self.complaint, "customer_value": self.customer}
        return tuple(key for key, amount in amounts.items() if amount is None)


def fault_value(rules: AlarmRules, component: str, costs: Mapping[str, float]) -> FaultValue:
    """Return what an avoided fault of a component is worth, and what an inspection costs.

    Parameters
    ----------
    rules : AlarmRules
        ``ml.fault_rate.rules.load_alarm_rules(Path("configs/fault_alarms.yaml"))``.
    component : str
        Component of the fault.
    costs : mapping of str to float
        Mean cost (yuan) of a visit for a fault by component: the attribute `costs` of a `Snapshot`.

    Examples
    --------
    >>> value = fault_value(AlarmRules(goodwill=200, complaint_cost=500), "brakes", {"brakes": 900.0})
    >>> value.total, value.call_in, value.uncounted
    (1150.0, 900.0, ('customer_value',))
    """
    repair = rules.fault_cost if rules.fault_cost is not None else costs.get(component)
    call_in = rules.campaign_cost if rules.campaign_cost is not None else repair

    def expected(probability: float, amount: float | None) -> float | None:
        return None if amount is None else probability * amount

    return FaultValue(
        repair=repair,
        goodwill=rules.goodwill,
        complaint=expected(rules.complaint_probability, rules.complaint_cost),
        customer=expected(rules.customer_loss_probability, rules.customer_value),
        call_in=call_in,
        at_service=call_in if rules.service_inspection_cost is None else rules.service_inspection_cost,
    )
