"""When a vehicle comes to its service, and with which probability: from its own visits and those of the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.maintenance.attendance import Attendance, fit_attendance
from ml.domain.maintenance.service_due import Limits, Rate, due_days
from ml.domain.maintenance.service_turns import MONTH_DAYS, intervals, lateness, whole_turns
from ml.domain.maintenance.visit_days import later_quantiles, mid_probabilities, probability_until, visit_points
from ml.fault_rate.routine import ServiceHistory

LEVELS = (0.1, 0.5, 0.9)  # an 80 % interval around the median
DUE_POINTS, LATE_POINTS = 9, 21  # equally probable due days and days late, whose pairs are the days of the visit
LATE = 0.975  # a service counts as missed when a larger share of vehicles that come would have come
BATCH = 20_000  # vehicles at a time


@dataclass(frozen=True)
class Punctuality:
    """How late vehicles come to the services they attend, and how many they attend; returned by `fit_punctuality`.

    Attributes
    ----------
    late : ndarray of shape (n_points,)
        Equally probable days from the due day to the visit.
    latest : float
        Days after which a service counts as missed.
    attendance : Attendance
        Probabilities to come and to be lost.
    """

    late: FloatArray
    latest: float
    attendance: Attendance


@dataclass(frozen=True)
class Visits:
    """Likely visit of each vehicle, as returned by `likely_visits`.

    Attributes
    ----------
    probability : ndarray of shape (n_vehicles,)
        Probability of a routine visit in the next days.
    attendance : ndarray of shape (n_vehicles,)
        Probability that the vehicle still comes to the service to which `days` refer.
    is_following : ndarray of bool
        Whether that is a service after the first one since the last visit, because that one was missed.
    missed : ndarray of int
        Services missed since the last visit.
    days : ndarray of shape (n_vehicles, 3)
        10 %, 50 % and 90 % quantile of the day of the visit, if it comes to that service.
    """

    probability: FloatArray
    attendance: FloatArray
    is_following: BoolArray
    missed: IntArray
    days: FloatArray


def turns_record(history: ServiceHistory, cars: pl.DataFrame, *, km_a_day: FloatArray) -> pl.DataFrame:
    """Return the services that each vehicle attended, and those that fell due until its last visit.

    Services count from the first visit on. For a vehicle that entered service after the first record, they count from
    that day: its earlier visits cannot be missing from the records.

    Parameters
    ----------
    history : ServiceHistory
        Visits and gaps, as returned by `ml.fault_rate.routine.build_service_history`.
    cars : DataFrame
        Vehicles of the history with `limit_km` and `limit_months`, from `ml.fault_rate.service_rules.with_limits`.
    km_a_day : ndarray of shape (n_vehicles,)
        Driving rate of each vehicle, in the order of `cars`; NaN where it is unknown. A used vehicle enters service
        with kilometres on its odometer, so that the distance to its first visit is at most the rate times the days.

    Returns
    -------
    DataFrame
        One row per vehicle, in the order of `cars`: `attended` and `last` (services, from 0; `last` counts the missed
        ones between attended ones too).

    Examples
    --------
    >>> from ml.fault_rate.routine import build_service_history
    >>> from ml.fault_rate.service_rules import ServiceRules, with_limits
    >>> day = 24 * 3_600 * 1_000_000  # microseconds
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"] * 3, "serviced_at": [300 * day, 670 * day, 1_400 * day],
    ...     "component": ["oil_and_filter"] * 3, "fault": [False] * 3})
    >>> history = build_service_history(fleet, records, as_of=1_500 * day)
    >>> cars = with_limits(history.cars, ServiceRules())
    >>> turns_record(history, cars, km_a_day=np.array([np.nan])).rows()  # the second of three was missed
    [(2, 3)]
    """
    first_day = history.visits["day"].min()
    first = (
        history.visits.group_by("row", maintain_order=True)
        .first()
        .join(cars.with_columns(rate=pl.Series(km_a_day).fill_nan(None)), on="row", how="left")
    )
    days = pl.col("day") - pl.col("entered")
    from_entry = first.filter(pl.col("entered") >= first_day).select(
        "row", days=days, km=pl.min_horizontal("km", days * pl.col("rate"))
    )
    gaps = pl.concat([history.gaps.select("row", "days", "km"), from_entry]).filter(pl.col("days") > 0)
    limits = cars[gaps["row"].to_numpy()]
    turns = whole_turns(_intervals(gaps, limits))
    sums = gaps.select("row", turns=pl.Series(turns, dtype=pl.Float64).cast(pl.Int64)).group_by("row").agg(
        attended=pl.len().cast(pl.Int64), last=pl.col("turns").sum()
    )  # fmt: skip
    return cars.select("row").join(sums, on="row", how="left", maintain_order="left").select(
        pl.col("attended", "last").fill_null(0)
    )  # fmt: skip


def _intervals(gaps: pl.DataFrame, limits: pl.DataFrame) -> FloatArray:
    return intervals(
        gaps["days"], gaps["km"].fill_null(np.nan), limits["limit_months"] * MONTH_DAYS, limits["limit_km"]
    )


def fit_punctuality(record: pl.DataFrame, missed: IntArray, *, late: FloatArray, latest: float) -> Punctuality:
    """Estimate the attendance of the fleet.

    Parameters
    ----------
    record : DataFrame
        `attended` and `last` of each vehicle, from `turns_record`.
    missed : ndarray of int, shape (n_vehicles,)
        Services missed since the last visit, as far as the records go back.
    late, latest : ndarray and float
        From `fleet_lateness`.

    Returns
    -------
    Punctuality
        For `likely_visits`.
    """
    due = record["last"].to_numpy() + missed
    return Punctuality(late, latest, fit_attendance(record["attended"], record["last"], due))


def fleet_lateness(history: ServiceHistory, cars: pl.DataFrame) -> tuple[FloatArray, float]:
    """Return equally probable days late of vehicles that come, and the days after which a service counts as missed.

    Parameters
    ----------
    history : ServiceHistory
        As returned by `ml.fault_rate.routine.build_service_history`.
    cars : DataFrame
        Vehicles with `limit_km` and `limit_months`, in the order of `history.cars`.

    Returns
    -------
    late : ndarray of shape (21,)
        Days, negative for early visits; all 0 without a gap between two visits.
    latest : float
        Days.
    """
    gaps = history.gaps
    count = _intervals(gaps, cars[gaps["row"].to_numpy()])
    quantiles = lateness(gaps["days"], count, [*mid_probabilities(LATE_POINTS), LATE])
    return quantiles[:-1], float(quantiles[-1])


def likely_visits(
    turns: Sequence[Limits],
    rate: Rate,
    *,
    missed: IntArray,
    attended: IntArray,
    last: IntArray,
    punctuality: Punctuality,
    today: int,
    days: int,
    unreported: float = 0.0,
) -> Visits:
    """Return the probability of a visit in the next days, and the likely day.

    The vehicle has not come until today. It may still come to the present service, the first that does not count as
    missed; else to the one after it. The likely day is that of the likelier of both visits. Earlier visits of the
    vehicle and the services it missed change the probability
    (`ml.domain.maintenance.attendance`).

    Parameters
    ----------
    turns : sequence of two Limits
        Limits of the present service, and of the one after it.
    rate : Rate
        Driving rate of each vehicle.
    missed, attended, last : ndarray of int, shape (n_vehicles,)
        Services missed since the last visit, and record of `turns_record`.
    punctuality : Punctuality
        From `fit_punctuality`.
    today : int
        Day up to which records are known.
    days : int
        Length of the time to come.
    unreported : float
        Mean days from a visit to its report: a vehicle may have come in these last days, and is not in the records yet.

    Returns
    -------
    Visits
        One row per vehicle.
    """
    n = len(missed)
    parts = [slice(begin, min(begin + BATCH, n)) for begin in range(0, n, BATCH)] or [slice(0, 0)]
    batches = [
        _batch(
            [turn.take(rows) for turn in turns],
            Rate(rate.shape[rows], rate.days[rows], np.broadcast_to(rate.chunk, (n,))[rows]),
            (missed[rows], attended[rows], last[rows]), punctuality, today=today, days=days, unreported=unreported,
        )
        for rows in parts
    ]  # fmt: skip
    return Visits(*(np.concatenate([getattr(b, name) for b in batches]) for name in Visits.__dataclass_fields__))


def _batch(
    turns: Sequence[Limits],
    rate: Rate,
    record: tuple[IntArray, IntArray, IntArray],
    punctuality: Punctuality,
    *,
    today: int,
    days: int,
    unreported: float,
) -> Visits:
    missed, attended, last = record
    levels = mid_probabilities(DUE_POINTS)
    present, after = (visit_points(due_days(turn, rate, levels), punctuality.late) for turn in turns)
    comes, comes_after = (punctuality.attendance.next_visit(attended, last, last + missed + turn) for turn in (0, 1))
    gone, soon = (probability_until(present, day) for day in (today, today + days))
    gone_after, soon_after = (probability_until(after, day) for day in (today, today + days))
    absent = 1 - comes * probability_until(present, today - unreported)  # probability of no visit in the records
    still = comes * (1 - gone) / absent
    missing = (1 - comes) / absent
    later = np.divide(soon_after - gone_after, 1 - gone_after, out=np.zeros(len(gone)), where=gone_after < 1)
    probability = comes * (soon - gone) / absent + missing * comes_after * later
    is_after = missing * comes_after > still  # the later visit is the likelier one
    quantiles = [later_quantiles(points, today, LEVELS) for points in (present, after)]
    return Visits(
        probability=np.clip(probability, 0.0, 1.0),
        attendance=np.where(is_after, missing * comes_after, still),
        is_following=is_after | (missed > 0),
        missed=missed + is_after,
        days=np.where(is_after[:, None], quantiles[1], quantiles[0]),
    )
