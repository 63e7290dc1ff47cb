"""`chehang check`."""

from __future__ import annotations

from typing import Any

from training.options import (
    AsJson,
    ConfigPath,
    Overlays,
    Settings,
    TaskName,
    loaded_config,
    print_json,
    progress_printer,
)
from training.printing import print_checked


def check(
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Validate the tables of a task and list rows, features and columns that may leak the outcome, without training."""
    progress = progress_printer(as_json)
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    from training.study import load_data

    data = load_data(configured, progress=progress)
    content: dict[str, Any] = {
        "task": configured.task,
        "tables": {
            n: {"read": r.rows_read, "valid": r.rows_valid, "quarantined": r.rows_quarantined, "rules": dict(r.rules)}
            for n, r in data.raw.reports.items()
        },
        "key_matches": [match.as_dict() for match in data.raw.key_matches],
        **data.describe(),
        "notes": list(data.notes),
    }
    if as_json:
        return print_json(content)
    print_checked(content)
