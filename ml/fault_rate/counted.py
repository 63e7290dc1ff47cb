"""Faults of a model without a vehicle: placed in strata of model and model year that have an exposure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.plurals import count_text
from ml.domain.arrays import FloatArray
from ml.fault_rate.exposure import WEEK_DAYS, FleetExposure, assemble, full_weeks
from ml.fault_rate.fleet import cars_with_strata, vehicle_years
from ml.fault_rate.job_lines import COMEBACK_DAYS, one_fault_per_day
from ml.fault_rate.model_years import UNKNOWN_BUILD, build_of_model_year
from ml.fault_rate.reports import STRATUM, full_strata, reported_with_model

BY_MODEL = "records have no vehicle_id: faults of a model are compared with all its vehicles in service"


def has_vehicles(records: pl.DataFrame) -> bool:
    """Return whether any record names a vehicle.

    >>> has_vehicles(pl.DataFrame({"vehicle_id": [None, "V"]})), has_vehicles(pl.DataFrame({"model": ["A"]}))
    (True, False)
    """
    return "vehicle_id" in records.columns and records["vehicle_id"].null_count() < records.height


def with_models(records: pl.DataFrame, fleet: pl.DataFrame | None) -> pl.DataFrame:
    """Return the records with the model of their vehicle in the fleet where they name none themselves.

    Parameters
    ----------
    records : DataFrame
        Optionally `vehicle_id` and `model`.
    fleet : DataFrame or None
        `vehicle_id` and `model`.

    Examples
    --------
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "model": ["A"]})
    >>> with_models(pl.DataFrame({"vehicle_id": ["V", None]}), fleet)["model"].to_list()
    ['A', None]
    """
    if fleet is None or not has_vehicles(records):
        return records
    own = "model" if "model" in records.columns else pl.lit(None, dtype=pl.String)
    of_fleet = fleet.select("vehicle_id", of_fleet="model")
    rows = records.with_columns(model=own).join(of_fleet, on="vehicle_id", how="left", maintain_order="left")
    return rows.with_columns(pl.coalesce("model", "of_fleet").alias("model")).drop("of_fleet")


def build_model_exposure(
    fleet: pl.DataFrame,
    records: pl.DataFrame,
    *,
    as_of: int,
    since: int,
    comeback_days: int = COMEBACK_DAYS,
    monthly: bool = False,
) -> FleetExposure:
    """Return weekly exposure of the fleet by model, and by model year where both tables have it, with its faults.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `model`, `entered_service_at` and, optionally, `left_service_at` and `model_year`. Instants are
        int64, microseconds of the local clock since 1970.
    records : DataFrame
        `model`, `component`, `fault` (bool), `serviced_at` and, optionally, `model_year`, `count` (faults that the row
        stands for), `job_id` and `reported_at`.
    as_of, since, comeback_days, monthly
        As for `ml.fault_rate.exposure.build_exposure`.

    Returns
    -------
    FleetExposure
        `at_risk` in vehicle-years by model and model year.

    Raises
    ------
    DataError
        Less than one week of records, no vehicle, or no fault of a model in service.

    Examples
    --------
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> fleet = pl.DataFrame({"vehicle_id": ["V", "W"], "model": ["A", "A"], "entered_service_at": [0, 0]})
    >>> records = pl.DataFrame({"model": ["A"], "component": ["brakes"], "fault": [True], "serviced_at": [10 * DAY],
    ...     "count": [4]})
    >>> exposure = build_model_exposure(fleet, records, as_of=21 * DAY, since=0)
    >>> exposure.at_risk.round(3).tolist(), exposure.counts(0).tolist()
    ([[0.038, 0.038, 0.038]], [[0.0, 4.0, 0.0]])
    """
    weeks, since = full_weeks(as_of=as_of, since=since)
    rows, notes = reported_with_model(records, since=since, as_of=as_of)
    cars, _ = cars_with_strata(fleet, as_of=as_of, bands=1)
    by_year = models_with_years(cars, rows)
    cars, rows = (with_build(t, by_year) for t in (cars, rows))
    strata = cars.select(STRATUM).unique().sort(STRATUM).with_row_index("stratum")
    cars = cars.join(strata, on=STRATUM, how="left")
    at_risk = vehicle_years(cars, strata.height, first_day=since / DAY, weeks=weeks, monthly=monthly)
    faults, fault_notes = place_faults(rows, strata, at_risk, {}, since=since, comeback_days=comeback_days)
    return assemble(
        full_strata(strata),
        at_risk,
        faults,
        since=since,
        as_of=as_of,
        monthly=monthly,
        notes=(BY_MODEL, *notes, *fault_notes),
        build_axis="model_year" if by_year else "quarter",
    )


def models_with_years(table: pl.DataFrame, records: pl.DataFrame) -> frozenset[str]:
    """Return the models that have a model year in both tables.

    Parameters
    ----------
    table, records : DataFrame
        `model` and, optionally, `model_year`.

    Examples
    --------
    >>> sold = pl.DataFrame({"model": ["A", "B"], "model_year": [2022, 2022]})
    >>> models_with_years(sold, pl.DataFrame({"model": ["A", "B"], "model_year": [2021, None]}))
    frozenset({'A'})
    """
    both = [t.drop_nulls("model_year")["model"] if "model_year" in t.columns else None for t in (table, records)]
    sets = [frozenset() if models is None else frozenset(models.unique()) for models in both]
    return sets[0] & sets[1]


def with_build(table: pl.DataFrame, by_year: frozenset[str]) -> pl.DataFrame:
    """Return a table with the column `build`: the model year of the models of `by_year`, and unknown for all others.

    Parameters
    ----------
    table : DataFrame
        `model` and, where `by_year` is not empty, `model_year`.
    by_year : frozenset of str
        Models whose faults and exposure are both known by model year.

    Examples
    --------
    >>> table = pl.DataFrame({"model": ["A", "B"], "model_year": [2022, 2022]})
    >>> with_build(table, frozenset({"A"}))["build"].to_list()
    [210, -10000]
    """
    unknown = pl.lit(UNKNOWN_BUILD, dtype=pl.Int64)
    if not by_year:
        return table.with_columns(build=unknown)
    year = build_of_model_year(pl.col("model_year")).fill_null(unknown)
    return table.with_columns(build=pl.when(pl.col("model").is_in(list(by_year))).then(year).otherwise(unknown))


def place_faults(
    records: pl.DataFrame,
    strata: pl.DataFrame,
    at_risk: FloatArray,
    component_at_risk: Mapping[str, FloatArray],
    *,
    since: int,
    comeback_days: int,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the faults in strata that have an exposure in their week, and notes on those merged or left out.

    Parameters
    ----------
    records : DataFrame
        `model`, `build`, `component`, `fault`, `serviced_at` and, optionally, `count` and `job_id`.
    strata : DataFrame
        `stratum`, `model` and `build`.
    at_risk : ndarray of shape (n_strata, n_weeks)
        Exposure of the components that are not in `component_at_risk`.
    component_at_risk : mapping of str to ndarray of shape (n_strata, n_weeks)
        Exposure of single components.
    since : int
        Instant (microseconds) at which week 0 begins.
    comeback_days : int
        See `ml.fault_rate.job_lines.one_fault_per_day`.

    Raises
    ------
    DataError
        No fault is left.
    """
    lines = records.filter("fault")
    with_component = lines.drop_nulls("component")
    faults, merged = one_fault_per_day(with_component, comeback_days=comeback_days)
    placed = faults.join(strata, on=STRATUM, how="inner", maintain_order="left")
    week = ((placed["serviced_at"] - since) // (WEEK_DAYS * DAY)).to_numpy()
    stratum, exposed = placed["stratum"].to_numpy(), np.zeros(placed.height, dtype=np.bool_)
    component = placed["component"].to_numpy()
    for name in placed["component"].unique():
        own = component == name
        exposed[own] = component_at_risk.get(name, at_risk)[stratum[own], week[own]] > 0
    at_work = placed.filter(pl.Series(exposed, dtype=pl.Boolean))
    left_out = {
        "without component": lines.height - with_component.height,
        "of a model, model year or month without exposure": int(faults["events"].sum()) - int(at_work["events"].sum()),
    }
    notes = tuple(f"left out: {count_text(n, 'fault')} {reason}" for reason, n in left_out.items() if n)
    if at_work.is_empty():
        raise DataError(
            f"service_records: no fault is of a model with an exposure ({'; '.join(notes) or 'no faults'}): spell "
            "model and model_year alike in both tables, and check component, fault and the dates"
        )
    return at_work, (*notes, *merged)
