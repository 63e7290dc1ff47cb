"""Which vehicles should be reminded of a routine service, when it falls due, and when they are likely to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.domain.arrays import FloatArray
from ml.domain.maintenance.service_due import ENOUGH_VEHICLES, Due, Rate, fit_driving, next_due, posterior_rate
from ml.domain.maintenance.service_turns import MONTH_DAYS, Punctuality, intervals, punctuality
from ml.fault_rate.routine import ServiceHistory, build_service_history, steps
from ml.fault_rate.service_reasons import with_reasons
from ml.fault_rate.service_rules import ServiceRules, estimate_intervals, with_limits

LATEST_DAY = 100_000  # beyond any date that matters: a vehicle that hardly moves has no day on which a limit is reached


@dataclass(frozen=True)
class ServiceDue:
    """Every vehicle in service and its next routine service.

    Attributes
    ----------
    vehicles : DataFrame
        By `due_on`: `vehicle_id`, `model`, `store_id`, `last_service_on` and `last_km` (null where it never came or the
        reading is not known), `km_now` (expected; null where no reading is known), `due_on` with `due_low` and
        `due_high` (80 %), `due_km` (expected then), `due_by` ('date' or 'km'), `overdue_days`, then `visit_on` with
        `visit_low` and `visit_high` (80 %), when it is likely to come if it comes for this service or, where that is
        long past, for the one whose turn is next; and `reason_zh`, `reason_en`.
    rules : ServiceRules
        With what was learnt.
    today : int
        Day from the epoch.
    notes : tuple of str
        What was left out, and why.
    """

    vehicles: pl.DataFrame
    rules: ServiceRules
    today: int
    notes: tuple[str, ...]


def next_services(
    fleet: pl.DataFrame, records: pl.DataFrame, *, rules: ServiceRules, as_of: int, timezone: str = "UTC"
) -> ServiceDue:
    """Say of every vehicle in service when its next routine service falls due.

    A vehicle that never came counts from the day on which it entered service.

    Parameters
    ----------
    fleet, records, as_of, timezone
        See `ml.fault_rate.routine.build_service_history`.
    rules : ServiceRules
        After how many km or months.

    Raises
    ------
    DataError
        There is no vehicle in service, no record before the moment, or no routine record.
    """
    known = build_service_history(fleet, records, as_of=as_of, timezone=timezone, components=rules.components)
    gaps, cars = known.gaps, with_limits(known.cars, rules)
    if rules.estimate_from_records:
        rules = estimate_intervals(rules, cars, gaps)
        cars = with_limits(known.cars, rules)
    limits = cars[gaps["row"].to_numpy()]
    count = intervals(
        gaps["days"], gaps["km"].fill_null(np.nan), limits["limit_months"] * MONTH_DAYS, limits["limit_km"]
    )
    late = punctuality(gaps["days"], count)
    found = _services(known, cars, _rates(known), late)
    return ServiceDue(with_reasons(found, today=known.today), rules, known.today, known.notes)


def _rates(known: ServiceHistory) -> Rate:
    """Rate of each vehicle; NaN where nothing tells what is typical."""
    moved = steps(known.readings)
    sums = moved.group_by("row").agg(pl.col("km").sum(), pl.col("days").sum())
    cars = known.cars.select("row", "model", "monthly_km").join(sums, on="row", how="left", maintain_order="left")
    said = (pl.when(pl.col("monthly_km") > 0).then("monthly_km") / MONTH_DAYS).alias("said")
    # Vehicles of a model drive alike; where few of it are known, as all others do.
    of_model = pl.when(pl.col("km").count().over("model") >= ENOUGH_VEHICLES).then(
        pl.col("km").sum().over("model") / pl.col("days").sum().over("model")
    )
    of_all = pl.col("km").sum() / pl.col("days").sum()
    cars = cars.with_columns(said).with_columns(
        alike=pl.coalesce(of_model, of_all.fill_nan(None), pl.col("said").mean())
    )
    told = cars["said"].is_not_null().to_numpy()
    typical = cars.select(pl.coalesce("said", "alike").fill_null(np.nan))["said"].to_numpy()
    km, days = (cars[c].fill_null(0.0).cast(pl.Float64).to_numpy() for c in ("km", "days"))
    shape, time, chunk = (np.full(len(typical), np.nan) for _ in range(3))
    for chosen in (told, ~told & (typical > 0)):
        rows = np.flatnonzero(chosen)
        place = np.full(len(chosen), -1)
        place[rows] = np.arange(len(rows))
        of = place[moved["row"].to_numpy()]
        mine = of >= 0
        driving = fit_driving(
            of[mine], moved["km"].to_numpy()[mine], moved["days"].to_numpy()[mine], typical=typical[rows]
        )
        rate = posterior_rate(driving, km[rows], days[rows], typical=typical[rows])
        shape[rows], time[rows], chunk[rows] = rate.shape, rate.days, rate.chunk
    return Rate(shape, time, chunk)


def _services(known: ServiceHistory, cars: pl.DataFrame, rate: Rate, late: Punctuality) -> pl.DataFrame:
    """Days, distances and limits of the vehicles in service; see `ml.fault_rate.service_reasons.with_reasons`."""
    last = known.visits.group_by("row", maintain_order=True).last().rename({"day": "visit", "km": "visit_km"})
    read = known.readings.group_by("row", maintain_order=True).last().rename({"day": "read", "km": "read_km"})
    cars = cars.with_columns(
        shape=pl.Series(rate.shape), time=pl.Series(rate.days), chunk=pl.Series(np.asarray(rate.chunk))
    ).filter("in_service")  # fmt: skip
    cars = cars.join(last, on="row", how="left", maintain_order="left")
    cars = cars.join(read, on="row", how="left", maintain_order="left")
    own = Rate(cars["shape"].to_numpy(), cars["time"].to_numpy(), cars["chunk"].to_numpy())
    begin = cars["visit"].fill_null(cars["entered"]).to_numpy()
    limit, months = cars["limit_km"].to_numpy(), cars["limit_months"].to_numpy()
    at, reading, base = (cars[c].fill_null(np.nan).cast(pl.Float64).to_numpy() for c in ("read", "read_km", "visit_km"))
    since, left = _left(begin, base, at=at, reading=reading, limit=limit)
    left = np.where(np.isfinite(own.km_a_day), left, np.inf)
    by_date = _months_later(begin, months)
    due = next_due(by_date, since, left, own)
    # One that did not come when it was due is likely to come when the next service is.
    every = np.fmin(months * MONTH_DAYS, limit / own.km_a_day)
    passed = np.maximum(np.ceil((known.today - late.high - due.day) / every), 0.0)
    turn = next_due(by_date + passed * months * MONTH_DAYS, since, left + passed * limit, own)
    day_km = own.km_a_day
    start_km = np.where(np.isfinite(base), base, np.maximum(reading - day_km * (at - begin), 0.0))
    then = reading + day_km * (due.day - at)
    return cars.select(
        "vehicle_id", "model", "store_id", "visit", "visit_km", "entered", "limit_km", "limit_months"
    ).with_columns(
        km_now=pl.Series(reading + np.nan_to_num(day_km, nan=0.0) * (known.today - at)),
        due_km=pl.Series(
            np.where(due.by_km, start_km + limit, np.maximum(np.minimum(then, start_km + limit), reading))
        ),
        by_km=pl.Series(due.by_km),
        **_dated("due", due),
        **_dated("visit", _likely(turn, late)),
    )


def _left(
    begin: npt.NDArray[np.int64], base: FloatArray, *, at: FloatArray, reading: FloatArray, limit: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """From which day the distance is uncertain, and what is left of it then.

    Without a reading of the last service the whole distance counts from its day. One that was passed by the last
    reading was reached on the way there.
    """
    there = np.isfinite(base) & (at >= begin)
    over = there & (reading - base >= limit)
    share = np.divide(limit, reading - base, out=np.zeros(len(limit)), where=over)
    since = np.where(over, begin + share * (at - begin), np.where(there, at, begin))
    return since, np.where(over, 0.0, np.where(there, limit - (reading - base), limit))


def _months_later(day: npt.NDArray[np.int64], months: npt.NDArray[np.int64]) -> FloatArray:
    """The same day of a later month, or its last one.

    >>> start = np.array(["2024-08-31", "2025-03-05"], dtype="datetime64[D]").astype(np.int64)
    >>> _months_later(start, np.array([6, 12])).astype("datetime64[D]").tolist()
    [datetime.date(2025, 2, 28), datetime.date(2026, 3, 5)]
    """
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    later = month + months
    within = np.minimum(
        date - month.astype("datetime64[D]"), (later + 1).astype("datetime64[D]") - later.astype("datetime64[D]") - 1
    )
    return np.asarray((later.astype("datetime64[D]") + within).astype(np.float64))


def _likely(due: Due, late: Punctuality) -> Due:
    """When vehicles come: the due day and how punctual they are, taken for independent."""
    day = due.day + late.middle
    low = day - np.hypot(due.day - due.low, late.middle - late.low)
    high = day + np.hypot(due.high - due.day, late.high - late.middle)
    return Due(day, low, high, due.by_km)


def _dated(name: str, due: Due) -> dict[str, pl.Series]:
    days = {f"{name}_on": due.day, f"{name}_low": due.low, f"{name}_high": due.high}
    return {n: pl.Series(np.floor(np.minimum(d, LATEST_DAY)).astype(np.int32)).cast(pl.Date) for n, d in days.items()}
