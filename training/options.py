"""Options that several commands have, and how commands read the configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigError
from ml.entry import split_name
from ml.registry import check_task
from training.model_name import config_path

if TYPE_CHECKING:
    from ml.champions import Version
    from training.config import TaskConfig

TaskName = Annotated[
    str | None,
    typer.Argument(
        metavar="[TASK]",
        help="Task, or model of a data set, such as credit_risk.north; default: that of --config. "
        "List them with: chehang tasks",
    ),
]
ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file of the model; default: configs/TASK.yaml."),
]
RulesPath = Annotated[
    Path | None,
    typer.Option("--rules", help="File of rules; default: the one beside the configuration, else that of configs/."),
]
Overlays = Annotated[
    list[Path] | None,
    typer.Option("--with", help="YAML file whose keys override the configuration; can be repeated."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one value, as in params.target_bad_rate=0.02; can be repeated."),
]
VersionNumber = Annotated[int | None, typer.Option("--version", help="Model version; default: the latest.")]
VersionOrChampion = Annotated[int | None, typer.Option("--version", help="Model version; default: the champion.")]
VersionParameters = Annotated[
    int | None,
    typer.Option("--version", help="Use the parameters of this model version; default: those of the configuration."),
]
Engine = Annotated[str, typer.Option(help="Engine that computes the features: polars or spark.")]


def parsed_instant(text: str | None) -> datetime | None:
    """Parse the value of the option `--as-of`.

    Parameters
    ----------
    text : str or None
        Date and time in ISO 8601 with a UTC offset.

    Returns
    -------
    datetime or None
        With time zone; None if `text` is None.

    Raises
    ------
    ConfigError
        The text is no such date and time, or has no UTC offset.

    Examples
    --------
    >>> parsed_instant("2026-01-31T09:00+08:00").isoformat()
    '2026-01-31T09:00:00+08:00'
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ConfigError(
            f"--as-of: must be a date and time with a UTC offset, such as 2026-01-31T09:00+08:00, got {text!r}"
        )
    return instant


def loaded_config(
    task: str | None,
    config: Path | None,
    overlay: list[Path] | None,
    setting: list[str] | None,
    *,
    version: Version | None = None,
    progress: Callable[[str], None],
) -> TaskConfig:
    """Read the configuration of a task from the options of a command.

    A first line of progress is printed before the slow imports.

    Parameters
    ----------
    task : str or None
        Name of the task or model, such as 'credit_risk'; None: the key `task` of the configuration.
    config : Path or None
        Value of `--config`, a YAML file; None: `configs/<task>.yaml`.
    overlay : list of Path or None
        Values of `--with`: YAML files whose keys override those before them.
    setting : list of str or None
        Values of `--set`, such as 'bootstraps=50'.
    version : Version, optional
        As returned by `ml.champions.version`; its `params` replace those of the file.
    progress : callable
        Called with one line of text, such as ``progress_printer(quiet=False)``.

    Returns
    -------
    TaskConfig
        Settings of the task: `config.task` (name of the model), `config.definition`, `config.params` and the keys of
        the YAML file.

    Raises
    ------
    ConfigError
        There is no such task or file, a key is unknown, or a value breaks a rule; names the file or option, the key,
        the rule and the value received.

    Examples
    --------
    >>> from ml.terminal import progress_printer
    >>> config = loaded_config("credit_risk", None, None, ["bootstraps=50"], progress=progress_printer(quiet=True))
    >>> config.task, config.bootstraps
    ('credit_risk', 50)
    """
    path = config_path(task, config)
    progress(f"reading {path}")
    from features.sources import load_sources
    from training.config import load_config

    if version is None:
        loaded = load_config(task, path, overlays=overlay or (), settings=setting or ())
    else:
        from ml.champions import load

        params = load(version).card["config"]["params"]
        loaded = load_config(task, path, params=params, overlays=overlay or (), settings=setting or ())
    load_sources(loaded.sources)  # a wrong key is reported before the model registry and the learners are imported
    return loaded


def task_or(default: str, task: str | None) -> str:
    """Return the model of a command that has one task.

    Parameters
    ----------
    default : str
        Name of the task, such as 'fault_rate'.
    task : str or None
        Value of the argument TASK: the task or a model of it, such as 'fault_rate.north'; None: the task.

    Returns
    -------
    str
        `task`, or `default` if it is None.

    Raises
    ------
    ConfigError
        `task` is unknown or another task.

    Examples
    --------
    >>> task_or("fault_rate", None), task_or("fault_rate", "fault_rate.north")
    ('fault_rate', 'fault_rate.north')
    """
    if task is None:
        return default
    check_task(task)
    if split_name(task).task != default:
        raise ConfigError(f"TASK: must be {default} or one of its models, such as {default}.north, got '{task}'")
    return task


def no_rules_file(option: Path | None, reason: str) -> None:
    """Raise an error if the option `--rules` was passed to a command that reads no rules.

    Raises
    ------
    ConfigError
        `option` is not None; the message has the reason.

    Examples
    --------
    >>> no_rules_file(None, "this command reads no rules")
    """
    if option is not None:
        raise ConfigError(f"--rules {option}: {reason}; omit --rules")
