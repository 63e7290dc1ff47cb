"""Build labelled rows from raw tables and split them into training, calibration and test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.engines import collect, to_engine
from features.errors import ConfigError, DataError, MissingColumnError
from features.plurals import count_text
from features.sources import RawTables
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.estimators.pipeline import SampleWeights
from ml.problem import BinaryProblem, RowEstimator, RowProblem
from ml.signature import STORE, Signature, feature_columns, infer_signature
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
from training.studies.own_columns import hide_own, own_names, restore_own
from training.studies.row_censoring import censoring_weights
from training.studies.row_counts import label_notes
from training.studies.task_tables import read_task_tables


@dataclass(frozen=True)
class LabelledRows:
    """Labelled rows with their features, split into training, calibration and test rows; returned by `read`.

    Make one with ``LabelledRows.read(load_config("credit_risk"))``, after ``from training.config import load_config``
    and ``from training.studies.row_data import LabelledRows``.

    Attributes
    ----------
    config : TaskConfig
        Configuration of the task, as returned by `training.config.load_config`.
    frame : DataFrame
        Key, `as_of` (int64, microseconds since 1970 UTC), features and the other columns of the task's first table.
    label : ndarray of shape (n_rows,)
        0 or 1, or an amount (yuan), float64.
    features : tuple of str
        Names of the features.
    parts : mapping of {'train', 'calibrate', 'test'} to ndarray of int
        Row positions of each part.
    signature : Signature
        Types and ranges of the features, inferred from the training rows: `numeric` and `categorical` (names) and
        `fields` (`name`, `kind`, `required` of each).
    notes : tuple of str
        Limits of the data for readers of the report.
    fingerprint : str
        Hash of the content of the tables.
    raw : RawTables
        Validated raw tables: `frames` (LazyFrame by table) and `reports` (row counts by table).
    known_at : ndarray of int64, shape (n_rows,), optional
        Instant at which each label is observed (microseconds since 1970 UTC), for tasks whose labels are censored.
    is_test_row : ndarray of bool, shape (n_rows,), optional
        Whether a row may be a test row; None if every row may.
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
        """Read and validate the tables of a task, compute features and split the rows.

        Parameters
        ----------
        config : TaskConfig
            As returned by `training.config.load_config`, for a task whose rows have one label each ('credit_risk',
            'lead_scoring', 'residual_value').
        engine : {'polars', 'spark'}
            Engine that computes the features.
        progress : callable, optional
            Called with one line of text for each table, such as `print`.

        Returns
        -------
        LabelledRows
            Instance of the class; `frame` and `label` have the same rows, `parts` their positions by part.

        Raises
        ------
        DataError
            No row has an outcome, no feature is left, or a part would have no row.
        ConfigError
            The configuration names a column that the data lacks, or a required table is not in the sources.

        Examples
        --------
        Needs the tables of the sources.

        >>> from training.config import load_config
        >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
        >>> X, y = examples.rows(examples.parts["test"])  # doctest: +SKIP
        """
        task = config.definition
        raw = read_task_tables(config, extra={task.tables[0]: config.extra_features}, progress=progress)
        if not config.timeless and config.time not in raw.frames[task.tables[0]].collect_schema().names():
            raise ConfigError(
                f"time: {task.tables[0]} has no column '{config.time}'; map it in the sources, or set time: none "
                "(the split is then random, and every report says so)"
            )
        unread = raw.reports[task.tables[0]].unread_text
        try:
            frame, spine = _labelled(config, raw, engine)
        except MissingColumnError as error:
            raise DataError(f"{error}{unread}") from None
        if frame.height == 0:
            raise DataError(f"{task.name}: {_no_outcome(task, raw)}")
        immature = frame["label"].is_null()
        notes = [f"{count_text(int(immature.sum()), 'row')} left out: the outcome is not observed yet"] * immature.any()
        frame = frame.filter(~immature)
        if frame.height == 0:
            raise DataError(f"{task.name}: the outcome of no row is observed yet; add older rows")
        label = frame["label"].to_numpy().astype(np.float64)
        known_at = frame["known_at"].to_numpy() if "known_at" in frame.columns else None
        is_test_row = frame["is_test_row"].to_numpy() if "is_test_row" in frame.columns else None
        frame = frame.drop("label", "known_at", "is_test_row", strict=False)
        numeric, categorical, computed = _features(config, frame, spine)
        empty = [n for n in (*numeric, *categorical) if frame[n].null_count() == frame.height]
        notes += [f"column '{n}' left out: every value is missing" for n in empty]
        numeric, categorical = ([n for n in names if n not in empty] for names in (numeric, categorical))
        if not numeric and not categorical:
            raise DataError(
                f"{task.name}: {task.tables[0]} has no feature; map columns in the sources or add extra_features"
                f"{unread}"
            )
        notes += _identifiers(frame, categorical)
        features = (*numeric, *categorical)
        parts = _parts(config, frame, features)
        if is_test_row is not None:
            parts["test"] = parts["test"][is_test_row[parts["test"]]]
            if not len(parts["test"]):
                raise DataError(
                    f"{task.name}: the test part has no row that may be tested; add rows or raise split.test"
                )
        if config.timeless:
            notes.insert(0, RANDOM_SPLIT_NOTE)
        notes += [*label_notes(task.tables[0], raw.frames), *raw.key_notes]
        signature = infer_signature(
            frame[parts["train"]],
            task.table,
            numeric=numeric,
            categorical=categorical,
            extra=(*config.extra_features.numeric, *config.extra_features.categorical),
            computed=computed,
            nulls=raw.reports[task.tables[0]].nulls,
            stores=_stores(raw.frames[task.tables[0]]),
            labels=config.labels,
        )
        fingerprint = "-".join(r.fingerprint for r in raw.reports.values())
        return cls(
            config, frame, label, features, parts, signature, tuple(notes), fingerprint, raw, known_at, is_test_row
        )

    @cached_property
    def groups(self) -> NDArray[np.uint64]:
        """Hash of the features of each row, ndarray of uint64, shape (n_rows,); equal rows stay in one part or fold."""
        return duplicate_groups(self.frame.select(self.features))

    @property
    def timezone(self) -> str:
        """IANA name of the time zone in which instants of the rows are shown: that of the task's first table."""
        return self.raw.reports[self.config.definition.tables[0]].timezone

    @property
    def binary(self) -> bool:
        """True if the label is 0 or 1, False if it is an amount in yuan."""
        return isinstance(self.problem, BinaryProblem)

    @property
    def problem(self) -> RowProblem:
        """Learning problem of the task: `metrics` (by name), `estimator`, `baseline`; see `ml.problem.RowProblem`."""
        return cast("RowProblem", self.config.definition.problem)

    def rows(self, positions: Rows) -> tuple[pl.DataFrame, FloatArray]:
        """Return the columns and the labels of some rows.

        Parameters
        ----------
        positions : ndarray of int
            Row positions, such as `parts["test"]`.

        Returns
        -------
        DataFrame
            Rows of `frame`, all its columns, in the order of `positions`.
        ndarray of float64, shape (n_positions,)
            Labels: 0 and 1, or amounts in yuan.

        Examples
        --------
        >>> X, y = examples.rows(examples.parts["test"])  # doctest: +SKIP
        """
        return self.frame[positions], self.label[positions]

    def testable(self, positions: Rows) -> Rows:
        """Return those positions whose rows may be test rows.

        Parameters
        ----------
        positions : ndarray of int
            Row positions, such as `parts["test"]`.

        Returns
        -------
        ndarray of int
            A subset of `positions` in the same order; all of them if `is_test_row` is None.
        """
        return positions if self.is_test_row is None else positions[self.is_test_row[positions]]

    def fit_rows(
        self, train: Rows, calibrate: Rows, *, test: Rows | None = None, progress: Progress | None = None
    ) -> RowEstimator:
        """Fit a new estimator of the task.

        Parameters
        ----------
        train, calibrate : ndarray of int
            Positions of the rows to fit and to calibrate on, such as `parts["train"]` and `parts["calibrate"]`.
        test : ndarray of int, optional
            Positions of the rows to be predicted. Labels observed after the first of them are censored, see
            `censoring_weights`; without `test`, and for tasks whose labels are not censored, every label is used.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        RowEstimator
            Fitted; `predict(X)` returns a DataFrame of predictions, its first column the probability or the amount
            (yuan).

        Examples
        --------
        >>> estimator = examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])  # doctest: +SKIP
        >>> predictions = estimator.predict(examples.rows(examples.parts["test"])[0])  # doctest: +SKIP
        """
        estimator = self.problem.estimator(params=self.config.params, signature=self.signature)
        weights: SampleWeights | None = None
        if self.known_at is not None and test is not None:
            as_of = self.frame["as_of"].to_numpy()
            until = int(as_of[test].min())
            first, second = (censoring_weights(as_of[r], self.known_at[r], until=until) for r in (train, calibrate))
            train, calibrate = train[first > 0], calibrate[second > 0]
            weights = first[first > 0], second[second > 0]
        X, y = self.rows(train)
        return estimator.fit(
            X, y, calibrate=self.rows(calibrate), weights=weights, refit=self.config.refit, progress=progress
        )

    def folds(self, within: Rows, *, folds: int) -> list[tuple[Rows, Rows]]:
        """Return the training and test positions of each fold of a cross-validation.

        Parameters
        ----------
        within : ndarray of int
            Positions of the rows to split, such as `parts["train"]`; by time or, without time, by group of equal rows.
        folds : int
            Number of folds, at least 2.

        Returns
        -------
        list of (ndarray of int, ndarray of int)
            Training and test positions of each fold, among `within`.

        Raises
        ------
        DataError
            A fold would have no row, or a class has fewer groups than there are folds.
        """
        if self.config.timeless:
            stratum = self.label[within] if self.binary else np.zeros(len(within))
            pairs = random_folds(self.groups[within], stratum, folds=folds, seed=self.config.split.seed)
        else:
            pairs = time_folds(self.frame["as_of"].to_numpy()[within], folds=folds)
        return [(within[a], within[b]) for a, b in pairs]

    def hold_out(self, rows: Rows, share: float) -> tuple[Rows, Rows]:
        """Split positions in two, the second part held out.

        Parameters
        ----------
        rows : ndarray of int
            Positions to split, such as `parts["train"]`.
        share : float
            Share held out, a fraction above 0 and below 1: the latest rows or, without time, random groups of equal
            rows.

        Returns
        -------
        (ndarray of int, ndarray of int)
            Positions of the remaining rows and of the rows held out.

        Raises
        ------
        DataError
            One of them would be empty.
        """
        shares = (1 - share, share)
        if self.config.timeless:
            first, second = split_at_random(self.groups[rows], shares, seed=self.config.split.seed + 1)
        else:
            first, second = split_by_time(self.frame["as_of"].to_numpy()[rows], shares)
        return rows[first], rows[second]


