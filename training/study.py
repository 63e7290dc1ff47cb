"""One protocol to load data, train, evaluate, gate and score for every kind of learning problem."""

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
    """Validated tables of a task, split into training and test data; returned by `load_data` and `Study.load`.

    ``training.study.load_data(training.config.load_config("credit_risk"))`` returns one; its `fit().served` and
    `fit().evaluated` are fitted estimators.
    """

    @property
    def config(self) -> TaskConfig:
        """Configuration that the data was loaded with."""

    @property
    def raw(self) -> RawTables:
        """Validated raw tables."""

    @property
    def fingerprint(self) -> str:
        """Hash of the content of the tables; two versions with the same fingerprint have the same test rows."""

    @property
    def notes(self) -> Sequence[str]:
        """Limits of the data for readers of the report, one sentence each."""

    @property
    def last_training_instant(self) -> int | None:
        """Last instant of the training data (int64, microseconds since 1970 UTC); None if the data has no time."""

    def with_params(self, params: BaseModel) -> StudyData[E]:
        """Return the same data with other hyperparameters.

        Parameters
        ----------
        params : BaseModel
            Instance of the task's parameter class, such as ``data.config.params.model_copy(update={...})``.

        Returns
        -------
        StudyData
            Copy with these `config.params`; the tables are shared, and nothing is read again.
        """

    def fit(self, *, progress: Progress | None = None) -> Fitted[E]:
        """Fit the task's estimator on the training data.

        Parameters
        ----------
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        Fitted
            Estimator to register (`served`) and estimator to evaluate on the test data (`evaluated`), of the class
            `ml.registry.TASKS[task].estimator`.

        Raises
        ------
        DataError
            The data does not suffice, or a feature leaks the outcome.
        """

    def evaluate(self, estimator: E) -> Report:
        """Return the report of an estimator on the test data: metrics with intervals, and breakdowns.

        Parameters
        ----------
        estimator : Estimator
            Fitted estimator, such as `fit().evaluated`, or
            ``ml.champions.load(ml.champions.champion("credit_risk")).estimator``.

        Returns
        -------
        Report
            `metrics` by name (value, 95% interval `low` and `high`, baseline), `sections` and `notes`; print it with
            `training.printing.print_report`.

        Raises
        ------
        DataError
            The test data cannot be evaluated, for example because all labels are equal.
        """

    def validation_scores(self) -> Iterator[float]:
        """Yield the primary metric on each validation fold inside the training data; the test data is not used.

        Yields
        ------
        float
            Value on one fold; an estimator is fitted for each of the folds that `tune.folds` of the configuration asks
            for. The metric is ``ml.registry.TASKS[name].primary_metric``; whether more is better is
            ``ml.registry.TASKS[name].directions[metric]``.
        """

    def save_holdout(self, folder: Path, fitted: Fitted[E]) -> None:
        """Write the test data, without identifiers of persons, for the promotion gate.

        Parameters
        ----------
        folder : Path
            Existing folder to write into; the files are read by `Study.gate_checks`.
        fitted : Fitted
            Result of the method `fit`, with the estimators `served` and `evaluated`.

        Raises
        ------
        DataError or OSError
            The files could not be written.
        """

    def feature_names(self, estimator: E) -> Sequence[str]:
        """Return the names of the features of a fitted estimator.

        Parameters
        ----------
        estimator : Estimator
            Such as `fit().served`, or ``ml.champions.load(ml.champions.champion("credit_risk")).estimator``.

        Returns
        -------
        sequence of str
        """

    def example(self, estimator: E) -> Mapping[str, Any]:
        """Return an example request to a fitted estimator, with typical values; it is the record of no real person.

        Parameters
        ----------
        estimator : Estimator
            Such as `fit().served`.

        Returns
        -------
        mapping of str to value
            JSON values by field of the request; `ml.model.Model.request` returns its pydantic class.
        """

    def describe(self) -> DataSummary:
        """Return counts of each part, features and suspected leaks, without training.

        Returns
        -------
        DataSummary
            Keys `examples` (counts by part, such as `{"train": {"rows": 600}}`), `numeric` and `categorical` (names of
            features) and `leaks` (columns that may leak the outcome: `column`, `verdict`, `acknowledged`, `evidence`).
        """


