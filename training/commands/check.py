"""`chehang check`."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from features.errors import ChehangError
from features.sources import TableReport
from ml.terminal import AsJson, err, print_json, progress_printer
from training.options import ConfigPath, Overlays, Settings, TaskName, loaded_config
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

    reading = f"reading {', '.join(configured.definition.tables)}"
    progress(reading)
    lines: list[str] = []
    try:
        with err.status(reading) as status:  # on a terminal: the last line, until the tables are printed

            def show(line: str) -> None:
                lines.append(line)
                status.update(Text(line))

            data = load_data(configured, progress=show)
    except ChehangError:
        for line in lines:  # notes on the tables that were read may explain the error
            progress(line)
        raise
    content: dict[str, Any] = {
        "task": configured.task,
        "tables": {n: _table(r) for n, r in data.raw.reports.items()},
        "key_matches": [match.as_dict() for match in data.raw.key_matches],
        **data.describe(),
        "notes": list(data.notes),
    }
    if as_json:
        return print_json(content)
    print_checked(content)


def _table(report: TableReport) -> dict[str, Any]:
    """Return rows, notes and broken rules of a table; a rule that needs no remedy has neither example nor remedy."""
    violations = {v.label: v for v in report.violations}
    rules = {}
    for label, rows in report.rules.items():
        violation = violations.get(label)
        rules[label] = {
            "rows": rows,
            "title": violation.title if violation else label,
            "source_column": violation.source_column if violation else None,
            "example": violation.example if violation else None,
            "remedy": violation.remedy if violation else None,
        }
    return {
        "read": report.rows_read,
        "valid": report.rows_valid,
        "quarantined": report.rows_quarantined,
        "left_out": report.rows_left_out,
        "notes": list(report.all_notes),
        "rules": rules,
    }
