"""What commands of the command line have in common: their options, and how they speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import ConfigError
from training.printing import err

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="Name of the task; see: chehang tasks")]
ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration; configs/TASK.yaml if not given.")
]
Overlays = Annotated[
    list[Path] | None,
    typer.Option("--with", help="YAML whose keys replace those of the configuration; may be repeated."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="One value, as in params.target_bad_rate=0.02; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines instead of tables.")]
VersionNumber = Annotated[int | None, typer.Option("--version", help="Model version; the latest if not given.")]
Engine = Annotated[str, typer.Option(help="Where features are computed: polars or spark.")]


def say(quiet: bool) -> Callable[[str], None]:
    """What tells a person one line a step; nothing where a machine reads."""
    return (lambda text: None) if quiet else (lambda text: err.print(f"[dim]· {text}[/dim]"))


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n")


def parsed_instant(text: str | None) -> datetime | None:
    """An instant with an offset.

    Raises
    ------
    ConfigError
        It is no such thing.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigError(f"--as-of: must be an instant with an offset, as 2026-01-31T09:00+08:00, got {text!r}")
    return found


def loaded_config(task: str, config: Path | None, overlays: list[Path] | None, settings: list[str] | None) -> Any:
    """Read a task's configuration; errors as for `load_config`."""
    from training.config import load_config

    return load_config(task, config, overlays=overlays or (), settings=settings or ())
