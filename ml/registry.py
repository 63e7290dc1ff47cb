"""Registry of the tasks and endpoint groups. Their modules are imported when they are first looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from features.errors import ConfigError
from ml.entry import GroupEntry, TaskEntry

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
    ),
    TaskEntry(
        "residual_value",
        {
            "zh": "评估二手车的当前价格，以及贷款到期时的残值",
            "en": "Predict the price of a used car today and its residual value at the end of a loan",
        },
        tables=("vehicles",),
        module="ml.residual_value",
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
    ),
    TaskEntry(
        "fault_rate",
        {
            "zh": "发现故障率偏高的车型部件，并列出应回厂检查的车辆",
            "en": "Detect components of a model with an elevated fault rate, and list the vehicles to inspect",
        },
        tables=("service_records",),
        optional_tables=("fleet",),
        joins=("service_records.vehicle_id",),
        module="ml.fault_rate",
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

    Examples
    --------
    >>> list(TASKS), TASKS["credit_risk"].tables
    (['recommendation', 'lead_scoring', 'credit_risk', 'residual_value', 'demand_forecast', 'fault_rate'], \
('applications', 'loan_outcomes'))
    """

    def __init__(self, entries: Mapping[str, TaskEntry]) -> None:
        self._entries = entries

    def __getitem__(self, name: str) -> Task:
        task: Task = import_module(self._entries[name].module).TASK
        return task

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


TASKS = Tasks(ENTRIES)


def check_task(name: str) -> None:
    """Raise an error if no task has this name; otherwise return None.

    Raises
    ------
    ConfigError
        The name is unknown; the message lists the tasks.

    Examples
    --------
    >>> check_task("lead_scoring")
    """
    if name not in TASKS:
        raise ConfigError(f"task '{name}' is unknown; the tasks are: {', '.join(TASKS)}")


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
