"""The tasks by name."""

from __future__ import annotations

import pytest

from features.tables import TABLES
from ml.registry import TASKS
from ml.task import Task


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_names_tables_metrics_and_itself_as_the_rest_of_the_product_reads_them(task: Task) -> None:
    assert TASKS[task.name] is task
    assert {*task.tables, *task.also} <= set(TABLES) and not set(task.tables) & set(task.also)
    assert task.primary_metric in task.metrics
    assert {m.better for m in task.metrics.values()} <= {"higher", "lower"}
    assert set(task.summary) == {"zh", "en"} and all(task.summary.values())
