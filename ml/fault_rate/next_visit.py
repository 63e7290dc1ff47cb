"""Next routine service of each vehicle from the gaps between its own visits, and exits from the fleet by age."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from ml.domain.arrays import FloatArray
from ml.domain.faults.remaining_life import exits_by_age
from ml.fault_rate.exposure import YEAR_DAYS
from ml.fault_rate.fleet import with_optional_columns
from ml.fault_rate.routine import steps


def next_routine_visits(cars: pl.DataFrame, records: pl.DataFrame, *, day: int) -> pl.DataFrame:
    """Return the day on which each vehicle is likely to come for its next routine service.

    The gap of a vehicle is the mean of the gaps between its own routine visits and one gap of the mean length of all.
    The next visit is the first after `day` that lies a whole number of gaps after the last one: a service that was
    missed is not made up for, the following one is expected.

    Parameters
    ----------
    cars : DataFrame
        `vehicle_id` and `entered` (day of entering service, from which a vehicle without a routine visit counts).
    records : DataFrame
        Records before the day: `vehicle_id`, `component`, `fault` (bool) and `serviced_at` (microseconds). A visit is
        routine if a line with a component is no fault, or does not say.
    day : int
        Today, days from 1970-01-01.

    Returns
    -------
    DataFrame
        `vehicle_id` and `next_visit` (day); null for all vehicles where none has two routine visits.

    Examples
    --------
    >>> import polars as pl
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> cars = pl.DataFrame({"vehicle_id": ["V", "W"], "entered": [0, 350]})
    >>> records = pl.DataFrame({"vehicle_id": ["V", "V"], "component": ["oil", "oil"], "fault": [False, False],
    ...     "serviced_at": [100 * DAY, 300 * DAY]})
    >>> next_routine_visits(cars, records, day=400).rows()
    [('V', 500), ('W', 550)]
    """
    is_fault = pl.col("fault")
    routine = records.filter(is_fault.is_null() | (~is_fault & pl.col("component").is_not_null()))
    days = routine.select("vehicle_id", day=pl.col("serviced_at") // DAY).unique()
    rows = cars.select("vehicle_id", "entered").with_row_index("row")
    visits = days.join(rows.select("vehicle_id", "row"), on="vehicle_id", how="inner").sort("row", "day")
    gaps = steps(visits.with_columns(km=pl.lit(None, dtype=pl.Float64)))
    if gaps.is_empty():
        return cars.select("vehicle_id", pl.lit(None, dtype=pl.Int64).alias("next_visit"))
    mean = float(gaps["days"].sum()) / gaps.height
    own = gaps.group_by("row").agg(gap=(pl.col("days").sum() + mean) / (pl.len() + 1))
    last = visits.group_by("row").agg(last=pl.col("day").max())
    rows = rows.join(own, on="row", how="left", maintain_order="left")
    rows = rows.join(last, on="row", how="left", maintain_order="left")
    gap, since = pl.col("gap").fill_null(mean), pl.coalesce("last", "entered")
    turns = (((day + 1 - since) / gap).ceil()).clip(lower_bound=1)
    return rows.select("vehicle_id", next_visit=(since + turns * gap).round().cast(pl.Int64))


def fleet_exits(fleet: pl.DataFrame, records: pl.DataFrame, *, as_of: int) -> tuple[FloatArray, FloatArray]:
    """Return the exits from the fleet and the vehicle-years by age, while records were kept.

    Vehicles that left before the first record may be missing from the fleet table; the years before it do not count.

    Parameters
    ----------
    fleet : DataFrame
        `entered_service_at` and, optionally, `built_at` and `left_service_at` (microseconds since 1970 UTC).
    records : DataFrame
        `serviced_at` (microseconds); its first value begins the time that counts.
    as_of : int
        Instant (microseconds) at which it ends.

    Returns
    -------
    exits, years : ndarray of shape (6,)
        As returned by `ml.domain.faults.remaining_life.exits_by_age`; all 0 without records.

    Examples
    --------
    >>> import polars as pl
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> fleet = pl.DataFrame({"entered_service_at": [0, 0], "left_service_at": [731 * DAY, None]})
    >>> exits, years = fleet_exits(fleet, pl.DataFrame({"serviced_at": [0]}), as_of=1_461 * DAY)
    >>> exits[:2].tolist(), years[:2].round(2).tolist()
    ([0.0, 1.0], [4.0, 2.0])
    """
    first = records["serviced_at"].min()
    cars = with_optional_columns(fleet).drop_nulls("entered_service_at")
    cars = cars.with_columns(
        built=pl.coalesce("built_at", "entered_service_at"),
        begin=pl.max_horizontal("entered_service_at", pl.lit(first, dtype=pl.Int64)),
        end=pl.min_horizontal(pl.col("left_service_at").fill_null(as_of), pl.lit(as_of)),
        left=pl.col("left_service_at").is_not_null() & (pl.col("left_service_at") <= as_of),
    ).filter(pl.lit(first is not None) & (pl.col("end") > pl.col("begin")))
    year = DAY * YEAR_DAYS
    ages = [((cars[n] - cars["built"]) / year).to_numpy() for n in ("begin", "end")]
    return exits_by_age(ages[0], ages[1], cars["left"].to_numpy())
