"""What commands of the command line have in common: their options, and how they speak."""

from __future__ import annotations

import getpass
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from features.errors import ConfigError
from ml.home import config_file
from ml.registry import check_task
from training.printing import err

if TYPE_CHECKING:
    from training.config import TaskConfig

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="Name of the task; see: chehang tasks")]
ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration; configs/TASK.yaml if not given.")
]
AlarmRulesPath = Annotated[
    Path | None,
    typer.Option(
        "--rules", help="What an alarm leads to, and where alarms are kept; configs/fault_alarms.yaml if not given."
    ),
]
Overlays = Annotated[
    list[Path] | None,
    typer.Option("--with", help="YAML whose keys replace those of the configuration; may be repeated."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="One value, as in params.target_bad_rate=0.02; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines instead of tables.")]
VersionNumber = Annotated[int | None, typer.Option("--version", help="Model version; the latest if not given.")]
Engine = Annotated[str, typer.Option(help="Where features are computed: polars or spark.")]


def progress_printer(quiet: bool) -> Callable[[str], None]:
    """What tells a person one line a step; nothing where a machine reads."""
    return (lambda text: None) if quiet else (lambda text: err.print(f"[dim]· {escape(text)}[/dim]", soft_wrap=True))


def print_json(content: Any) -> None:
    """Print one JSON document on standard output; NaN and infinity, which JSON lacks, become null.

    >>> print_json({"error": float("nan"), "models": [1.5]})
    {
     "error": null,
     "models": [
      1.5
     ]
    }
    """
    sys.stdout.write(json.dumps(_finite(content), ensure_ascii=False, indent=1, default=str, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, list | tuple) else content


def user() -> str:
    """Return who runs the command: `CHEHANG_USER`, or the login."""
    return os.environ.get("CHEHANG_USER") or getpass.getuser()


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


def loaded_config(
    task: str,
    config: Path | None,
    overlay: list[Path] | None,
    setting: list[str] | None,
    *,
    progress: Callable[[str], None],
) -> TaskConfig:
    """Read a task's configuration, the first step of a command: it says so before anything heavy is imported.

    Raises
    ------
    ConfigError
        As for `load_config`.
    """
    check_task(task)
    path = config_file(f"{task}.yaml", config)
    progress(f"reading {path}")
    from training.config import load_config

    return load_config(task, path, overlays=overlay or (), settings=setting or ())
