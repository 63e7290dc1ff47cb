"""The tasks by name."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from features.tables import TABLES
from ml.registry import ENTRIES, TASKS, check_task
from ml.task import Task


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_names_tables_metrics_and_itself_as_the_rest_of_the_product_reads_them(task: Task) -> None:
    assert TASKS[task.name] is task
    assert {*task.tables, *task.optional_tables} <= set(TABLES) and not set(task.tables) & set(task.optional_tables)
    assert task.primary_metric == next(iter(task.directions))
    assert set(task.directions.values()) <= {"higher", "lower"}
    assert set(task.summary) == {"zh", "en"} and all(task.summary.values())


def test_an_entry_lists_a_task_as_it_is_without_importing_it_and_another_name_is_refused() -> None:
    assert all(TASKS[name].entry is entry for name, entry in ENTRIES.items())
    with pytest.raises(ConfigError, match="task 'horoscope' is unknown; the tasks are: recommendation, "):
        check_task("horoscope")
