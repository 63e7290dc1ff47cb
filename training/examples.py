"""From raw tables to labelled examples, split into parts: what training, tuning and evaluation start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.sources import RawTables, load_sources, read_tables
from ml.signature import Signature, feature_columns, learn_signature
from ml.task import Task
from training.config import TaskConfig
from training.home import home
from training.split import PARTS, Rows, duplicate_groups, random_folds, split_at_random, split_by_time, time_folds

Say = Callable[[str], None]
FLATTERING = "the data has no time: the split is random, and such figures flatter"


@dataclass(frozen=True)
class Examples:
    """Labelled rows with their features, and which part each belongs to.

    Attributes
    ----------
    frame : DataFrame
        Key, `as_of` (us), and every known column of the asked-about table, features or not.
    label : ndarray of shape (n_rows,)
        0 or 1, or an amount.
    groups : ndarray of shape (n_rows,)
        Rows with equal features share a number, and stay in one part or fold.
    parts : mapping of str to ndarray
        Row positions of train, calibrate and test.
    signature : Signature
        Learnt from the training part.
    """

    config: TaskConfig
    frame: pl.DataFrame
    label: NDArray[np.float64]
    groups: NDArray[np.uint64]
    parts: Mapping[str, Rows]
    signature: Signature
    notes: tuple[str, ...]
    fingerprint: str
    raw: RawTables

    @property
    def binary(self) -> bool:
        """Whether the label is 0 or 1."""
        return self.config.definition.outcome == "binary"

    def rows(self, positions: Rows) -> tuple[pl.DataFrame, NDArray[np.float64]]:
        """Features and labels at these positions."""
        return self.frame[positions], self.label[positions]

    def fit(self, learn: Rows, calibrate: Rows, *, progress: Say | None = None) -> Any:
        """Fit a new estimator of the task on some rows and calibrate it on others."""
        estimator = self.config.definition.estimator(params=self.config.params, signature=self.signature)
        X, y = self.rows(learn)
        return estimator.fit(X, y, calibrate=self.rows(calibrate), refit=self.config.refit, progress=progress)

    def folds(self, within: Rows, *, folds: int) -> list[tuple[Rows, Rows]]:
        """Cut some rows into (learn, test) pairs: by time where there is time, else by group."""
        if self.config.timeless:
            stratum = self.label[within] if self.binary else np.zeros(len(within))
            found = random_folds(self.groups[within], stratum, folds=folds, seed=self.config.split.seed)
        else:
            found = time_folds(self.frame["as_of"].to_numpy()[within], folds=folds)
        return [(within[a], within[b]) for a, b in found]

    def hold_out(self, rows: Rows, share: float) -> tuple[Rows, Rows]:
        """Cut rows in two, the later (or a random, grouped) share held out for calibration."""
        shares = (1 - share, share)
        if self.config.timeless:
            first, second = split_at_random(self.groups[rows], shares, seed=self.config.split.seed + 1)
        else:
            first, second = split_by_time(self.frame["as_of"].to_numpy()[rows], shares)
        return rows[first], rows[second]


def read_raw(config: TaskConfig, *, progress: Say | None = None) -> RawTables:
    """Read and check the tables of a task."""
    task = config.definition
    wanted = config.extra_features
    return read_tables(
        load_sources(config.sources),
        task.tables,
        extra={task.tables[0]: wanted},
        quarantine_folder=home() / "quarantine" / task.name,
        timeless=(task.tables[0],) if config.timeless else (),
        progress=progress,
    )


def load_examples(config: TaskConfig, *, engine: str = "polars", progress: Say | None = None) -> Examples:
    """Read, check, build features and split.

    Raises
    ------
    DataError
        There is nothing to learn from.
    ConfigError
        The configuration asks for a column that is not there.
    """
    task = config.definition
    raw = read_raw(config, progress=progress)
    if not config.timeless and config.time not in raw.frames[task.tables[0]].collect_schema().names():
        raise ConfigError(
            f"time: column '{config.time}' is not in the data of {task.tables[0]}; map it in the sources, or set "
            "time: none (the split is then random, and every report says so)"
        )
    frame = _labelled(config, raw, engine)
    if frame.height == 0:
        raise DataError(f"{task.name}: {_no_outcome(task)}")
    label = frame["label"].to_numpy().astype(np.float64)
    frame = frame.drop("label")
    numeric, categorical = _features(config, frame)
    empty = [n for n in (*numeric, *categorical) if frame[n].null_count() == frame.height]
    notes = [f"column '{n}' is empty and was left out" for n in empty]
    numeric, categorical = ([n for n in names if n not in empty] for names in (numeric, categorical))
    if not numeric and not categorical:
        raise DataError(f"{task.name}: no feature is left of {task.tables[0]}; map columns or declare extra_features")
    notes += _identifiers(frame, categorical)
    groups = duplicate_groups(frame.select(*numeric, *categorical))
    parts = _parts(config, frame, groups)
    if config.timeless:
        notes.insert(0, FLATTERING)
    signature = learn_signature(
        frame[parts["train"]],
        task.table,
        numeric=numeric,
        categorical=categorical,
        extra=(*config.extra_features.numeric, *config.extra_features.categorical),
    )
    fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
    return Examples(config, frame, label, groups, parts, signature, tuple(notes), fingerprint, raw)


def _no_outcome(task: Task) -> str:
    asked, told = task.tables[0], task.tables[-1]
    if asked == told:
        return (
            f"no row of {asked} has a known outcome; check that it is filled in, and that rows of this kind are meant"
        )
    return f"no row of {asked} has a known outcome in {told}; check the keys"


def _labelled(config: TaskConfig, raw: RawTables, engine: str) -> pl.DataFrame:
    task = config.definition
    tables = to_engine(raw.frames, engine)
    spine = task.examples(tables)
    columns = collect(task.features(spine.drop("label"), tables))
    labels = collect(spine)
    key = [*task.table.key, "as_of"]
    return columns.join(labels, on=key, how="inner").sort(key)


def _features(config: TaskConfig, frame: pl.DataFrame) -> tuple[list[str], list[str]]:
    extra = config.extra_features
    hidden = {*config.exclude_features, *config.protected}
    for option in ("exclude_features", "protected", "segments"):
        for name in getattr(config, option):
            if name not in frame.columns and name not in config.definition.table.schema.columns:
                raise ConfigError(f"{option}: '{name}' is not a column of the data; it has {sorted(frame.columns)}")
    numeric, categorical = feature_columns(config.definition.table, frame.columns, exclude=hidden)
    numeric = [*numeric, *(n for n in extra.numeric if n not in hidden)]
    return numeric, [*categorical, *(n for n in extra.categorical if n not in hidden)]


def _identifiers(frame: pl.DataFrame, categorical: Sequence[str]) -> list[str]:
    """Notes on texts that are different in nearly every row: an identifier teaches nothing."""
    return [
        f"column '{n}' has {frame[n].n_unique():,} different values in {frame.height:,} rows: is it an identifier?"
        for n in categorical
        if frame.height >= 100 and frame[n].n_unique() > frame.height / 2
    ]


def _parts(config: TaskConfig, frame: pl.DataFrame, groups: NDArray[np.uint64]) -> dict[str, Rows]:
    if config.timeless:
        found = split_at_random(groups, config.split.shares, seed=config.split.seed)
    else:
        found = split_by_time(frame["as_of"].to_numpy(), config.split.shares)
    return dict(zip(PARTS, found, strict=True))
