"""`chehang promote`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ml.terminal import AsJson, out, print_json, progress_printer, user
from training.model_name import model_name
from training.options import ConfigPath, TaskName, VersionNumber, no_rules_file


def promote(
    task: TaskName = None,
    config: ConfigPath = None,
    version: VersionNumber = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="Refused: the gate reads no rules.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote although a check fails; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option(help="Reason, recorded in the history.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion if it beats the champion on the same test rows and meets all metric limits."""
    no_rules_file(rules, "the gate has the limits of the configuration with which the version was trained")
    name = model_name(task, config)
    progress_printer(as_json)("reading the model registry")
    from training.gate import promote as run

    moved, result = run(name, version, who=user(), force=force, reason=reason)
    if as_json:
        return print_json({"task": name, "promotion": moved.__dict__, "checks": [c.__dict__ for c in result.checks]})
    for c in result.checks:
        mark = ("pass", "green") if c.passed else ("fail", "red")
        out.print(Text.assemble(mark, f"  {c.name}: {c.detail}"))
    out.print(f"{name} version {moved.version} is champion{' (forced)' if moved.forced else ''}")
