"""The tasks of the product, and the questions beside them, by name: a literal, which imports none of them."""

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
            "zh": "应当向这位访客展示哪些在售车辆，为什么",
            "en": "Which vehicles in stock should this visitor see, and why",
        },
        tables=("events",),
        optional_tables=("vehicles", "customers"),
        module="ml.recommendation",
    ),
    TaskEntry(
        "lead_scoring",
        {
            "zh": "这条线索成交的可能性有多大，应当先联系谁",
            "en": "How likely is this lead to buy within the horizon, and whom do we call first",
        },
        tables=("leads",),
        optional_tables=("events", "sales", "customers"),
        module="ml.lead_scoring",
    ),
    TaskEntry(
        "credit_risk",
        {
            "zh": "借款人违约的可能性有多大，原因是什么",
            "en": "How likely is this borrower to default, and for what reasons",
        },
        tables=("applications", "loan_outcomes"),
        module="ml.credit_risk",
    ),
    TaskEntry(
        "residual_value",
        {
            "zh": "这辆二手车值多少钱，贷款到期时还值多少",
            "en": "What is this used car worth, now and when a loan ends",
        },
        tables=("vehicles",),
        module="ml.residual_value",
    ),
    TaskEntry(
        "demand_forecast",
        {
            "zh": "每家门店每款车型未来会卖多少，应当订多少",
            "en": "How many of each model will each store sell, and how many to order",
        },
        tables=("sales",),
        optional_tables=("stock", "vehicles"),
        module="ml.demand_forecast",
    ),
    TaskEntry(
        "fault_rate",
        {
            "zh": "哪款车型的哪个部件故障率偏高，应召回哪些车",
            "en": "Which component of which model fails more than it should, and which vehicles to call in",
        },
        tables=("service_records",),
        optional_tables=("fleet",),
        module="ml.fault_rate",
    ),
)

ENTRIES: Mapping[str, TaskEntry] = {entry.name: entry for entry in _TASKS}

# Questions beside the tasks: the module holds `ENDPOINTS`, their endpoints.
GROUPS: Mapping[str, GroupEntry] = {
    "loans": GroupEntry(
        "loans",
        {"zh": "贷款方案、还款计划与综合融资成本明示表", "en": "Loan offers, schedules and cost disclosures"},
        module="ml.loans.endpoints",
    ),
}


class Tasks(Mapping[str, "Task"]):
    """Tasks by name, in the order of the entries; each is imported when it is first looked up.

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
    """Refuse a name that is no task's.

    Raises
    ------
    ConfigError
        Names the tasks.
    """
    if name not in TASKS:
        raise ConfigError(f"task '{name}' is unknown; the tasks are: {', '.join(TASKS)}")


def endpoints() -> Iterator[tuple[str, Endpoint[Any, Any, Any]]]:
    """Return every endpoint with the name of its task or group: a task's own first, then its questions."""
    for task in TASKS.values():
        yield from ((task.name, endpoint) for endpoint in (task.endpoint, *task.extra_endpoints))
    for group in GROUPS.values():
        yield from ((group.name, endpoint) for endpoint in import_module(group.module).ENDPOINTS)
