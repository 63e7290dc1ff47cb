"""`chehang history`."""

from __future__ import annotations

from rich.table import Table

from ml import champions
from ml.registry import TASKS
from ml.terminal import AsJson, out, print_json, progress_printer
from training.model_name import model_name
from training.options import ConfigPath, TaskName


def history(task: TaskName = None, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List every promotion and rollback of a task: when, who, why, and the primary metric."""
    name = model_name(task, config)
    progress_printer(as_json)("reading the model registry")
    moves = champions.history(name)
    if not moves:
        champions.version(name)  # raises ModelNotFound, with the command that trains
    if as_json:
        return print_json([m.__dict__ for m in moves])
    if not moves:
        return out.print(f"no version of {name} was promoted yet; promote one with: chehang promote {name}")
    primary = TASKS[name].primary_metric
    table = Table("when (UTC)", "action", "champion", "previous", "who", primary, "why")
    for m in moves:
        value = m.metrics.get(primary)
        action = m.action + (" (forced)" if m.forced else "")
        when, figure = m.when.strftime("%Y-%m-%d %H:%M:%S"), "" if value is None else f"{value:.4f}"
        table.add_row(when, action, str(m.version), str(m.previous or ""), m.who, figure, m.why)
    out.print(table)
