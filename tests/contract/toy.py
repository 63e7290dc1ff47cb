"""A fifth kind of study for tests: the mean of the numbers in a file, shifted by a parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from features.errors import ConfigError
from features.sources import RawTables
from ml.bilingual import Text
from ml.champions import GateCheck
from ml.credit_risk import TASK as CREDIT_RISK
from ml.entry import TaskEntry
from ml.model import Model
from ml.problem import Estimator, RowMetric
from ml.report.report import Report
from ml.report.sections import Metric, Metrics
from ml.signature import Signature
from ml.task import no_learner_name
from training.config import TaskConfig
from training.progress import Progress
from training.studies.fitted import DataSummary, Evaluation, EvaluationMethod, Fitted
from training.study import Study

HOLDOUT, TEST_SHARE = "test_numbers.json", 0.25
NO_TABLES = RawTables({}, {})


class ToyParams(BaseModel):
    """A shift of the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shift: float = 0.0


class MeanEstimator:
    """Predict the same number for every row."""

    notes: Sequence[str] = ()
    signature = Signature(fields=())

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame({"mean": [self.value] * X.height})

    def to_files(self) -> dict[str, bytes]:
        return {"mean.json": json.dumps(self.value).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        return cls(json.loads(files["mean.json"]))


def _error(y: Any, prediction: Any) -> float:
    return float(np.mean(np.abs(np.asarray(y) - np.asarray(prediction))))


@dataclass(frozen=True)
class ToyProblem:
    """Prediction of numbers by their mean."""

    estimator: type[Estimator]
    metrics: Mapping[str, RowMetric]


@dataclass(frozen=True)
class ToyData:
    """Numbers; the last quarter is held out."""

    config: TaskConfig
    numbers: tuple[float, ...]
    raw: RawTables = NO_TABLES
    fingerprint: str = "numbers"
    notes: tuple[str, ...] = ("ten numbers",)
    last_training_instant: int | None = None

    @property
    def cut(self) -> int:
        return round(len(self.numbers) * (1 - TEST_SHARE))

    def with_params(self, params: BaseModel) -> ToyData:
        return replace(self, config=self.config.model_copy(update={"params": params}))

    def fit(self, *, progress: Progress | None = None) -> Fitted[MeanEstimator]:
        shift = self.config.params.shift  # type: ignore[attr-defined]
        estimator = MeanEstimator(float(np.mean(self.numbers[: self.cut])) + shift)
        return Fitted(estimator, estimator)

    def evaluate(self, estimator: MeanEstimator) -> Report:
        value = _error(self.numbers[self.cut :], estimator.value)
        baseline = _error(self.numbers[self.cut :], 0.0)
        metric = Metric(name="error", value=value, low=value, high=value, baseline=baseline)
        section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
        return Report(task="toy", protocol="the last quarter", sections=(section,), notes=self.notes)

    def validation_scores(self) -> Iterator[float]:
        estimator = self.fit().evaluated
        for number in self.numbers[: self.cut]:
            yield _error([number], estimator.value)

    def save_holdout(self, folder: Path, fitted: Fitted[MeanEstimator]) -> None:
        (folder / HOLDOUT).write_text(json.dumps(self.numbers[self.cut :]))

    def feature_names(self, estimator: MeanEstimator) -> Sequence[str]:
        return ["number"]

    def example(self, estimator: MeanEstimator) -> Mapping[str, Any]:
        return {}

    def describe(self) -> DataSummary:
        return {"examples": {"train": {"rows": self.cut}}, "numeric": ["number"], "categorical": [], "leaks": []}


class ToyStudy:
    """Studies of `ToyProblem`."""

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout", "logged")

    def check_config(self, config: TaskConfig) -> None:
        if not config.timeless:
            raise ConfigError("time: numbers have none; set time: none")

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> ToyData:
        return ToyData(config, tuple(json.loads((config.sources.parent / "numbers.json").read_text())))

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[MeanEstimator], *, progress: Progress | None = None
    ) -> Report:
        data = self.load(config)
        if evaluation.exposures is not None:
            data = replace(data, numbers=tuple(json.loads(evaluation.exposures.read_text())))
        return data.evaluate(evaluation.load_estimator())

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        numbers = json.loads((holdout / HOLDOUT).read_text())
        other = 0.0 if champion is None else champion.estimator.value
        own, theirs = _error(numbers, candidate.estimator.value), _error(numbers, other)
        return [GateCheck("error is lower", own < theirs, f"{own:.2f} against {theirs:.2f}")]

    def score(
        self,
        model: Model,
        config: TaskConfig,
        *,
        data: Path | None,
        as_of: datetime | None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        rows = pl.DataFrame({"number": self.load(config).numbers})
        answers: pl.DataFrame = model.estimator.predict(rows)
        return rows.hstack(answers)


STUDY: Study[MeanEstimator] = ToyStudy()
ENTRY = TaskEntry("toy", {"zh": "平均数", "en": "The mean"}, tables=("leads",), module="tests.contract.toy")
TASK = replace(
    CREDIT_RISK,
    entry=ENTRY,
    params=ToyParams,
    learner=no_learner_name,
    problem=ToyProblem(MeanEstimator, {"error": RowMetric(_error, better="lower")}),
)
