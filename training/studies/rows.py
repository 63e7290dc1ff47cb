"""Data of a row study: labelled rows, split by time or at random, on which a model is trained and evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel

from features.errors import ConfigError, DataError
from ml.problem import RowEstimator
from ml.report.report import Report
from ml.requests import row_as_request
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.leaks import LeakFinding, find_leaks
from training.studies.row_data import LabelledRows
from training.studies.row_folds import CALIBRATE_SHARE
from training.studies.row_report import TEST_ROWS, evaluate


@dataclass(frozen=True)
class RowStudyData(LabelledRows):
    """Labelled rows split into training, calibration and test rows, with the methods of `StudyData`.

    Make one with ``RowStudyData.read(load_config("credit_risk"))`` (or 'lead_scoring', 'residual_value'), after
    ``from training.config import load_config`` and ``from training.studies.rows import RowStudyData``;
    `training.study.load_data(config)` returns it too. `frame` has the rows, `label` their labels (0 and 1, or yuan),
    `parts` the row positions by 'train', 'calibrate' and 'test'.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.rows import RowStudyData
    >>> study = RowStudyData.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> fitted = study.fit()  # doctest: +SKIP
    >>> study.evaluate(fitted.evaluated).metrics["roc_auc"].value  # doctest: +SKIP
    """

    @property
    def last_training_instant(self) -> int | None:
        """Last `as_of` of the training and calibration rows (microseconds since 1970 UTC); None without time."""
        if self.config.timeless:
            return None
        positions = np.concatenate([self.parts["train"], self.parts["calibrate"]])
        return int(self.frame["as_of"].to_numpy()[positions].max())

    def leaks(self) -> list[LeakFinding]:
        """Return columns that may leak the outcome, by the training and calibration rows.

        Returns
        -------
        list of LeakFinding
            `column` (name), `verdict` ('leak' or 'suspect') and `evidence` of each, leaks first; empty if there are too
            few rows.
        """
        rows = self.testable(np.concatenate([self.parts["train"], self.parts["calibrate"]]))
        table = self.config.definition.table
        instants = [f.name for f in self.signature.fields if f.kind == "instant" and f.name != table.time]
        return find_leaks(
            self.frame[rows],
            self.label[rows],
            numeric=self.signature.numeric,
            categorical=self.signature.categorical,
            as_of=None if self.config.timeless else self.frame["as_of"].to_numpy()[rows],
            instants=[] if self.config.timeless else instants,
        )

    def fit(self, *, progress: Progress | None = None) -> Fitted[RowEstimator]:
        """Fit on the training rows and calibrate on the calibration rows.

        Parameters
        ----------
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        Fitted
            `served` and `evaluated` are the same estimator; its `predict(X)` returns a DataFrame of predictions.

        Raises
        ------
        DataError
            A feature leaks the outcome, and the configuration does not acknowledge it.
        ConfigError
            `acknowledged_leaks` names a column that the data lacks.
        """
        self._refuse_leaks()
        parts = self.parts
        estimator = self.fit_rows(parts["train"], parts["calibrate"], test=parts["test"], progress=progress)
        return Fitted(estimator, estimator)

    def _refuse_leaks(self) -> None:
        acknowledged, used = self.config.acknowledged_leaks, self.signature
        unknown = [n for n in acknowledged if n not in self.frame.columns]
        if unknown:
            raise ConfigError(f"acknowledged_leaks: '{unknown[0]}' is not a column of the data; remove it")
        features = {*used.numeric, *used.categorical} - set(acknowledged)
        flagged = [f for f in self.leaks() if f.verdict == "leak" and f.column in features]
        if flagged:
            reasons = "; ".join(f"'{f.column}': {f.evidence[0].text}" for f in flagged)
            names = [f.column for f in flagged]
            raise DataError(
                f"{self.config.task}: columns that may leak the outcome: {reasons}. Remove them with exclude_features "
                f"or, if their values are known at prediction time, list them under acknowledged_leaks: {names}"
            )

    def evaluate(self, estimator: RowEstimator) -> Report:
        """Return the report of an estimator on the test rows.

        Parameters
        ----------
        estimator : RowEstimator
            Fitted: `fit().evaluated`, of this object's method `fit`.

        Returns
        -------
        Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` with breakdowns (each has
            `name`, `title` and `rows`), and `notes`.

        Raises
        ------
        DataError
            The label is binary, and all test rows have the same label.
        """
        return evaluate(self, estimator)

    def save_holdout(self, folder: Path, fitted: Fitted[RowEstimator]) -> None:
        """Write the test rows to `test_rows.parquet`, without identifiers and protected attributes.

        Identifiers that the estimator reads are kept.

        Parameters
        ----------
        folder : Path
            Existing folder to write into.
        fitted : Fitted
            Result of this object's method `fit()`; only `served` is read.

        Raises
        ------
        DataError
            The file could not be written.
        """
        table, test = self.config.definition.table, self.parts["test"]
        hidden = (table.references | table.protected) - set(fitted.served.references)
        rows = self.frame[test].drop([*hidden], strict=False)
        label, group = self.label[test], self.groups[test]
        try:
            rows.with_columns(label=label, group=group).write_parquet(folder / TEST_ROWS)
        except OSError as e:
            raise DataError(f"the test rows could not be written to {folder}: {e.strerror}; free space there") from None

    def feature_names(self, estimator: RowEstimator) -> list[str]:
        """Return the names of the columns of a fitted estimator's feature matrix, in its order.

        Parameters
        ----------
        estimator : RowEstimator
            Fitted: `fit().served`, of this object's method `fit`, or `ml.champions.load(version).estimator`.
        """
        return list(estimator.encoder_.feature_names_out_)

    def example(self, estimator: RowEstimator) -> dict[str, Any]:
        """Return a request, values by field, with the median or most frequent value of every feature.

        Parameters
        ----------
        estimator : object
            Not read; None will do.

        Returns
        -------
        dict
            JSON values by field of the request; a feature without a value in the training rows is left out.
        """
        return example_request(self)

    def describe(self) -> DataSummary:
        """Return counts of each part, feature names, and columns that may leak the outcome, without training.

        Returns
        -------
        DataSummary
            A dict with `examples` (by part, `rows` and, for a binary label, `positive`: numbers of rows), `numeric` and
            `categorical` (feature names), and `leaks` (of each: `column`, `verdict`, `acknowledged` and `evidence`).
        """

        def counts(rows: Any) -> dict[str, int]:
            positive = {"positive": int(self.label[rows].sum())} if self.binary else {}
            return {"rows": len(rows), **positive}

        return {
            "examples": {n: counts(rows) for n, rows in self.parts.items()},
            "numeric": self.signature.numeric,
            "categorical": self.signature.categorical,
            "leaks": [
                {
                    "column": f.column,
                    "verdict": f.verdict,
                    "acknowledged": f.column in self.config.acknowledged_leaks,
                    "evidence": [e.__dict__ for e in f.evidence],
                }
                for f in self.leaks()
            ],
        }

    def validation_scores(self) -> Iterator[float]:
        """Yield the primary metric on each of `config.tune.folds` folds inside the training rows.

        Yields
        ------
        float
            In the unit of the metric. An estimator is fitted for each fold when its value is requested.

        Raises
        ------
        DataError
            A fold would have no row.
        """
        metric = self.problem.metrics[self.config.definition.primary_metric]
        for train, test in self.folds(self.parts["train"], folds=self.config.tune.folds):
            estimator = self.fit_rows(*self.hold_out(train, CALIBRATE_SHARE), test=test)
            X, y = self.rows(self.testable(test))
            yield float(metric.compute(y, metric.select(estimator.predict(X))))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same rows with other hyperparameters.

        Parameters
        ----------
        params : BaseModel
            Instance of the task's parameter class: `config.params.model_copy(update={...})`, with `config` of this
            object; or `ml.registry.TASKS[task].params()` for the defaults.

        Returns
        -------
        RowStudyData
            Copy with the new `config.params`.
        """
        return replace(self, config=self.config.model_copy(update={"params": params}))


def example_request(examples: LabelledRows) -> dict[str, Any]:
    """Return an example request with the median or most frequent value of every feature in the training rows.

    Parameters
    ----------
    examples : LabelledRows
        As returned by `training.studies.row_data.LabelledRows.read(config)`, with `config` of
        `training.config.load_config("credit_risk")`.

    Returns
    -------
    dict
        JSON values by field of the request; a feature without a value in the training rows is left out.

    Examples
    --------
    >>> from training.config import load_config
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> request = example_request(examples)  # doctest: +SKIP
    """
    train = examples.frame[examples.parts["train"]]
    row: dict[str, Any] = {}
    for field in examples.signature.fields:
        if not field.feature:
            continue
        values = train[field.name].drop_nulls()
        if values.is_empty():
            continue
        row[field.name] = values.mode().sort()[0] if field.kind in ("category", "text", "flag") else values.median()
        if field.kind == "integer":
            row[field.name] = round(row[field.name])
    request = row_as_request(row, examples.signature)
    return examples.problem.complete_example(request, examples.signature)