class Study(Protocol[E]):
    """How one kind of learning problem is loaded, evaluated, gated and scored; stateless. Returned by `study_of`.

    ``training.study.study_of(training.config.load_config("credit_risk"))`` returns one.
    """

    @property
    def evaluation_methods(self) -> Sequence[EvaluationMethod]:
        """Evaluation methods that this kind of problem has, among 'holdout', 'folds' and 'logged'."""

    def check_config(self, config: TaskConfig) -> None:
        """Check that the settings of a configuration apply to this kind of problem; `study_of` calls it.

        Parameters
        ----------
        config : TaskConfig
            As returned by ``training.config.load_config("credit_risk")``.

        Raises
        ------
        ConfigError
            A setting does not apply; names it.
        """

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> StudyData[E]:
        """Read and validate the tables of a task, compute features and split into training and test data.

        Parameters
        ----------
        config : TaskConfig
            As returned by ``training.config.load_config("credit_risk")``.
        engine : {'polars', 'spark'}
            Engine that computes the features.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        StudyData
            `fit()` returns the estimators, `evaluate(estimator)` a report, `describe()` counts and names of features;
            `config`, `raw`, `fingerprint`, `notes` and `last_training_instant` describe the data.

        Raises
        ------
        DataError
            A table or column is missing, or no row can be used.
        ConfigError
            The sources or the configuration name a table or column that does not exist.
        """

    def evaluate(self, config: TaskConfig, evaluation: Evaluation[E], *, progress: Progress | None = None) -> Report:
        """Return the report of an evaluation.

        Parameters
        ----------
        config : TaskConfig
            As returned by ``training.config.load_config("credit_risk")``.
        evaluation : Evaluation
            Method, loader of the estimator and its options, as in
            `training.studies.fitted.Evaluation("holdout", lambda: champions.load(version).estimator)`; the method is
            one of `evaluation_methods`.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        Report
            `metrics` by name (value, 95% interval `low` and `high`, baseline), `sections` with breakdowns, and `notes`.

        Raises
        ------
        DataError, ConfigError
            A table or column is missing, no row can be used, or the test data cannot be evaluated.
        """

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Return the checks of the promotion gate, computed on the stored test data of the candidate.

        The primary metric is better than that of the champion (without a champion: than the baseline), with a
        confidence interval that excludes zero; every limit under `gate` holds; the model answers its example request,
        and single and batch predictions agree.

        Parameters
        ----------
        candidate : Model
            Version to be promoted, as returned by `ml.champions.load`.
        champion : Model or None
            Current champion, as returned by `ml.champions.load(ml.champions.champion(task))`.
        holdout : Path
            Folder that `StudyData.save_holdout` wrote when the candidate was trained; `ml.champions.report_files`
            gives it.

        Returns
        -------
        sequence of GateCheck
            Each with `name`, `passed` and `detail` (the figures as text).
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
        """Return batch predictions of a version.

        Parameters
        ----------
        model : Model
            As returned by ``ml.champions.load(ml.champions.champion("credit_risk"))``.
        config : TaskConfig
            As returned by ``training.config.load_config("credit_risk")``; its sources are read.
        data : Path or None
            File to read in place of the table to predict, with the columns and format of its configured source.
        as_of : datetime or None
            With UTC offset; predict as of this instant: rows that were open then, series whose history ends then, cells
            at that week.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        DataFrame
            Key columns and predictions: of rows (credit_risk: `probability_of_default`, `score`, `band`; yuan for
            residual_value), customers (ten vehicles each), series (units per period) or cells (faults). Columns: the
            functions `score_*` of `training.studies`.

        Raises
        ------
        DataError
            The tables do not fit the version.
        ConfigError
            The kind of problem has no such option.
        """


STUDIES: Mapping[type[Problem], Study[Any]] = {
    BinaryProblem: RowStudy(),
    AmountProblem: RowStudy(),
    RankingProblem: RankingStudy(),
    PanelProblem: PanelStudy(),
    SurveillanceProblem: SurveillanceStudy(),
}


def study_of(config: TaskConfig) -> Study[Any]:
    """Return the study of a task's kind of problem, after a check of the configuration.

    Parameters
    ----------
    config : TaskConfig
        As returned by ``training.config.load_config("credit_risk")``.

    Returns
    -------
    Study
        `load(config)` returns the data, `evaluate(config, evaluation)` a report, `score(model, config, data=None,
        as_of=None)` a DataFrame of predictions, `gate_checks(...)` the promotion gate.

    Raises
    ------
    ConfigError
        A setting does not apply to this kind of problem; the message names it.

    Examples
    --------
    >>> from training.config import load_config
    >>> study_of(load_config("credit_risk")).evaluation_methods
    ('holdout', 'folds')
    """
    study = STUDIES[type(config.definition.problem)]
    study.check_config(config)
    return study


def load_data(config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> StudyData[Any]:
    """Load the data of a task and split it into training and test data.

    Parameters
    ----------
    config : TaskConfig
        As returned by ``training.config.load_config("credit_risk")``.
    engine : {'polars', 'spark'}
        Engine that computes the features.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    StudyData
        `fit()` returns the estimators, `evaluate(estimator)` a report, `describe()` counts and names of features;
        `config`, `raw`, `fingerprint`, `notes` and `last_training_instant` describe the data.

    Raises
    ------
    DataError, ConfigError
        A setting does not apply to this kind of problem, the sources or the configuration name a table or column that
        does not exist, a table or required column is missing, or no row can be used.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> data = load_data(load_config("credit_risk"))  # doctest: +SKIP
    >>> data.describe()["examples"]  # doctest: +SKIP
    {'train': {'rows': 600, 'positive': 31}, 'calibrate': {...}, 'test': {...}}
    """
    return study_of(config).load(config, engine=engine, progress=progress)
