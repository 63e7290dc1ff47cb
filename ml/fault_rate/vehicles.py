"""Vehicles in service with age, distance and last visit, and their ranking by expected faults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from features.aggregations import DAY
from features.odometer import classify_readings
from ml.artefacts.npz import member
from ml.domain.arrays import FloatArray
from ml.fault_rate.baseline_rates import BaselineRates
from ml.fault_rate.exposure import YEAR_DAYS, reported_before, with_optional_columns

MONTH_DAYS = YEAR_DAYS / 12
SLICE_DAYS = 30.0  # a vehicle's age and the season count as constant within a slice
UNKNOWN_DAY = -(2**31)
INSPECTION_COLUMNS = {
    "vehicle_id": pl.String, "faults": pl.Float64, "probability": pl.Float64, "built_on": pl.Date, "age": pl.Float64,
    "km": pl.Float64, "monthly_km": pl.Float64, "last_visit_on": pl.Date, "fault_on": pl.Date,
}  # fmt: skip


@dataclass(frozen=True)
class Vehicles:
    """Vehicles in service on one day, as returned by `ml.fault_rate.vehicles.vehicles_in_service`.

    Attributes
    ----------
    day : int
        Day from 1970-01-01, as all days of the frames.
    frame : DataFrame
        `vehicle_id`, `model`, `energy_type`, `built` (day), `monthly_km` (km per month), `visit` (day of the last one)
        and `km` (odometer on `day`, extrapolated); null where unknown.
    faults : DataFrame
        Last fault of each vehicle and component: `row` (of `frame`), `component` and `day`.
    """

    day: int
    frame: pl.DataFrame
    faults: pl.DataFrame

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the vehicles as arrays by name, for an npz file; `from_arrays` restores them."""
        models = self.frame["model"].unique().sort()
        energies = self.frame["energy_type"].fill_null("").unique().sort()
        components = self.faults["component"].unique().sort()
        return {
            "vehicle_day": np.array([self.day], dtype=np.int64),
            "vehicle_id": np.array([v.encode() for v in self.frame["vehicle_id"]], dtype=np.bytes_),
            "vehicle_models": np.array(models.to_list(), dtype=np.str_),
            "vehicle_model": _codes(self.frame["model"], models),
            "vehicle_energies": np.array(energies.to_list(), dtype=np.str_),
            "vehicle_energy": _codes(self.frame["energy_type"].fill_null(""), energies),
            "vehicle_built": self.frame["built"].to_numpy().astype(np.int32),
            "vehicle_visit": self.frame["visit"].fill_null(UNKNOWN_DAY).to_numpy().astype(np.int32),
            "vehicle_monthly_km": self.frame["monthly_km"].fill_null(-1.0).to_numpy().astype(np.float32),
            "vehicle_km": self.frame["km"].fill_null(-1.0).to_numpy().astype(np.float32),
            "fault_row": self.faults["row"].to_numpy().astype(np.int32),
            "fault_components": np.array(components.to_list(), dtype=np.str_),
            "fault_component": _codes(self.faults["component"], components),
            "fault_day": self.faults["day"].to_numpy().astype(np.int32),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Restore the vehicles from the arrays of `to_arrays`.

        Raises
        ------
        ModelNotFound
            An array is missing or has other dimensions.
        """

        def array(name: str) -> npt.NDArray[Any]:
            return member(arrays, name, ndim=1)

        def decoded(codes: str, names: str) -> list[str]:
            return list(array(names)[array(codes)])

        frame = pl.DataFrame(
            {
                "vehicle_id": [v.decode() for v in array("vehicle_id")],
                "model": pl.Series(decoded("vehicle_model", "vehicle_models"), dtype=pl.String),
                "energy_type": pl.Series(decoded("vehicle_energy", "vehicle_energies"), dtype=pl.String),
                "built": pl.Series(array("vehicle_built"), dtype=pl.Int64),
                "monthly_km": pl.Series(array("vehicle_monthly_km"), dtype=pl.Float64),
                "visit": pl.Series(array("vehicle_visit"), dtype=pl.Int64),
                "km": pl.Series(array("vehicle_km"), dtype=pl.Float64),
            },
            schema_overrides={"vehicle_id": pl.String},
        ).with_columns(
            pl.when(pl.col("energy_type") != "").then("energy_type"),
            pl.when(pl.col("visit") != UNKNOWN_DAY).then("visit"),
            *(pl.when(pl.col(n) >= 0).then(n) for n in ("monthly_km", "km")),
        )
        faults = pl.DataFrame(
            {
                "row": pl.Series(array("fault_row"), dtype=pl.Int64),
                "component": pl.Series(decoded("fault_component", "fault_components"), dtype=pl.String),
                "day": pl.Series(array("fault_day"), dtype=pl.Int64),
            }
        )
        return cls(int(array("vehicle_day")[0]), frame, faults)


def _codes(values: pl.Series, names: pl.Series) -> npt.NDArray[np.int32]:
    return np.searchsorted(names.to_numpy().astype(np.str_), values.to_numpy().astype(np.str_)).astype(np.int32)


def vehicles_in_service(fleet: pl.DataFrame, records: pl.DataFrame, *, as_of: int) -> Vehicles:
    """Return the vehicles in service at an instant, with their last visit, odometer and last faults.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `model`, `entered_service_at` and, optionally, `built_at`, `left_service_at` (null while the
        vehicle is in service), `energy_type` and `monthly_km` (km per month). Instants are int64, microseconds since
        1970 UTC.
    records : DataFrame
        `vehicle_id`, `component`, `fault` (bool), `serviced_at` and, optionally, `reported_at` (microseconds) and
        `odometer_km`.
    as_of : int
        Instant (microseconds since 1970 UTC); records reported at or after it are left out.

    Returns
    -------
    Vehicles
        `frame` is sorted by model and vehicle; `faults` has the last fault of each vehicle and component.

    Examples
    --------
    >>> import polars as pl
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "model": ["A"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"], "component": ["brakes"], "fault": [True],
    ...     "serviced_at": [10 * DAY]})
    >>> vehicles = vehicles_in_service(fleet, records, as_of=21 * DAY)
    >>> vehicles.day, vehicles.frame.select("vehicle_id", "visit").rows(), vehicles.faults.rows()
    (21, [('V', 10)], [(0, 'brakes', 10)])
    """
    cars = (
        with_optional_columns(fleet)
        .drop_nulls(["vehicle_id", "model", "entered_service_at"])
        .filter(
            (pl.col("entered_service_at") < as_of)
            & (pl.col("left_service_at").is_null() | (pl.col("left_service_at") > as_of))
        )
    )
    cars = cars.select(
        "vehicle_id",
        "model",
        pl.col("energy_type").cast(pl.String),
        (pl.coalesce("built_at", "entered_service_at") // DAY).alias("built"),
        pl.col("monthly_km").cast(pl.Float64),
    ).sort("model", "vehicle_id")
    reported = reported_before(records, as_of).drop_nulls("vehicle_id")
    visits = reported.group_by("vehicle_id").agg((pl.col("serviced_at").max() // DAY).alias("visit"))
    cars = cars.join(visits, on="vehicle_id", how="left", maintain_order="left")
    cars = cars.join(_last_readings(reported), on="vehicle_id", how="left", maintain_order="left")
    day = as_of // DAY
    since = (day - pl.col("read")) / MONTH_DAYS * pl.col("monthly_km").fill_null(0.0)
    cars = cars.with_columns(km=pl.col("reading") + since).drop("reading", "read")
    rows = cars.select("vehicle_id").with_row_index("row")
    faults = reported.filter(pl.col("fault") & pl.col("component").is_not_null())
    faults = faults.group_by("vehicle_id", "component").agg((pl.col("serviced_at").max() // DAY).alias("day"))
    faults = faults.join(rows, on="vehicle_id", how="inner").select(pl.col("row").cast(pl.Int64), "component", "day")
    return Vehicles(int(day), cars, faults.sort("row", "component"))


def _last_readings(records: pl.DataFrame) -> pl.DataFrame:
    """Return the last plausible odometer reading of each vehicle: `vehicle_id`, `reading` (km) and `read` (day)."""
    schema = {"vehicle_id": pl.String, "reading": pl.Float64, "read": pl.Int64}
    if "odometer_km" not in records.columns:
        return pl.DataFrame(schema=schema)
    rows = records.select("vehicle_id", "serviced_at", "odometer_km").drop_nulls().unique()
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    code = rows["vehicle_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    plausible = classify_readings(code, rows["serviced_at"].to_numpy(), rows["odometer_km"].to_numpy()) == 0
    rows = rows.filter(pl.Series(plausible))
    last = rows.group_by("vehicle_id").agg(
        pl.col("odometer_km").max().cast(pl.Float64).alias("reading"),
        (pl.col("serviced_at").max() // DAY).alias("read"),
    )
    return last.select(pl.col(n).cast(t) for n, t in schema.items())


def baseline_faults(
    vehicles: Vehicles, rows: npt.NDArray[np.int64], component: str, baseline_rates: BaselineRates, *, days: float
) -> FloatArray:
    """Return the faults expected of each vehicle within the next days at the baseline rate.

    Parameters
    ----------
    vehicles : Vehicles
        As returned by `ml.fault_rate.vehicles.vehicles_in_service`; `vehicles` of
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``.
    rows : ndarray of int
        Rows of `vehicles.frame`, as returned by `vehicle_rows`.
    component : str
        One of `baseline_rates.components`.
    baseline_rates : BaselineRates
        The attribute `baseline_rates` of a `Snapshot`, as returned by `ml.fault_rate.snapshot.Snapshot.of`.
    days : float
        Horizon in days from `vehicles.day`, above 0.

    Returns
    -------
    ndarray of shape (n_rows,)
        Expected faults in the order of `rows`; 0 for a vehicle without the component.
    """
    cars = vehicles.frame[rows]
    index = baseline_rates.component_index[component]
    distance_band = baseline_rates.distance_band(cars["monthly_km"].fill_null(float("nan")).to_numpy())
    built = cars["built"].to_numpy()
    expected = np.zeros(len(rows))
    edges = np.append(np.arange(0.0, days, SLICE_DAYS), days)
    for begin, end in pairwise(edges):
        middle = vehicles.day + (begin + end) / 2
        month = int(np.array(math.floor(middle), dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12)
        age = np.maximum(middle - built, 0.0) / YEAR_DAYS
        expected += (
            baseline_rates.yearly_rate(index, age=age, distance_band=distance_band, month=month)
            * (end - begin)
            / YEAR_DAYS
        )
    present = baseline_rates.has_component(index, cars["model"].to_list(), cars["energy_type"].to_list())
    return np.where(present, expected, 0.0)


def vehicle_rows(vehicles: Vehicles, model: str, built: tuple[int | None, int | None]) -> npt.NDArray[np.int64]:
    """Return the rows of `vehicles.frame` of a model and a range of builds.

    Parameters
    ----------
    vehicles : Vehicles
        As returned by `ml.fault_rate.vehicles.vehicles_in_service`; `vehicles` of
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``.
    model : str
        Name of the model, a value of the column `model` of `vehicles.frame`.
    built : tuple of int or None
        Build days from 1970-01-01: from the first and before the second; None leaves a side open.

    Returns
    -------
    ndarray of int64
        Positions of the rows; empty where none matches.
    """
    first, last = built
    matches = pl.col("model") == model
    if first is not None:
        matches &= pl.col("built") >= first
    if last is not None:
        matches &= pl.col("built") < last
    return vehicles.frame.select(matches).to_series().arg_true().to_numpy().astype(np.int64)


def rank_vehicles(vehicles: Vehicles, rows: npt.NDArray[np.int64], component: str, faults: FloatArray) -> pl.DataFrame:
    """Return vehicles to inspect, most expected faults first; among equals the longest since a visit first.

    Parameters
    ----------
    vehicles : Vehicles
        As returned by `ml.fault_rate.vehicles.vehicles_in_service`; `vehicles` of
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``.
    rows : ndarray of int
        Rows of `vehicles.frame`, as returned by `vehicle_rows`.
    component : str
        Component whose last fault is listed, such as "brakes"; a value of `vehicles.faults["component"]`.
    faults : ndarray of shape (n_rows,)
        Expected faults of each vehicle within the planning horizon, at the elevated rate: the result of
        `baseline_faults` times `scale` of the `Snapshot` and the cell's rate ratio.

    Returns
    -------
    DataFrame
        `vehicle_id`, `faults`, `probability` (of at least one fault, 0 to 1), `built_on`, `age` (years), `km` (present
        odometer, extrapolated from the last reading), `monthly_km`, `last_visit_on`, `fault_on` (last fault of the
        component); null where unknown.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> from ml.fault_rate.vehicles import rank_vehicles, vehicle_rows, vehicles_in_service
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "model": ["A"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"], "component": ["brakes"], "fault": [True],
    ...     "serviced_at": [10 * DAY]})
    >>> vehicles = vehicles_in_service(fleet, records, as_of=21 * DAY)
    >>> rows = vehicle_rows(vehicles, "A", (None, None))
    >>> rank_vehicles(vehicles, rows, "brakes", np.array([0.5])).select("vehicle_id", "probability", "fault_on").rows()
    [('V', 0.3934693402873666, datetime.date(1970, 1, 11))]
    """
    last_fault = vehicles.faults.filter(component=component).select("row", fault="day")
    cars = vehicles.frame[rows].with_columns(row=pl.Series(rows, dtype=pl.Int64), faults=pl.Series(faults))
    cars = cars.join(last_fault, on="row", how="left", maintain_order="left")
    return (
        cars.sort(["faults", "visit", "vehicle_id"], descending=[True, False, False], nulls_last=False)
        .with_columns(
            probability=1 - (-pl.col("faults")).exp(),
            age=(vehicles.day - pl.col("built")) / YEAR_DAYS,
            built_on=pl.col("built").cast(pl.Int32).cast(pl.Date),
            last_visit_on=pl.col("visit").cast(pl.Int32).cast(pl.Date),
            fault_on=pl.col("fault").cast(pl.Int32).cast(pl.Date),
        )
        .select(pl.col(n).cast(t) for n, t in INSPECTION_COLUMNS.items())
    )
