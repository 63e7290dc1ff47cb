"""Snapshot of the surveillance in one file: cells, evidence, alarms, baseline rates and vehicles in service."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from features.errors import DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import PARAMS, from_npz, member, pack_params, to_npz, unpack_params
from ml.domain.arrays import FloatArray
from ml.fault_rate.baseline_rates import BaselineRates
from ml.fault_rate.exposure import WEEK_DAYS
from ml.fault_rate.model_effects import RAISED
from ml.fault_rate.shared_rise import shared_rises
from ml.fault_rate.surveillance import ALARM, SurveillanceResult
from ml.fault_rate.vehicles import Vehicles

RECENT_WEEKS = 13
METADATA = frozenset(
    {
        "basis", "first_day", "until_day", "alpha", "between_model_variance", "between_model_sd", "rate_drift", "scale",
        "notes", "alarms", "raised", "costs", "has_vehicles", "timezone",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """State of the surveillance at the end of one week, as returned by `Snapshot.of` and `Snapshot.from_file`.

    ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot`` is that of the champion.

    Attributes
    ----------
    basis : {'exposure', 'reports'}
        Denominator of the fault rates: vehicles in service, or workshop visits where there is no fleet table.
    first_day, until_day : float
        Days from 1970-01-01 by the local calendar: start of the first test week, and the day before which reports
        count.
    alpha : float
        Family-wise false-alarm rate.
    between_model_variance, between_model_sd : float
        Variance of the cells' own rate ratios around the baseline, upper 95% limit: the prior of the evidence; and
        their most likely standard deviation.
    rate_drift : float
        Standard deviation of a cell's rate in the test weeks over that of the reference weeks, without a fault.
    scale : float
        Mean rate ratio of the cells that are no outliers; it multiplies the baseline rates.
    cells : DataFrame
        `model`, `component` of each cell.
    own_shape, own_rate : ndarray of shape (n_cells,)
        Shape and rate of the gamma posterior of each cell's own rate ratio, its normal rate over the baseline rate,
        given its reference weeks: ``gamma(1 / v + n, 1 / v + e)`` with v the between-model variance. A model without
        reference weeks has the prior ``gamma(1 / v, 1 / v)``.
    raised : DataFrame
        Cells whose own rate was credibly higher than that of the other models in the reference weeks already, from
        `ml.fault_rate.model_effects.raised_cells`.
    count, expected, log_e : ndarray of shape (n_cells, n_test_weeks)
        Cumulative reported faults, their expected value at the normal rate of the cell, and the log evidence at the end
        of each test week.
    alarm_threshold : ndarray of shape (n_cells,)
        Log evidence at which a cell raises an alarm.
    expected_weekly : ndarray of shape (n_cells,)
        Expected faults per week at the normal rate of the cell, mean of the last 13 weeks.
    builds : ndarray of shape (n_rows, 7)
        A row for each cell and build period in service, with the columns: row of `cells`, half-year of builds
        since 1970-01-01, faults and expected faults of the reference weeks, those of the test weeks reported by now,
        and expected faults per week of the last 13 weeks; expected values at the baseline rates times `scale`.
    alarms : DataFrame
        As returned by `ml.fault_rate.surveillance.SurveillanceResult.alarms`.
    baseline_rates : BaselineRates
        Faults per vehicle-year by component, age, distance and season.
    costs : mapping of str to float
        Mean cost (yuan) of a visit for a fault, by component; from
        `ml.fault_rate.fault_costs.mean_fault_costs`.
    vehicles : Vehicles or None
        None without a fleet table.
    notes : tuple of str
        Records that were left out, and why; components that rise in the models without an alarm too.
    timezone : str
        IANA name of the time zone of the days.
    """

    basis: str
    first_day: float
    until_day: float
    alpha: float
    between_model_variance: float
    between_model_sd: float
    rate_drift: float
    scale: float
    cells: pl.DataFrame
    own_shape: FloatArray
    own_rate: FloatArray
    raised: pl.DataFrame
    count: FloatArray
    expected: FloatArray
    log_e: FloatArray
    alarm_threshold: FloatArray
    expected_weekly: FloatArray
    builds: FloatArray
    alarms: pl.DataFrame
    baseline_rates: BaselineRates
    costs: Mapping[str, float]
    vehicles: Vehicles | None
    notes: tuple[str, ...]
    timezone: str = "UTC"

    @classmethod
    def of(
        cls,
        surveillance: SurveillanceResult,
        *,
        alpha: float,
        vehicles: Vehicles | None,
        costs: Mapping[str, float],
        timezone: str = "UTC",
    ) -> Self:
        """Return the snapshot of a surveillance result.

        Parameters
        ----------
        surveillance : SurveillanceResult
            As returned by `ml.fault_rate.surveillance.run_surveillance`.
        alpha : float
            Family-wise false-alarm rate that `run_surveillance` was called with.
        vehicles : Vehicles or None
            As returned by `ml.fault_rate.vehicles.vehicles_in_service`; None without a fleet table.
        costs : mapping of str to float
            Mean cost (yuan) by component, as returned by
            `ml.fault_rate.fault_costs.mean_fault_costs`; may be empty.
        timezone : str
            IANA name of the time zone whose days the exposure counts.
        """
        exposure, weeks = surveillance.exposure, surveillance.log_e.shape[1]
        first = exposure.first_day + WEEK_DAYS * surveillance.start
        return cls(
            basis=exposure.basis,
            first_day=float(first),
            until_day=float(first + WEEK_DAYS * weeks),
            alpha=alpha,
            between_model_variance=surveillance.population.upper,
            between_model_sd=math.sqrt(surveillance.population.variance),
            rate_drift=surveillance.references[0].drift,
            scale=surveillance.population.mean,
            cells=surveillance.cells,
            own_shape=np.array([reference.shape for reference in surveillance.references]),
            own_rate=np.array([reference.rate for reference in surveillance.references]),
            raised=surveillance.raised,
            count=surveillance.count,
            expected=surveillance.expected,
            log_e=surveillance.log_e,
            alarm_threshold=surveillance.alarm_threshold,
            expected_weekly=surveillance.expected_weekly(RECENT_WEEKS),
            builds=_builds(surveillance),
            alarms=surveillance.alarms(),
            baseline_rates=surveillance.expected_faults.baseline_rates,
            costs=costs,
            vehicles=vehicles,
            notes=(*exposure.notes, *shared_rises(surveillance)),
            timezone=timezone,
        )

    @property
    def evaluation_days(self) -> npt.NDArray[np.datetime64]:
        """The day after each test week; the week's figures contain the faults reported before it."""
        return np.floor(self.first_day + WEEK_DAYS * np.arange(1, self.log_e.shape[1] + 1)).astype("datetime64[D]")

    @property
    def test_shape(self) -> FloatArray:
        """Shape of each cell's own rate ratio in the test weeks: that of the posterior, with the drift. (n_cells,)."""
        return np.asarray(1 / (1 / self.own_shape + self.rate_drift**2))

    @property
    def likely_own_ratio(self) -> FloatArray:
        """Own rate ratio of each cell at the most likely variance between models, for forecasts. float64 (n_cells,).

        The evidence has the upper limit of the variance instead, which shrinks less: it must not take a model's own
        rate for a fault.
        """
        upper, likely = 1 / self.between_model_variance, 1 / self.between_model_sd**2
        return np.asarray((likely + self.own_shape - upper) / (likely + self.own_rate - upper))

    def row(self, model: str, component: str) -> int:
        """Return the row of a cell in `cells`, `count`, `expected` and `log_e`.

        Parameters
        ----------
        model, component : str
            Names of model and component, values of the columns of `cells`.

        Returns
        -------
        int
            Position, from 0.

        Raises
        ------
        DataError
            The model or component is not tested.
        """
        for name, value in (("model", model), ("component", component)):
            tested = self.cells[name].unique().sort().to_list()
            if value not in tested:
                listing = f"give one of: {', '.join(tested)}" if len(tested) <= 40 else f"{len(tested)} others are"
                raise DataError(f"{name}: '{value}' is not tested; {listing}")
        matches = self.cells.select((pl.col("model") == model) & (pl.col("component") == component)).to_series()
        return int(matches.arg_true()[0])

    def to_file(self) -> bytes:
        """Return the snapshot as the bytes of one npz file, without pickle; `from_file` restores it."""
        metadata = {
            "basis": self.basis, "first_day": self.first_day, "until_day": self.until_day, "alpha": self.alpha,
            "between_model_variance": self.between_model_variance, "between_model_sd": self.between_model_sd,
            "rate_drift": self.rate_drift, "scale": self.scale, "notes": list(self.notes), "costs": dict(self.costs),
            "alarms": json.loads(self.alarms.write_json()), "raised": self.raised.to_dicts(),
            "has_vehicles": self.vehicles is not None, "timezone": self.timezone,
        }  # fmt: skip
        arrays: dict[str, npt.NDArray[Any]] = {
            "model": np.array(self.cells["model"].to_list(), dtype=np.str_),
            "component": np.array(self.cells["component"].to_list(), dtype=np.str_),
            "count": self.count, "expected": self.expected, "log_e": self.log_e,
            "alarm_threshold": self.alarm_threshold, "expected_weekly": self.expected_weekly, "builds": self.builds,
            "own_shape": self.own_shape, "own_rate": self.own_rate,
        }  # fmt: skip
        vehicles = self.vehicles.to_arrays() if self.vehicles is not None else {}
        return to_npz({**pack_params(metadata), **arrays, **self.baseline_rates.to_arrays(), **vehicles})

    @classmethod
    def from_file(cls, content: bytes, name: str) -> Self:
        """Restore a snapshot from the bytes of `to_file`.

        Parameters
        ----------
        content : bytes
            Content of the file, such as ``load_alarm_rules(path).snapshot.read_bytes()``.
        name : str
            Name of the file, for messages.

        Raises
        ------
        DataError, ModelNotFound
            The file is damaged or lacks an array.
        """
        arrays = from_npz(content, name)
        metadata = unpack_params(arrays, keys=METADATA)
        cells = pl.DataFrame(
            {n: pl.Series(member(arrays, n, ndim=1).tolist(), dtype=pl.String) for n in ("model", "component")}
        )
        dates = [n for n, t in ALARM.items() if t == pl.Date]
        json_types = {n: pl.String if n in dates else t for n, t in ALARM.items()}
        alarms = pl.DataFrame(metadata["alarms"], schema=json_types).with_columns(pl.col(dates).str.to_date())
        fields: dict[str, Any] = {n: metadata[n] for n in METADATA - {"alarms", "raised", "notes", "has_vehicles"}}
        fields |= {n: member(arrays, n, ndim=2) for n in ("count", "expected", "log_e", "builds")}
        fields |= {
            n: member(arrays, n, ndim=1) for n in ("alarm_threshold", "expected_weekly", "own_shape", "own_rate")
        }
        return cls(
            **fields,
            cells=cells,
            alarms=alarms,
            raised=pl.DataFrame(metadata["raised"], schema=RAISED),
            baseline_rates=BaselineRates.from_arrays(arrays),
            vehicles=Vehicles.from_arrays(arrays) if metadata["has_vehicles"] else None,
            notes=tuple(metadata["notes"]),
        )


