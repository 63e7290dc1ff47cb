"""The registry of tasks."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from features.tables import TABLES
from ml.registry import ENTRIES, TASKS, check_task
from ml.task import Task


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_has_valid_tables_metrics_and_summaries(task: Task) -> None:
    assert TASKS[task.name] is task
    assert {*task.tables, *task.optional_tables} <= set(TABLES) and not set(task.tables) & set(task.optional_tables)
    assert task.primary_metric == next(iter(task.directions))
    assert set(task.directions.values()) <= {"higher", "lower", "zero"}
    assert set(task.summary) == {"zh", "en"} and all(task.summary.values())


def test_entries_belong_to_tasks_and_an_unknown_name_is_an_error() -> None:
    assert all(TASKS[name].entry is entry for name, entry in ENTRIES.items())
    with pytest.raises(ConfigError, match="task 'horoscope' is unknown; the tasks are: recommendation, "):
        check_task("horoscope")


def test_a_name_with_a_data_set_is_the_task_under_this_name() -> None:
    task, named = TASKS["lead_scoring"], TASKS["lead_scoring.north-2"]
    assert named is TASKS["lead_scoring.north-2"] and named.name == "lead_scoring.north-2"
    assert (named.base_name, named.tables, named.endpoint) == ("lead_scoring", task.tables, task.endpoint)
    assert task.name == task.base_name == "lead_scoring" and len(TASKS) == len(list(TASKS)) == len(ENTRIES)
    check_task("lead_scoring.north-2")


@pytest.mark.parametrize(
    "name", ["lead_scoring.", "lead_scoring.North", "lead_scoring.a.b", f"lead_scoring.{'n' * 41}"]
)
def test_a_data_set_that_breaks_the_rule_is_an_error(name: str) -> None:
    assert name not in TASKS
    with pytest.raises(KeyError):
        TASKS[name]
    with pytest.raises(ConfigError, match=r"the name after 'lead_scoring\.' must have 1 to 40 characters, .*, got '"):
        check_task(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("credit_rsik", "credit_risk"), ("credit_rsik.north", "credit_risk.north"), ("leadscoring", "lead_scoring")],
)
def test_an_unknown_task_comes_with_a_similar_one(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=rf"'{name}' is unknown; did you mean {hint}\? The tasks are: recommendation"):
        check_task(name)
