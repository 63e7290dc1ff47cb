"""From raw tables to labelled examples, split into parts: what training, tuning and evaluation start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.engines import collect, to_engine
from features.errors import ConfigError, DataError
from features.sources import RawTables
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.estimators.pipeline import SampleWeights
from ml.problem import BinaryProblem, RowEstimator, RowProblem
from ml.signature import Signature, feature_columns, infer_signature
from ml.task import Task
from training.config import TaskConfig
from training.progress import Progress
from training.split import (
    PARTS,
    RANDOM_SPLIT_NOTE,
    Rows,
    duplicate_groups,
    random_folds,
    split_at_random,
    split_by_time,
    time_folds,
)
from training.studies.row_censoring import censoring_weights
from training.studies.task_tables import read_task_tables


@dataclass(frozen=True)
class LabelledRows:
    """Labelled rows with their features, and which part each belongs to.

    Attributes
    ----------
    frame : DataFrame
        Key, `as_of` (us), and every known column of the asked-about table, features or not.
    label : ndarray of shape (n_rows,)
        0 or 1, or an amount.
    features : tuple of str
        Columns that the model may read.
    parts : mapping of str to ndarray
        Row positions of train, calibrate and test.
    signature : Signature
        Learnt from the training part.
    known_at : ndarray of shape (n_rows,), optional
        When each label could be known (us), where labels ripen.
    is_test_row : ndarray of shape (n_rows,), optional
        Whether each row may be tested on; None for all.
    """

    config: TaskConfig
    frame: pl.DataFrame
    label: FloatArray
    features: tuple[str, ...]
    parts: Mapping[str, Rows]
    signature: Signature
    notes: tuple[str, ...]
    fingerprint: str
    raw: RawTables
    known_at: IntArray | None = None
    is_test_row: BoolArray | None = None

    @classmethod
    def read(cls, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> Self:
        """Read, check, build features and split.

        Raises
        ------
        DataError
            There is nothing to learn from.
        ConfigError
            The configuration asks for a column that is not there.
        """
        task = config.definition
        raw = read_task_tables(config, extra={task.tables[0]: config.extra_features}, progress=progress)
        if not config.timeless and config.time not in raw.frames[task.tables[0]].collect_schema().names():
            raise ConfigError(
                f"time: column '{config.time}' is not in the data of {task.tables[0]}; map it in the sources, or set "
                "time: none (the split is then random, and every report says so)"
            )
        frame, spine = _labelled(config, raw, engine)
        if frame.height == 0:
            raise DataError(f"{task.name}: {_no_outcome(task)}")
        immature = frame["label"].is_null()
        notes = [
            f"{immature.sum():,} rows are too young for their label to be known and were left out"
        ] * immature.any()
        frame = frame.filter(~immature)
        if frame.height == 0:
            raise DataError(f"{task.name}: no row is old enough for its label to be known; give more data")
        label = frame["label"].to_numpy().astype(np.float64)
        known_at = frame["known_at"].to_numpy() if "known_at" in frame.columns else None
        is_test_row = frame["is_test_row"].to_numpy() if "is_test_row" in frame.columns else None
        frame = frame.drop("label", "known_at", "is_test_row", strict=False)
        numeric, categorical, computed = _features(config, frame, spine)
        empty = [n for n in (*numeric, *categorical) if frame[n].null_count() == frame.height]
        notes += [f"column '{n}' is empty and was left out" for n in empty]
        numeric, categorical = ([n for n in names if n not in empty] for names in (numeric, categorical))
        if not numeric and not categorical:
            raise DataError(
                f"{task.name}: no feature is left of {task.tables[0]}; map columns or declare extra_features"
            )
        notes += _identifiers(frame, categorical)
        features = (*numeric, *categorical)
        parts = _parts(config, frame, features)
        if is_test_row is not None:
            parts["test"] = parts["test"][is_test_row[parts["test"]]]
            if not len(parts["test"]):
                raise DataError(
                    f"{task.name}: the test part has no row; give more data or a larger share in split.test"
                )
        if config.timeless:
            notes.insert(0, RANDOM_SPLIT_NOTE)
        signature = infer_signature(
            frame[parts["train"]],
            task.table,
            numeric=numeric,
            categorical=categorical,
            extra=(*config.extra_features.numeric, *config.extra_features.categorical),
            computed=computed,
        )
        fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
        return cls(
            config, frame, label, features, parts, signature, tuple(notes), fingerprint, raw, known_at, is_test_row
        )

    @cached_property
    def groups(self) -> NDArray[np.uint64]:
        """Rows with equal features share a number, and stay in one part or fold."""
        return duplicate_groups(self.frame.select(self.features))

    @property
    def binary(self) -> bool:
        """Whether the label is 0 or 1."""
        return isinstance(self.problem, BinaryProblem)

    @property
    def problem(self) -> RowProblem:
        """Problem of the task."""
        return cast("RowProblem", self.config.definition.problem)

    def rows(self, positions: Rows) -> tuple[pl.DataFrame, FloatArray]:
        """Features and labels at these positions."""
        return self.frame[positions], self.label[positions]

    def testable(self, positions: Rows) -> Rows:
        """Return the positions whose rows may be tested on."""
        return positions if self.is_test_row is None else positions[self.is_test_row[positions]]

    def fit_rows(
        self, learn: Rows, calibrate: Rows, *, before: Rows | None = None, progress: Progress | None = None
    ) -> RowEstimator:
        """Fit a new estimator of the task on some rows and calibrate it on others.

        Labels that were not known yet when the rows of `before` begin are censored: see `row_censoring`.
        """
        estimator = self.problem.estimator(params=self.config.params, signature=self.signature)
        weights: SampleWeights | None = None
        if self.known_at is not None and before is not None:
            as_of = self.frame["as_of"].to_numpy()
            until = int(as_of[before].min())
            first, second = (censoring_weights(as_of[r], self.known_at[r], until=until) for r in (learn, calibrate))
            learn, calibrate = learn[first > 0], calibrate[second > 0]
            weights = first[first > 0], second[second > 0]
        X, y = self.rows(learn)
        return estimator.fit(
            X, y, calibrate=self.rows(calibrate), weights=weights, refit=self.config.refit, progress=progress
        )

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


def _no_outcome(task: Task) -> str:
    asked, told = task.tables[0], task.tables[-1]
    if asked == told:
        return (
            f"no row of {asked} has a known outcome; check that it is filled in, and that rows of this kind are meant"
        )
    return f"no row of {asked} has a known outcome in {told}; check the keys"


def _labelled(config: TaskConfig, raw: RawTables, engine: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The features of every row asked about beside what became of it, and the names of the latter."""
    task, problem = config.definition, config.definition.problem
    assert isinstance(problem, RowProblem)
    tables = to_engine(raw.frames, engine)
    spine = problem.build_spine(tables, config.params)
    key = [*task.table.key, "as_of"]
    after = tuple(n for n in spine.collect_schema().names() if n not in key)
    columns = collect(problem.features(spine.select(*key), tables))
    labels = collect(spine)
    return columns.join(labels, on=key, how="inner").sort(key), after


