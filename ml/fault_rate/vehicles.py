"""Vehicles in service with age, distance, last and next visit, and their expected faults at the baseline rate."""

from __future__ import annotations

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
from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import FloatArray, IntArray
from ml.fault_rate.baseline_rates import BaselineRates
from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.fleet import with_optional_columns
from ml.fault_rate.next_visit import fleet_exits, next_routine_visits
from ml.fault_rate.reported import reported_before

MONTH_DAYS = YEAR_DAYS / 12
SLICE_DAYS, LATER_SLICE_DAYS = 30.0, 91.0  # in the first year, and after it
UNKNOWN_DAY = -(2**31)


@dataclass(frozen=True)
class Vehicles:
    """Vehicles in service on one day, as returned by `ml.fault_rate.vehicles.vehicles_in_service`.

    Attributes
    ----------
    day : int
        Day from 1970-01-01, as all days of the frames.
    frame : DataFrame
        `vehicle_id`, `model`, `energy_type`, `built` (day), `monthly_km` (km per month), `visit` (day of the last one),
        `next_visit` (day of the next routine service) and `km` (odometer on `day`, extrapolated); null where unknown.
    faults : DataFrame
        Last fault of each vehicle and component: `row` (of `frame`), `component` and `day`.
    exits, exit_years : ndarray of shape (6,)
        Exits from the fleet and vehicle-years by age, from `ml.fault_rate.next_visit.fleet_exits`.
    """

    day: int
    frame: pl.DataFrame
    faults: pl.DataFrame
    exits: FloatArray
    exit_years: FloatArray

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
            "vehicle_next_visit": self.frame["next_visit"].fill_null(UNKNOWN_DAY).to_numpy().astype(np.int32),
            "vehicle_monthly_km": self.frame["monthly_km"].fill_null(-1.0).to_numpy().astype(np.float32),
            "vehicle_km": self.frame["km"].fill_null(-1.0).to_numpy().astype(np.float32),
            "fault_row": self.faults["row"].to_numpy().astype(np.int32),
            "fault_components": np.array(components.to_list(), dtype=np.str_),
            "fault_component": _codes(self.faults["component"], components),
            "fault_day": self.faults["day"].to_numpy().astype(np.int32),
            "fleet_exits": self.exits,
            "fleet_exit_years": self.exit_years,
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
                "next_visit": pl.Series(array("vehicle_next_visit"), dtype=pl.Int64),
                "km": pl.Series(array("vehicle_km"), dtype=pl.Float64),
            },
            schema_overrides={"vehicle_id": pl.String},
        ).with_columns(
            pl.when(pl.col("energy_type") != "").then("energy_type"),
            *(pl.when(pl.col(n) != UNKNOWN_DAY).then(n) for n in ("visit", "next_visit")),
            *(pl.when(pl.col(n) >= 0).then(n) for n in ("monthly_km", "km")),
        )
        faults = pl.DataFrame(
            {
                "row": pl.Series(array("fault_row"), dtype=pl.Int64),
                "component": pl.Series(decoded("fault_component", "fault_components"), dtype=pl.String),
                "day": pl.Series(array("fault_day"), dtype=pl.Int64),
            }
        )
        exits, years = (array(n).astype(np.float64) for n in ("fleet_exits", "fleet_exit_years"))
        return cls(int(array("vehicle_day")[0]), frame, faults, exits, years)


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
        (pl.col("entered_service_at") // DAY).alias("entered"),
    ).sort("model", "vehicle_id")
    reported = reported_before(records, as_of).drop_nulls("vehicle_id")
    visits = reported.group_by("vehicle_id").agg((pl.col("serviced_at").max() // DAY).alias("visit"))
    cars = cars.join(visits, on="vehicle_id", how="left", maintain_order="left")
    cars = cars.join(_last_readings(reported), on="vehicle_id", how="left", maintain_order="left")
    day = int(as_of // DAY)
    planned = next_routine_visits(cars, reported, day=day)
    cars = cars.join(planned, on="vehicle_id", how="left", maintain_order="left").drop("entered")
    since = (day - pl.col("read")) / MONTH_DAYS * pl.col("monthly_km").fill_null(0.0)
    cars = cars.with_columns(km=pl.col("reading") + since).drop("reading", "read")
    rows = cars.select("vehicle_id").with_row_index("row")
    faults = reported.filter(pl.col("fault") & pl.col("component").is_not_null())
    faults = faults.group_by("vehicle_id", "component").agg((pl.col("serviced_at").max() // DAY).alias("day"))
    faults = faults.join(rows, on="vehicle_id", how="inner").select(pl.col("row").cast(pl.Int64), "component", "day")
    exits, years = fleet_exits(fleet, records, as_of=as_of)
    return Vehicles(day, cars, faults.sort("row", "component"), exits, years)


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
    vehicles: Vehicles,
    rows: npt.NDArray[np.int64],
    component: str,
    baseline_rates: BaselineRates,
    *,
    edges: FloatArray,
    built: FloatArray | None = None,
    distance_band: IntArray | None = None,
) -> FloatArray:
    """Return the faults expected of each vehicle at the baseline rate, by slice of time.

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
    edges : ndarray of shape (n_slices + 1,)
        Days from `vehicles.day` between the slices, as returned by `slice_edges`; a vehicle's age and the season count
        as constant within a slice.
    built, distance_band : ndarray of shape (n_rows,), optional
        Build days and bands of the distance in place of the vehicles' own, to compare with other vehicles.

    Returns
    -------
    ndarray of shape (n_rows, n_slices)
        Expected faults in the order of `rows`; 0 for a vehicle without the component.
    """
    cars = vehicles.frame[rows].select("model", "energy_type", "built")
    band = own_distance_band(vehicles.frame[rows], baseline_rates) if distance_band is None else distance_band
    cars = cars.with_columns(band=pl.Series(band))
    if built is not None:
        cars = cars.with_columns(built=pl.Series(built))
    # Vehicles alike in these have the same expected faults: a fleet has far fewer build days than vehicles.
    alike = cars.unique(maintain_order=True).with_row_index("alike")
    row = cars.join(alike, on=cars.columns, how="left", nulls_equal=True, maintain_order="left")["alike"].to_numpy()
    days, band = alike["built"].to_numpy(), alike["band"].to_numpy()
    index = baseline_rates.component_index[component]
    expected = np.zeros((alike.height, len(edges) - 1))
    for i, (begin, end) in enumerate(pairwise(edges)):
        stop_if_abandoned()
        middle = vehicles.day + (begin + end) / 2
        age = np.maximum(middle - days, 0.0) / YEAR_DAYS
        for month, share in _months(vehicles.day + begin, vehicles.day + end):
            rate = baseline_rates.yearly_rate(index, age=age, distance_band=band, month=month)
            expected[:, i] += rate * share * (end - begin) / YEAR_DAYS
    present = baseline_rates.has_component(index, alike["model"].to_list(), alike["energy_type"].to_list())
    return np.asarray(np.where(present[:, None], expected, 0.0)[row])


def own_distance_band(cars: pl.DataFrame, baseline_rates: BaselineRates) -> IntArray:
    """Return the band of each vehicle's monthly distance; -1 where it is unknown.

    Parameters
    ----------
    cars : DataFrame
        Rows of `Vehicles.frame`, of which `monthly_km` (km per month) is read.
    baseline_rates : BaselineRates
        The attribute `baseline_rates` of a `Snapshot`.
    """
    return baseline_rates.distance_band(cars["monthly_km"].fill_null(float("nan")).to_numpy())


def slice_edges(days: float) -> FloatArray:
    """Return the days between the slices of a horizon: slices of 30 days in the first year, then of 91 days.

    Parameters
    ----------
    days : float
        Length of the horizon, above 0.

    Examples
    --------
    >>> slice_edges(90.0).tolist(), len(slice_edges(6 * 365.25))
    ([0.0, 30.0, 60.0, 90.0], 34)
    """
    near = np.arange(0.0, min(days, YEAR_DAYS), SLICE_DAYS)
    far = np.arange(near[-1] + LATER_SLICE_DAYS, days, LATER_SLICE_DAYS) if days > YEAR_DAYS else np.zeros(0)
    return np.concatenate([near, far, [days]])


def _months(begin: float, end: float) -> list[tuple[int, float]]:
    """Return the calendar months (0 to 11) of three moments of a slice, each with a third of its time."""
    moments = begin + (end - begin) * (np.arange(3) + 0.5) / 3
    months = np.floor(moments).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    return [(int(m), float((months == m).mean())) for m in np.unique(months)]


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
