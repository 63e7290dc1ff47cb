"""Exposure without a fleet table: workshop visits, or complaints, of a model in place of vehicle-years.

A component stands out if it has a larger share of the visits of its model than of the visits of the other models
(proportional reporting). This is weaker evidence than exposure: a model all of whose components fail too often does not
stand out, and one whose owners visit more often for other reasons looks better than it is.

Where every visit is a fault, as in a file of complaints, the denominator holds the faults themselves. Then the count of
a component is binomial among the complaints of its model, with a smaller variance than the Poisson count that the
surveillance expects, and the probability of a false alarm stays below the limit: for a share p of n complaints and
every rate ratio r, ``(1 + p (r - 1))**n <= exp(n p (r - 1))``. An elevated rate shows somewhat smaller than it is,
because it adds to its own denominator.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.plurals import count_text
from ml.domain.arrays import FloatArray
from ml.fault_rate.exposure import WEEK_DAYS, FleetExposure, assemble, full_weeks
from ml.fault_rate.job_lines import COMEBACK_DAYS, one_fault_per_day
from ml.fault_rate.model_years import UNKNOWN_BUILD, build_of_model_year
from ml.fault_rate.reported import REPORTED_TOO_EARLY, reported_records

ONLY_REPORTS = (
    "no fleet table: faults are compared with the workshop visits of their model, not with the vehicles in service "
    "(proportional reporting)"
)
ONLY_COMPLAINTS = (
    "no fleet table, and every record is a fault: components are compared by their share of the complaints of their "
    "model (proportional reporting)"
)
STRATUM = ["model", "build"]


def build_report_exposure(
    records: pl.DataFrame, *, as_of: int, since: int, comeback_days: int = COMEBACK_DAYS, monthly: bool = False
) -> FleetExposure:
    """Return weekly faults with workshop visits as exposure, from the records reported before `as_of`.

    Parameters
    ----------
    records : DataFrame
        `model`, `component`, `fault` (bool), `serviced_at` and, optionally, `vehicle_id`, `job_id`, `model_year`,
        `count` and `reported_at`. Instants are int64, microseconds of the local clock since 1970. A visit is a job, or
        one vehicle on one day; without `job_id` and `vehicle_id` each record is a visit, or as many as its `count`.
    as_of : int
        Instant (microseconds); records reported at or after it are left out. It ends the last week.
    since : int
        Instant (microseconds) of the first record; week 0 begins up to six days after it, so that full weeks end at
        `as_of`.
    comeback_days : int
        See `ml.fault_rate.job_lines.one_fault_per_day`.
    monthly : bool
        Whether the records are totals of months, dated by `ml.fault_rate.months.at_month_end`.

    Returns
    -------
    FleetExposure
        One stratum per model and model year; `at_risk` counts workshop visits per week and `basis` is 'reports'.

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
    weeks, since = full_weeks(as_of=as_of, since=since)
    rows, notes = reported_with_model(records, since=since, as_of=as_of)
    rows, by_model_year = with_build(rows)
    lines = rows.filter(pl.col("fault") & pl.col("component").is_not_null())
    faults, merged = one_fault_per_day(lines, comeback_days=comeback_days)
    if faults.is_empty():
        raise DataError(
            f"service_records: no fault among {rows.height:,} records has a model and a component; map model, "
            "component and fault"
        )
    strata = rows.select(STRATUM).unique().sort(STRATUM).with_row_index("stratum")
    return assemble(
        full_strata(strata),
        _visits(rows.join(strata, on=STRATUM), strata.height, since=since, weeks=weeks),
        faults.join(strata, on=STRATUM, how="left", maintain_order="left"),
        since=since,
        as_of=as_of,
        monthly=monthly,
        notes=(ONLY_COMPLAINTS if rows["fault"].all() else ONLY_REPORTS, *notes, *merged),
        basis="reports",
        build_axis="model_year" if by_model_year else "quarter",
    )


def with_build(rows: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Return records with the column `build` (quarter of the model year, or unknown), and whether any has a model year.

    >>> rows, by_model_year = with_build(pl.DataFrame({"model": ["A", "A"], "model_year": [2022, None]}))
    >>> rows["build"].to_list(), by_model_year
    ([210, -10000], True)
    """
    if "model_year" not in rows.columns or rows["model_year"].null_count() == rows.height:
        return rows.with_columns(build=pl.lit(UNKNOWN_BUILD, dtype=pl.Int64)), False
    return rows.with_columns(build=build_of_model_year(pl.col("model_year")).fill_null(UNKNOWN_BUILD)), True


def full_strata(strata: pl.DataFrame) -> pl.DataFrame:
    """Return `model` and `build` as strata of a `FleetExposure`: energy type and distance are unknown.

    >>> full_strata(pl.DataFrame({"model": ["A"], "build": [210]})).row(0)
    ('A', None, 210, -1)
    """
    energy, band = pl.lit(None, dtype=pl.String).alias("energy_type"), pl.lit(-1, dtype=pl.Int64).alias("distance_band")
    return strata.select("model", energy, "build", band)


def reported_with_model(records: pl.DataFrame, *, since: int, as_of: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the records with a model reported before `as_of`, and notes on those left out.

    Parameters
    ----------
    records : DataFrame
        As for `build_report_exposure`.
    since, as_of : int
        Instants (microseconds): the records are serviced from the first on and reported before the second.

    Raises
    ------
    DataError
        No record is left.
    """
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
    return with_model, tuple(f"left out: {count_text(n, 'record')} {reason}" for reason, n in left_out.items() if n)


def _visits(rows: pl.DataFrame, n_strata: int, *, since: int, weeks: int) -> FloatArray:
    """Return the visits by stratum and week, shape (n_strata, n_weeks)."""
    counts = pl.col("count").fill_null(1) if "count" in rows.columns else pl.lit(1, dtype=pl.Int64)
    week = (pl.col("serviced_at") - since) // (WEEK_DAYS * DAY)
    rows = rows.with_columns(week=week, visits=counts)
    no_text = pl.lit(None, dtype=pl.String)
    job, vehicle = ((pl.col(n) if n in rows.columns else no_text) for n in ("job_id", "vehicle_id"))
    rows = rows.with_columns(
        job=job,
        vehicle=pl.when(job.is_null()).then(vehicle),
        day=pl.when(job.is_null()).then(pl.col("serviced_at") // DAY),
    )
    identified = pl.col("job").is_not_null() | pl.col("vehicle").is_not_null()
    single = rows.filter(identified).group_by("stratum", "job", "vehicle", "day").agg(pl.col("week", "visits").min())
    both = pl.concat(
        [rows.filter(~identified).select("stratum", "week", "visits"), single.select("stratum", "week", "visits")]
    )
    sums = both.group_by("stratum", "week").agg(pl.col("visits").sum())
    visits = np.zeros((n_strata, weeks))
    visits[sums["stratum"].to_numpy(), sums["week"].to_numpy()] = sums["visits"].to_numpy()
    return visits
