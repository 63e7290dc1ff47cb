"""Vehicles in service: their strata and their vehicle-years by week."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.domain.faults.exposure import exposure_by_period
from ml.fault_rate.model_years import QUARTER_DAYS
from ml.fault_rate.months import month_grid

_WEEK, _YEAR = 7, 365.25  # days
OPTIONAL = {
    "model": pl.String, "energy_type": pl.String, "store_id": pl.String, "built_at": pl.Int64,
    "left_service_at": pl.Int64, "monthly_km": pl.Float64,
}  # fmt: skip


def with_optional_columns(fleet: pl.DataFrame) -> pl.DataFrame:
    """Return the fleet with the optional columns of `build_exposure`, null where the fleet has none.

    >>> import polars as pl
    >>> with_optional_columns(pl.DataFrame({"monthly_km": [900.0]})).select("monthly_km", "built_at").row(0)
    (900.0, None)
    """
    return fleet.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in OPTIONAL.items() if n not in fleet.columns)


def fleet_notes(fleet: pl.DataFrame) -> list[str]:
    """Return a note on the vehicles that are not in the exposure because a column that it needs is empty.

    >>> fleet_notes(pl.DataFrame({"vehicle_id": ["V", "W"], "model": ["A", None], "entered_service_at": [0, 0]}))
    ['left out: 1 of 2 vehicles of fleet, without a model']
    """
    n = fleet.height - fleet.drop_nulls(["vehicle_id", "model", "entered_service_at"]).height
    return [f"left out: {n:,} of {fleet.height:,} vehicles of fleet, without a model"] if n else []


def cars_with_strata(fleet: pl.DataFrame, *, as_of: int, bands: int) -> tuple[pl.DataFrame, FloatArray]:
    """Return the vehicles with the columns of a stratum, and the limits (km) between distance bands.

    A vehicle without `built_at` counts as built when it entered service.

    Parameters
    ----------
    fleet : DataFrame
        As for `build_exposure`.
    as_of : int
        Instant (microseconds): vehicles that entered service later are left out, and vehicles still in service leave.
    bands : int
        Number of bands of monthly distance.

    Raises
    ------
    DataError
        No vehicle is left.
    """
    cars = with_optional_columns(fleet).drop_nulls(["vehicle_id", "model", "entered_service_at"])
    cars = cars.filter(pl.col("entered_service_at") < as_of)
    if cars.is_empty():
        raise DataError(
            f"fleet: none of {fleet.height:,} vehicles has a vehicle_id, a model and an entered_service_at before "
            "as_of; map these three columns"
        )
    cars = cars.with_columns(
        build=(pl.coalesce("built_at", "entered_service_at") / DAY / QUARTER_DAYS).floor().cast(pl.Int64),
        left_service_at=pl.min_horizontal(pl.coalesce("left_service_at", pl.lit(as_of)), pl.lit(as_of)),
        distance="monthly_km",
        energy_type=pl.col("energy_type").cast(pl.String),
    )
    distances = cars["distance"].drop_nulls().to_numpy()
    limits = np.unique(np.quantile(distances, np.arange(1, bands) / bands)) if len(distances) else np.zeros(0)
    band = np.searchsorted(limits, cars["distance"].fill_null(float("nan")).to_numpy(), side="right")
    unknown = cars["distance"].is_null().to_numpy()
    return cars.with_columns(distance_band=pl.Series(np.where(unknown, -1, band))), limits


def vehicle_years(cars: pl.DataFrame, n_strata: int, *, first_day: float, weeks: int, monthly: bool) -> FloatArray:
    """Return the vehicle-years in service by stratum and week, or by stratum and the week in which each month ends.

    Parameters
    ----------
    cars : DataFrame
        `entered_service_at`, `left_service_at` (microseconds, no nulls) and `stratum`.
    n_strata : int
        Number of strata.
    first_day : float
        Day since 1970 on which week 0 begins.
    weeks : int
        Number of weeks.
    monthly : bool
        Whether months count as a whole; see `ml.fault_rate.months`.

    Returns
    -------
    ndarray of shape (n_strata, n_weeks)

    Examples
    --------
    >>> cars = pl.DataFrame({"entered_service_at": [0], "left_service_at": [700 * DAY], "stratum": [0]})
    >>> vehicle_years(cars, 1, first_day=0.0, weeks=2, monthly=False).round(4).tolist()
    [[0.0192, 0.0192]]
    """
    grid = month_grid(first_day, weeks) if monthly else None
    edges = first_day + _WEEK * np.arange(weeks + 1) if grid is None else grid.edges
    if len(edges) < 2:
        return np.zeros((n_strata, weeks))
    days = exposure_by_period(
        cars["entered_service_at"].to_numpy() / DAY,
        cars["left_service_at"].to_numpy() / DAY,
        cars["stratum"].cast(pl.Int64).to_numpy(),
        edges=edges,
        n_groups=n_strata,
    )
    return (days if grid is None else grid.scatter(days)) / _YEAR
