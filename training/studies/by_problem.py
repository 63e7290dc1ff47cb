"""The study of each kind of problem; importing them imports nothing of what trains or evaluates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import ConfigError
from training.config import TaskConfig
from training.studies.fitted import Evaluation, EvaluationMethod

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
    """Labelled rows divided by time (or at random), one prediction for each."""

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout", "folds")

    def check_config(self, config: TaskConfig) -> None:
        """Refuse a split column."""
        _refuse_split_column(config)

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> RowStudyData:
        """Read and check the tables, compute features and divide the rows."""
        from training.studies.rows import RowStudyData

        return RowStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[RowEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Measure a version on the present test part, or the configuration on every fold in turn."""
        from training.studies.row_folds import cross_validate

        data = self.load(config, progress=progress)
        if evaluation.method == "folds":
            return cross_validate(data, folds=evaluation.folds, progress=progress)
        return data.evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Answer every row of the first table."""
        from training.studies.row_score import score_rows

        return score_rows(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Compare predictions of the test rows."""
        from training.studies.row_gate import row_gate_checks

        return row_gate_checks(_metrics(candidate), candidate, champion, holdout)


class RankingStudy:
    """Queries held out in time order, answered by ranked lists."""

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout", "logged")

    def check_config(self, config: TaskConfig) -> None:
        """Refuse a split column where time splits the data."""
        if config.split.column and not config.timeless:
            raise ConfigError("split.column: the data has time, which splits it; remove it, or set time: none")

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> RankingStudyData:
        """Read and check the tables, and find where training ends."""
        from training.studies.ranking import RankingStudyData

        return RankingStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[RecommendationEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Measure a version on the present test part, or estimate the reward of its lists from logged exposures."""
        from training.studies.ranking_logged import evaluate_logged

        data = self.load(config, progress=progress)
        if evaluation.exposures is not None:
            return evaluate_logged(data, evaluation.load_estimator(), evaluation.exposures)
        return data.evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """List the ten best vehicles in stock for every customer."""
        from training.studies.ranking_score import score_customers

        return score_customers(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Compare the lists of the held-out queries."""
        from training.studies.ranking_gate import ranking_gate_checks

        return ranking_gate_checks(_metrics(candidate), candidate, champion, holdout)


class PanelStudy:
    """Forecasts of many series from rolling origins."""

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout",)

    def check_config(self, config: TaskConfig) -> None:
        """Refuse data without time, and a split column."""
        _refuse_split_column(config)
        if config.timeless:
            raise ConfigError("time: demand is a series in time; set time: sold_at")

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> PanelStudyData:
        """Read and check the tables, and lay the series out as a panel."""
        from training.studies.panel import PanelStudyData

        return PanelStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[DemandEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Measure a version on the present test part."""
        return self.load(config, progress=progress).evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Forecast every series from the last finished period."""
        from training.studies.panel_score import score_series

        return score_series(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Compare forecasts from the held-out origins."""
        from training.studies.panel_gate import panel_gate_checks

        return panel_gate_checks(_metrics(candidate), candidate, champion, holdout)


class SurveillanceStudy:
    """Baseline rates from the reference weeks, tested on the weeks after them."""

    evaluation_methods: Sequence[EvaluationMethod] = ("holdout",)

    def check_config(self, config: TaskConfig) -> None:
        """Refuse data without time, and a split column."""
        _refuse_split_column(config)
        if config.timeless:
            raise ConfigError("time: faults are watched in time; set time: serviced_at")

    def load(
        self, config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None
    ) -> SurveillanceStudyData:
        """Read and check the tables, and lay faults and exposure out week by week."""
        from training.studies.surveillance import SurveillanceStudyData

        return SurveillanceStudyData.read(config, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[FaultEstimator], *, progress: Progress | None = None
    ) -> Report:
        """Measure a version on the present test part."""
        return self.load(config, progress=progress).evaluate(evaluation.load_estimator())

    def score(self, model: Model, config: TaskConfig, **options: Any) -> pl.DataFrame:
        """Return the evidence on every cell that the version tests."""
        from training.studies.surveillance_score import score_cells

        return score_cells(model, config, **options)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Compare expected counts of the test weeks."""
        from training.studies.row_gate import row_gate_checks

        return row_gate_checks(_metrics(candidate), candidate, champion, holdout)


def _metrics(model: Model) -> Mapping[str, Any]:
    return model.task.problem.metrics


def _refuse_split_column(config: TaskConfig) -> None:
    """Refuse a split column: only ranking data without time has one."""
    if config.split.column:
        raise ConfigError(f"split.column: {config.task} is split by time or at random; remove it")
