"""Exposure without a fleet table: workshop visits of a model in place of vehicle-years.

A component stands out if it has a larger share of the visits of its model than of the visits of the other models
(proportional reporting). This is weaker evidence than exposure: a model all of whose components fail too often does not
stand out, and one whose owners visit more often for other reasons looks better than it is.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.plurals import count_text
from ml.fault_rate.exposure import REPORTED_TOO_EARLY, UNDATED, WEEK_DAYS, FleetExposure, reported_records

ONLY_REPORTS = (
    "no fleet table: faults are compared with the workshop visits of their model, not with the vehicles in service "
    "(proportional reporting)"
)


def build_report_exposure(records: pl.DataFrame, *, as_of: int, since: int) -> FleetExposure:
    """Return weekly faults with workshop visits as exposure, from the records reported before `as_of`.

    Parameters
    ----------
    records : DataFrame
        `model`, `component`, `fault` (bool), `serviced_at` and, optionally, `vehicle_id` and `reported_at`. Instants
        are int64, microseconds since 1970 UTC. A visit is one vehicle on one day; without `vehicle_id` each record is a
        visit.
    as_of : int
        Instant (microseconds); records reported at or after it are left out. It ends the last week.
    since : int
        Instant (microseconds) of the first record; week 0 begins up to six days after it, so that full weeks end at
        `as_of`.

    Returns
    -------
    FleetExposure
        One stratum per model; `at_risk` counts workshop visits per week and `basis` is 'reports'.

    Raises
    ------
    DataError
        Less than one week lies between `since` and `as_of`, no record names a model, or there is no fault.

    Examples
    --------
    >>> import polars as pl
    >>> day = 24 * 3_600 * 1_000_000  # microseconds
    >>> records = pl.DataFrame({"model": ["A", "A"], "component": ["brakes", "brakes"], "fault": [True, False],
    ...     "serviced_at": [10 * day, 11 * day]})
    >>> exposure = build_report_exposure(records, as_of=21 * day, since=0)
    >>> exposure.at_risk.tolist(), exposure.counts(0).tolist()
    ([[0.0, 2.0, 0.0]], [[0.0, 1.0, 0.0]])
    """
    weeks = (as_of - since) // (WEEK_DAYS * DAY)
    if weeks < 1:
        raise DataError(f"as_of: must be at least 1 week after the first record, got {weeks} weeks; give a later one")
    since = as_of - int(weeks) * WEEK_DAYS * DAY
    rows, notes = _reported(records, since=since, as_of=as_of)
    dated = "reported_at" in rows.columns
    models = rows["model"].unique().sort()
    rows = rows.with_columns(week=(pl.col("serviced_at") - since) // (WEEK_DAYS * DAY))
    faults = rows.filter(pl.col("fault") & pl.col("component").is_not_null())
    if faults.is_empty():
        raise DataError(
            f"service_records: no fault among {rows.height:,} records has a model and a component; map model, "
            "component and fault"
        )
    components = tuple(faults["component"].unique().sort().to_list())
    model_index = dict(zip(models.to_list(), range(len(models)), strict=True))
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
        at_risk=_visits(rows, model_index, int(weeks)),
        stratum=np.array([model_index[m] for m in faults["model"]], dtype=np.int64),
        component=np.searchsorted(np.array(components), faults["component"].to_numpy().astype(str)).astype(np.int64),
        week=faults["week"].to_numpy(),
        report_week=(reported - since) // (WEEK_DAYS * DAY),
        delay_days=(reported - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        observable_days=(as_of - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        notes=(ONLY_REPORTS, *notes),
        basis="reports",
    )


def _reported(records: pl.DataFrame, *, since: int, as_of: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the records with a model reported before `as_of`, and notes on those left out."""
    rows, backwards = reported_records(records, since=since, as_of=as_of)
    if rows.is_empty():
        reason = f"; {count_text(backwards, 'record')} {REPORTED_TOO_EARLY}" if backwards else ""
        raise DataError(
            f"service_records: no record was reported in the weeks of the records{reason}: map serviced_at and "
            "reported_at"
        )
    with_model = rows.drop_nulls("model") if "model" in rows.columns else rows.clear()
    if with_model.is_empty():
        raise DataError(
            f"service_records.model: none of {rows.height:,} records has a model; map it, or add the table fleet to "
            "sources.yaml"
        )
    left_out = {REPORTED_TOO_EARLY: backwards, "without model": rows.height - with_model.height}
    notes = [f"left out: {count_text(n, 'record')} {reason}" for reason, n in left_out.items() if n]
    return with_model, (*notes, *(() if "reported_at" in rows.columns else (UNDATED,)))


def _visits(
    rows: pl.DataFrame, model_index: dict[str, int], weeks: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the visits by model and week, shape (n_models, n_weeks)."""
    keys = ["model", "week"]
    if "vehicle_id" in rows.columns and rows["vehicle_id"].null_count() < rows.height:
        day = pl.col("serviced_at") // DAY
        rows = rows.select(*keys, "vehicle_id", day=day).unique()
    sums = rows.group_by(keys).len()
    visits = np.zeros((len(model_index), weeks))
    visits[[model_index[m] for m in sums["model"]], sums["week"].to_numpy()] = sums["len"].to_numpy()
    return visits
