"""`chehang compare`."""

from __future__ import annotations

from typing import Any

from ml import champions
from ml.registry import TASKS, check_task
from training.options import AsJson, TaskName, print_json, progress_printer
from training.printing import print_versions


def compare(task: TaskName, as_json: AsJson = False) -> None:
    """List the metrics of every version of a task; an asterisk marks the champion."""
    check_task(task)
    progress_printer(as_json)("reading the model registry")
    best, versions = champions.champion(task), champions.versions(task)
    if not versions:
        champions.version(task)  # raises ModelNotFound, with the command that trains
    rows: list[dict[str, Any]] = [
        {
            "version": v.number,
            "champion": bool(best and v.number == best.number),
            "created": v.created,
            **v.tags,
            "metrics": v.metrics,
        }
        for v in versions
    ]
    if as_json:
        return print_json(rows)
    print_versions(rows, list(TASKS[task].directions))
