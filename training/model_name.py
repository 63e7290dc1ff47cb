"""Names of models and paths of configurations, from the arguments of a command and the keys of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from features.errors import ConfigError
from features.yaml_config import Layer, merge, origin_of, read_layer, without_variables
from ml.entry import DATA_SET_RULE, ModelName, is_data_set, split_name
from ml.home import config_file, config_folder
from ml.registry import ENTRIES, TASKS, check_task


def config_path(task: str | None, path: Path | None) -> Path:
    """Return the path of a configuration file, from the task and the option `--config` of a command.

    Parameters
    ----------
    task : str or None
        Name of the task or model.
    path : Path or None
        Value of `--config`; it is returned unchecked.

    Returns
    -------
    Path
        `path`, or `configs/<task>.yaml` in the current folder, else the installed one.

    Raises
    ------
    ConfigError
        The task is unknown or has no such file, or both arguments are None.

    Examples
    --------
    >>> config_path("credit_risk", None).name, config_path(None, Path("north.yaml")).name
    ('credit_risk.yaml', 'north.yaml')
    """
    if task is not None:
        check_task(task)
    elif path is None:
        raise ConfigError(f"TASK: is missing; name one of {', '.join(TASKS)}, or pass a configuration with --config")
    data_set = split_name(task).data_set if task is not None else ""
    default = config_folder() / f"{task}.yaml"
    if path is None and data_set and not default.is_file():
        raise ConfigError(f"{default}: no such file; pass the configuration with `name: {data_set}` by --config FILE")
    return config_file(f"{task}.yaml", path)


def model_name(task: str | None, path: Path | None) -> str:
    """Return the name of the model that a task and a configuration file determine; only `task` and `name` are read.

    Parameters
    ----------
    task : str or None
        Name of the task or model; None: the key `task` of the file.
    path : Path or None
        Configuration file; None: `task` is the name.

    Returns
    -------
    str
        Such as `credit_risk`, or `credit_risk.north`.

    Raises
    ------
    ConfigError
        The task is unknown or missing, or the file has another task or name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "north.yaml")
    ...     _ = file.write_text("{task: credit_risk, name: north}")
    ...     model_name(None, file), model_name("credit_risk", None)
    ('credit_risk.north', 'credit_risk')
    """
    if task is not None and path is None:
        check_task(task)
        return task
    return name_in(task, [read_layer(config_path(task, path))])


def error_at(key: str, message: str, layers: Sequence[Layer]) -> ConfigError:
    """Return an error about a key of a configuration, which names the file or option that sets the key.

    Parameters
    ----------
    key : str
        Dotted name, such as `params.calibration`.
    message : str
        The rule, the value and the remedy; values of environment variables in it are replaced by their names.
    layers : sequence of Layer
        Files and options, in the order in which later ones override.

    Examples
    --------
    >>> from features.yaml_config import Layer
    >>> error_at("time", "must be 'none', got 'day'", [Layer.from_text("time: day", "north.yaml")])
    ConfigError("north.yaml: time: must be 'none', got 'day'")
    """
    layer = origin_of(key.split("."), layers)
    return ConfigError(f"{layer.origin}: {key}: {without_variables(message, layer.written)}")


def name_in(requested: str | None, layers: Sequence[Layer]) -> str:
    """Return the name of the model that the keys `task` and `name` of a configuration determine.

    Parameters
    ----------
    requested : str or None
        Name on the command line; both keys must agree with it. Without a data set it agrees with every `name`.
    layers : sequence of Layer
        Files and options, in the order in which later ones override.

    Returns
    -------
    str
        Such as `credit_risk`, or `credit_risk.north`.

    Raises
    ------
    ConfigError
        The task is missing, unknown or another one, the name breaks its rule, or it is not that of `requested`.

    Examples
    --------
    >>> from features.yaml_config import Layer
    >>> name_in("credit_risk", [Layer.from_text("name: north", "north.yaml")])
    'credit_risk.north'
    """
    content = merge(*(layer.content for layer in layers))
    base, requested_data_set = split_name(requested) if requested is not None else (None, "")
    task, data_set = content.get("task", base), content.get("name")
    if base is not None and task != base:
        message = f"must be '{base}', got {task!r}; pass the configuration of {base} with --config"
        raise error_at("task", message, layers)
    if task is None:
        message = f"is missing; add one of {', '.join(TASKS)}, or name the task on the command line"
        raise error_at("task", message, layers)
    if not isinstance(task, str) or task not in ENTRIES:
        hint = "; write the part after the full stop as `name`" if isinstance(task, str) and task in TASKS else ""
        raise error_at("task", f"must be one of {', '.join(TASKS)}, got {task!r}{hint}", layers)
    if data_set is not None and not is_data_set(data_set):
        is_number = not isinstance(data_set, str) and is_data_set(str(data_set))
        hint = f"; write a text, in quotes in the file: name: '{data_set}'" if is_number else ""
        raise error_at("name", f"{DATA_SET_RULE}, got {data_set!r}{hint}", layers)
    name = str(ModelName(task, data_set or ""))
    if requested_data_set not in ("", data_set):
        state = "is missing" if data_set is None else f"is '{data_set}'"
        message = (
            f"{state}, so this is the configuration of {name}, not of {requested}; name {name} on the command line, "
            f"or pass a configuration with `name: {requested_data_set}`"
        )
        raise error_at("name", message, layers)
    return name