def _stores(rows: pl.LazyFrame) -> list[str]:
    """Return all stores of a raw table, those of rows without an outcome among them."""
    if STORE not in rows.collect_schema().names():
        return []
    return rows.select(pl.col(STORE).drop_nulls().unique().sort()).collect()[STORE].to_list()


def _no_outcome(task: Task, raw: RawTables) -> str:
    rows, outcomes = task.tables[0], task.tables[-1]
    if rows == outcomes:
        return (
            f"no row of {rows} has an outcome; check that the outcome column is mapped and filled in, and that the "
            "filters of the source keep such rows"
        )
    keys = "; ".join(raw.key_notes)
    if keys:
        return f"no row of {rows} has a known outcome in {outcomes}: {keys}; correct the mapping of the keys"
    return f"no outcome in {outcomes} is known yet: its outcome column is empty in every row; add older rows"


def _labelled(config: TaskConfig, raw: RawTables, engine: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return key, features and outcome columns of every labelled row, and the names of the outcome columns."""
    task, problem = config.definition, config.definition.problem
    assert isinstance(problem, RowProblem)
    own = own_names(config)
    tables = to_engine(hide_own(raw.frames, task.tables[0], own), engine)
    spine = problem.build_spine(tables, config.params)
    key = [*task.table.key, "as_of"]
    after = tuple(n for n in spine.collect_schema().names() if n not in key)
    columns = restore_own(collect(problem.features(spine.select(*key), tables)), own)
    labels = collect(spine)
    return columns.join(labels, on=key, how="inner").sort(key), after


def _features(
    config: TaskConfig, frame: pl.DataFrame, after: Sequence[str]
) -> tuple[list[str], list[str], frozenset[str]]:
    """Return the numeric features, the categorical features, and those of both computed from other rows or tables."""
    extra = config.extra_features
    hidden = {*config.exclude_features, *config.protected}
    for option in ("exclude_features", "protected", "segments"):
        for name in getattr(config, option):
            if name not in frame.columns and name not in config.definition.table.columns:
                raise ConfigError(
                    f"{option}: '{name}' is not a column of the data; choose from {sorted(frame.columns)}"
                )
    numeric, categorical = feature_columns(
        config.definition.table, frame.columns, exclude={*hidden, *extra.numeric, *extra.categorical}
    )
    contract = config.definition.table
    own_columns = {*contract.columns, *extra.numeric, *extra.categorical, *contract.key, "as_of", *after, *hidden}
    computed = [n for n in frame.columns if n not in own_columns]
    texts = [n for n in computed if frame.schema[n] == pl.String]
    numbers = [n for n in computed if n not in texts]
    numeric = [*numeric, *(n for n in extra.numeric if n not in hidden), *numbers]
    return numeric, [*categorical, *(n for n in extra.categorical if n not in hidden), *texts], frozenset(computed)


def _identifiers(frame: pl.DataFrame, categorical: Sequence[str]) -> list[str]:
    """Return notes on categorical features that differ in most rows and may be identifiers."""
    return [
        f"column '{n}' has {frame[n].n_unique():,} different values in {frame.height:,} rows; it may be an identifier"
        for n in categorical
        if frame.height >= 100 and frame[n].n_unique() > frame.height / 2
    ]


def _parts(config: TaskConfig, frame: pl.DataFrame, features: Sequence[str]) -> dict[str, Rows]:
    if config.timeless:
        groups = duplicate_groups(frame.select(features))
        positions = split_at_random(groups, config.split.shares, seed=config.split.seed)
    else:
        positions = split_by_time(frame["as_of"].to_numpy(), config.split.shares)
    return dict(zip(PARTS, positions, strict=True))
