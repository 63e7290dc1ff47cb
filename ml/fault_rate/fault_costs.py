"""Mean cost of a fault, by component: the lines of a visit add up."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.fault_rate.job_lines import COMEBACK_DAYS, one_fault_per_day


def mean_fault_costs(records: pl.DataFrame, *, comeback_days: int = COMEBACK_DAYS) -> dict[str, float]:
    """Return the mean cost (yuan) of the visits for a fault, by component.

    Parameters
    ----------
    records : DataFrame
        Workshop lines: `serviced_at` (microseconds of the local clock), `component`, `fault` (bool), `cost` (fen) and,
        optionally, `vehicle_id`, `job_id`, `model` and `count` (faults that the line stands for; null means 1). The
        cost of a visit, one vehicle on one day, is the sum of all its lines; it is one of the costs of each component
        that had a fault in it. A line without a vehicle has the cost of all its faults.
    comeback_days : int
        Visits of the same fault add up; see `ml.fault_rate.job_lines.one_fault_per_day`.

    Returns
    -------
    dict of str to float
        Components with a mean cost above 0; empty where there is no `cost`.

    Examples
    --------
    A visit with two lines of 900 and 100 yuan, and three claims of together 5,000 yuan:

    >>> import polars as pl
    >>> records = pl.DataFrame({"vehicle_id": ["V", "V", None], "serviced_at": [5, 6, 7],
    ...     "component": ["brakes", None, "brakes"], "fault": [True, False, True], "count": [None, None, 3],
    ...     "cost": [90_000, 10_000, 500_000]})
    >>> mean_fault_costs(records)
    {'brakes': 1500.0}
    """
    if "cost" not in records.columns:
        return {}
    absent = [(n, t) for n, t in (("vehicle_id", pl.String), ("count", pl.Int64)) if n not in records.columns]
    rows = records.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in absent)
    rows = rows.with_columns(day=pl.col("serviced_at") // DAY)
    is_fault, visit = pl.col("fault") & pl.col("component").is_not_null(), ["vehicle_id", "day"]
    costs = rows.drop_nulls("cost").drop_nulls("vehicle_id").group_by(visit).agg(pl.col("cost").sum())
    of_vehicles = rows.filter(is_fault).drop("cost").join(costs, on=visit, how="inner")
    alone = rows.filter(is_fault & pl.col("vehicle_id").is_null()).drop_nulls("cost")
    faults, _ = one_fault_per_day(
        pl.concat([of_vehicles, alone.select(of_vehicles.columns)]), comeback_days=comeback_days
    )
    sums = pl.concat([of_vehicles.unique([*visit, "component"]), alone.select(of_vehicles.columns)])
    sums = sums.group_by("component").agg(pl.col("cost").sum())
    means = faults.group_by("component").agg(pl.col("events").sum()).join(sums, on="component")
    means = means.select("component", pl.col("cost") / pl.col("events") / 100)
    return {c: float(v) for c, v in means.sort("component").iter_rows() if v > 0}