def _builds(surveillance: SurveillanceResult) -> FloatArray:
    """Return the rows of `Snapshot.builds`."""
    counts, scale = surveillance.counts, surveillance.population.mean
    values = (
        counts.reference_count, counts.reference_expected * scale, counts.count[:, :, -1],
        counts.expected[:, :, -1] * scale, counts.weekly[:, :, -RECENT_WEEKS:].mean(axis=2) * scale,
    )  # fmt: skip
    cell, period = np.nonzero(np.sum(values, axis=0) > 0)
    return np.column_stack([cell, counts.periods[period], *(v[cell, period] for v in values)]).astype(np.float64)


def snapshot_until(path: Path) -> float:
    """Return `Snapshot.until_day` (days from 1970-01-01) of a file without reading the rest.

    Parameters
    ----------
    path : Path
        File of `Snapshot.to_file`: `ml.fault_rate.rules.AlarmRules.snapshot`.

    Returns
    -------
    float
        Minus infinity where there is no file.

    Raises
    ------
    DataError, ModelNotFound
        The file is damaged.
    """
    if not path.exists():
        return -np.inf
    try:
        with np.load(path, allow_pickle=False) as file:
            metadata = unpack_params({n: file[n] for n in file.files if n == PARAMS}, keys=METADATA)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as e:
        raise damaged(path.name, f"it is not an npz file of plain arrays ({e})") from None
    return float(metadata["until_day"])
