"""Rules of `configs/fault_alarms.yaml`, and the inspection plan of an alarm under these rules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import Field

from features.yaml_config import Section, load_yaml
from ml.domain.faults.inspection_campaign import Campaign, plan_campaign
from ml.fault_rate.rate_ratios import normal_ratio
from ml.fault_rate.safety import SafetyRules
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.vehicles import baseline_faults, rank_vehicles, vehicle_rows


class AlarmRules(Section):
    """Settings of the alarm store and of inspection campaigns. Money in yuan, probabilities and shares from 0 to 1.

    Loaded by `load_alarm_rules`; ``AlarmRules()`` has the defaults.

    Attributes
    ----------
    store : Path
        SQLite file of the alarms and their states.
    snapshot : Path
        File that the weekly run writes and the service reads.
    days : int
        Planning horizon (days).
    visit_probability : float
        Probability that an invited vehicle visits the workshop.
    repair_effectiveness : float
        Share of the excess faults that such a visit removes.
    delay_days : float
        Mean days from the invitation to the visit.
    parts_service_level : float
        Probability that the parts in stock suffice.
    fault_cost : float or None
        Cost of repairing one fault; None takes the mean cost of such visits in the records.
    campaign_cost : float or None
        Cost of inspecting one vehicle; None takes the fault cost, as the same work is done.
    goodwill : float
        Cost of one fault beside its repair: towing, a courtesy car, lost customers.
    safety : SafetyRules
        Safety components, kinds of dangerous reports, and the workshop's capacity.
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
    safety: SafetyRules = SafetyRules()


def load_alarm_rules(path: Path, *, data_set: str = "") -> AlarmRules:
    """Return the rules of a YAML file; relative paths in it are resolved against its folder.

    Parameters
    ----------
    path : Path
        YAML file such as `configs/fault_alarms.yaml`, with the attributes of `AlarmRules` as keys; absent keys take the
        defaults.
    data_set : str
        Of a named model, whose store and snapshot have the data set in their file names, such as
        `fault_alarms.north.db`: data sets that share the rules do not share their alarms.

    Raises
    ------
    ConfigError
        The file cannot be read, or a value breaks its rule; the message names file, key, rule and value.

    Examples
    --------
    >>> from pathlib import Path
    >>> load_alarm_rules(Path("configs/fault_alarms.yaml")).days
    90
    >>> load_alarm_rules(Path("configs/fault_alarms.yaml"), data_set="north").store.name
    'fault_alarms.north.db'
    """
    rules = load_yaml(path, AlarmRules)
    folder = path.resolve().parent
    files = {"store": folder / rules.store, "snapshot": folder / rules.snapshot}
    return rules.model_copy(update={name: _of_data_set(file, data_set) for name, file in files.items()})


def _of_data_set(path: Path, data_set: str) -> Path:
    if not data_set or path.stem.endswith(f".{data_set}"):
        return path
    return path.with_name(f"{path.stem}.{data_set}{path.suffix}")


@dataclass(frozen=True)
class InspectionPlan:
    """Vehicles to inspect for a fault, and the effect of inspecting all of them.

    Attributes
    ----------
    vehicles : DataFrame
        All affected vehicles, as returned by `ml.fault_rate.vehicles.rank_vehicles`.
    campaign : Campaign
        Expected faults, visits and parts within `AlarmRules.days`.
    campaign_cost, avoided_cost : float or None
        Cost of the campaign and of the faults that it avoids (yuan); None where no fault cost is known.
    inspect_all : bool
        Whether lives depend on the component: all vehicles are inspected, whatever the cost.
    """

    vehicles: pl.DataFrame
    campaign: Campaign
    campaign_cost: float | None
    avoided_cost: float | None
    inspect_all: bool = False


def plan_inspection(
    snapshot: Snapshot,
    model: str,
    component: str,
    rules: AlarmRules,
    *,
    built: tuple[int | None, int | None],
    posterior: tuple[float, float],
) -> InspectionPlan | None:
    """Return the vehicles of a model to inspect, with faults avoided, parts and costs.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    model, component : str
        A row of `snapshot.cells`.
    rules : AlarmRules
        ``ml.fault_rate.rules.load_alarm_rules(Path("configs/fault_alarms.yaml"))``.
    built : tuple of int or None
        Affected builds as days from 1970-01-01: from the first and before the second; None leaves a side open.
    posterior : tuple of float
        Shape and rate of the gamma posterior of the rate ratio, from `ml.fault_rate.rate_ratios.cell_posterior`.

    Returns
    -------
    InspectionPlan or None
        Ranked vehicles, faults that the campaign avoids within `rules.days` days, parts to stock, and costs in yuan;
        None without a fleet table.
    """
    if snapshot.vehicles is None:
        return None
    rows = vehicle_rows(snapshot.vehicles, model, built)
    expected = baseline_faults(snapshot.vehicles, rows, component, snapshot.baseline_rates, days=rules.days)
    expected = expected * snapshot.scale * normal_ratio(snapshot, model, component)
    campaign = plan_campaign(
        expected,
        posterior=posterior,
        visit_probability=rules.visit_probability,
        repair_effectiveness=rules.repair_effectiveness,
        delay=min(rules.delay_days / rules.days, 1.0),
        parts_service_level=rules.parts_service_level,
    )
    fault_cost = rules.fault_cost if rules.fault_cost is not None else snapshot.costs.get(component)
    visit_cost = rules.campaign_cost if rules.campaign_cost is not None else fault_cost
    ratio = posterior[0] / posterior[1]
    return InspectionPlan(
        vehicles=rank_vehicles(snapshot.vehicles, rows, component, expected * ratio),
        campaign=campaign,
        campaign_cost=None if visit_cost is None else visit_cost * campaign.expected_visits,
        avoided_cost=None if fault_cost is None else (fault_cost + rules.goodwill) * campaign.avoided,
        inspect_all=rules.safety.is_safety(component),
    )
