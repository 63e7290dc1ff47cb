"""`chehang compare`."""

from __future__ import annotations

from typing import Any

from ml import champions
from ml.registry import TASKS
from ml.terminal import AsJson, print_json, progress_printer
from training.model_name import model_name
from training.options import ConfigPath, TaskName
from training.printing import print_versions


def compare(task: TaskName = None, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List the metrics of every version of a task; an asterisk marks the champion."""
    name = model_name(task, config)
    progress_printer(as_json)("reading the model registry")
    best, versions = champions.champion(name), champions.versions(name)
    if not versions:
        champions.version(name)  # raises ModelNotFound, with the command that trains
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
    print_versions(rows, list(TASKS[name].directions))
