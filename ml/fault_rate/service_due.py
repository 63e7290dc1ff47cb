"""Next routine service of every vehicle: when it falls due, by date or distance, and when the vehicle may come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.aggregations import DAY
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.maintenance.service_due import MIN_VEHICLES, Limits, Rate, due_days, fit_driving, km_days, posterior_rate
from ml.domain.maintenance.service_turns import MONTH_DAYS
from ml.fault_rate.reported import reported_before
from ml.fault_rate.routine import ServiceHistory, build_service_history, steps
from ml.fault_rate.service_reasons import with_reasons
from ml.fault_rate.service_revenue import visit_revenue
from ml.fault_rate.service_rules import ServiceRules, estimate_intervals, with_limits
from ml.fault_rate.service_visits import LEVELS, Visits, fit_punctuality, fleet_lateness, likely_visits, turns_record

LATEST_DAY = 100_000  # day from the epoch (year 2243): a vehicle that hardly moves reaches no distance limit


@dataclass(frozen=True)
class ServiceDue:
    """Next routine service of every vehicle in service, as returned by `next_services`.

    Attributes
    ----------
    vehicles : DataFrame
        The likeliest to visit in the next `visit_days` first, with the columns

        - `vehicle_id`, `model`, `store_id`
        - `last_service_on`, `last_km`: last routine visit (null without one) and its odometer (null where unknown)
        - `km_now`: expected odometer today (null without any reading)
        - `due_on`, `due_low`, `due_high`: date on which the service falls due, with its 80% interval
        - `due_is_fixed`: whether the date limit decides with a probability of at least 90 %, or the distance limit was
          passed on a day that the readings determine; only then the interval has no width
        - `due_km`: expected odometer on `due_on`
        - `due_by`: 'date' or 'km', the limit that is likelier to be reached first
        - `overdue_days`: days since `due_on`, 0 if it is not over
        - `missed_services`: services that the vehicle has most likely missed since the last visit
        - `visit_probability`: probability of a visit in the next `visit_days`, reminded or not
        - `visit_for`: 'this' or 'following', the service to which `visit_on` refers; 'following' where this one was
          missed
        - `attendance`: probability that the vehicle still comes to that service
        - `visit_on`, `visit_low`, `visit_high`: likely date of that visit after today, with its 80% interval
        - `visit_revenue_yuan`: mean amount of a routine visit of the model (null without amounts)
        - `expected_revenue_yuan`: `visit_probability` times that amount
        - `reason_zh`, `reason_en`: sentences for the reminder
    rules : ServiceRules
        With the intervals that were estimated from the records.
    today : int
        Day from the epoch in the local calendar.
    visit_days : int
        Days of `visit_probability`.
    notes : tuple of str
        Records that were left out, and why.
    """

    vehicles: pl.DataFrame
    rules: ServiceRules
    today: int
    visit_days: int
    notes: tuple[str, ...]


def next_services(
    fleet: pl.DataFrame,
    records: pl.DataFrame,
    *,
    rules: ServiceRules,
    as_of: int,
    timezone: str = "UTC",
    visit_days: int = 28,
) -> ServiceDue:
    """Return the next routine service of every vehicle in service, the likeliest to visit first.

    The limits of a vehicle without a routine visit count from the day on which it entered service.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `entered_service_at` and, optionally, `model`, `energy_type`, `store_id`, `left_service_at`,
        `monthly_km` (km per month). Instants are int64, microseconds since 1970 UTC.
    records : DataFrame
        `vehicle_id`, `serviced_at` and, optionally, `reported_at` (microseconds), `component`, `fault` (bool),
        `odometer_km`, `cost` (fen). A record is routine work if `fault` is false and it names a component, or if
        `fault` is null.
    rules : ServiceRules
        Service intervals (km and months), for example ``ServiceRules()``: 7,500 km or 12 months.
    as_of : int
        Instant (microseconds); records reported at or after it are left out.
    timezone : str
        IANA time zone of the calendar, such as 'Asia/Shanghai'.
    visit_days : int
        Days of the probability of a visit.

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
    cars = with_limits(history.cars, rules)
    if rules.estimate_from_records:
        rules = estimate_intervals(rules, cars, history.gaps)
        cars = with_limits(history.cars, rules)
    unreported = _report_days(records, as_of)
    services = _services(history, cars, _rates(history), visit_days, unreported=unreported)
    revenue = visit_revenue(history, records, timezone=timezone, as_of=as_of)
    services = services.join(revenue, on="vehicle_id", how="left", maintain_order="left")
    vehicles = with_reasons(services, today=history.today, visit_days=visit_days)
    return ServiceDue(vehicles, rules, history.today, visit_days, history.notes)


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


