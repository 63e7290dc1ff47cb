"""Ranked list of the affected vehicles: expected faults, value of an inspection, and what sets each vehicle apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.domain.arrays import BoolArray, FloatArray
from ml.fault_rate.baseline_rates import BaselineRates
from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.outlook import last_faults
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.vehicles import Vehicles, baseline_faults, own_distance_band, slice_edges

RANKED_COLUMNS = {
    "vehicle_id": pl.String, "inspect": pl.Boolean, "moment": pl.String, "faults": pl.Float64,
    "probability": pl.Float64, "faults_to_come": pl.Float64, "avoided": pl.Float64, "benefit": pl.Float64,
    "cost": pl.Float64, "value": pl.Float64, "built_on": pl.Date, "age": pl.Float64, "km": pl.Float64,
    "monthly_km": pl.Float64, "last_visit_on": pl.Date, "next_visit_on": pl.Date, "fault_on": pl.Date,
    "distance_effect": pl.Float64, "band_from": pl.Float64, "band_until": pl.Float64, "age_effect": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class VehicleFigures:
    """Figures of each affected vehicle, arrays of shape (n_vehicles,).

    Attributes
    ----------
    faults, faults_to_come : ndarray
        Faults expected within `AlarmRules.days` and within `AlarmRules.repair_years`, without an inspection.
    avoided : ndarray
        Faults that an inspection of the vehicle avoids within `AlarmRules.repair_years`.
    benefit, cost : ndarray or None
        Yuan of these faults and of the inspection, discounted to today; None where money is not known or not asked.
    largest_benefit : ndarray
        Benefit at the moment with the largest one, whatever it costs; orders the vehicles below the cut.
    chosen : ndarray of bool
        Vehicles to inspect.
    moment : ndarray of str
        'call_in_now' or 'with_next_service', the better of the two.
    """

    faults: FloatArray
    faults_to_come: FloatArray
    avoided: FloatArray
    benefit: FloatArray | None
    cost: FloatArray | None
    largest_benefit: FloatArray
    chosen: BoolArray
    moment: npt.NDArray[np.str_]


def ranked_vehicles(
    snapshot: Snapshot, rows: npt.NDArray[np.int64], component: str, figures: VehicleFigures, *, by_faults: bool = False
) -> pl.DataFrame:
    """Return the affected vehicles in the order in which to inspect them.

    Parameters
    ----------
    snapshot : Snapshot
        With vehicles.
    rows : ndarray of int
        Rows of `snapshot.vehicles.frame`, as returned by `ml.fault_rate.vehicles.vehicle_rows`.
    component : str
        Component with the elevated fault rate.
    figures : VehicleFigures
        In the order of `rows`.
    by_faults : bool
        Order by the faults expected soon, as for a safety component; else by the value of an inspection, and below the
        cut by its benefit. Among equals the vehicle comes first that has not visited the workshop for longest.

    Returns
    -------
    DataFrame
        The columns of `RANKED_COLUMNS`; null where unknown. `value` is `benefit` less `cost` (yuan) and `moment` null
        for vehicles below the cut. `distance_effect` and `age_effect` compare the baseline faults of the horizon with
        those of a vehicle of the median distance and of the median build day; `band_from` and `band_until` are the
        limits (km a month) of the distance band that the first of them belongs to.

    Raises
    ------
    ValueError
        The snapshot has no vehicles.
    """
    vehicles = snapshot.vehicles
    if vehicles is None:
        raise ValueError("the snapshot has no vehicles")
    nothing = np.full(len(rows), np.nan)
    benefit, cost = (nothing if v is None else v for v in (figures.benefit, figures.cost))
    distance, age = _effects(snapshot, vehicles, rows, component)
    cars = vehicles.frame[rows].with_columns(
        inspect=pl.Series(figures.chosen),
        moment=pl.Series(figures.moment, dtype=pl.String),
        faults=pl.Series(figures.faults),
        faults_to_come=pl.Series(figures.faults_to_come),
        avoided=pl.Series(figures.avoided),
        largest_benefit=pl.Series(figures.largest_benefit),
        benefit=pl.Series(benefit).fill_nan(None),
        cost=pl.Series(cost).fill_nan(None),
        fault=pl.Series(last_faults(vehicles, rows, component)).fill_nan(None),
        distance_effect=pl.Series(distance),
        **_band_limits(vehicles.frame[rows], snapshot.baseline_rates),
        age_effect=pl.Series(age),
    )
    listed_value = pl.when("inspect").then(pl.col("value").fill_null(0.0)).otherwise(0.0)
    order = ["faults"] if by_faults else ["inspect", "listed_value", "largest_benefit"]
    dates = {"built_on": "built", "last_visit_on": "visit", "next_visit_on": "next_visit", "fault_on": "fault"}
    return (
        cars.with_columns(value=pl.col("benefit") - pl.col("cost"))
        .with_columns(listed_value=listed_value)
        .sort([*order, "visit", "vehicle_id"], descending=[True] * len(order) + [False, False], nulls_last=False)
        .with_columns(
            moment=pl.when("inspect").then("moment"),
            probability=1 - (-pl.col("faults")).exp(),
            age=(vehicles.day - pl.col("built")) / YEAR_DAYS,
            **{name: pl.col(day).cast(pl.Int32).cast(pl.Date) for name, day in dates.items()},
        )
        .select(pl.col(n).cast(t) for n, t in RANKED_COLUMNS.items())
    )


def _band_limits(cars: pl.DataFrame, rates: BaselineRates) -> dict[str, pl.Series]:
    """Return the limits (km a month) of each vehicle's distance band; null on an open side or without a distance."""
    limits, band = rates.distance_limits, own_distance_band(cars, rates)
    lower, upper = np.append(np.nan, limits)[np.maximum(band, 0)], np.append(limits, np.nan)[np.maximum(band, 0)]
    no_distance = band < 0
    return {
        "band_from": pl.Series(np.where(no_distance, np.nan, lower)).fill_nan(None),
        "band_until": pl.Series(np.where(no_distance, np.nan, upper)).fill_nan(None),
    }


def _effects(
    snapshot: Snapshot, vehicles: Vehicles, rows: npt.NDArray[np.int64], component: str
) -> tuple[FloatArray, FloatArray]:
    """Return the factors of each vehicle's distance and age on its baseline faults, against the median vehicle."""
    rates, cars = snapshot.baseline_rates, vehicles.frame[rows]
    if cars.is_empty():
        return np.ones(0), np.ones(0)
    built, monthly = cars["built"].to_numpy().astype(np.float64), cars["monthly_km"].median()
    band = rates.distance_band(np.full(len(rows), np.nan if monthly is None else monthly))
    edges = slice_edges(YEAR_DAYS)

    def faults(days: FloatArray, distance_band: npt.NDArray[np.int64]) -> FloatArray:
        by_slice = baseline_faults(
            vehicles, rows, component, rates, edges=edges, built=days, distance_band=distance_band
        )
        return np.asarray(by_slice.sum(axis=1))

    own, typical_distance = faults(built, own_distance_band(cars, rates)), faults(built, band)
    typical = faults(np.full(len(rows), np.median(built)), band)
    return _ratio(own, typical_distance), _ratio(typical_distance, typical)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator > 0)
