"""What to do about an alarm: the house's rules (`configs/fault_alarms.yaml`), and what a campaign by them brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import Field

from features.yaml_config import Section, load_yaml
from ml.domain.faults.inspection_campaign import Campaign, plan_campaign
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.vehicles import baseline_faults, rank_vehicles, vehicle_rows


class AlarmRules(Section):
    """How a house calls vehicles in. Money in yuan.

    Attributes
    ----------
    store, snapshot : Path
        Where the alarms and their states are kept, and the state of the last weekly run.
    days : int
        Days to come that are looked at.
    visit_probability : float
        Probability that a vehicle comes when it is called.
    repair_effectiveness : float
        Share of the excess faults that such a visit removes.
    delay_days : float
        From the call until it comes, on the mean.
    parts_service_level : float
        Probability that the parts in stock suffice.
    fault_cost : float or None
        Of a fault; None takes the mean of such visits in the records.
    campaign_cost : float or None
        Of a vehicle that is called in and comes; None takes the cost of a fault: the same work is done.
    goodwill : float
        What a fault costs beside its repair: towing, a car on loan, customers who do not come back.
    """

    store: Path = Path("../var/fault_alarms.db")
    snapshot: Path = Path("../var/fault_snapshot.npz")
    days: int = Field(90, ge=1, le=730)
    visit_probability: float = Field(0.7, ge=0, le=1)
    repair_effectiveness: float = Field(0.9, ge=0, le=1)
    delay_days: float = Field(14, ge=0, le=730, allow_inf_nan=False)
    parts_service_level: float = Field(0.95, gt=0, lt=1)
    fault_cost: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    campaign_cost: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    goodwill: float = Field(0, ge=0, le=1e8, allow_inf_nan=False)


def load_alarm_rules(path: Path) -> AlarmRules:
    """Read the rules; the two files lie relative to the YAML.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    rules = load_yaml(path, AlarmRules)
    folder = path.resolve().parent
    return rules.model_copy(update={"store": folder / rules.store, "snapshot": folder / rules.snapshot})


@dataclass(frozen=True)
class InspectionPlan:
    """Vehicles to call in for a fault, and what that brings.

    Attributes
    ----------
    vehicles : DataFrame
        See `ml.fault_rate.vehicles.rank_vehicles`; all of them.
    campaign : Campaign
        Over the days of the rules.
    campaign_cost, avoided_cost : float or None
        yuan; None where no cost of a fault is known.
    """

    vehicles: pl.DataFrame
    campaign: Campaign
    campaign_cost: float | None
    avoided_cost: float | None


def plan_inspection(
    snapshot: Snapshot,
    model: str,
    component: str,
    rules: AlarmRules,
    *,
    built: tuple[int | None, int | None],
    posterior: tuple[float, float],
) -> InspectionPlan | None:
    """Weigh up calling in the vehicles of a model; None where the fleet is not known.

    Parameters
    ----------
    built : tuple of int or None
        Days of build from the first until (not on) the second.
    posterior : tuple of float
        Shape and rate of the gamma distribution of the rate ratio.
    """
    if snapshot.vehicles is None:
        return None
    rows = vehicle_rows(snapshot.vehicles, model, built)
    usual = (
        baseline_faults(snapshot.vehicles, rows, component, snapshot.baseline_rates, days=rules.days) * snapshot.scale
    )
    campaign = plan_campaign(
        usual,
        posterior=posterior,
        visit_probability=rules.visit_probability,
        repair_effectiveness=rules.repair_effectiveness,
        delay=min(rules.delay_days / rules.days, 1.0),
        parts_service_level=rules.parts_service_level,
    )
    fault = rules.fault_cost if rules.fault_cost is not None else snapshot.costs.get(component)
    visit = rules.campaign_cost if rules.campaign_cost is not None else fault
    ratio = posterior[0] / posterior[1]
    return InspectionPlan(
        vehicles=rank_vehicles(snapshot.vehicles, rows, component, usual * ratio),
        campaign=campaign,
        campaign_cost=None if visit is None else visit * campaign.expected_visits,
        avoided_cost=None if fault is None else (fault + rules.goodwill) * campaign.avoided,
    )