def _report_days(records: pl.DataFrame, as_of: int) -> float:
    """Return the mean days from a routine visit to its report; 0 if the reports have no times.

    >>> lines = {"serviced_at": [0, 0, 0], "reported_at": [DAY, 3 * DAY, 9 * DAY], "fault": [False, False, True]}
    >>> _report_days(pl.DataFrame(lines), 10 * DAY), _report_days(pl.DataFrame(lines), 2 * DAY)
    (2.0, 1.0)
    """
    if "reported_at" not in records.columns:
        return 0.0
    lines = reported_before(records.drop_nulls(["serviced_at", "reported_at"]), as_of)
    if "fault" in lines.columns:
        lines = lines.filter(~pl.col("fault").fill_null(value=False))
    mean = lines.select(((pl.col("reported_at") - pl.col("serviced_at")) / DAY).clip(0).mean()).item()
    return float(mean or 0.0)


def _services(
    history: ServiceHistory, cars: pl.DataFrame, rate: Rate, visit_days: int, *, unreported: float
) -> pl.DataFrame:
    """Return days, distances and limits of the vehicles in service, as `with_reasons` reads them."""
    last = history.visits.group_by("row", maintain_order=True).last().rename({"day": "visit", "km": "visit_km"})
    read = history.readings.group_by("row", maintain_order=True).last().rename({"day": "read", "km": "read_km"})
    cars = cars.join(last, on="row", how="left", maintain_order="left")
    cars = cars.join(read, on="row", how="left", maintain_order="left")
    cars = cars.with_columns(begin=pl.coalesce("visit", "entered"))
    first_turn = _turn_limits(history, cars, np.zeros(cars.height, dtype=np.int64))
    due = due_days(first_turn, rate, LEVELS)
    by_km = km_days(first_turn, rate, 0.5) < first_turn.date
    late, latest = fleet_lateness(history, cars)
    missed = _missed(cars, rate, due[:, 1], history.today - latest)
    record = turns_record(history, cars, km_a_day=rate.km_a_day)
    # A vehicle that left the fleet did not miss the services after that.
    present = cars["in_service"].to_numpy()
    observed = _observed(missed, cars, rate, history)[present]
    punctuality = fit_punctuality(record.filter(present), observed, late=late, latest=latest)
    turns = [_turn_limits(history, cars, missed + turn) for turn in (0, 1)]
    visits = likely_visits(
        turns, rate, missed=missed, attended=record["attended"].to_numpy(), last=record["last"].to_numpy(),
        punctuality=punctuality, today=history.today, days=visit_days, unreported=unreported,
    )  # fmt: skip
    at, reading, base, limit = (
        cars[c].fill_null(np.nan).cast(pl.Float64).to_numpy() for c in ("read", "read_km", "visit_km", "limit_km")
    )
    km_a_day, begin = rate.km_a_day, cars["begin"].to_numpy()
    start_km = np.where(np.isfinite(base), base, np.maximum(reading - km_a_day * (at - begin), 0.0))
    km_when_due = reading + km_a_day * (due[:, 1] - at)
    return cars.with_columns(
        km_now=pl.Series(reading + np.nan_to_num(km_a_day, nan=0.0) * (history.today - at)),
        due_km=pl.Series(
            np.where(by_km, start_km + limit, np.maximum(np.minimum(km_when_due, start_km + limit), reading))
        ),
        by_km=pl.Series(by_km),
        **_dates("due", due),
        **_dates("visit", visits.days),
        **_visit_columns(visits),
    ).filter("in_service")


