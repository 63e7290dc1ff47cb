"""Study of each kind of learning problem; the modules that train and evaluate are imported when they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import ConfigError
from features.tables import TABLES
from training.config import TaskConfig
from training.studies.fitted import Evaluation, EvaluationMethod
from training.studies.own_columns import refuse_own

if TYPE_CHECKING:
    import polars as pl

    from ml.champions import GateCheck
    from ml.demand_forecast.estimator import DemandEstimator
    from ml.fault_rate.estimator import FaultEstimator
    from ml.model import Model
    from ml.problem import RowEstimator
    from ml.recommendation.estimator import RecommendationEstimator
    from ml.report.report import Report
    from training.progress import Progress
    from training.studies.panel import PanelStudyData
    from training.studies.ranking import RankingStudyData
    from training.studies.rows import RowStudyData
    from training.studies.surveillance import SurveillanceStudyData


class RowStudy:
    """Study of rows with one label each, split by time or at random: credit risk, lead scoring and residual value.

    Returned by `training.study.study_of`. `config` comes from `training.config.load_config`, models from
    `ml.champions.load` (`champion` may be None: the checks then compare with the baseline); `engine` computes the
    features, 'polars' or 'spark'; `evaluation` is `Evaluation(method, load_estimator)` with a method of
    `evaluation_methods` and a function that returns the fitted estimator, such as `lambda: model.estimator`, with
    `Evaluation` of `training.studies.fitted`; `holdout` is the folder that `save_holdout` wrote, such as `folder` in
    `with ml.champions.report_files(version) as folder:`; `progress` is called with one line of text for each step, such
    as `print`. Settings that do not apply raise ConfigError, unusable tables DataError. A report holds `metrics` by
    name, `sections` and `notes`; a gate check `name`, `passed` and `detail`.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.study import study_of
    >>> type(study_of(load_config("credit_risk"))).__name__
    'RowStudy'
    >>> config = load_config("credit_risk")
    >>> data = study_of(config).load(config)  # doctest: +SKIP
    """

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout", "folds")

    def check_config(self, config: TaskConfig) -> None:
        """Check that no split column is set; raises ConfigError if one is."""
        _refuse_split_column(config)

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> RowStudyData:
        """Read and validate the tables, compute features and split the rows.

        Returns
        -------
        RowStudyData
            Labelled rows; call its `fit()`, `evaluate(estimator)` or `describe()`.
        """
        from training.studies.rows import RowStudyData

        return RowStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[RowEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Return the report of a version on the test rows, or of a cross-validation of the configuration.

        Returns
        -------
        Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` and `notes`.
        """
        from training.studies.row_folds import cross_validate

        data = self.load(config, progress=progress)
        if evaluation.method == "folds":
            return cross_validate(data, folds=evaluation.folds, progress=progress)
        return data.evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Return a prediction for every row of the task's first table, with the key of the table.

        Parameters
        ----------
        model : Model
            ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
        config : TaskConfig
            ``training.config.load_config("credit_risk")``; its sources are read.
        **options
            `data` (Path of a .parquet or .csv file to read in place of the first table, or None) and `as_of` (datetime
            with UTC offset to predict as of, or None), both required, and `progress`.

        Returns
        -------
        DataFrame
            Key of the table, `as_of` (UTC datetime) if it is set, and the columns of the estimator's `predict`: the
            first is the probability (0 to 1) or the amount (yuan).
        """
        from training.studies.row_score import score_rows

        return score_rows(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Return the checks of the promotion gate, on the predictions of the test rows.

        Returns
        -------
        sequence of GateCheck
            `name`, `passed` (bool) and `detail` (the figures) of each: a comparison, the limits under `gate`, the
            answers.
        """
        from training.studies.row_gate import row_gate_checks

        return row_gate_checks(_metrics(candidate), candidate, champion, holdout)


