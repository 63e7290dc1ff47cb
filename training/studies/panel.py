"""Study of a task that forecasts a panel: fit before the held-out origins, evaluate from each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel

from ml.demand_forecast.estimator import DemandEstimator, ended_series
from ml.demand_forecast.forecaster import Forecaster
from ml.report.report import Report
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts, holdout_forecasts, write_holdout
from training.studies.panel_report import evaluate_demand


@dataclass(frozen=True)
class PanelStudyData(PanelData):
    """A panel of series with the steps of training and evaluation.

    Make one with ``PanelStudyData.read(load_config("demand_forecast"))``, after the imports of the example.
    `panel.sold` has the units sold by series and period, `origins` the held-out columns of the panel.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.panel import PanelStudyData
    >>> study = PanelStudyData.read(load_config("demand_forecast"))  # doctest: +SKIP
    >>> fitted = study.fit()  # doctest: +SKIP
    >>> study.evaluate(fitted.evaluated).metrics["weighted_quantile_loss"].value  # doctest: +SKIP
    """

    def fit(self, *, progress: Progress | None = None) -> Fitted[DemandEstimator]:
        """Fit on the periods before the first held-out origin; with `config.refit`, refit on all periods to serve.

        Parameters
        ----------
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        Fitted of DemandEstimator
            `evaluated` (fitted without the held-out periods) and `served`: `series_forecasts` of each has `mean`
            (units, shape (n_series, horizon)) and `quantiles`, `level_forecasts` the totals.

        Raises
        ------
        DataError
            The history is too short; the message has the number of periods needed.
        """
        self.check_history_length()
        progress = progress or (lambda text: None)
        first, panel = self.origins[0], self.panel
        forecaster = self.fit_forecaster(progress=progress)
        if not self.config.refit:
            estimator = DemandEstimator.from_forecaster(
                forecaster, panel, self.on_hand, trained_until=panel.first + first, progress=progress
            )
            return Fitted(estimator, estimator)
        forecast, _ = self.origin_forecasts(forecaster).at(first)  # cached: the report uses it too
        evaluated = DemandEstimator.from_forecaster(
            forecaster, panel.until(first), trained_until=panel.first + first, forecast=forecast
        )
        progress("refitting on the whole history, to serve")
        refitted = Forecaster(self.params).fit(panel, progress=progress)
        served = DemandEstimator.from_forecaster(
            refitted, panel, self.on_hand, trained_until=panel.first + panel.periods, progress=progress
        )
        return Fitted(served, evaluated)

    def evaluate(self, estimator: DemandEstimator) -> Report:
        """Return the report on the forecasts from the held-out origins.

        Parameters
        ----------
        estimator : DemandEstimator
            Fitted before these origins: ``fit().evaluated``.

        Returns
        -------
        Report
            Sections: metrics with 95 % intervals and naive baselines, gain over the best single forecast, calibration,
            segments, totals by level, and order costs. `metrics` by name has `value`, `low`, `high` and `baseline`;
            ``report["metrics"]`` returns a section by name.

        Raises
        ------
        DataError
            No outcome is observed after the held-out origins.
        """
        return evaluate_demand(self, estimator)

    def save_holdout(self, folder: Path, fitted: Fitted[DemandEstimator]) -> None:
        """Write the panel, the held-out origins, and the forecasts from them, into an existing folder.

        `training.studies.panel_forecasts.read_holdout` reads the files.

        Parameters
        ----------
        folder : Path
            Existing folder; it gets `test_panel.json`, `test_panel.npz`, `test_origins.json` and `test_rows.parquet`.
        fitted : Fitted of DemandEstimator
            Result of this object's method `fit()`; only `evaluated` is read.

        Raises
        ------
        DataError
            The folder cannot be written.
        """
        rows = holdout_forecasts(self.origin_forecasts(fitted.evaluated.forecaster), self.origins)
        write_holdout(folder, self.panel, self.origins, rows)

    def feature_names(self, estimator: DemandEstimator) -> list[str]:
        """Return the feature names of the trees in column order, such as `lag1` and `price_then`.

        Parameters
        ----------
        estimator : DemandEstimator
            ``fit().served`` or ``fit().evaluated``, of this object's method `fit`.
        """
        return estimator.features.names

    def example(self, estimator: DemandEstimator) -> dict[str, Any]:
        """Return a request for the series with the largest forecast: its key columns, and three quantile levels.

        Parameters
        ----------
        estimator : DemandEstimator
            ``fit().served``, of this object's method `fit`.

        Returns
        -------
        dict
            Such as ``{"store_id": "s1", "model": "a", "levels": [0.1, 0.5, 0.9]}``, the levels being probabilities.
        """
        row = int(estimator.series_forecasts.mean.sum(axis=1).argmax())
        return dict(self.panel.series.select(self.panel.keys).row(row, named=True)) | {"levels": [0.1, 0.5, 0.9]}

    def describe(self) -> DataSummary:
        """Return counts of series, periods and outcomes, and the names of drivers and attributes.

        Returns
        -------
        DataSummary
            A dict: `examples` (counts: `series`, `periods` and `outcomes`, each a dict of int), `numeric` (drivers),
            `categorical` (attributes), and `leaks` (None).
        """
        p, first = self.panel, self.origins[0]
        observed = np.isfinite(p.sold)
        return {
            "examples": {
                "series": {"total": len(p.sold), "ended": int(ended_series(p).sum())},
                "periods": {"total": p.periods, "training": max(first, 0), "test origins": len(self.origins)},
                "outcomes": {
                    "observed": int(observed.sum()),
                    "out of stock": int((observed & (p.available < 0.5)).sum()),
                },
            },
            "numeric": list(p.drivers),
            "categorical": [c for c in p.series.columns if c not in p.keys],
            "leaks": None,
        }

    def validation_scores(self) -> Iterator[float]:
        """Yield one value, the primary metric of the forecasts from one origin, a horizon before the held-out ones.

        Yields
        ------
        float
            Weighted quantile loss: quantile loss relative to the units sold, without unit; lower is better.

        Raises
        ------
        DataError
            The history is too short.
        """
        self.check_history_length()
        metric = self.problem.metrics[self.config.definition.primary_metric]
        cut = self.origins[0] - self.params.horizon
        rows = holdout_forecasts(OriginForecasts(self.panel, self.fit_forecaster(cut)), range(cut, cut + 1))
        yield float(metric.compute(rows["label"].to_numpy(), metric.select(rows)))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same panel under other parameters.

        The tables are not read again: `series`, `frequency`, `rows` and `gaps` must stay the same.

        Parameters
        ----------
        params : ml.demand_forecast.params.DemandParams
            Such as ``study.params.model_copy(update={"horizon": 3})``, with `study` this object.

        Returns
        -------
        PanelStudyData
            Copy with the new `params`.
        """
        return replace(self, config=self.config.model_copy(update={"params": params}))
