"""Vehicles in service: how old, how far driven, when last seen; and which of them to call in first."""

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
from ml.domain.arrays import FloatArray
from ml.fault_rate.baseline_rates import BaselineRates
from ml.fault_rate.exposure import YEAR_DAYS, reported_before, with_optional_columns

MONTH_DAYS = YEAR_DAYS / 12
SLICE_DAYS = 30.0  # within which a vehicle's age and the season are taken for constant
UNKNOWN_DAY = -(2**31)
CALL = {
    "vehicle_id": pl.String, "faults": pl.Float64, "probability": pl.Float64, "built_on": pl.Date, "age": pl.Float64,
    "km": pl.Float64, "monthly_km": pl.Float64, "last_visit_on": pl.Date, "fault_on": pl.Date,
}  # fmt: skip


@dataclass(frozen=True)
class Vehicles:
    """Vehicles that are in service at a moment.

    Attributes
    ----------
    day : int
        That moment (day from the epoch).
    frame : DataFrame
        `vehicle_id`, `model`, `energy_type`, `built` (day), `monthly_km`, `visit` (day of the last one) and `km` (on
        the clock now); null where not known.
    faults : DataFrame
        `row` (in the frame), `component` and `day` of the last fault of each component.
    """

    day: int
    frame: pl.DataFrame
    faults: pl.DataFrame

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a file."""
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
        """Restore what `to_arrays` wrote."""

        def one(name: str) -> npt.NDArray[Any]:
            return member(arrays, name, ndim=1)

        def named(codes: str, names: str) -> list[str]:
            return list(one(names)[one(codes)])

        frame = pl.DataFrame(
            {
                "vehicle_id": [v.decode() for v in one("vehicle_id")],
                "model": pl.Series(named("vehicle_model", "vehicle_models"), dtype=pl.String),
                "energy_type": pl.Series(named("vehicle_energy", "vehicle_energies"), dtype=pl.String),
                "built": pl.Series(one("vehicle_built"), dtype=pl.Int64),
                "monthly_km": pl.Series(one("vehicle_monthly_km"), dtype=pl.Float64),
                "visit": pl.Series(one("vehicle_visit"), dtype=pl.Int64),
                "km": pl.Series(one("vehicle_km"), dtype=pl.Float64),
            },
            schema_overrides={"vehicle_id": pl.String},
        ).with_columns(
            pl.when(pl.col("energy_type") != "").then("energy_type"),
            pl.when(pl.col("visit") != UNKNOWN_DAY).then("visit"),
            *(pl.when(pl.col(n) >= 0).then(n) for n in ("monthly_km", "km")),
        )
        faults = pl.DataFrame(
            {
                "row": pl.Series(one("fault_row"), dtype=pl.Int64),
                "component": pl.Series(named("fault_component", "fault_components"), dtype=pl.String),
                "day": pl.Series(one("fault_day"), dtype=pl.Int64),
            }
        )
        return cls(int(one("vehicle_day")[0]), frame, faults)


def _codes(values: pl.Series, names: pl.Series) -> npt.NDArray[np.int32]:
    return np.searchsorted(names.to_numpy().astype(np.str_), values.to_numpy().astype(np.str_)).astype(np.int32)


def vehicles_in_service(fleet: pl.DataFrame, records: pl.DataFrame, *, as_of: int) -> Vehicles:
    """Vehicles that are in service, with what the workshop last saw of them.

    Parameters
    ----------
    fleet, records : DataFrame
        As for `ml.fault_rate.exposure.build_exposure`, records with `odometer_km` where there is one.
    as_of : int
        Moment (us); nothing at or after it counts.
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
    known = reported_before(records, as_of).drop_nulls("vehicle_id")
    visits = known.group_by("vehicle_id").agg((pl.col("serviced_at").max() // DAY).alias("visit"))
    cars = cars.join(visits, on="vehicle_id", how="left", maintain_order="left")
    cars = cars.join(_clock(known), on="vehicle_id", how="left", maintain_order="left")
    day = as_of // DAY
    since = (day - pl.col("read")) / MONTH_DAYS * pl.col("monthly_km").fill_null(0.0)
    cars = cars.with_columns(km=pl.col("reading") + since).drop("reading", "read")
    rows = cars.select("vehicle_id").with_row_index("row")
    faults = known.filter(pl.col("fault") & pl.col("component").is_not_null())
    faults = faults.group_by("vehicle_id", "component").agg((pl.col("serviced_at").max() // DAY).alias("day"))
    faults = faults.join(rows, on="vehicle_id", how="inner").select(pl.col("row").cast(pl.Int64), "component", "day")
    return Vehicles(int(day), cars, faults.sort("row", "component"))


def _clock(records: pl.DataFrame) -> pl.DataFrame:
    """Last reading of each vehicle's odometer that agrees with its others: `reading` (km) and `read` (day)."""
    schema = {"vehicle_id": pl.String, "reading": pl.Float64, "read": pl.Int64}
    if "odometer_km" not in records.columns:
        return pl.DataFrame(schema=schema)
    rows = records.select("vehicle_id", "serviced_at", "odometer_km").drop_nulls().unique()
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    code = rows["vehicle_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    fine = classify_readings(code, rows["serviced_at"].to_numpy(), rows["odometer_km"].to_numpy()) == 0
    rows = rows.filter(pl.Series(fine))
    last = rows.group_by("vehicle_id").agg(
        pl.col("odometer_km").max().cast(pl.Float64).alias("reading"),
        (pl.col("serviced_at").max() // DAY).alias("read"),
    )
    return last.select(pl.col(n).cast(t) for n, t in schema.items())


def baseline_faults(
    vehicles: Vehicles, rows: npt.NDArray[np.int64], component: str, baseline_rates: BaselineRates, *, days: float
) -> FloatArray:
    """Faults of a component that some vehicles have over the days to come at the usual rate, shape (n_rows,)."""
    cars = vehicles.frame[rows]
    place = baseline_rates.component_index[component]
    driven = baseline_rates.distance_band(cars["monthly_km"].fill_null(float("nan")).to_numpy())
    built = cars["built"].to_numpy()
    found = np.zeros(len(rows))
    edges = np.append(np.arange(0.0, days, SLICE_DAYS), days)
    for begin, end in pairwise(edges):
        middle = vehicles.day + (begin + end) / 2
        month = int(np.array(int(middle), dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12)
        age = np.maximum(middle - built, 0.0) / YEAR_DAYS
        found += (
            baseline_rates.yearly_rate(place, age=age, distance_band=driven, month=month) * (end - begin) / YEAR_DAYS
        )
    having = baseline_rates.has_component(place, cars["model"].to_list(), cars["energy_type"].to_list())
    return np.where(having, found, 0.0)


def vehicle_rows(vehicles: Vehicles, model: str, built: tuple[int | None, int | None]) -> npt.NDArray[np.int64]:
    """Vehicles of a model built from one day until (not on) another; None leaves a side open."""
    first, last = built
    matches = pl.col("model") == model
    if first is not None:
        matches &= pl.col("built") >= first
    if last is not None:
        matches &= pl.col("built") < last
    return vehicles.frame.select(matches).to_series().arg_true().to_numpy().astype(np.int64)


def rank_vehicles(vehicles: Vehicles, rows: npt.NDArray[np.int64], component: str, faults: FloatArray) -> pl.DataFrame:
    """Some vehicles in the order in which to call them: most faults to come first, then the longest not seen.

    Parameters
    ----------
    vehicles : Vehicles
        Where they stand.
    rows : ndarray of int
        Which.
    component : str
        Whose faults are meant.
    faults : ndarray of shape (n_rows,)
        To come, at the raised rate.

    Returns
    -------
    DataFrame
        `vehicle_id`, `faults` and `probability` (of any) in the days to come, `built_on`, `age` (years), `km` (now,
        carried on from the last reading), `monthly_km`, `last_visit_on`, `fault_on` (last fault of this component).
    """
    of_this = vehicles.faults.filter(component=component).select("row", fault="day")
    cars = vehicles.frame[rows].with_columns(row=pl.Series(rows, dtype=pl.Int64), faults=pl.Series(faults))
    cars = cars.join(of_this, on="row", how="left", maintain_order="left")
    return (
        cars.sort(["faults", "visit", "vehicle_id"], descending=[True, False, False], nulls_last=False)
        .with_columns(
            probability=1 - (-pl.col("faults")).exp(),
            age=(vehicles.day - pl.col("built")) / YEAR_DAYS,
            built_on=pl.col("built").cast(pl.Int32).cast(pl.Date),
            last_visit_on=pl.col("visit").cast(pl.Int32).cast(pl.Date),
            fault_on=pl.col("fault").cast(pl.Int32).cast(pl.Date),
        )
        .select(pl.col(n).cast(t) for n, t in CALL.items())
    )
