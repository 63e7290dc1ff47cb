"""Row studies: labelled rows divided by time (or at random), one prediction for each."""

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
from ml.signature import row_as_request
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.leaks import LeakFinding, find_leaks
from training.studies.row_data import LabelledRows
from training.studies.row_folds import CALIBRATE_SHARE
from training.studies.row_report import TEST_ROWS, evaluate


@dataclass(frozen=True)
class RowStudyData(LabelledRows):
    """Labelled rows that train and test."""

    @property
    def last_training_instant(self) -> int | None:
        """The last `as_of` of the train and calibrate parts."""
        if self.config.timeless:
            return None
        learned = np.concatenate([self.parts["train"], self.parts["calibrate"]])
        return int(self.frame["as_of"].to_numpy()[learned].max())

    def leaks(self) -> list[LeakFinding]:
        """Columns that seem to know the outcome, judged on what is learnt from."""
        rows = self.testable(np.concatenate([self.parts["train"], self.parts["calibrate"]]))
        table = self.config.definition.table
        moments = [f.name for f in self.signature.fields if f.kind == "instant" and f.name != table.time]
        return find_leaks(
            self.frame[rows],
            self.label[rows],
            numeric=self.signature.numeric,
            categorical=self.signature.categorical,
            as_of=None if self.config.timeless else self.frame["as_of"].to_numpy()[rows],
            instants=[] if self.config.timeless else moments,
        )

    def fit(self, *, progress: Progress | None = None) -> Fitted[RowEstimator]:
        """Fit on the train part, calibrate on the calibrate part.

        Raises
        ------
        DataError
            A feature knows the outcome, and the configuration does not acknowledge it.
        """
        self._refuse_leaks()
        parts = self.parts
        estimator = self.fit_rows(parts["train"], parts["calibrate"], before=parts["test"], progress=progress)
        return Fitted(estimator, estimator)

    def _refuse_leaks(self) -> None:
        known, used = self.config.acknowledged_leaks, self.signature
        unknown = [n for n in known if n not in self.frame.columns]
        if unknown:
            raise ConfigError(f"acknowledged_leaks: '{unknown[0]}' is not a column of the data; remove it")
        features = {*used.numeric, *used.categorical} - set(known)
        flagged = [f for f in self.leaks() if f.verdict == "leak" and f.column in features]
        if flagged:
            reasons = "; ".join(f"'{f.column}': {f.evidence[0].text}" for f in flagged)
            names = [f.column for f in flagged]
            raise DataError(
                f"{self.config.task}: these columns seem to know the outcome: {reasons}. Leave them out "
                "(exclude_features) or, if they are known when the question is asked, list them under "
                f"acknowledged_leaks: {names}"
            )

    def evaluate(self, estimator: RowEstimator) -> Report:
        """Measure an estimator on the test part."""
        return evaluate(self, estimator)

    def save_holdout(self, folder: Path, fitted: Fitted[RowEstimator]) -> None:
        """Write the test rows without the persons they belong to, but with the stores that the estimator reads."""
        table, test = self.config.definition.table, self.parts["test"]
        hidden = (table.references | table.protected) - set(fitted.served.references)
        rows = self.frame[test].drop([*hidden], strict=False)
        label, group = self.label[test], self.groups[test]
        try:
            rows.with_columns(label=label, group=group).write_parquet(folder / TEST_ROWS)
        except OSError as e:
            raise DataError(f"the test rows could not be written to {folder}: {e.strerror}; free space there") from None

    def feature_names(self, estimator: RowEstimator) -> list[str]:
        """Columns of the estimator's matrix."""
        return list(estimator.encoder_.feature_names_out_)

    def example(self, estimator: RowEstimator) -> dict[str, Any]:
        """The median (or most frequent) value of every feature."""
        return example_request(self)

    def describe(self) -> DataSummary:
        """Rows of each part and the columns."""

        def counted(rows: Any) -> dict[str, int]:
            positive = {"positive": int(self.label[rows].sum())} if self.binary else {}
            return {"rows": len(rows), **positive}

        return {
            "examples": {n: counted(rows) for n, rows in self.parts.items()},
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
        """By cross-validation inside the train part."""
        metric = self.problem.metrics[self.config.definition.primary_metric]
        for learn, test in self.folds(self.parts["train"], folds=self.config.tune.folds):
            estimator = self.fit_rows(*self.hold_out(learn, CALIBRATE_SHARE), before=test)
            X, y = self.rows(self.testable(test))
            yield float(metric.compute(y, metric.select(estimator.predict(X))))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same rows under other parameters."""
        return replace(self, config=self.config.model_copy(update={"params": params}))


def example_request(examples: LabelledRows) -> dict[str, Any]:
    """A request that the model answers: the median (or most frequent) value of every feature, no one's own data."""
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
    asked = row_as_request(row, examples.signature)
    return examples.problem.complete_example(asked, examples.signature)
