"""`chehang history`."""

from __future__ import annotations

from rich.table import Table

from ml import champions
from ml.registry import TASKS, check_task
from training.options import AsJson, TaskName, print_json, progress_printer
from training.printing import out


def history(task: TaskName, as_json: AsJson = False) -> None:
    """Print every move of the champion: who, when, why, metrics."""
    check_task(task)
    progress_printer(as_json)("reading the model registry")
    moves = champions.history(task)
    if as_json:
        return print_json([m.__dict__ for m in moves])
    primary = TASKS[task].primary_metric
    table = Table("when (UTC)", "action", "version", "before", "who", primary, "why")
    for m in moves:
        value = m.metrics.get(primary)
        action = m.action + (" (forced)" if m.forced else "")
        when, shown = m.when.strftime("%Y-%m-%d %H:%M:%S"), "" if value is None else f"{value:.4f}"
        table.add_row(when, action, str(m.version), str(m.previous or ""), m.who, shown, m.why)
    out.print(table)
