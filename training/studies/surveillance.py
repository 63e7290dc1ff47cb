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

    Make one with ``SurveillanceStudyData.read(load_config("fault_rate"))``, after the imports of the example.
    `exposure` has the weekly vehicle-years and faults, `params.reference_weeks` the number of weeks that baseline rates
    are estimated from.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.surveillance import SurveillanceStudyData
    >>> study = SurveillanceStudyData.read(load_config("fault_rate"))  # doctest: +SKIP
    >>> fitted = study.fit()  # doctest: +SKIP
    >>> report = study.evaluate(fitted.evaluated)  # doctest: +SKIP
    """

    def fit(self, *, progress: Progress | None = None) -> Fitted[FaultEstimator]:
        """Estimate baseline rates from the reference weeks and test the weeks after them.

        Parameters
        ----------
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        Fitted
            `served` and `evaluated`: the same `ml.fault_rate.estimator.FaultEstimator`; its `predict` returns expected
            faults per row, its `snapshot` the evidence of every cell.

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
            ``fit().evaluated``, of this object's method `fit`.

        Returns
        -------
        ml.report.report.Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` (calibration, faults by
            month and segment, weeks to detection) and `notes`.
        """
        return evaluate_faults(self, estimator, self.result)

    def save_holdout(self, folder: Path, fitted: Fitted[FaultEstimator]) -> None:
        """Write the rows of the test weeks to `test_rows.parquet`.

        The file has the columns of `training.studies.surveillance_data.rows_of_weeks`, and `baseline_prediction`
        (faults).

        Parameters
        ----------
        folder : Path
            Existing folder to write into.
        fitted : object
            Not read; None will do.

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
        """Return the names of the columns that the estimator's `predict` reads, such as `model` and `component`.

        Parameters
        ----------
        estimator : object
            Not read: the names are the same for every estimator; None will do.
        """
        return list(FEATURES)

    def example(self, estimator: FaultEstimator) -> dict[str, Any]:
        """Return `model` and `component` of the cell nearest to an alarm: the example request of the model card.

        Parameters
        ----------
        estimator : FaultEstimator
            ``fit().served``, of this object's method `fit`.

        Returns
        -------
        dict
            Such as ``{"model": "a", "component": "battery"}``.
        """
        return strongest_cell(estimator)

    def describe(self) -> DataSummary:
        """Return counts of faults, weeks, models and components, and the feature names, without fitting anything.

        Returns
        -------
        DataSummary
            A dict: `examples` (counts: `faults`, `weeks` and `cells`, each a dict of int), `numeric` and `categorical`
            (feature names), and `leaks` (None).
        """
        f, start = self.exposure, min(self.params.reference_weeks, self.exposure.weeks)
        return {
            "examples": {
                "faults": {"total": int(f.events.sum()), "reference": int(f.events[f.week < start].sum())},
                "weeks": {"total": f.weeks, "reference": start},
                "cells": {"models": f.strata["model"].n_unique(), "components": len(f.components)},
            },
            "numeric": ["age", "monthly_km", "vehicle_years"],
            "categorical": ["model", "energy_type", "component", "month"],
            "leaks": None,
        }

    def validation_scores(self) -> Iterator[float]:
        """Yield one value: the primary metric on the last third of the reference weeks, fitted on the weeks before.

        Yields
        ------
        float
            In the unit of the metric `config.definition.primary_metric`.

        Raises
        ------
        DataError
            The weeks before have no fault.
        """
        start = self.params.reference_weeks
        cut = max(2, start * 2 // 3)
        alpha = self.params.false_alarm_rate
        surveillance = run_surveillance(
            self.exposure,
            start=cut,
            alpha=alpha,
            longest_delay=self.params.longest_delay_days,
            rate_drift=self.params.rate_drift,
        )
        rows = rows_of_weeks(self.exposure, surveillance, cut, start)
        estimator = FaultEstimator(Snapshot.of(surveillance, alpha=alpha, vehicles=None, costs={}))
        metric = self.problem.metrics[self.config.definition.primary_metric]
        yield float(metric.compute(rows["label"].to_numpy(), metric.select(estimator.predict(rows))))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same data under other parameters.

        Parameters
        ----------
        params : ml.fault_rate.params.FaultParams
            Such as ``study.params.model_copy(update={"reference_weeks": 78})``, with `study` this object.

        Returns
        -------
        SurveillanceStudyData
            Copy with the new `params`; the tables are not read again.
        """
        return replace(self, config=self.config.model_copy(update={"params": params}))
