"""Registry of the tasks and endpoint groups. Their modules are imported when they are first looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from features.errors import ConfigError
from ml.entry import DATA_SET_RULE, GroupEntry, TaskEntry, is_data_set, split_name

if TYPE_CHECKING:
    from ml.endpoint import Endpoint
    from ml.task import Task


_TASKS: tuple[TaskEntry, ...] = (
    TaskEntry(
        "recommendation",
        {
            "zh": "为访客推荐在售车辆，并给出推荐理由",
            "en": "Recommend vehicles in stock to a visitor, with reasons",
        },
        tables=("events",),
        optional_tables=("vehicles", "customers"),
        joins=("events.vehicle_id", "events.customer_id"),
        module="ml.recommendation",
        targets={"events": ("event_type",), "vehicles": ("sold_at",)},
    ),
    TaskEntry(
        "lead_scoring",
        {
            "zh": "预测线索的成交概率，并给出联系的先后顺序",
            "en": "Predict the probability that a lead buys within the horizon, and the order in which to call leads",
        },
        tables=("leads",),
        optional_tables=("events", "sales", "customers"),
        joins=("leads.customer_id",),
        module="ml.lead_scoring",
        targets={"leads": ("converted", "converted_at", "closed_at")},
    ),
    TaskEntry(
        "credit_risk",
        {
            "zh": "预测借款人的违约概率，并给出原因",
            "en": "Predict the probability that a borrower defaults, with reasons",
        },
        tables=("applications", "loan_outcomes"),
        joins=("loan_outcomes.application_id",),
        module="ml.credit_risk",
        targets={"loan_outcomes": ("defaulted",)},
    ),
    TaskEntry(
        "residual_value",
        {
            "zh": "评估二手车的当前价格，以及贷款到期时的残值",
            "en": "Predict the price of a used car today and its residual value at the end of a loan",
        },
        tables=("vehicles",),
        module="ml.residual_value",
        targets={"vehicles": ("price",)},
    ),
    TaskEntry(
        "demand_forecast",
        {
            "zh": "预测各门店各车型的销量，并给出采购数量建议",
            "en": "Forecast the sales of each model at each store, and recommend order quantities",
        },
        tables=("sales",),
        optional_tables=("stock", "vehicles"),
        module="ml.demand_forecast",
        targets={"sales": ("quantity",), "stock": ("quantity", "days_in_stock")},
    ),
    TaskEntry(
        "fault_rate",
        {
            "zh": "发现故障率偏高的车型部件，并列出应回厂检查的车辆",
            "en": "Detect components of a model with an elevated fault rate, and list the vehicles to inspect",
        },
        tables=("service_records",),
        optional_tables=("fleet", "denominators"),
        joins=("service_records.vehicle_id",),
        module="ml.fault_rate",
        targets={
            "service_records": ("component", "fault", "reported_at", "count"),
            "fleet": ("left_service_at",),
            "denominators": ("kind",),
        },
    ),
)

ENTRIES: Mapping[str, TaskEntry] = {entry.name: entry for entry in _TASKS}

# Endpoints that belong to no task: the module defines `ENDPOINTS`.
GROUPS: Mapping[str, GroupEntry] = {
    "loans": GroupEntry(
        "loans",
        {
            "zh": "生成贷款方案、还款计划与综合融资成本明示表",
            "en": "Compute loan offers, repayment schedules and cost disclosures",
        },
        module="ml.loans.endpoints",
    ),
}


class Tasks(Mapping[str, "Task"]):
    """Mapping of name to task, in the order of the entries; a task's module is imported when it is first looked up.

    The name of a model that has a data set, such as `credit_risk.north`, is a key as well: its value is the task under
    this name. Iteration yields the names of the entries alone.

    Examples
    --------
    >>> list(TASKS), TASKS["credit_risk"].tables
    (['recommendation', 'lead_scoring', 'credit_risk', 'residual_value', 'demand_forecast', 'fault_rate'], \
('applications', 'loan_outcomes'))
    >>> TASKS["credit_risk.north"].name, TASKS["credit_risk.north"].tables, "credit_risk.North" in TASKS
    ('credit_risk.north', ('applications', 'loan_outcomes'), False)
    """

    def __init__(self, entries: Mapping[str, TaskEntry]) -> None:
        self._entries = entries
        self._named: dict[str, Task] = {}

    def __getitem__(self, name: str) -> Task:
        if name in self._named:
            return self._named[name]
        if name not in self:
            raise KeyError(name)
        base, data_set = split_name(name)
        task: Task = import_module(self._entries[base].module).TASK
        if not data_set:
            return task
        return self._named.setdefault(name, replace(task, entry=replace(task.entry, name=name)))

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or name in self._entries:
            return name in self._entries
        base, data_set = split_name(name)
        return base in self._entries and is_data_set(data_set)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


TASKS = Tasks(ENTRIES)


def check_task(name: str) -> None:
    """Raise an error if no task or named model can have this name; otherwise return None.

    Whether a model of this name was trained is not checked.

    Raises
    ------
    ConfigError
        The task is unknown (the message has the similar names, and lists the tasks), or the data set after the full
        stop breaks the rule for names.

    Examples
    --------
    >>> check_task("lead_scoring")
    >>> check_task("lead_scoring.north")
    >>> check_task("led_scoring.north")
    Traceback (most recent call last):
    features.errors.ConfigError: task 'led_scoring.north' is unknown; did you mean lead_scoring.north? The tasks ...
    """
    if name in TASKS:
        return
    base, dot, data_set = name.partition(".")
    if base in TASKS:
        raise ConfigError(f"task '{name}': the name after '{base}.' {DATA_SET_RULE}, got '{data_set}'")
    similar = [f"{task}{dot}{data_set}" for task in get_close_matches(base, TASKS, n=2)]
    hint = f"; did you mean {' or '.join(similar)}? The" if similar else "; the"
    raise ConfigError(f"task '{name}' is unknown{hint} tasks are: {', '.join(TASKS)}")


def endpoints() -> Iterator[tuple[str, Endpoint[Any, Any, Any]]]:
    """Yield (name of the task or group, endpoint); of each task its own endpoint first, then the extra ones.

    Examples
    --------
    >>> [(name, endpoint.path) for name, endpoint in endpoints() if name == "lead_scoring"]
    [('lead_scoring', ''), ('lead_scoring', 'queue'), ('lead_scoring', 'channels')]
    """
    for task in TASKS.values():
        yield from ((task.name, endpoint) for endpoint in (task.endpoint, *task.extra_endpoints))
    for group in GROUPS.values():
        yield from ((group.name, endpoint) for endpoint in import_module(group.module).ENDPOINTS)