def _visit_columns(visits: Visits) -> dict[str, pl.Series]:
    return {
        "visit_probability": pl.Series(visits.probability),
        "attendance": pl.Series(visits.attendance),
        "missed_services": pl.Series(visits.missed),
        "visit_for": pl.Series(np.where(visits.is_following, "following", "this")),
    }


def _missed(cars: pl.DataFrame, rate: Rate, due: FloatArray, until: float) -> IntArray:
    """Return the services after the last visit whose due day lies before `until`: nearly all who come have come."""
    return np.asarray(np.maximum(np.ceil((until - due) / _interval(cars, rate)), 0.0).astype(np.int64))


def _interval(cars: pl.DataFrame, rate: Rate) -> FloatArray:
    """Return the expected days from one service to the next."""
    months, limit = cars["limit_months"].to_numpy(), cars["limit_km"].to_numpy()
    return np.fmin(months * MONTH_DAYS, limit / rate.km_a_day)


def _observed(missed: IntArray, cars: pl.DataFrame, rate: Rate, history: ServiceHistory) -> IntArray:
    """Return the missed services of which the records could have had a visit: not those before the first record."""
    first_day = int(history.visits["day"].min())  # type: ignore[arg-type]
    before = np.ceil((first_day - cars["begin"].to_numpy()) / _interval(cars, rate)).astype(np.int64)
    return np.asarray(np.where(cars["visit"].is_null().to_numpy(), missed - np.clip(before, 0, missed), missed))


def _turn_limits(history: ServiceHistory, cars: pl.DataFrame, skipped: IntArray) -> Limits:
    """Return the limits of the service after `skipped` others since the last one.

    Without a reading at the last service the whole distance counts from its day.
    """
    begin, months = cars["begin"].to_numpy(), cars["limit_months"].to_numpy()
    limit = cars["limit_km"].to_numpy() * (skipped + 1)
    bases = cars.select("row", "begin", base="visit_km", limit=pl.Series(limit)).drop_nulls("base")
    driven = history.readings.join(bases, on="row").filter(pl.col("day") >= pl.col("begin")).sort("row", "day")
    driven = driven.with_columns(driven=pl.col("km") - pl.col("base"))
    is_below = pl.col("driven") < pl.col("limit")
    below = driven.filter(is_below).group_by("row").agg(since=pl.col("day").last(), below=pl.col("driven").last())
    above = driven.filter(~is_below).group_by("row").agg(until=pl.col("day").first(), above=pl.col("driven").first())
    around = cars.select("row").join(below, on="row", how="left", maintain_order="left")
    around = around.join(above, on="row", how="left", maintain_order="left")
    since, gone, until, beyond = (
        around[c].fill_null(np.nan).cast(pl.Float64).to_numpy() for c in ("since", "below", "until", "above")
    )
    gone = np.nan_to_num(gone, nan=0.0)
    return Limits(
        date=_months_later(begin, months * (skipped + 1)),
        since=np.where(np.isfinite(since), since, begin.astype(np.float64)),
        remaining=np.where(np.isfinite(limit), limit, np.inf) - gone,
        until=np.where(np.isfinite(since), until, np.nan),
        driven=beyond - gone,
    )


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


def _dates(name: str, days: FloatArray) -> dict[str, pl.Series]:
    """Return the columns of a date and its interval from quantiles of the day."""
    columns = zip((f"{name}_low", f"{name}_on", f"{name}_high"), days.T, strict=True)
    return {n: pl.Series(np.floor(np.minimum(d, LATEST_DAY)).astype(np.int32)).cast(pl.Date) for n, d in columns}
