"""Without a fleet table: what a model's faults are compared with is how often it comes to the workshop at all.

A component that is reported more often, among all that is reported of a model, than among what is reported of the
others stands out (proportional reporting). It tells less than exposure does: a model all of whose parts fail too often
does not stand out, and one whose owners come more often for other reasons seems better than it is.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from ml.fault_rate.exposure import BACKWARDS, UNDATED, WEEK_DAYS, FleetExposure, reported_records

ONLY_REPORTS = (
    "there is no table of the fleet: faults are compared with the visits of their model, not with the vehicles in the "
    "field (proportional reporting)"
)


def build_report_exposure(records: pl.DataFrame, *, as_of: int, since: int) -> FleetExposure:
    """Lay out what is known at a moment, with visits in place of vehicle-years.

    Parameters
    ----------
    records : DataFrame
        `model`, `component`, `fault`, `serviced_at` and, where there are any, `vehicle_id` and `reported_at` (us). A
        visit is a vehicle's day; without `vehicle_id` each record is one.
    as_of, since : int
        Moments (us): nothing reported at or after the first is known, and weeks begin with the second.

    Raises
    ------
    DataError
        There is no fault, no record names its model, or all were reported later.
    """
    weeks = (as_of - since) // (WEEK_DAYS * DAY)
    if weeks < 1:
        raise DataError(f"as_of: must be a week or more after the begin of the records, got {weeks} weeks")
    since = as_of - int(weeks) * WEEK_DAYS * DAY
    rows, notes = _known(records, since=since, as_of=as_of)
    dated = "reported_at" in rows.columns
    models = rows["model"].unique().sort()
    rows = rows.with_columns(week=(pl.col("serviced_at") - since) // (WEEK_DAYS * DAY))
    faults = rows.filter(pl.col("fault") & pl.col("component").is_not_null())
    if faults.is_empty():
        raise DataError("service_records: no fault names a model and a component; map model, component and fault")
    components = tuple(faults["component"].unique().sort().to_list())
    place = dict(zip(models.to_list(), range(len(models)), strict=True))
    at = faults["serviced_at"].to_numpy()
    reported = faults["reported_at"].to_numpy() if dated else at
    return FleetExposure(
        strata=pl.DataFrame(
            {"model": models, "energy_type": None, "build": 0, "distance_band": -1},
            schema={"model": pl.String, "energy_type": pl.String, "build": pl.Int64, "distance_band": pl.Int64},
        ),
        components=components,
        distance_limits=np.zeros(0),
        first_day=since / DAY,
        at_risk=_visits(rows, place, int(weeks)),
        stratum=np.array([place[m] for m in faults["model"]], dtype=np.int64),
        component=np.searchsorted(np.array(components), faults["component"].to_numpy().astype(str)).astype(np.int64),
        week=faults["week"].to_numpy(),
        report_week=(reported - since) // (WEEK_DAYS * DAY),
        delay_days=(reported - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        observable_days=(as_of - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        notes=(ONLY_REPORTS, *notes),
        basis="reports",
    )


def _known(records: pl.DataFrame, *, since: int, as_of: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Records known by as_of with their model, and what had to be left out."""
    rows, backwards = reported_records(records, since=since, as_of=as_of)
    if rows.is_empty():
        told = f"; {backwards:,} records {BACKWARDS}" if backwards else ""
        raise DataError(
            f"service_records: no record was reported in the time asked about{told}: map serviced_at and reported_at"
        )
    named = rows.drop_nulls("model") if "model" in rows.columns else rows.clear()
    if named.is_empty():
        raise DataError(
            "service_records.model: no record names its model; map it, or name the source of the fleet in the sources"
        )
    left_out = {BACKWARDS: backwards, "name no model": rows.height - named.height}
    notes = [f"{n:,} records {why} and are left out" for why, n in left_out.items() if n]
    return named, (*notes, *(() if "reported_at" in rows.columns else (UNDATED,)))


def _visits(rows: pl.DataFrame, place: dict[str, int], weeks: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Visits by model and week."""
    keys = ["model", "week"]
    if "vehicle_id" in rows.columns and rows["vehicle_id"].null_count() < rows.height:
        day = pl.col("serviced_at") // DAY
        rows = rows.select(*keys, "vehicle_id", day=day).unique()
    counted = rows.group_by(keys).len()
    found = np.zeros((len(place), weeks))
    found[[place[m] for m in counted["model"]], counted["week"].to_numpy()] = counted["len"].to_numpy()
    return found