def _features(
    config: TaskConfig, frame: pl.DataFrame, after: Sequence[str]
) -> tuple[list[str], list[str], frozenset[str]]:
    """Names of the number columns, of the text columns, and of those among them that other rows gave."""
    extra = config.extra_features
    hidden = {*config.exclude_features, *config.protected}
    for option in ("exclude_features", "protected", "segments"):
        for name in getattr(config, option):
            if name not in frame.columns and name not in config.definition.table.columns:
                raise ConfigError(f"{option}: '{name}' is not a column of the data; it has {sorted(frame.columns)}")
    numeric, categorical = feature_columns(config.definition.table, frame.columns, exclude=hidden)
    contract = config.definition.table
    own_columns = {*contract.columns, *extra.numeric, *extra.categorical, *contract.key, "as_of", *after, *hidden}
    computed = [n for n in frame.columns if n not in own_columns]
    texts = [n for n in computed if frame.schema[n] == pl.String]
    numbers = [n for n in computed if n not in texts]
    numeric = [*numeric, *(n for n in extra.numeric if n not in hidden), *numbers]
    return numeric, [*categorical, *(n for n in extra.categorical if n not in hidden), *texts], frozenset(computed)


def _identifiers(frame: pl.DataFrame, categorical: Sequence[str]) -> list[str]:
    """Notes on texts that are different in nearly every row: an identifier teaches nothing."""
    return [
        f"column '{n}' has {frame[n].n_unique():,} different values in {frame.height:,} rows: is it an identifier?"
        for n in categorical
        if frame.height >= 100 and frame[n].n_unique() > frame.height / 2
    ]


def _parts(config: TaskConfig, frame: pl.DataFrame, features: Sequence[str]) -> dict[str, Rows]:
    if config.timeless:
        groups = duplicate_groups(frame.select(features))
        found = split_at_random(groups, config.split.shares, seed=config.split.seed)
    else:
        found = split_by_time(frame["as_of"].to_numpy(), config.split.shares)
    return dict(zip(PARTS, found, strict=True))
