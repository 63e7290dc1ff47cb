"""Studies: how each kind of learning problem is trained, evaluated, judged and scored, behind one protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl
from pydantic import BaseModel

from features.sources import RawTables
from ml.champions import GateCheck
from ml.model import Model
from ml.problem import AmountProblem, BinaryProblem, PanelProblem, Problem, RankingProblem, SurveillanceProblem
from ml.report.report import Report
from training.config import TaskConfig
from training.progress import Progress
from training.studies.by_problem import PanelStudy, RankingStudy, RowStudy, SurveillanceStudy
from training.studies.fitted import DataSummary, E, Evaluation, EvaluationMethod, Fitted


class StudyData(Protocol[E]):
    """Tables of a task, read, checked and divided into what trains and what tests."""

    @property
    def config(self) -> TaskConfig:
        """Configuration of the task."""

    @property
    def raw(self) -> RawTables:
        """The tables as read."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the tables."""

    @property
    def notes(self) -> Sequence[str]:
        """What limits the data, for readers of the report."""

    @property
    def last_training_instant(self) -> int | None:
        """Last instant (us) that trains; None where the data has no time."""

    def with_params(self, params: BaseModel) -> StudyData[E]:
        """Return the same data under other parameters."""

    def fit(self, *, progress: Progress | None = None) -> Fitted[E]:
        """Fit the task's estimator."""

    def evaluate(self, estimator: E) -> Report:
        """Measure an estimator on the test part."""

    def validation_scores(self) -> Iterator[float]:
        """Yield the primary metric of the parameters on one validation part after another; the test part is unused."""

    def save_holdout(self, folder: Path, fitted: Fitted[E]) -> None:
        """Write the test part, on which the gate compares a later candidate; no person is named in it."""

    def feature_names(self, estimator: E) -> Sequence[str]:
        """Return the names of the features that the model reads."""

    def example(self, estimator: E) -> Mapping[str, Any]:
        """Return a request that the model answers and that describes nobody."""

    def describe(self) -> DataSummary:
        """Return what a training would read."""


class Study(Protocol[E]):
    """One kind of learning problem; holds no state."""

    @property
    def evaluation_methods(self) -> Sequence[EvaluationMethod]:
        """What versions can be evaluated by: 'holdout', 'folds', 'logged'."""

    def check_config(self, config: TaskConfig) -> None:
        """Refuse settings that the kind of problem cannot have.

        Raises
        ------
        ConfigError
            Names the setting.
        """

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> StudyData[E]:
        """Read, check and divide the tables of a task.

        Raises
        ------
        DataError, ConfigError
            Something is missing.
        """

    def evaluate(self, config: TaskConfig, evaluation: Evaluation[E], *, progress: Progress | None = None) -> Report:
        """Evaluate by one of `evaluation_methods`."""

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Return the conditions of the promotion gate; no training data is read.

        The primary metric gains more than its interval over the champion, or over the baseline without one; each
        guard of the configuration holds; the model answers its example, one at a time like a batch.

        Parameters
        ----------
        holdout : Path
            What `StudyData.save_holdout` wrote with the candidate.
        """

    def score(
        self,
        model: Model,
        config: TaskConfig,
        *,
        data: Path | None,
        as_of: datetime | None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Return a version's answers to rows, customers, series or cells, with the columns that name them.

        Parameters
        ----------
        data : Path, optional
            A file in place of the table whose rows are answered, of the same shape.
        as_of : datetime, optional
            Answer as of this instant.

        Raises
        ------
        DataError, ConfigError
            The tables do not fit the version, or the kind of problem has no such option.
        """


STUDIES: Mapping[type[Problem], Study[Any]] = {
    BinaryProblem: RowStudy(),
    AmountProblem: RowStudy(),
    RankingProblem: RankingStudy(),
    PanelProblem: PanelStudy(),
    SurveillanceProblem: SurveillanceStudy(),
}


def study_of(config: TaskConfig) -> Study[Any]:
    """Return the study of a configuration's task, once the configuration is checked.

    Raises
    ------
    ConfigError
        See `Study.check_config`.
    """
    study = STUDIES[type(config.definition.problem)]
    study.check_config(config)
    return study


def load_data(config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> StudyData[Any]:
    """Check a configuration and load its task's data; errors as for `Study.check_config` and `Study.load`."""
    return study_of(config).load(config, engine=engine, progress=progress)
