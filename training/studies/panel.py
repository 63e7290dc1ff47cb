"""Panel studies: forecasts from rolling origins, each made from the periods before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel

from ml.demand_forecast.estimator import DemandEstimator, ended
from ml.demand_forecast.forecaster import Forecaster
from ml.report.report import Report
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts, holdout_forecasts, write_holdout
from training.studies.panel_report import evaluate_demand


@dataclass(frozen=True)
class PanelStudyData(PanelData):
    """A panel of series that trains and tests."""

    def fit(self, *, progress: Progress | None = None) -> Fitted[DemandEstimator]:
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
        forecast, _ = self.forecasts_of(forecaster).at(first)  # the report needs it too
        history, until = panel.until(first), panel.first + first
        evaluated = DemandEstimator.make(forecaster, history, learnt_until=until, forecast=forecast)
        say("learning once more from the whole history, for service")
        refitted = Forecaster(self.params).fit(panel, progress=say)
        until = panel.first + panel.periods
        return Fitted(DemandEstimator.make(refitted, panel, self.on_hand, learnt_until=until, progress=say), evaluated)

    def evaluate(self, estimator: DemandEstimator) -> Report:
        """Measure forecasts from the test's origins."""
        return evaluate_demand(self, estimator)

    def save_holdout(self, folder: Path, fitted: Fitted[DemandEstimator]) -> None:
        """Write the panel, the origins, and the forecasts from them."""
        rows = holdout_forecasts(self.forecasts_of(fitted.evaluated.forecaster), self.origins)
        write_holdout(folder, self.panel, self.origins, rows)

    def feature_names(self, estimator: DemandEstimator) -> list[str]:
        """What the trees read."""
        return estimator.past.names

    def example(self, estimator: DemandEstimator) -> dict[str, Any]:
        """The series of which most is expected."""
        best = int(estimator.told.mean.sum(axis=1).argmax())
        return dict(self.panel.series.select(self.panel.keys).row(best, named=True)) | {"levels": [0.1, 0.5, 0.9]}

    def describe(self) -> DataSummary:
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
            "leaks": (),
        }

    def validation_scores(self) -> Iterator[float]:
        """The loss from one origin, a horizon before the test, of what is learnt before that."""
        self.refuse_short()
        metric = self.problem.metrics[self.config.definition.primary_metric]
        cut = self.origins[0] - self.params.horizon
        rows = holdout_forecasts(OriginForecasts(self.panel, self.learn(cut)), range(cut, cut + 1))
        yield float(metric.compute(rows["label"].to_numpy(), metric.select(rows)))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same data under other parameters."""
        return replace(self, config=self.config.model_copy(update={"params": params}))
