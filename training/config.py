"""`configs/<task>.yaml` as a frozen class that refuses what it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SerializeAsAny, model_validator

from features.errors import ConfigError
from features.sources import ExtraFeatures
from features.yaml_config import (
    Layer,
    Section,
    load_yaml,
    merge,
    origin_of,
    parse_settings,
    read_layer,
    validate,
    without_variables,
)
from ml.home import config_file
from ml.registry import TASKS, check_task
from ml.task import Task

Part = Literal["train", "calibrate", "test"]


class Split(Section):
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
        """Shares of the rows for training, calibration and test."""
        return self.train, self.calibrate, self.test


class MetricLimits(Section):
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


class Range(Section):
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


class Tuning(Section):
    """How `chehang tune` searches: dotted parameter names and their ranges."""

    space: dict[str, Range] = Field(default_factory=dict)
    folds: int = Field(3, ge=2, le=20)
    trials: int = Field(30, ge=1)


class TaskConfig(Section):
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
    gate: dict[str, MetricLimits] = Field(default_factory=dict)
    tune: Tuning = Tuning()
    params: SerializeAsAny[BaseModel]

    @property
    def definition(self) -> Task:
        """The task, as the registry defines it."""
        return TASKS[self.task]

    @property
    def timeless(self) -> bool:
        """Whether the data has no time."""
        return self.time == "none"


class RunConfig(Section):
    """What the configuration of a run has, whatever it computes.

    Attributes
    ----------
    sources : Path
        Where the raw tables come from, relative to the configuration.
    """

    sources: Path = Path("sources.yaml")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the configuration.

        Raises
        ------
        ConfigError
            Names the file, the key, the rule and the value received.
        """
        config = load_yaml(path, cls)
        return config.model_copy(update={"sources": path.parent / config.sources})


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
    path = config_file(f"{task}.yaml", path)
    layers = [read_layer(path), *(read_layer(overlay) for overlay in overlays), parse_settings(settings)]
    config = _validated(task, layers)
    return config.model_copy(update={"sources": path.parent / config.sources})


def _validated(task: str, layers: Sequence[Layer]) -> TaskConfig:
    def wrong(place: str, message: str) -> ConfigError:
        layer = origin_of(place.split("."), layers)
        return ConfigError(f"{layer.origin}: {place}: {without_variables(message, layer.written)}")

    content = {"task": task, **merge(*(layer.content for layer in layers))}
    if content["task"] != task:
        raise wrong("task", f"must be '{task}', the task that the command names, got {content['task']!r}")
    definition = TASKS[task]
    params: Any = {} if content.get("params") is None else content["params"]
    content["params"] = validate(params, definition.params, layers, within=("params",))
    config = validate(content, TaskConfig, layers)
    unknown = [name for name in config.gate if name not in definition.directions]
    if unknown:
        raise wrong(f"gate.{unknown[0]}", f"no such metric; it may name {', '.join(definition.directions)}")
    column = definition.table.time
    if config.time not in (column, "none"):
        raise wrong("time", f"must be '{column}' or 'none' (the data has no time), got '{config.time}'")
    return config
