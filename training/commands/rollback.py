"""`chehang rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from ml import champions
from ml.terminal import AsJson, out, print_json, progress_printer, user
from training.model_name import model_name
from training.options import ConfigPath, TaskName


def rollback(
    task: TaskName = None,
    config: ConfigPath = None,
    reason: Annotated[str | None, typer.Option(help="Reason, recorded in the history.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the previous champion the champion again."""
    name = model_name(task, config)
    progress_printer(as_json)("reading the model registry")
    moved = champions.roll_back(name, who=user(), reason=reason)
    if as_json:
        return print_json(moved.__dict__)
    out.print(f"{name} version {moved.version} is champion again (was {moved.previous})")
