"""Row studies: labelled rows divided by time (or at random), one prediction for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel

from features.errors import ConfigError, DataError
from features.sources import RawTables
from ml.champions import GateCheck
from ml.model import Model
from ml.problem import RowEstimator, RowProblem
from ml.report.report import Report
from ml.signature import row_as_request
from training.config import TaskConfig
from training.studies.fitted import EvaluatedBy, Evaluation, Fitted
from training.studies.leaks import Finding, find_leaks
from training.studies.row_data import Examples, Say, load_examples, refuse_split_column
from training.studies.row_folds import CALIBRATE_SHARE, cross_validate
from training.studies.row_gate import row_gate_checks
from training.studies.row_report import TEST_ROWS, evaluate
from training.studies.row_score import score_rows


@dataclass(frozen=True)
class RowStudyData:
    """Labelled rows that train and test."""

    examples: Examples

    @property
    def config(self) -> TaskConfig:
        """Of the examples."""
        return self.examples.config

    @property
    def raw(self) -> RawTables:
        """Of the examples."""
        return self.examples.raw

    @property
    def fingerprint(self) -> str:
        """Of the examples."""
        return self.examples.fingerprint

    @property
    def notes(self) -> tuple[str, ...]:
        """Of the examples."""
        return self.examples.notes

    @property
    def last_training_instant(self) -> int | None:
        """The last `as_of` of the train and calibrate parts."""
        if self.config.timeless:
            return None
        learned = np.concatenate([self.examples.parts["train"], self.examples.parts["calibrate"]])
        return int(self.examples.frame["as_of"].to_numpy()[learned].max())

    def leaks(self) -> list[Finding]:
        """Columns that seem to know the outcome, judged on what is learnt from."""
        examples = self.examples
        rows = examples.testable(np.concatenate([examples.parts["train"], examples.parts["calibrate"]]))
        table = self.config.definition.table
        moments = [f.name for f in examples.signature.fields if f.kind == "instant" and f.name != table.time]
        return find_leaks(
            examples.frame[rows],
            examples.label[rows],
            numeric=examples.signature.numeric,
            categorical=examples.signature.categorical,
            as_of=None if self.config.timeless else examples.frame["as_of"].to_numpy()[rows],
            instants=[] if self.config.timeless else moments,
        )

    def fit(self, *, progress: Say | None = None) -> Fitted[RowEstimator]:
        """Fit on the train part, calibrate on the calibrate part.

        Raises
        ------
        DataError
            A feature knows the outcome, and the configuration does not acknowledge it.
        """
        self._refuse_leaks()
        parts = self.examples.parts
        estimator = self.examples.fit(parts["train"], parts["calibrate"], before=parts["test"], progress=progress)
        return Fitted(estimator, estimator)

    def _refuse_leaks(self) -> None:
        known, used = self.config.acknowledged_leaks, self.examples.signature
        unknown = [n for n in known if n not in self.examples.frame.columns]
        if unknown:
            raise ConfigError(f"acknowledged_leaks: '{unknown[0]}' is not a column of the data; remove it")
        features = {*used.numeric, *used.categorical} - set(known)
        flagged = [f for f in self.leaks() if f.verdict == "leak" and f.column in features]
        if flagged:
            told = "; ".join(f"'{f.column}': {f.evidence[0].text}" for f in flagged)
            names = [f.column for f in flagged]
            raise DataError(
                f"{self.config.task}: these columns seem to know the outcome: {told}. Leave them out "
                "(exclude_features) or, if they are known when the question is asked, list them under "
                f"acknowledged_leaks: {names}"
            )

    def evaluate(self, estimator: RowEstimator) -> Report:
        """Measure an estimator on the test part."""
        return evaluate(self.examples, estimator)

    def save_holdout(self, folder: Path, fitted: Fitted[RowEstimator]) -> None:
        """Write the test rows without the persons they belong to, but with the stores that the estimator reads."""
        table, test = self.config.definition.table, self.examples.parts["test"]
        hidden = (table.references | table.protected) - set(getattr(fitted.served, "references", ()))
        rows = self.examples.frame[test].drop([*hidden], strict=False)
        label, group = self.examples.label[test], self.examples.groups[test]
        try:
            rows.with_columns(label=label, group=group).write_parquet(folder / TEST_ROWS)
        except OSError as e:
            raise DataError(f"the test rows could not be written to {folder}: {e.strerror}; free space there") from None

    def feature_names(self, estimator: RowEstimator) -> list[str]:
        """Columns of the estimator's matrix."""
        return list(estimator.encoder_.feature_names_out_)

    def example(self, estimator: RowEstimator) -> dict[str, Any]:
        """The median (or most frequent) value of every feature."""
        return example_request(self.examples)

    def describe(self) -> dict[str, Any]:
        """Rows of each part and the columns."""
        examples = self.examples

        def counted(rows: Any) -> dict[str, int]:
            positive = {"positive": int(examples.label[rows].sum())} if examples.binary else {}
            return {"rows": len(rows), **positive}

        return {
            "examples": {n: counted(rows) for n, rows in examples.parts.items()},
            "numeric": examples.signature.numeric,
            "categorical": examples.signature.categorical,
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
        examples = self.examples
        metric = examples.problem.metrics[self.config.definition.primary_metric]
        for learn, test in examples.folds(examples.parts["train"], folds=self.config.tune.folds):
            estimator = examples.fit(*examples.hold_out(learn, CALIBRATE_SHARE), before=test)
            X, y = examples.rows(examples.testable(test))
            yield float(metric.compute(y, estimator.predict(X).to_series(0).to_numpy()))

    def with_params(self, params: BaseModel) -> RowStudyData:
        """Return the same rows under other parameters."""
        config = self.config.model_copy(update={"params": params})
        return RowStudyData(replace(self.examples, config=config))


class RowStudy:
    """Studies of `BinaryProblem` and `AmountProblem`."""

    evaluations: Sequence[EvaluatedBy] = ("holdout", "folds")

    def check_config(self, config: TaskConfig) -> None:
        """Refuse a split column."""
        refuse_split_column(config)

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Say | None = None) -> RowStudyData:
        """Read and check the tables, compute features and divide the rows."""
        return RowStudyData(load_examples(config, engine=engine, progress=progress))

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[RowEstimator], *, progress: Say | None = None
    ) -> Report:
        """Measure a version on the present test part, or the configuration on every fold in turn."""
        data = self.load(config, progress=progress)
        if evaluation.by == "folds":
            return cross_validate(data.examples, folds=evaluation.folds, progress=progress)
        return data.evaluate(evaluation.estimator())

    def score(
        self,
        model: Model,
        config: TaskConfig,
        *,
        data: Path | None,
        as_of: datetime | None,
        progress: Say | None = None,
    ) -> pl.DataFrame:
        """Answer every row of the first table."""
        return score_rows(model, config, data=data, as_of=as_of, progress=progress)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Compare predictions of the test rows."""
        problem = candidate.task.problem
        assert isinstance(problem, RowProblem)
        return row_gate_checks(problem.metrics, candidate, champion, holdout)


def example_request(examples: Examples) -> dict[str, Any]:
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
