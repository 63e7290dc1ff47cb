"""Surveillance studies: baseline rates from the reference weeks, tested on the weeks after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import polars as pl
from pydantic import BaseModel

from features.errors import DataError
from ml.fault_rate.endpoints import strongest_cell
from ml.fault_rate.estimator import FEATURES, FaultEstimator
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.surveillance import run_surveillance
from ml.report.report import Report
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.row_report import BASELINE, TEST_ROWS
from training.studies.surveillance_data import SurveillanceData, rows_of_weeks
from training.studies.surveillance_report import baseline_predictions, evaluate_faults


@dataclass(frozen=True)
class SurveillanceStudyData(SurveillanceData):
    """Weekly faults and exposure with the methods that train, evaluate and describe the task.

    Returned by ``SurveillanceStudyData.read(load_config("fault_rate"))``; `training.study` calls the other methods.
    """

    def fit(self, *, progress: Progress | None = None) -> Fitted[FaultEstimator]:
        """Estimate baseline rates from the reference weeks and test the weeks after them.

        Parameters
        ----------
        progress : Progress, optional
            Called with a line of text for each step.

        Returns
        -------
        Fitted
            `served` and `evaluated`: the same `FaultEstimator`.

        Raises
        ------
        DataError
            The records have no week after the reference weeks, or the reference weeks have no fault.
        """
        say = progress or (lambda text: None)
        weeks = self.params.reference_weeks
        say(f"estimating baseline rates from {weeks} weeks, testing {max(self.exposure.weeks - weeks, 0)} weeks")
        estimator = FaultEstimator(self.snapshot(self.result))
        return Fitted(estimator, estimator)

    def evaluate(self, estimator: FaultEstimator) -> Report:
        """Return the report on the test weeks: metrics of the baseline rates, weeks to detection, notes.

        Parameters
        ----------
        estimator : FaultEstimator
            ``fit().evaluated``.
        """
        return evaluate_faults(self, estimator, self.result)

    def save_holdout(self, folder: Path, fitted: Fitted[FaultEstimator]) -> None:
        """Write the rows of the test weeks to a Parquet file in `folder`, which must exist.

        Columns of `training.studies.surveillance_data.rows_of_weeks`, and the predictions of the report's baseline.
        `fitted`, as returned by `fit`, is not read.

        Raises
        ------
        DataError
            The file cannot be written.
        """
        try:
            rows = self.test_weeks()
            rows.with_columns(pl.Series(BASELINE, baseline_predictions(self, self.result, rows))).write_parquet(
                folder / TEST_ROWS
            )
        except OSError as e:
            raise DataError(
                f"the rows of the test weeks could not be written to {folder}: {e.strerror}; free space there"
            ) from None

    def feature_names(self, estimator: FaultEstimator) -> list[str]:
        """Return the names of the columns that `FaultEstimator.predict` reads; the same for every estimator."""
        return list(FEATURES)

    def example(self, estimator: FaultEstimator) -> dict[str, Any]:
        """Return `model` and `component` of the cell nearest to an alarm: the example request of the model card.

        Parameters
        ----------
        estimator : FaultEstimator
            ``fit().served``.
        """
        return strongest_cell(estimator)

    def describe(self) -> DataSummary:
        """Return counts of faults, weeks, models and components, and the feature names, without fitting anything."""
        f, start = self.exposure, min(self.params.reference_weeks, self.exposure.weeks)
        return {
            "examples": {
                "faults": {"total": len(f.week), "reference": int((f.week < start).sum())},
                "weeks": {"total": f.weeks, "reference": start},
                "cells": {"models": f.strata["model"].n_unique(), "components": len(f.components)},
            },
            "numeric": ["age", "monthly_km", "vehicle_years"],
            "categorical": ["model", "energy_type", "component", "month"],
            "leaks": (),
        }

    def validation_scores(self) -> Iterator[float]:
        """Yield one value: the primary metric on the last third of the reference weeks, fitted on the weeks before."""
        start = self.params.reference_weeks
        cut = max(2, start * 2 // 3)
        alpha = self.params.false_alarm_rate
        surveillance = run_surveillance(
            self.exposure, start=cut, alpha=alpha, longest_delay=self.params.longest_delay_days
        )
        rows = rows_of_weeks(self.exposure, surveillance, cut, start)
        estimator = FaultEstimator(Snapshot.of(surveillance, alpha=alpha, vehicles=None, costs={}))
        metric = self.problem.metrics[self.config.definition.primary_metric]
        yield float(metric.compute(rows["label"].to_numpy(), metric.select(estimator.predict(rows))))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same data under other parameters, an instance of `ml.fault_rate.params.FaultParams`."""
        return replace(self, config=self.config.model_copy(update={"params": params}))
