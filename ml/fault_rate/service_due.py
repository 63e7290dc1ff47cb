"""Next routine service of every vehicle: when it falls due, by date or distance, and when the vehicle may come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.domain.arrays import FloatArray
from ml.domain.maintenance.service_due import MIN_VEHICLES, Due, Rate, fit_driving, next_due, posterior_rate
from ml.domain.maintenance.service_turns import MONTH_DAYS, Punctuality, intervals, punctuality
from ml.fault_rate.routine import ServiceHistory, build_service_history, steps
from ml.fault_rate.service_reasons import with_reasons
from ml.fault_rate.service_rules import ServiceRules, estimate_intervals, with_limits

LATEST_DAY = 100_000  # day from the epoch (year 2243): a vehicle that hardly moves reaches no distance limit


@dataclass(frozen=True)
class ServiceDue:
    """Next routine service of every vehicle in service, as returned by `next_services`.

    Attributes
    ----------
    vehicles : DataFrame
        Sorted by `due_on`, with the columns

        - `vehicle_id`, `model`, `store_id`
        - `last_service_on`, `last_km`: last routine visit (null without one) and its odometer (null where unknown)
        - `km_now`: expected odometer today (null without any reading)
        - `due_on`, `due_low`, `due_high`: date on which the service falls due, with its 80% interval
        - `due_km`: expected odometer on `due_on`
        - `due_by`: 'date' or 'km', the limit that is likelier to be reached first
        - `overdue_days`: days since `due_on`, 0 if it is not over
        - `visit_on`, `visit_low`, `visit_high`: likely date of the visit, with its 80% interval; of the following
          service where this one was clearly missed
        - `reason_zh`, `reason_en`: sentence for the reminder
    rules : ServiceRules
        With the intervals that were estimated from the records.
    today : int
        Day from the epoch in the local calendar.
    notes : tuple of str
        Records that were left out, and why.
    """

    vehicles: pl.DataFrame
    rules: ServiceRules
    today: int
    notes: tuple[str, ...]


def next_services(
    fleet: pl.DataFrame, records: pl.DataFrame, *, rules: ServiceRules, as_of: int, timezone: str = "UTC"
) -> ServiceDue:
    """Return the next routine service of every vehicle in service.

    The limits of a vehicle without a routine visit count from the day on which it entered service.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `entered_service_at` and, optionally, `model`, `energy_type`, `store_id`, `left_service_at`,
        `monthly_km` (km per month). Instants are int64, microseconds since 1970 UTC.
    records : DataFrame
        `vehicle_id`, `serviced_at` and, optionally, `reported_at` (microseconds), `component`, `fault` (bool),
        `odometer_km`. A record is routine work if `fault` is false and it names a component, or if `fault` is null.
    rules : ServiceRules
        Service intervals (km and months), for example ``ServiceRules()``: 7,500 km or 12 months.
    as_of : int
        Instant (microseconds); records reported at or after it are left out.
    timezone : str
        IANA time zone of the calendar, such as 'Asia/Shanghai'.

    Returns
    -------
    ServiceDue
        `vehicles` has one row per vehicle in service: due date, expected odometer (km), likely visit, reason.

    Raises
    ------
    DataError
        No vehicle is in service, or no record or no routine record lies before `as_of`.

    Examples
    --------
    >>> import polars as pl
    >>> day = 24 * 3_600 * 1_000_000  # microseconds
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"], "serviced_at": [300 * day], "fault": [False],
    ...     "component": ["oil_and_filter"], "odometer_km": [6_000]})
    >>> services = next_services(fleet, records, rules=ServiceRules(), as_of=400 * day)
    >>> services.vehicles.select("last_service_on", "due_on", "due_by").row(0)
    (datetime.date(1970, 10, 28), datetime.date(1971, 10, 28), 'date')
    """
    history = build_service_history(fleet, records, as_of=as_of, timezone=timezone, components=rules.components)
    gaps, cars = history.gaps, with_limits(history.cars, rules)
    if rules.estimate_from_records:
        rules = estimate_intervals(rules, cars, gaps)
        cars = with_limits(history.cars, rules)
    limits = cars[gaps["row"].to_numpy()]
    count = intervals(
        gaps["days"], gaps["km"].fill_null(np.nan), limits["limit_months"] * MONTH_DAYS, limits["limit_km"]
    )
    lateness = punctuality(gaps["days"], count)
    services = _services(history, cars, _rates(history), lateness)
    return ServiceDue(with_reasons(services, today=history.today), rules, history.today, history.notes)


def _rates(history: ServiceHistory) -> Rate:
    """Return the driving rate of each vehicle; NaN where neither the vehicle nor others have a distance."""
    moved = steps(history.readings)
    sums = moved.group_by("row").agg(pl.col("km").sum(), pl.col("days").sum())
    cars = history.cars.select("row", "model", "monthly_km").join(sums, on="row", how="left", maintain_order="left")
    declared = (pl.when(pl.col("monthly_km") > 0).then("monthly_km") / MONTH_DAYS).alias("declared")
    # Vehicles of a model drive alike; a model with few readings takes the mean of all vehicles.
    model_mean = pl.when(pl.col("km").count().over("model") >= MIN_VEHICLES).then(
        pl.col("km").sum().over("model") / pl.col("days").sum().over("model")
    )
    overall_mean = pl.col("km").sum() / pl.col("days").sum()
    cars = cars.with_columns(declared).with_columns(
        model_rate=pl.coalesce(model_mean, overall_mean.fill_nan(None), pl.col("declared").mean())
    )
    is_declared = cars["declared"].is_not_null().to_numpy()
    typical = cars.select(pl.coalesce("declared", "model_rate").fill_null(np.nan))["declared"].to_numpy()
    km, days = (cars[c].fill_null(0.0).cast(pl.Float64).to_numpy() for c in ("km", "days"))
    shape, time, chunk = (np.full(len(typical), np.nan) for _ in range(3))
    for chosen in (is_declared, ~is_declared & (typical > 0)):
        rows = np.flatnonzero(chosen)
        position = np.full(len(chosen), -1)
        position[rows] = np.arange(len(rows))
        vehicle = position[moved["row"].to_numpy()]
        in_group = vehicle >= 0
        driving = fit_driving(
            vehicle[in_group], moved["km"].to_numpy()[in_group], moved["days"].to_numpy()[in_group],
            typical=typical[rows],
        )  # fmt: skip
        rate = posterior_rate(driving, km[rows], days[rows], typical=typical[rows])
        shape[rows], time[rows], chunk[rows] = rate.shape, rate.days, rate.chunk
    return Rate(shape, time, chunk)


def _services(history: ServiceHistory, cars: pl.DataFrame, rate: Rate, lateness: Punctuality) -> pl.DataFrame:
    """Return days, distances and limits of the vehicles in service, as `with_reasons` reads them."""
    last = history.visits.group_by("row", maintain_order=True).last().rename({"day": "visit", "km": "visit_km"})
    read = history.readings.group_by("row", maintain_order=True).last().rename({"day": "read", "km": "read_km"})
    cars = cars.with_columns(
        shape=pl.Series(rate.shape), time=pl.Series(rate.days), chunk=pl.Series(np.asarray(rate.chunk))
    ).filter("in_service")  # fmt: skip
    cars = cars.join(last, on="row", how="left", maintain_order="left")
    cars = cars.join(read, on="row", how="left", maintain_order="left")
    own_rate = Rate(cars["shape"].to_numpy(), cars["time"].to_numpy(), cars["chunk"].to_numpy())
    begin = cars["visit"].fill_null(cars["entered"]).to_numpy()
    limit, months = cars["limit_km"].to_numpy(), cars["limit_months"].to_numpy()
    at, reading, base = (cars[c].fill_null(np.nan).cast(pl.Float64).to_numpy() for c in ("read", "read_km", "visit_km"))
    since, remaining = _remaining(begin, base, at=at, reading=reading, limit=limit)
    remaining = np.where(np.isfinite(own_rate.km_a_day), remaining, np.inf)
    date_limit = _months_later(begin, months)
    due = next_due(date_limit, since, remaining, own_rate)
    # A vehicle that clearly missed its service is likely to come when the following one falls due.
    interval = np.fmin(months * MONTH_DAYS, limit / own_rate.km_a_day)
    missed = np.maximum(np.ceil((history.today - lateness.high - due.day) / interval), 0.0)
    following = next_due(date_limit + missed * months * MONTH_DAYS, since, remaining + missed * limit, own_rate)
    km_a_day = own_rate.km_a_day
    start_km = np.where(np.isfinite(base), base, np.maximum(reading - km_a_day * (at - begin), 0.0))
    km_when_due = reading + km_a_day * (due.day - at)
    return cars.select(
        "vehicle_id", "model", "store_id", "visit", "visit_km", "entered", "limit_km", "limit_months"
    ).with_columns(
        km_now=pl.Series(reading + np.nan_to_num(km_a_day, nan=0.0) * (history.today - at)),
        due_km=pl.Series(
            np.where(due.by_km, start_km + limit, np.maximum(np.minimum(km_when_due, start_km + limit), reading))
        ),
        by_km=pl.Series(due.by_km),
        **_dates("due", due),
        **_dates("visit", _visit_day(following, lateness)),
    )


def _remaining(
    begin: npt.NDArray[np.int64], base: FloatArray, *, at: FloatArray, reading: FloatArray, limit: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the day of the last certain distance, and the km that remain from it to the limit.

    Without a reading at the last service the whole distance counts from its day. A limit that the last reading exceeds
    was reached between the service and that reading, in proportion.
    """
    has_reading = np.isfinite(base) & (at >= begin)
    exceeded = has_reading & (reading - base >= limit)
    share = np.divide(limit, reading - base, out=np.zeros(len(limit)), where=exceeded)
    since = np.where(exceeded, begin + share * (at - begin), np.where(has_reading, at, begin))
    return since, np.where(exceeded, 0.0, np.where(has_reading, limit - (reading - base), limit))


def _months_later(day: npt.NDArray[np.int64], months: npt.NDArray[np.int64]) -> FloatArray:
    """Return the same day of a later month, or its last day (days from the epoch).

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


def _visit_day(due: Due, lateness: Punctuality) -> Due:
    """Return the day of the visit: due day plus lateness, assumed independent."""
    day = due.day + lateness.middle
    low = day - np.hypot(due.day - due.low, lateness.middle - lateness.low)
    high = day + np.hypot(due.high - due.day, lateness.high - lateness.middle)
    return Due(day, low, high, due.by_km)


def _dates(name: str, due: Due) -> dict[str, pl.Series]:
    days = {f"{name}_on": due.day, f"{name}_low": due.low, f"{name}_high": due.high}
    return {n: pl.Series(np.floor(np.minimum(d, LATEST_DAY)).astype(np.int32)).cast(pl.Date) for n, d in days.items()}
