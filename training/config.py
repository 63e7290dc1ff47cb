"""`configs/<task>.yaml` as a frozen class that refuses what it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator

from features.errors import ConfigError
from features.sources import ExtraFeatures
from ml.registry import TASKS, check_task
from ml.task import Task

Part = Literal["train", "calibrate", "test"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(_Frozen):
    """Shares of the examples, in time order: learn, then calibrate, then test.

    Attributes
    ----------
    train, calibrate, test : float
        Shares; they add up to one.
    seed : int
        Which random split, where the data has no time.
    column : str or None
        Where the data has no time but a split of its own, and the task ranks: the column of `events` that says which
        part a row belongs to.
    values : mapping
        How that column writes train, calibrate and test.
    """

    train: float = Field(0.6, gt=0, lt=1)
    calibrate: float = Field(0.2, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)
    seed: int = Field(7, ge=0, lt=2**32)
    column: str | None = None
    values: dict[Part, str] = Field(default={"train": "train", "calibrate": "valid", "test": "test"})

    @model_validator(mode="after")
    def _names_all(self) -> Self:
        if len(self.values) < 3 or len(set(self.values.values())) < 3:
            raise ValueError("values must give different names for train, calibrate and test")
        return self

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.calibrate + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + calibrate + test must add up to 1, they add up to {total:g}")
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        """The three shares in order."""
        return self.train, self.calibrate, self.test


class Guard(_Frozen):
    """What a metric of a candidate must keep to be promoted.

    Attributes
    ----------
    at_least, at_most : float or None
        Absolute limits on the test part.
    """

    at_least: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both")
        return self


class Range(_Frozen):
    """Search range of one parameter: an interval, or choices."""

    low: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)
    log: bool = False
    integer: bool = False
    choices: tuple[Any, ...] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        interval = self.low is not None and self.high is not None
        if interval == (self.choices is not None):
            raise ValueError("give either low and high, or choices")
        if interval and self.low >= self.high:  # type: ignore[operator]
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        if self.log and interval and self.low <= 0:  # type: ignore[operator]
            raise ValueError(f"low must be above 0 on a log scale, got {self.low:g}")
        if self.integer and interval and not (self.low.is_integer() and self.high.is_integer()):  # type: ignore[union-attr]
            raise ValueError(f"low and high of an integer must be whole numbers, got {self.low:g} and {self.high:g}")
        return self


class Tuning(_Frozen):
    """How `chehang tune` searches: dotted parameter names and their ranges."""

    space: dict[str, Range] = Field(default_factory=dict)
    folds: int = Field(3, ge=2, le=20)
    trials: int = Field(30, ge=1)


class TaskConfig(_Frozen):
    """One task's configuration.

    Attributes
    ----------
    task : str
        Name of the task.
    sources : Path
        The YAML that says where raw tables come from, relative to this file.
    time : str
        The column of the first table that orders its rows, or `none`: the data has no time, splits are random
        and every report says so.
    extra_features : ExtraFeatures
        A dealership's own columns of the first table.
    exclude_features : tuple of str
        Columns that the model must not read.
    segments : tuple of str
        Columns by which every metric is reported apart.
    refit : bool
        Whether the learner sees the calibration part too, once calibrator and cut-offs are set.
    acknowledged_leaks : tuple of str
        Columns that the leak detector flags and that are used all the same: known at the moment of asking, as somebody
        who knows the source has found out.
    protected : tuple of str
        More attributes to measure fairness by, beside those of the contract; the model never reads them.
    """

    task: str
    sources: Path = Path("sources.yaml")
    time: str
    extra_features: ExtraFeatures = ExtraFeatures()
    exclude_features: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    acknowledged_leaks: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    split: Split = Split()
    refit: bool = False
    bootstraps: int = Field(200, ge=20, le=10_000)
    gate: dict[str, Guard] = Field(default_factory=dict)
    tune: Tuning = Tuning()
    params: SerializeAsAny[BaseModel]

    @property
    def definition(self) -> Task:
        """The task itself."""
        return TASKS[self.task]

    @property
    def timeless(self) -> bool:
        """Whether the data has no time."""
        return self.time == "none"


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice: the second would silently win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys differ."""
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = next((k for k in keys if keys.count(k) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key '{twice}' is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_config(
    task: str, path: Path | None = None, *, overlays: Sequence[Path] = (), settings: Sequence[str] = ()
) -> TaskConfig:
    """Read a task's configuration.

    Parameters
    ----------
    task : str
        Name of the task.
    path : Path, optional
        The YAML; `configs/<task>.yaml` if not given.
    overlays : sequence of Path
        YAML files whose keys replace those of the first, such as what `chehang tune` wrote.
    settings : sequence of str
        Single values as `dotted.name=value`, the value in YAML; they win.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule, the value received and what is allowed.
    """
    check_task(task)
    path = path or Path("configs") / f"{task}.yaml"
    content = read_yaml(path)
    for overlay in overlays:
        content = _merged(content, read_yaml(overlay))
    for setting in settings:
        content = _merged(content, _setting(setting))
    return _validated(task, content, path)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ConfigError
        It cannot be read, is no YAML, or holds something else.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}; give the configuration with --config") from None
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}: not UTF-8 text at byte {e.start}; save it as UTF-8") from None
    except yaml.YAMLError as e:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(e).split())}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; a configuration has a few levels") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold keys and values, found {type(content).__name__}")
    return content


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _setting(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text!r}: must be dotted.name=value, as in params.target_bad_rate=0.02")
    try:
        content: Any = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {name}: {value!r} is not a YAML value") from None
    for part in reversed(name.split(".")):
        content = {part: content}
    return dict(content)


def _validated(task: str, content: Mapping[str, Any], path: Path) -> TaskConfig:
    if content.get("task", task) != task:
        raise ConfigError(f"{path}: task is '{content['task']}', asked for was '{task}'; give the right --config")
    content = {"task": task, **content}
    definition = TASKS[task]
    try:
        params = definition.params.model_validate(content.get("params") or {})
    except ValidationError as e:
        raise ConfigError(f"{path}: {first_problem(e, 'params')}") from None
    try:
        config = TaskConfig.model_validate({**content, "params": params})
    except ValidationError as e:
        raise ConfigError(f"{path}: {first_problem(e)}") from None
    unknown = [name for name in config.gate if name not in definition.directions]
    if unknown:
        raise ConfigError(f"{path}: gate.{unknown[0]}: no such metric; it may name {', '.join(definition.directions)}")
    column = definition.table.time
    if config.time not in (column, "none"):
        raise ConfigError(f"{path}: time must be '{column}' or 'none' (the data has no time), got '{config.time}'")
    return config.model_copy(update={"sources": path.parent / config.sources})


def first_problem(error: ValidationError, within: str | None = None) -> str:
    """Say the first problem of a validation in one line: key, rule, value received.

    Examples
    --------
    >>> try:
    ...     Split(train=2)
    ... except ValidationError as e:
    ...     first_problem(e, "split")
    'split.train: input should be less than 1, got 2'
    """
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(p) for p in ((within,) if within else ()) + problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{place}: this key is unknown; remove it or correct its name"
    if problem["type"] == "missing":
        return f"{place}: this key is required; add it"
    message = problem["msg"].removeprefix("Value error, ")
    received = problem.get("input")
    shown = f", got {received!r}" if isinstance(received, (str, int, float)) else ""
    return f"{place}: {message[0].lower() + message[1:]}{shown}"