class RankingStudy:
    """Study of ranked lists, with the latest queries held out.

    Returned by `training.study.study_of`. `config` comes from `training.config.load_config`, models from
    `ml.champions.load` (`champion` may be None: the checks then compare with the baseline); `engine` computes the
    features, 'polars' or 'spark'; `evaluation` is `Evaluation(method, load_estimator)` with a method of
    `evaluation_methods` and a function that returns the fitted estimator, such as `lambda: model.estimator`, with
    `Evaluation` of `training.studies.fitted`; `holdout` is the folder that `save_holdout` wrote, such as `folder` in
    `with ml.champions.report_files(version) as folder:`; `progress` is called with one line of text for each step, such
    as `print`. Settings that do not apply raise ConfigError, unusable tables DataError. A report holds `metrics` by
    name, `sections` and `notes`; a gate check `name`, `passed` and `detail`.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.study import study_of
    >>> type(study_of(load_config("recommendation"))).__name__
    'RankingStudy'
    >>> config = load_config("recommendation")
    >>> data = study_of(config).load(config)  # doctest: +SKIP
    """

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout", "logged")

    def check_config(self, config: TaskConfig) -> None:
        """Check that a split column is set only if the data has no time; raises ConfigError otherwise."""
        if config.split.column and not config.timeless:
            raise ConfigError("split.column: applies only to data without time; remove it, or set time: none")
        refuse_own(config, TABLES["vehicles"].columns)

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> RankingStudyData:
        """Read and validate the tables, and compute the end of the training period.

        Returns
        -------
        RankingStudyData
            Training tables and held-out queries; call its `fit()`, `evaluate(estimator)` or `describe()`.
        """
        from training.studies.ranking import RankingStudyData

        return RankingStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[RecommendationEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Return the report of a version on the held-out queries, or off-policy on logged exposures.

        Returns
        -------
        Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` and `notes`.
        """
        from training.studies.ranking_logged import evaluate_logged

        data = self.load(config, progress=progress)
        if evaluation.method == "logged":
            return evaluate_logged(data, evaluation.load_estimator(), evaluation.exposures)
        return data.evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Return the ten best vehicles in stock for every customer, a row for each customer and place in the list.

        Parameters
        ----------
        model : Model
            ``ml.champions.load(ml.champions.version_or_champion("recommendation"))``.
        config : TaskConfig
            ``training.config.load_config("recommendation")``; its sources are read.
        **options
            `data` (Path of a .parquet or .csv file to read in place of `customers`, or None) and `as_of` (must be
            None), both required, and `progress`.

        Returns
        -------
        DataFrame
            `customer_id`, `path` (source of the list), `vehicle_id` and `place` (from 1).
        """
        from training.studies.ranking_score import score_customers

        return score_customers(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Return the checks of the promotion gate, on lists for held-out queries.

        Returns
        -------
        sequence of GateCheck
            `name`, `passed` (bool) and `detail` (the figures) of each: a comparison, the limits under `gate`, the
            answers.
        """
        from training.studies.ranking_gate import ranking_gate_checks

        return ranking_gate_checks(_metrics(candidate), candidate, champion, holdout)


class PanelStudy:
    """Study of demand forecasts of many series, evaluated from rolling origins.

    Returned by `training.study.study_of`. `config` comes from `training.config.load_config`, models from
    `ml.champions.load` (`champion` may be None: the checks then compare with the baseline); `engine` computes the
    features, 'polars' or 'spark'; `evaluation` is `Evaluation(method, load_estimator)` with a method of
    `evaluation_methods` and a function that returns the fitted estimator, such as `lambda: model.estimator`, with
    `Evaluation` of `training.studies.fitted`; `holdout` is the folder that `save_holdout` wrote, such as `folder` in
    `with ml.champions.report_files(version) as folder:`; `progress` is called with one line of text for each step, such
    as `print`. Settings that do not apply raise ConfigError, unusable tables DataError. A report holds `metrics` by
    name, `sections` and `notes`; a gate check `name`, `passed` and `detail`.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.study import study_of
    >>> type(study_of(load_config("demand_forecast"))).__name__
    'PanelStudy'
    >>> config = load_config("demand_forecast")
    >>> data = study_of(config).load(config)  # doctest: +SKIP
    """

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout",)

    def check_config(self, config: TaskConfig) -> None:
        """Check that the data has time and that no split column is set; raises ConfigError otherwise."""
        _refuse_split_column(config)
        if config.timeless:
            raise ConfigError("time: must be sold_at, got none; demand forecasts need dated sales")
        refuse_own(config, ("price", "promotion", "quantity"))

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> PanelStudyData:
        """Read and validate the tables, and arrange the series as a panel.

        Returns
        -------
        PanelStudyData
            Sales by series and period, with the origins of the test; call its `fit()`, `evaluate(estimator)` or
            `describe()`.
        """
        from training.studies.panel import PanelStudyData

        return PanelStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[DemandEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Return the report of a version's forecasts from the held-out origins.

        Returns
        -------
        Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` and `notes`.
        """
        return self.load(config, progress=progress).evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Return forecasts of every series from the last complete period, a row for each series and period ahead.

        Parameters
        ----------
        model : Model
            ``ml.champions.load(ml.champions.version_or_champion("demand_forecast"))``.
        config : TaskConfig
            ``training.config.load_config("demand_forecast")``; its sources are read.
        **options
            `data` (Path of a .parquet or .csv file to read in place of the table `sales`, or None) and `as_of`
            (datetime with UTC offset to predict as of, or None), both required, and `progress`.

        Returns
        -------
        DataFrame
            Key of the series, `period`, `horizon` (periods ahead, from 1), `mean` and `p05` to `p95` (cars per period).
        """
        from training.studies.panel_score import score_series

        return score_series(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Return the checks of the promotion gate, on forecasts from held-out origins.

        Returns
        -------
        sequence of GateCheck
            `name`, `passed` (bool) and `detail` (the figures) of each: a comparison, the limits under `gate`, the
            answers.
        """
        from training.studies.panel_gate import panel_gate_checks

        return panel_gate_checks(_metrics(candidate), candidate, champion, holdout)


class SurveillanceStudy:
    """Study of fault surveillance: baseline rates from the reference weeks, tests in every later week.

    Returned by `training.study.study_of`. `config` comes from `training.config.load_config`, models from
    `ml.champions.load` (`champion` may be None: the checks then compare with the baseline); `engine` computes the
    features, 'polars' or 'spark'; `evaluation` is `Evaluation(method, load_estimator)` with a method of
    `evaluation_methods` and a function that returns the fitted estimator, such as `lambda: model.estimator`, with
    `Evaluation` of `training.studies.fitted`; `holdout` is the folder that `save_holdout` wrote, such as `folder` in
    `with ml.champions.report_files(version) as folder:`; `progress` is called with one line of text for each step, such
    as `print`. Settings that do not apply raise ConfigError, unusable tables DataError. A report holds `metrics` by
    name, `sections` and `notes`; a gate check `name`, `passed` and `detail`.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.study import study_of
    >>> type(study_of(load_config("fault_rate"))).__name__
    'SurveillanceStudy'
    >>> config = load_config("fault_rate")
    >>> data = study_of(config).load(config)  # doctest: +SKIP
    """

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout",)

    def check_config(self, config: TaskConfig) -> None:
        """Check that the data has time and that no split column is set; raises ConfigError otherwise."""
        _refuse_split_column(config)
        if config.timeless:
            raise ConfigError(
                "time: must be serviced_at, got none; fault surveillance needs dated repairs; without dates run: "
                "chehang signals --config"
            )

    def load(
        self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None
    ) -> SurveillanceStudyData:
        """Read and validate the tables, and count faults and exposure by week; `engine` is ignored.

        Returns
        -------
        SurveillanceStudyData
            Weekly counts and exposure by cell; call its `fit()`, `evaluate(estimator)` or `describe()`.
        """
        from training.studies.surveillance import SurveillanceStudyData

        return SurveillanceStudyData.read(config, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[FaultEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Return the report of a version's expected counts in the test weeks.

        Returns
        -------
        Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` and `notes`.
        """
        return self.load(config, progress=progress).evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Return the evidence for an elevated fault rate, a row for each cell of model and component.

        Parameters
        ----------
        model : Model
            ``ml.champions.load(ml.champions.version_or_champion("fault_rate"))``.
        config : TaskConfig
            ``training.config.load_config("fault_rate")``; not read.
        **options
            `data` (must be None) and `as_of` (datetime with UTC offset: the last week that ended by it; None for the
            last week), both required, and `progress`.

        Returns
        -------
        DataFrame
            `model`, `component`, `as_of` (UTC), cumulative `count` and `expected` faults, `rate_ratio` with its 90%
            interval `low` and `high`, `log_evidence`, `alarm_threshold` and `detected_on` (null: no alarm).
        """
        from training.studies.surveillance_score import score_cells

        return score_cells(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Return the checks of the promotion gate, on counts of the test weeks.

        Expected faults need not beat one rate per component: where nothing but chance differs, no version can. They
        must not be worse.

        Returns
        -------
        sequence of GateCheck
            `name`, `passed` (bool) and `detail` (the figures) of each: a comparison, the limits under `gate`, the
            answers.
        """
        from training.studies.row_gate import row_gate_checks

        return row_gate_checks(_metrics(candidate), candidate, champion, holdout, must_gain=False)


def _metrics(model: Model) -> Mapping[str, Any]:
    return model.task.problem.metrics


def _refuse_split_column(config: TaskConfig) -> None:
    """Check that no split column is set: it applies only to ranking tasks whose data has no time."""
    if config.split.column:
        raise ConfigError(f"split.column: does not apply, {config.task} is split by time or at random; remove it")
