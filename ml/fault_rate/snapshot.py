"""What a watch has found, as a service keeps it: cells and their evidence, alarms, usual rates, vehicles in service."""

from __future__ import annotations

import json
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
from ml.fault_rate.surveillance import ALARM, SurveillanceResult
from ml.fault_rate.vehicles import Vehicles

RECENT_WEEKS = 13
FACTS = frozenset(
    {
        "basis",
        "first_day",
        "until_day",
        "alpha",
        "between_model_variance",
        "scale",
        "notes",
        "alarms",
        "costs",
        "has_vehicles",
    }
)


@dataclass(frozen=True)
class Snapshot:
    """The state of a watch at the end of a week.

    Attributes
    ----------
    basis : {'exposure', 'reports'}
        See `ml.fault_rate.exposure.Field`.
    first_day, until_day : float
        Days from the epoch: the first week tested begins with the one; what was reported before the other is known.
    alpha : float
        Chance of any false alarm that was promised.
    between_model_variance, scale : float
        See `ml.fault_rate.surveillance.Watch`.
    cells : DataFrame
        `model`, `component`.
    count, expected, log_e : ndarray of shape (n_cells, n_weeks)
        Faults known by the end of each week, those to be expected, and the logarithm of the evidence.
    alarm_threshold : ndarray of shape (n_cells,)
        Evidence that raises the alarm.
    expected_weekly : ndarray of shape (n_cells,)
        Faults expected in a week as of late.
    alarms : DataFrame
        See `Watch.alarms`.
    costs : mapping of str to float
        Mean cost (yuan) of a visit for a fault of each component, where records tell.
    vehicles : Vehicles or None
        None where the fleet is not known.
    notes : tuple of str
        What was left out, and why.
    """

    basis: str
    first_day: float
    until_day: float
    alpha: float
    between_model_variance: float
    scale: float
    cells: pl.DataFrame
    count: FloatArray
    expected: FloatArray
    log_e: FloatArray
    alarm_threshold: FloatArray
    expected_weekly: FloatArray
    alarms: pl.DataFrame
    baseline_rates: BaselineRates
    costs: Mapping[str, float]
    vehicles: Vehicles | None
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, surveillance: SurveillanceResult, *, alpha: float, vehicles: Vehicles | None, costs: Mapping[str, float]
    ) -> Self:
        """Take what is kept out of a watch."""
        exposure, looks = surveillance.exposure, surveillance.log_e.shape[1]
        first = exposure.first_day + WEEK_DAYS * surveillance.start
        return cls(
            basis=exposure.basis,
            first_day=float(first),
            until_day=float(first + WEEK_DAYS * looks),
            alpha=alpha,
            between_model_variance=float(surveillance.between_model_variance),
            scale=float(surveillance.scale),
            cells=surveillance.cells,
            count=surveillance.count,
            expected=surveillance.expected,
            log_e=surveillance.log_e,
            alarm_threshold=surveillance.alarm_threshold,
            expected_weekly=surveillance.expected_weekly(RECENT_WEEKS),
            alarms=surveillance.alarms(),
            baseline_rates=surveillance.expected_faults.baseline_rates,
            costs=costs,
            vehicles=vehicles,
            notes=exposure.notes,
        )

    @property
    def days(self) -> npt.NDArray[np.datetime64]:
        """The day after each week surveillance: what it told was known from then on."""
        return (self.first_day + WEEK_DAYS * np.arange(1, self.log_e.shape[1] + 1)).astype("datetime64[D]")

    def row(self, model: str, component: str) -> int:
        """Place of a cell.

        Raises
        ------
        DataError
            Its model or its component is not known.
        """
        for name, value in (("model", model), ("component", component)):
            known = self.cells[name].unique().sort().to_list()
            if value not in known:
                told = f"known are: {', '.join(known)}" if len(known) <= 40 else f"{len(known)} are known"
                raise DataError(f"{name}: is not known; {told}")
        found = self.cells.select((pl.col("model") == model) & (pl.col("component") == component)).to_series()
        return int(found.arg_true()[0])

    def to_file(self) -> bytes:
        """All of it as one npz file, without pickle."""
        facts = {
            "basis": self.basis, "first_day": self.first_day, "until_day": self.until_day, "alpha": self.alpha,
            "between_model_variance": self.between_model_variance, "scale": self.scale,
            "notes": list(self.notes), "costs": dict(self.costs),
            "alarms": json.loads(self.alarms.write_json()), "has_vehicles": self.vehicles is not None,
        }  # fmt: skip
        arrays: dict[str, npt.NDArray[Any]] = {
            "model": np.array(self.cells["model"].to_list(), dtype=np.str_),
            "component": np.array(self.cells["component"].to_list(), dtype=np.str_),
            "count": self.count, "expected": self.expected, "log_e": self.log_e,
            "alarm_threshold": self.alarm_threshold,
            "expected_weekly": self.expected_weekly,
        }  # fmt: skip
        vehicles = self.vehicles.to_arrays() if self.vehicles is not None else {}
        return to_npz({**pack_params(facts), **arrays, **self.baseline_rates.to_arrays(), **vehicles})

    @classmethod
    def from_file(cls, content: bytes, name: str) -> Self:
        """Restore what `to_file` wrote.

        Raises
        ------
        DataError, ModelNotFound
            It is damaged.
        """
        arrays = from_npz(content, name)
        facts = unpack_params(arrays, keys=FACTS)
        cells = pl.DataFrame(
            {n: pl.Series(member(arrays, n, ndim=1).tolist(), dtype=pl.String) for n in ("model", "component")}
        )
        dates = [n for n, t in ALARM.items() if t == pl.Date]
        written = {n: pl.String if n in dates else t for n, t in ALARM.items()}
        alarms = pl.DataFrame(facts["alarms"], schema=written).with_columns(pl.col(dates).str.to_date())
        plain = ("basis", "first_day", "until_day", "alpha", "between_model_variance", "scale", "costs")
        given: dict[str, Any] = {n: facts[n] for n in plain}
        given |= {n: member(arrays, n, ndim=2) for n in ("count", "expected", "log_e")}
        given |= {n: member(arrays, n, ndim=1) for n in ("alarm_threshold", "expected_weekly")}
        return cls(
            **given,
            cells=cells,
            alarms=alarms,
            baseline_rates=BaselineRates.from_arrays(arrays),
            vehicles=Vehicles.from_arrays(arrays) if facts["has_vehicles"] else None,
            notes=tuple(facts["notes"]),
        )


