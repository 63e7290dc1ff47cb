"""Panel studies: forecasts from rolling origins, each made from the periods before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from pydantic import BaseModel

from features.errors import ConfigError
from ml.champions import GateCheck
from ml.demand_forecast.estimator import DemandEstimator, ended
from ml.demand_forecast.forecaster import Forecaster
from ml.model import Model
from ml.problem import PanelProblem
from ml.report.report import Report
from training.config import TaskConfig
from training.studies.fitted import EvaluatedBy, Evaluation, Fitted
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts, holdout_forecasts
from training.studies.panel_gate import panel_gate_checks
from training.studies.panel_holdout import write_holdout
from training.studies.panel_report import evaluate_demand
from training.studies.panel_score import score_series
from training.studies.row_data import Say, refuse_split_column


@dataclass(frozen=True)
class PanelStudyData(PanelData):
    """A panel of series that trains and tests."""

    def fit(self, *, progress: Say | None = None) -> Fitted[DemandEstimator]:
        """Fit on the periods before the test; under `refit` fit once more on all periods, for service."""
        self.refuse_short()
        say = progress or (lambda text: None)
        first, panel = self.origins[0], self.panel
        forecaster = self.learn(progress=say)
        if not self.config.refit:
            estimator = DemandEstimator.make(
                forecaster, panel, self.on_hand, learnt_until=panel.first + first, progress=say
            )
            return Fitted(estimator, estimator)
        evaluated = DemandEstimator.make(forecaster, panel.until(first), learnt_until=panel.first + first)
        say("learning once more from the whole history, for service")
        refitted = Forecaster(self.params).fit(panel, progress=say)
        until = panel.first + panel.periods
        return Fitted(DemandEstimator.make(refitted, panel, self.on_hand, learnt_until=until, progress=say), evaluated)

    def evaluate(self, estimator: DemandEstimator) -> Report:
        """Measure forecasts from the test's origins."""
        return evaluate_demand(self, estimator)

    def save_holdout(self, folder: Path, fitted: Fitted[DemandEstimator]) -> None:
        """Write the panel, the origins, and the forecasts from them."""
        rows = holdout_forecasts(self.forecasts_of(fitted.evaluated), self.origins)
        write_holdout(folder, self.panel, self.origins, rows)

    def feature_names(self, estimator: DemandEstimator) -> list[str]:
        """What the trees read."""
        return estimator.past.names

    def example(self, estimator: DemandEstimator) -> dict[str, Any]:
        """The series of which most is expected."""
        best = int(estimator.told.mean.sum(axis=1).argmax())
        return dict(self.panel.series.select(self.panel.keys).row(best, named=True)) | {"levels": [0.1, 0.5, 0.9]}

    def describe(self) -> dict[str, Any]:
        """What a training would see."""
        p, first = self.panel, self.origins[0]
        known = np.isfinite(p.sold)
        return {
            "examples": {
                "series": {"in all": len(p.sold), "ended": int(ended(p).sum())},
                "periods": {"in all": p.periods, "learnt from": max(first, 0), "test origins": len(self.origins)},
                "outcomes": {"known": int(known.sum()), "without stock": int((known & (p.available < 0.5)).sum())},
            },
            "numeric": list(p.drivers),
            "categorical": [c for c in p.series.columns if c not in p.keys],
        }

    def validation_scores(self) -> Iterator[float]:
        """The loss from one origin, a horizon before the test, of what is learnt before that."""
        self.refuse_short()
        metric = self.problem.metrics[self.config.definition.primary_metric]
        cut = self.origins[0] - self.params.horizon
        rows = holdout_forecasts(OriginForecasts(self.panel, self.learn(cut)), range(cut, cut + 1))
        yield float(metric.compute(rows["label"].to_numpy(), metric.of(rows)))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same data under other parameters."""
        return replace(self, config=self.config.model_copy(update={"params": params}))


class PanelStudy:
    """Studies of `PanelProblem`."""

    evaluations: Sequence[EvaluatedBy] = ("holdout",)

    def check_config(self, config: TaskConfig) -> None:
        """Refuse data without time, and a split column."""
        refuse_split_column(config)
        if config.timeless:
            raise ConfigError("time: demand is a series in time; set time: sold_at")

    def load(self, config: TaskConfig, *, engine: str = "polars", progress: Say | None = None) -> PanelStudyData:
        """Read and check the tables, and lay the series out as a panel."""
        return PanelStudyData.read(config, engine=engine, progress=progress)

    def evaluate(
        self, config: TaskConfig, evaluation: Evaluation[DemandEstimator], *, progress: Say | None = None
    ) -> Report:
        """Measure a version on the present test part."""
        return self.load(config, progress=progress).evaluate(evaluation.estimator())

    def score(
        self,
        model: Model,
        config: TaskConfig,
        *,
        data: Path | None,
        as_of: datetime | None,
        progress: Say | None = None,
    ) -> pl.DataFrame:
        """Forecast every series from the last finished period."""
        return score_series(model, config, data=data, as_of=as_of, progress=progress)

    def gate_checks(self, candidate: Model, champion: Model | None, holdout: Path) -> Sequence[GateCheck]:
        """Compare forecasts from the held-out origins."""
        problem = candidate.task.problem
        assert isinstance(problem, PanelProblem)
        return panel_gate_checks(problem.metrics, candidate, champion, holdout)
