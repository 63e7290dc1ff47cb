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
    assert set(task.directions.values()) <= {"higher", "lower"}
    assert set(task.summary) == {"zh", "en"} and all(task.summary.values())


def test_entries_belong_to_tasks_and_an_unknown_name_is_an_error() -> None:
    assert all(TASKS[name].entry is entry for name, entry in ENTRIES.items())
    with pytest.raises(ConfigError, match="task 'horoscope' is unknown; the tasks are: recommendation, "):
        check_task("horoscope")
