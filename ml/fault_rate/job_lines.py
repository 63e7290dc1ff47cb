"""One fault for each vehicle, component and day, however many lines the invoice or the complaint has.

Lines of one job (labour, part, diagnosis) and a second visit of the same repair (the part had to be ordered) are one
failure of the component. Counted as several, they would look like several failures that happen together, which no
Poisson rate expects, and an ordinary component would raise an alarm.
"""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from features.plurals import count_text

COMEBACK_DAYS = 7
OPTIONAL = {"vehicle_id": pl.String, "model": pl.String, "job_id": pl.String, "count": pl.Int64}


def one_fault_per_day(
    faults: pl.DataFrame, *, comeback_days: int = COMEBACK_DAYS
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return one row for each fault, with its number of events, and notes on the lines that were merged.

    Lines of the same vehicle and component are one fault if they lie on the same day, in the same job, or at most
    `comeback_days` after the line before: a comeback is the same failure, repaired again. Without a vehicle, lines are
    one fault if they name the same model, component and job; without a job either, each line is a fault of its own.

    Parameters
    ----------
    faults : DataFrame
        Lines that report a fault: `component`, `serviced_at` and, optionally, `vehicle_id`, `job_id`, `model`,
        `reported_at` and `count` (events that the line stands for; null means 1). Instants are int64, microseconds of
        the local clock since 1970, so that days are local days.
    comeback_days : int
        Days after a fault within which the same component of the same vehicle has no new fault; 0 merges only lines of
        the same day or job.

    Returns
    -------
    rows : DataFrame
        Columns of `faults`, the first line of each fault, with the earliest `reported_at` and the largest `count` of
        its lines as `events` (int64, at least 1). Faults of `count` 0 are left out.
    notes : tuple of str
        How many lines were merged, and why.

    Examples
    --------
    A part and its labour on day 10, a comeback on day 12, and another fault on day 40:

    >>> import polars as pl
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> lines = pl.DataFrame({"vehicle_id": ["V"] * 4, "component": ["brakes"] * 4,
    ...     "serviced_at": [10 * DAY, 10 * DAY, 12 * DAY, 40 * DAY]})
    >>> rows, notes = one_fault_per_day(lines)
    >>> (rows["serviced_at"] // DAY).to_list(), rows["events"].to_list()
    ([10, 40], [1, 1])
    >>> notes
    ('merged: 1 line on the fault of the same vehicle, component and day', \
'merged: 1 line on a fault of the same vehicle and component in the 7 days before')
    """
    rows = _with_events(faults).with_row_index("line")
    has_vehicle, has_job = pl.col("vehicle_id").is_not_null(), pl.col("job_id").is_not_null()
    of_vehicles, by_vehicle = _merged(rows.filter(has_vehicle), ["vehicle_id", "component"], comeback_days)
    of_jobs, by_job = _merged(rows.filter(~has_vehicle & has_job), ["model", "job_id", "component"], comeback_days)
    alone = rows.filter(~has_vehicle & ~has_job)
    merged = pl.concat([of_vehicles, of_jobs, alone]).sort("line").select(*faults.columns, "events")
    lines = {n: by_vehicle[n] + by_job[n] for n in by_vehicle}
    days = count_text(comeback_days, "day")
    reasons = {
        "same_day": "on the fault of the same vehicle, component and day",
        "same_job": "on the fault of the same job and component",
        "comeback": f"on a fault of the same vehicle and component in the {days} before",
    }
    return merged, tuple(
        f"merged: {count_text(lines[k], 'line')} {reason}" for k, reason in reasons.items() if lines[k]
    )


def _with_events(faults: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that stand for an event, with the optional columns and the number of events."""
    absent = (pl.lit(None, dtype=t).alias(n) for n, t in OPTIONAL.items() if n not in faults.columns)
    rows = faults.with_columns(absent)
    return rows.with_columns(events=pl.col("count").fill_null(1)).filter(pl.col("events") > 0)


def _merged(rows: pl.DataFrame, cell: list[str], comeback_days: int) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the first line of each fault, and how many lines were merged by reason; `cell` names whose fault it is."""
    day = pl.col("serviced_at") // DAY
    order = [*(pl.col(n) for n in cell), day, pl.col("job_id"), pl.col("serviced_at"), pl.col("line")]
    is_suspect = _may_be_merged(rows, cell, comeback_days)
    suspects = rows.filter(is_suspect).sort(order, nulls_last=True)
    same_cell = pl.all_horizontal(pl.col(n).eq_missing(pl.col(n).shift()) for n in cell)
    gap = day - day.shift()
    same_job = pl.col("job_id").is_not_null() & ~pl.col("job_id").is_first_distinct().over(cell)
    reason = (
        pl.when(~same_cell.fill_null(value=False) | (pl.int_range(pl.len()) == 0))
        .then(None)
        .when(same_job)
        .then(pl.lit("same_job"))
        .when(gap == 0)
        .then(pl.lit("same_day"))
        .when(gap <= comeback_days)
        .then(pl.lit("comeback"))
    )
    suspects = suspects.with_columns(reason=reason).with_columns(fault_number=pl.col("reason").is_null().cum_sum())
    counts = {n: int((suspects["reason"] == n).sum()) for n in ("same_day", "same_job", "comeback")}
    earliest = [pl.col("reported_at").min()] if "reported_at" in rows.columns else []
    largest = suspects.group_by("fault_number").agg(pl.col("events").max(), *earliest)
    firsts = suspects.filter(pl.col("reason").is_null()).drop("events", *(["reported_at"] if earliest else []))
    firsts = firsts.join(largest, on="fault_number", how="left").select(rows.columns)
    return pl.concat([rows.filter(~is_suspect), firsts]), counts


def _may_be_merged(rows: pl.DataFrame, cell: list[str], comeback_days: int) -> pl.Series:
    """Return the lines that are near another one of their cell, or of the same job; few, so that sorting them is fast.

    Cells are compared by hash: a line of another cell with the same hash is a suspect more, and is not merged.
    """
    job = pl.col("job_id").hash()
    keys = rows.select(
        key=pl.struct(cell).hash(), day=pl.col("serviced_at") // DAY, at=pl.int_range(pl.len()),
        shared=pl.col("job_id").is_not_null() & pl.struct(*cell, job.alias("job")).hash().is_duplicated()
        if rows["job_id"].null_count() < rows.height else pl.lit(value=False),
    ).sort("key", "day")  # fmt: skip
    near = ((pl.col("key") == pl.col("key").shift()) & (pl.col("day").diff() <= comeback_days)).fill_null(value=False)
    keys = keys.with_columns(near=near)
    near_any = pl.col("near") | pl.col("near").shift(-1).fill_null(value=False) | pl.col("shared")
    return keys.select("at", suspect=near_any).sort("at")["suspect"]
