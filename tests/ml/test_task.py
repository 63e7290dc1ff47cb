"""Properties of a task that come from its problem and tables."""

from __future__ import annotations

import pytest

from features.tables import TABLES
from ml.registry import TASKS
from ml.task import Task


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_exposes_the_estimator_and_the_metrics_of_its_problem(task: Task) -> None:
    assert task.estimator is task.problem.estimator and task.table is TABLES[task.tables[0]]
    assert list(task.directions) == list(task.problem.metrics)
    assert task.primary_metric == next(iter(task.problem.metrics))
