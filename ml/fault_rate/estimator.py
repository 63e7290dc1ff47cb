"""Estimator of `fault_rate`: training writes it and the service loads it; it holds baseline rates and surveillance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl

from features.errors import DataError
from ml.artefacts.json_files import content_of
from ml.fault_rate.campaign import InspectionPlan, plan_inspection
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.safety_store import STORED
from ml.fault_rate.snapshot import Snapshot
from ml.signature import Field, Signature

SNAPSHOT = "snapshot.npz"
FEATURES = ("model", "energy_type", "component", "age", "monthly_km", "month", "vehicle_years")


class FaultEstimator:
    """Weekly surveillance of fault counts by model and component, as of the last weekly run.

    Fitted by `training.studies.surveillance.SurveillanceStudyData.fit`; a registered one is
    ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator``.

    Parameters
    ----------
    snapshot : Snapshot
        Surveillance at the end of training, as returned by `ml.fault_rate.snapshot.Snapshot.of`.

    Attributes
    ----------
    trained : Snapshot
        The snapshot of the training; `predict` and `importance` use its baseline rates.
    snapshot : Snapshot
        The snapshot that answers requests; `LiveUpdates` replaces it by that of a later weekly run.
    rules : AlarmRules
        Rules of `configs/fault_alarms.yaml` that `ml.fault_rate.live_updates.LiveUpdates` read last; the defaults of
        `ml.fault_rate.rules.AlarmRules` before.
    states : mapping of (str, str) to (int, str)
        Id and state of the latest stored alarm by (model, component).
    safety_reports : DataFrame
        Stored reports of dangerous faults, as returned by `ml.fault_rate.safety_store.SafetyStore.reports`.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.trained = self.snapshot = snapshot
        self.rules = AlarmRules()
        self.states: Mapping[tuple[str, str], tuple[int, str]] = {}
        self.safety_reports = pl.DataFrame(schema=STORED)
        self.signature = self._signature()
        self._plans: dict[Any, InspectionPlan | None] = {}

    @property
    def notes(self) -> Sequence[str]:
        """Records that were left out of the training data, and why."""
        return self.trained.notes

    def importance(self) -> dict[str, float]:
        """Return the effect of `age`, `monthly_km` and `month` on the baseline rate, by these names.

        The effect is the standard deviation over bands of the mean log rate, averaged over components: 0.1 means that
        the rate of a band differs from the mean by about 10%.
        """
        baseline = self.trained.baseline_rates
        bands = len(baseline.distance_limits) + 1
        fitted = [i for i, kind in enumerate(baseline.model_kinds) if kind != "unknown"]
        if not fitted:
            return {"age": 0.0, "monthly_km": 0.0, "month": 0.0}
        log_rates = np.log(np.maximum(baseline.rates[fitted], 1e-12)).reshape(len(fitted), -1, bands + 1, 12)
        spread = {
            "age": log_rates.mean(axis=(2, 3)).std(axis=1),
            "monthly_km": log_rates[:, :, 1:].mean(axis=(1, 3)).std(axis=1),
            "month": log_rates.mean(axis=(1, 2)).std(axis=1),
        }
        return {name: float(value.mean()) for name, value in spread.items()}

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """Return the faults expected at the rate that each model had in the reference weeks.

        The baseline rate times the most likely own rate ratio of the model (`Snapshot.likely_own_ratio`), 1 for a model
        without reference weeks. Later weeks do not count, so that predictions of the test weeks contain nothing of
        them. In a cell with an alarm whose fault was in the reference weeks already, the normal rate is lower:
        `ml.fault_rate.rate_ratios.normal_ratio`.

        Parameters
        ----------
        X : DataFrame
            `model`, `energy_type`, `component`, `age` (years), `monthly_km` (null where unknown), `month` (0 to 11) and
            `vehicle_years` (exposure of the row), as returned by `training.studies.surveillance_data.rows_of_weeks`.

        Returns
        -------
        DataFrame
            `expected`: faults of each row of `X`.

        Raises
        ------
        DataError
            `X` names a component without a baseline rate.
        """
        baseline = self.trained.baseline_rates
        unknown = sorted(set(X["component"].unique()) - set(baseline.components))
        if unknown:
            raise DataError(
                f"component: '{unknown[0]}' has no baseline rate; use one of {', '.join(baseline.components)}"
            )
        expected = np.zeros(X.height)
        distance_band = baseline.distance_band(X["monthly_km"].cast(pl.Float64).fill_null(float("nan")).to_numpy())
        component = X["component"].to_numpy()
        own_ratios = self.trained.cells.with_columns(own_ratio=pl.Series(self.trained.likely_own_ratio))
        for c, name in enumerate(baseline.components):
            index = np.flatnonzero(component == name)
            rows = X[index]
            rate = baseline.yearly_rate(
                c, age=rows["age"].to_numpy(), distance_band=distance_band[index], month=rows["month"].to_numpy()
            )
            present = baseline.has_component(c, rows["model"].to_list(), rows["energy_type"].to_list())
            vehicle_years = rows["vehicle_years"].to_numpy()
            own = rows.select("model").join(
                own_ratios.filter(component=name), on="model", how="left", maintain_order="left"
            )
            ratio = own["own_ratio"].fill_null(1.0).to_numpy() * self.trained.scale
            expected[index] = np.where(present, rate, 0.0) * vehicle_years * ratio
        return pl.DataFrame({"expected": expected})

    def inspection_plan(
        self, model: str, component: str, *, built: tuple[int | None, int | None], posterior: tuple[float, float]
    ) -> InspectionPlan | None:
        """Return the vehicles of a model to inspect under the present snapshot and rules; the last 32 plans are cached.

        Parameters
        ----------
        model, component : str
            A row of `snapshot.cells`.
        built : tuple of int or None
            Affected builds as days from 1970-01-01: from the first and before the second; None leaves a side open.
        posterior : tuple of float
            Shape and rate of the gamma posterior of the rate ratio, from `ml.fault_rate.rate_ratios.cell_posterior`.

        Returns
        -------
        InspectionPlan or None
            As returned by `ml.fault_rate.campaign.plan_inspection`: verdict, options with costs and benefits in yuan,
            and ranked vehicles; None without a fleet table.
        """
        key = (id(self.snapshot), self.rules, model, component, built, posterior)
        if key not in self._plans:
            plan = plan_inspection(self.snapshot, model, component, self.rules, built=built, posterior=posterior)
            self._plans = {**dict(list(self._plans.items())[-31:]), key: plan}
        return self._plans[key]

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the npz file of the trained snapshot, by file name."""
        return {SNAPSHOT: self.trained.to_file()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore an estimator from the files of `to_files`.

        Raises
        ------
        DataError, ModelNotFound
            The file is missing or damaged.
        """
        return cls(Snapshot.from_file(content_of(files, SNAPSHOT), SNAPSHOT))

    def _signature(self) -> Signature:
        names = [Field(name=n, kind="text", feature=True) for n in ("model", "energy_type", "component")]
        numbers = [Field(name=n, kind="number", feature=True, computed=True) for n in FEATURES[3:]]
        return Signature(fields=(*names, *numbers))
