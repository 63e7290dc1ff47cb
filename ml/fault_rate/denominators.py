"""Exposure from a table of denominators: vehicles in use, vehicles sold, or complaints, by model and month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.fault_rate.counted import models_with_years, place_faults, with_build
from ml.fault_rate.exposure import WEEK_DAYS, YEAR_DAYS, FleetExposure, assemble, full_weeks
from ml.fault_rate.job_lines import COMEBACK_DAYS
from ml.fault_rate.months import month_grid
from ml.fault_rate.reports import STRATUM, full_strata, reported_with_model

IN_USE, COMPLAINTS = "in_use", "complaints"
NOTES = {
    "in_use": "faults are compared with the vehicles in use of the table denominators",
    "sales": (
        "faults are compared with the vehicles sold so far by the table denominators; none of them counts as taken out "
        "of use, and vehicles sold before its first month are not in it"
    ),
    "complaints": "faults are compared with the complaints of the table denominators (proportional reporting)",
}  # fmt: skip


def build_denominator_exposure(
    denominators: pl.DataFrame,
    records: pl.DataFrame,
    *,
    as_of: int,
    since: int,
    comeback_days: int = COMEBACK_DAYS,
    monthly: bool = False,
) -> FleetExposure:
    """Return weekly exposure from a table of denominators, and the faults of the models in it.

    Vehicles in use count until the next month that has a figure. Vehicles sold add up; in the month of their sale they
    count half. Complaints count in their own month. A month's exposure is spread over its days; for monthly totals of
    faults it counts as a whole.

    Parameters
    ----------
    denominators : DataFrame
        `model`, `month` (any instant of it) and `count`; optionally `component` and `model_year` (null for all) and
        `kind` ('in_use', 'sales' or 'complaints'; null means 'in_use'). Instants are int64, microseconds of the local
        clock since 1970.
    records : DataFrame
        `model`, `component`, `fault` (bool), `serviced_at` and, optionally, `model_year`, `count` (faults that the row
        stands for), `vehicle_id`, `job_id` and `reported_at`.
    as_of, since, comeback_days, monthly
        As for `ml.fault_rate.exposure.build_exposure`.

    Returns
    -------
    FleetExposure
        `at_risk` in vehicle-years (complaints where these are the denominator), by model and model year.

    Raises
    ------
    DataError
        Denominators are of different kinds, or no fault has one.

    Examples
    --------
    One vehicle in use in January, two from February on, and a fault in the third week:

    >>> from features.aggregations import DAY  # microseconds in a day
    >>> denominators = pl.DataFrame({"model": ["A", "A"], "month": [0, 31 * DAY], "count": [1, 2]})
    >>> records = pl.DataFrame({"model": ["A"], "component": ["brakes"], "fault": [True], "serviced_at": [20 * DAY]})
    >>> exposure = build_denominator_exposure(denominators, records, as_of=42 * DAY, since=0)
    >>> (exposure.at_risk * YEAR_DAYS).round(1).tolist(), exposure.counts(0).tolist()
    ([[7.0, 7.0, 7.0, 7.0, 11.0, 14.0]], [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    """
    weeks, since = full_weeks(as_of=as_of, since=since)
    rows, notes = reported_with_model(records, since=since, as_of=as_of)
    table, kind = _by_month(denominators)
    by_year = models_with_years(table, rows)
    table = _one_row_per_stratum(table, by_year)
    strata = table.select(STRATUM).unique().sort(STRATUM).with_row_index("stratum")
    table = table.join(strata, on=STRATUM, how="left")
    weekly = _Weekly(kind, since / DAY, weeks, monthly)
    of_all = table.filter(pl.col("component").is_null())
    at_risk = weekly.at_risk(of_all, strata.height)
    own = {}
    for (component,), part in table.drop_nulls("component").group_by("component"):
        of_model = strata["model"].is_in(part["model"].unique().implode()).to_numpy()
        own[str(component)] = np.where(of_model[:, None], weekly.at_risk(part, strata.height), at_risk)
    rows = with_build(rows, by_year)
    faults, fault_notes = place_faults(rows, strata, at_risk, own, since=since, comeback_days=comeback_days)
    return assemble(
        full_strata(strata),
        at_risk,
        faults,
        since=since,
        as_of=as_of,
        monthly=monthly,
        notes=(NOTES[kind], *notes, *fault_notes),
        basis="reports" if kind == COMPLAINTS else "exposure",
        build_axis="model_year" if by_year else "quarter",
        component_at_risk=own,
    )


def _by_month(denominators: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return `model`, `component`, `model_year`, `month` (from January 1970) and `count`, and the kind of `count`."""
    absent = {"component": pl.String, "model_year": pl.Int64, "kind": pl.String}
    rows = denominators.with_columns(
        pl.lit(None, dtype=t).alias(n) for n, t in absent.items() if n not in denominators.columns
    )
    kinds = rows["kind"].fill_null(IN_USE).unique().sort().to_list()
    if len(kinds) != 1:
        problem = f"must be the same in all rows, got {' and '.join(kinds)}" if kinds else "the table has no rows"
        raise DataError(f"denominators.kind: {problem}; read one kind with `only: {{<column>: [...]}}` in sources.yaml")
    date = pl.from_epoch("month", time_unit="us").dt
    month = (date.year().cast(pl.Int64) - 1970) * 12 + date.month() - 1
    return rows.select("model", "component", "model_year", "count", month=month), str(kinds[0])


def _one_row_per_stratum(table: pl.DataFrame, by_year: frozenset[str]) -> pl.DataFrame:
    """Return the sums by model, component, build and month; a total over model years replaces their sum."""
    is_by_year, has_year = pl.col("model").is_in(list(by_year)), pl.col("model_year").is_not_null()
    has_total = (~has_year).any().over("model", "component")
    rows = table.filter(pl.when(is_by_year).then(has_year).otherwise(~has_year | ~has_total))
    keys = ["model", "component", "build", "month"]
    return with_build(rows, by_year).group_by(keys).agg(pl.col("count").sum()).sort(keys)


@dataclass(frozen=True)
class _Weekly:
    """Weeks of the records, and what a count of denominators means."""

    kind: str
    first_day: float
    weeks: int
    monthly: bool

    def at_risk(self, rows: pl.DataFrame, n_strata: int) -> FloatArray:
        """Return the exposure by stratum and week, shape (n_strata, n_weeks)."""
        last_day = np.array(np.floor(self.first_day + WEEK_DAYS * self.weeks)).astype("datetime64[D]")
        rows = rows.filter(pl.col("month") <= int(last_day.astype("datetime64[M]").astype(np.int64)))
        if rows.is_empty():
            return np.zeros((n_strata, self.weeks))
        months = np.arange(int(rows["month"].min()), int(last_day.astype("datetime64[M]").astype(np.int64)) + 1)  # type: ignore[arg-type]
        edges = np.append(months, months[-1] + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.float64)
        count = np.full((n_strata, len(months)), np.nan)
        count[rows["stratum"].to_numpy(), rows["month"].to_numpy() - months[0]] = rows["count"].to_numpy()
        by_month = self._exposure(count) * (1.0 if self.kind == COMPLAINTS else np.diff(edges) / YEAR_DAYS)
        if not self.monthly:
            weeks = np.asarray(self.first_day + WEEK_DAYS * np.arange(self.weeks + 1), dtype=np.float64)
            return np.asarray(np.matmul(by_month, _shares(edges, weeks)), dtype=np.float64)
        grid = month_grid(self.first_day, self.weeks)
        position = grid.months - months[0]
        by_month = np.concatenate([by_month, np.zeros((n_strata, 1))], axis=1)  # of the months before the table's first
        return grid.scatter(by_month[:, np.where(position < 0, len(months), position)])

    def _exposure(self, count: FloatArray) -> FloatArray:
        """Return vehicles by month, or complaints, from the counts; NaN is a month without a row."""
        if self.kind != IN_USE:
            flow = np.nan_to_num(count)
            return flow if self.kind == COMPLAINTS else flow.cumsum(axis=1) - flow / 2
        position = np.where(np.isnan(count), 0, np.arange(count.shape[1])[None, :])
        last = np.maximum.accumulate(position, axis=1)
        return np.nan_to_num(np.take_along_axis(count, last, axis=1))


def _shares(edges: FloatArray, weeks: FloatArray) -> FloatArray:
    """Return the share of each month's days that lies in each week, shape (n_months, n_weeks)."""
    begin, end = np.maximum(edges[:-1, None], weeks[None, :-1]), np.minimum(edges[1:, None], weeks[None, 1:])
    return np.asarray(np.maximum(end - begin, 0.0) / np.diff(edges)[:, None])
