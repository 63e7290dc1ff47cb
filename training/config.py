"""Configuration of a task (`configs/<task>.yaml`) as a frozen class that refuses unknown keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SerializeAsAny, model_validator

from features.sources import ExtraFeatures
from features.yaml_config import (
    Layer,
    Section,
    merge,
    parse_settings,
    read_layer,
    validate,
)
from ml.labels import Labels
from ml.registry import TASKS
from ml.task import Task
from training.model_name import config_path, error_at, name_in

Part = Literal["train", "calibrate", "test"]


class Split(Section):
    """Shares of the rows for training, calibration and test, in time order: the key `split` of a configuration.

    ``training.config.load_config("credit_risk").split``, or ``training.config.Split(train=0.6, calibrate=0.2,
    test=0.2)``.

    Attributes
    ----------
    train, calibrate, test : float
        Shares above 0; they add up to 1.
    seed : int
        Seed of the random split, used where the data has no time.
    column : str or None
        Column of `events` that names the part of each row. Only for ranking tasks whose data has no time.
    values : mapping of {'train', 'calibrate', 'test'} to str
        Value of `column` for each part.
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
            raise ValueError(f"values must name train, calibrate and test differently, got {self.values}")
        return self

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.calibrate + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + calibrate + test must add up to 1, got {total:g}")
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of training, calibration and test rows."""
        return self.train, self.calibrate, self.test


class MetricLimits(Section):
    """Limits on a metric of a candidate on its test rows, under `gate` in a configuration; the gate checks them.

    ``training.config.MetricLimits(at_least=0.7)`` makes one.

    Attributes
    ----------
    at_least, at_most : float or None
        Lowest and highest value that may be promoted, in the unit of the metric. One of them is required.
    """

    at_least: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_limit(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both")
        return self


class Range(Section):
    """Search range of one hyperparameter: an interval from `low` to `high`, or a list of choices.

    ``training.config.Range(low=0.01, high=0.3, log=True)`` or ``training.config.Range(choices=(15, 31))`` makes one.

    Attributes
    ----------
    low, high : float or None
        Ends of the interval, included.
    log : bool
        Sample on a log scale.
    integer : bool
        Sample whole numbers.
    choices : tuple or None
        Values to choose from, in place of an interval.
    """

    low: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)
    log: bool = False
    integer: bool = False
    choices: tuple[Any, ...] | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
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
    """Hyperparameter search of `chehang tune`.

    Attributes
    ----------
    space : mapping of str to Range
        Search range by dotted parameter name, such as `params.boosted_trees.num_leaves`.
    folds : int
        Folds of the cross-validation inside the training rows, 2 to 20.
    trials : int
        Trials of the study in all, earlier runs included.
    """

    space: dict[str, Range] = Field(default_factory=dict)
    folds: int = Field(3, ge=2, le=20)
    trials: int = Field(30, ge=1)


class TaskConfig(Section):
    """Configuration of a task, as returned by `load_config`.

    Attributes
    ----------
    task : str
        Name of the model: the task, and the data set after a full stop if the file has the key `name`, such as
        `credit_risk.north`. Reports, versions and files have this name.
    name : str or None
        Name of the data set, which keeps its models apart from others of the task: 1 to 40 characters, each a
        lower-case letter a-z, a digit, `_` or `-`.
    sources : Path
        YAML file with the location and the column mapping of every raw table.
    time : str
        Column of the task's first table that orders its rows. 'none' if the data has no time: the split is then
        random, and every report says so.
    extra_features : ExtraFeatures
        Columns of the first table outside the contract that are used as features.
    exclude_features : tuple of str
        Columns that are not used as features.
    segments : tuple of str
        Columns by whose values reports break down the predictions and the primary metric.
    acknowledged_leaks : tuple of str
        Columns that are used as features although the leak detector flags them: someone who knows the source has
        confirmed that their values are known at prediction time.
    protected : tuple of str
        Attributes of the fairness sections, in addition to those of the contract; never used as features.
    split : Split
        Shares of training, calibration and test rows.
    refit : bool
        Whether the estimator is refitted on the training and calibration rows once calibrator and cut-offs are fitted.
    bootstraps : int
        Bootstrap resamples of each interval.
    gate : mapping of str to MetricLimits
        Limits by metric name for promotion.
    tune : Tuning
        Hyperparameter search.
    labels : Labels
        Readable names of the dealership's columns and values, stored with the model.
    params : BaseModel
        Hyperparameters of the task, in the parameter class of the task.
    """

    task: str
    name: str | None = None
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
    labels: Labels = Labels()
    params: SerializeAsAny[BaseModel]

    @property
    def definition(self) -> Task:
        """Definition of the task in the registry."""
        return TASKS[self.task]

    @property
    def timeless(self) -> bool:
        """Whether the data has no time (`time: none`)."""
        return self.time == "none"


class RunConfig(Section):
    """Base configuration of a run that is no task, such as customer value.

    Attributes
    ----------
    sources : Path
        YAML file with the location and the column mapping of every raw table.
    """

    sources: Path = Path("sources.yaml")

    @classmethod
    def load(cls, path: Path, *, overlays: Sequence[Path] = (), settings: Sequence[str] = ()) -> Self:
        """Read a configuration from a YAML file.

        Parameters
        ----------
        path : Path
            YAML file with the fields of the class as keys.
        overlays, settings : sequence of Path, sequence of str
            As in `load_config`: files and single values that override the file.

        Returns
        -------
        RunConfig
            Instance of the class; `sources` is resolved relative to the folder of `path`.

        Raises
        ------
        ConfigError
            The file cannot be read, a key is unknown, or a value breaks a rule; names the file, the key, the rule and
            the value received.

        Examples
        --------
        >>> from pathlib import Path
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "run.yaml")
        ...     _ = file.write_text("sources: tables.yaml")
        ...     RunConfig.load(file).sources == Path(folder, "tables.yaml")
        True
        """
        layers = [read_layer(path), *map(read_layer, overlays), parse_settings(settings)]
        config = validate(merge(*(layer.content for layer in layers)), cls, layers)
        return config.model_copy(update={"sources": path.parent / config.sources})


def load_config(
    task: str | None = None,
    path: Path | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    overlays: Sequence[Path] = (),
    settings: Sequence[str] = (),
) -> TaskConfig:
    """Read the configuration of a task.

    Parameters
    ----------
    task : str, optional
        Name of the task, a key of `ml.registry.TASKS`, or of a model, such as `credit_risk.north`; the key `name` must
        then be the data set. Default: the key `task` of the file.
    path : Path, optional
        YAML file with the fields of `TaskConfig` as keys; default: `configs/<task>.yaml` in the current folder, else
        the installed one.
    params : mapping, optional
        Values of `params` that override the file, such as those of a version's card, ``card["config"]["params"]``.
    overlays : sequence of Path
        YAML files whose keys override those before them, such as the file that `chehang tune` writes.
    settings : sequence of str
        Single values as `dotted.name=value`, with the value in YAML; they override the files.

    Returns
    -------
    TaskConfig
        `task` (name of the model), `name` (of the data set), `sources` (resolved relative to `path`), `time`,
        `extra_features`, `exclude_features`, `segments`, `protected`, `split`, `refit`, `bootstraps`, `gate`, `tune`,
        `labels` and `params`; `definition` is the task.

    Raises
    ------
    ConfigError
        There is no such task or file, the file has another task or name than `task`, a key is unknown, or a value
        breaks a rule; names the file or option, the key, the rule and the value received.

    Examples
    --------
    >>> config = load_config("credit_risk", settings=["split.seed=3", "bootstraps=50"])
    >>> config.split.seed, config.bootstraps
    (3, 50)
    >>> load_config("credit_risk", settings=["name=north"]).task
    'credit_risk.north'
    """
    path = config_path(task, path)
    content = {} if params is None else {"params": params}
    layers = [read_layer(path), Layer("the version", content, content)]
    layers += [*map(read_layer, overlays), parse_settings(settings)]
    config = _validated(name_in(task, layers), layers)
    return config.model_copy(update={"sources": path.parent / config.sources})


def _validated(task: str, layers: Sequence[Layer]) -> TaskConfig:
    content = {**merge(*(layer.content for layer in layers)), "task": task}
    definition = TASKS[task]
    params: Any = {} if content.get("params") is None else content["params"]
    content["params"] = validate(params, definition.params, layers, within=("params",))
    config = validate(content, TaskConfig, layers)
    unknown = [name for name in config.gate if name not in definition.directions]
    if unknown:
        message = f"is not a metric of {task}; choose from {', '.join(definition.directions)}"
        raise error_at(f"gate.{unknown[0]}", message, layers)
    column = definition.table.time
    if config.time not in (column, "none"):
        raise error_at("time", f"must be '{column}', or 'none' if the data has no time, got '{config.time}'", layers)
    return config
