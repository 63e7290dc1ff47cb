"""Rules of `configs/fault_alarms.yaml`: alarm store, inspection campaigns, and names of components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from features.yaml_config import Section, load_yaml
from ml.bilingual import Text
from ml.fault_rate.safety import SafetyRules
from ml.labels import Labels


class AlarmRules(Section):
    """Settings of the alarm store and of inspection campaigns. Money in yuan, probabilities and shares from 0 to 1.

    Loaded by `load_alarm_rules`; ``AlarmRules()`` has the defaults. A null amount is not counted, and every verdict
    that it belongs to says so.

    Attributes
    ----------
    store : Path
        SQLite file of the alarms and their states.
    snapshot : Path
        File that the weekly run writes and the service reads.
    days : int
        The lists of vehicles show the faults expected within so many days. Money has the horizon `repair_years`.
    repair_years : float
        A repair or an inspection lasts so many years: horizon of costs and benefits.
    leaving_rate : float or None
        Share of the vehicles that leave service in a year; None estimates it by age from the exits of the fleet.
    discount_rate : float
        A yuan in a year is worth ``1 / (1 + discount_rate)`` today.
    visit_probability : float
        Probability that a vehicle comes: when it is invited, and to its next routine service.
    repair_effectiveness : float
        Share of the excess faults that a repair or an inspection removes.
    delay_days : float
        Mean days from the invitation to the visit.
    campaign_weeks : int
        Parts are stocked for the first so many weeks.
    parts_service_level : float
        Probability that the parts in stock suffice.
    fault_cost : float or None
        Cost of repairing one fault; None takes the mean cost of such visits in the records.
    campaign_cost : float or None
        Cost of calling in and inspecting one vehicle; None takes the fault cost, as the same work is done.
    service_inspection_cost : float or None
        Extra cost of inspecting a vehicle that is at its routine service anyway; None takes the cost of a call-in, so
        that the two differ by their date alone.
    goodwill : float or None
        Cost of one fault beside its repair: towing, a courtesy car, goodwill payments.
    complaint_probability, complaint_cost : float, float or None
        Share of the faults after which the customer complains, and the cost of a complaint.
    customer_loss_probability, customer_value : float, float or None
        Share of the faults after which the customer leaves for good, and the value of a customer.
    safety : SafetyRules
        Safety components, kinds of dangerous reports, and the workshop's capacity.
    component_names : mapping of str to Text
        Names of components for people, ``{clutch: {zh: 离合器, en: clutch}}``; they override those of `ml.labels`.
    """

    store: Path = Path("../var/fault_alarms.db")
    snapshot: Path = Path("../var/fault_snapshot.npz")
    days: int = Field(90, ge=1, le=730)
    repair_years: float = Field(6.0, gt=0, le=30, allow_inf_nan=False)
    leaving_rate: float | None = Field(None, ge=0, lt=1, allow_inf_nan=False)
    discount_rate: float = Field(0.05, ge=0, le=1, allow_inf_nan=False)
    visit_probability: float = Field(0.7, ge=0, le=1)
    repair_effectiveness: float = Field(0.9, ge=0, le=1)
    delay_days: float = Field(14, ge=0, le=730, allow_inf_nan=False)
    campaign_weeks: int = Field(8, ge=1, le=104)
    parts_service_level: float = Field(0.95, gt=0, lt=1)
    fault_cost: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    campaign_cost: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    service_inspection_cost: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    goodwill: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    complaint_probability: float = Field(0.1, ge=0, le=1)
    complaint_cost: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    customer_loss_probability: float = Field(0.05, ge=0, le=1)
    customer_value: float | None = Field(None, ge=0, le=1e8, allow_inf_nan=False)
    safety: SafetyRules = SafetyRules()
    component_names: Mapping[str, Text] = {}

    def __hash__(self) -> int:
        return hash((self.store, self.days, self.repair_years, self.goodwill))  # a mapping has no hash

    def component_name(self, component: str) -> Text:
        """Return the name of a component for people: of `component_names`, else that of `ml.labels.Labels`.

        Parameters
        ----------
        component : str
            Name in the records, such as "battery_12v".

        Examples
        --------
        >>> AlarmRules().component_name("brakes").zh
        '制动系统'
        """
        return self.component_names.get(component) or Labels().component(component)


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