def snapshot_until(path: Path) -> float:
    """Day until which a file of `Snapshot.to_file` knows, without reading the rest; minus infinity if there is none.

    Raises
    ------
    DataError, ModelNotFound
        It is damaged.
    """
    if not path.exists():
        return -np.inf
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = unpack_params({n: file[n] for n in file.files if n == PARAMS}, keys=FACTS)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as e:
        raise damaged(path.name, f"it is not an npz file of plain arrays ({e})") from None
    return float(facts["until_day"])


def mean_fault_costs(records: pl.DataFrame) -> dict[str, float]:
    """Mean cost (yuan) of a visit in which a component had a fault, by component; all lines of the visit count.

    >>> records = pl.DataFrame({"vehicle_id": ["V", "V"], "serviced_at": [5, 5], "component": ["brakes", None],
    ...     "fault": [True, False], "cost": [90_000, 10_000]})
    >>> mean_fault_costs(records)
    {'brakes': 1000.0}
    """
    if "cost" not in records.columns or "vehicle_id" not in records.columns:
        return {}
    visit = ["vehicle_id", "serviced_at"]
    faults = records.filter(pl.col("fault") & pl.col("component").is_not_null()).select(*visit, "component").unique()
    told = records.join(faults.select(visit).unique(), on=visit, how="semi").drop_nulls("cost")
    sums = told.group_by(visit).agg(pl.col("cost").sum())
    found = faults.join(sums, on=visit, how="inner").group_by("component").agg(pl.col("cost").mean() / 100)
    return {c: float(v) for c, v in found.sort("component").iter_rows() if v > 0}
