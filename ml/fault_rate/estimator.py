"""What training makes and the service loads: usual rates, and the watch as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl

from features.errors import DataError
from ml.artefacts.json_files import content_of
from ml.fault_rate.rules import AlarmRules, InspectionPlan, plan_inspection
from ml.fault_rate.snapshot import Snapshot
from ml.signature import Field, Signature

SNAPSHOT = "snapshot.npz"
READS = ("model", "energy_type", "component", "age", "monthly_km", "month", "vehicle_years")


class FaultEstimator:
    """Weekly surveillance of fault counts by model and component, as of the last run.

    Attributes
    ----------
    snapshot : Snapshot
        The watch that answers; `follow` replaces it by that of a later weekly run.
    rules : AlarmRules
        The house's, where `follow` found them.
    states : mapping of (str, str) to (int, str)
        Number and state of the alarm of each cell that has one in the store.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.trained = self.snapshot = snapshot
        self.rules = AlarmRules()
        self.states: Mapping[tuple[str, str], tuple[int, str]] = {}
        self.signature = self._signature()
        self._called: dict[Any, InspectionPlan | None] = {}

    @property
    def notes(self) -> Sequence[str]:
        """What was left out, and why."""
        return self.trained.notes

    def importance(self) -> dict[str, float]:
        """How much each effect moves the usual rate: spread of the logarithm of its mean over its bands."""
        baseline_rates = self.trained.baseline_rates
        bands = len(baseline_rates.distance_limits) + 1
        known = [i for i, kind in enumerate(baseline_rates.model_kinds) if kind != "unknown"]
        if not known:
            return {"age": 0.0, "monthly_km": 0.0, "month": 0.0}
        rates = np.log(np.maximum(baseline_rates.rates[known], 1e-12)).reshape(len(known), -1, bands + 1, 12)
        spread = {
            "age": rates.mean(axis=(2, 3)).std(axis=1),
            "monthly_km": rates[:, :, 1:].mean(axis=(1, 3)).std(axis=1),
            "month": rates.mean(axis=(1, 2)).std(axis=1),
        }
        return {name: float(value.mean()) for name, value in spread.items()}

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        """Faults to be expected of each row: `model`, `energy_type`, `component`, `age` (years), `monthly_km`, `month`
        (0 to 11) and `vehicle_years` at risk.

        Raises
        ------
        DataError
            A component is not known.
        """
        baseline_rates = self.trained.baseline_rates
        strange = sorted(set(X["component"].unique()) - set(baseline_rates.components))
        if strange:
            raise DataError(
                f"component: '{strange[0]}' is not known; known are: {', '.join(baseline_rates.components)}"
            )
        found = np.zeros(X.height)
        driven = baseline_rates.distance_band(X["monthly_km"].cast(pl.Float64).fill_null(float("nan")).to_numpy())
        component = X["component"].to_numpy()
        for c, name in enumerate(baseline_rates.components):
            rows = np.flatnonzero(component == name)
            mine = X[rows]
            rate = baseline_rates.yearly_rate(
                c, age=mine["age"].to_numpy(), distance_band=driven[rows], month=mine["month"].to_numpy()
            )
            has = baseline_rates.has_component(c, mine["model"].to_list(), mine["energy_type"].to_list())
            found[rows] = np.where(has, rate, 0.0) * mine["vehicle_years"].to_numpy() * self.trained.scale
        return pl.DataFrame({"expected": found})

    def inspection_plan(
        self, model: str, component: str, *, built: tuple[int | None, int | None], posterior: tuple[float, float]
    ) -> InspectionPlan | None:
        """What calling vehicles in brings, kept until something changes; see `ml.fault_rate.rules.plan_inspection`."""
        key = (id(self.snapshot), self.rules, model, component, built, posterior)
        if key not in self._called:
            found = plan_inspection(self.snapshot, model, component, self.rules, built=built, posterior=posterior)
            self._called = {**dict(list(self._called.items())[-31:]), key: found}
        return self._called[key]

    def to_files(self) -> dict[str, bytes]:
        """Write the watch."""
        return {SNAPSHOT: self.trained.to_file()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        return cls(Snapshot.from_file(content_of(files, SNAPSHOT), SNAPSHOT))

    def _signature(self) -> Signature:
        names = [Field(name=n, kind="text", feature=True) for n in ("model", "energy_type", "component")]
        numbers = [Field(name=n, kind="number", feature=True, computed=True) for n in READS[3:]]
        return Signature(fields=(*names, *numbers))
