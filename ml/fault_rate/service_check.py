"""Check of the likely visits against the visits that followed: probabilities, intervals and the order of the list."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from ml.fault_rate.routine import build_service_history
from ml.fault_rate.service_due import next_services
from ml.fault_rate.service_rules import ServiceRules

CHECK_DAYS = 90  # the services are computed again as of so many days before
FIRST = 500  # vehicles at the begin of the list whose visits are counted, at most a tenth of the list


@dataclass(frozen=True)
class ServiceCheck:
    """Likely visits of an earlier day, and the visits that followed, as returned by `check_services`.

    Attributes
    ----------
    days_before : int
        Days before the present at which the services were computed.
    visit_days : int
        Days after it in which visits are counted.
    expected, visits : float and int
        Vehicles that were expected to visit in `visit_days`, and that did.
    interval_visits : int
        First visits of vehicles whose interval had ended by the present.
    coverage : float or None
        Share of them within the 80 % interval; None without any.
    first : int
        Vehicles counted at the begin of the list.
    first_expected, first_share, nearest_due_share : float or None
        Share of the first vehicles that was expected to visit in `visit_days`, and that did; and that did of the first
        ones where the same list is sorted by the days between today and the due date, as advisers do without
        probabilities. None for an empty list.
    """

    days_before: int
    visit_days: int
    expected: float
    visits: int
    interval_visits: int
    coverage: float | None
    first: int
    first_expected: float | None
    first_share: float | None
    nearest_due_share: float | None


def listed_services(vehicles: pl.DataFrame, *, today: int, within_days: int, overdue_days: int) -> pl.DataFrame:
    """Return the vehicles whose service falls due within some days or is overdue by at most some days.

    Parameters
    ----------
    vehicles : DataFrame
        With `due_on` (date), as in `ml.fault_rate.service_due.ServiceDue.vehicles`.
    today : int
        Day from 1970-01-01.
    within_days, overdue_days : int
        Days after and before `today`.

    Examples
    --------
    >>> from datetime import date
    >>> vehicles = pl.DataFrame({"due_on": [date(1970, 1, 5), date(1970, 3, 1), date(1970, 1, 20)]})
    >>> listed_services(vehicles, today=10, within_days=10, overdue_days=3).rows()
    [(datetime.date(1970, 1, 20),)]
    """
    due = pl.col("due_on").cast(pl.Int32).cast(pl.Int64)
    return vehicles.filter(due.is_between(today - overdue_days, today + within_days))


def check_services(
    fleet: pl.DataFrame,
    records: pl.DataFrame,
    *,
    rules: ServiceRules,
    as_of: int,
    timezone: str,
    visit_days: int,
    within_days: int,
    overdue_days: int,
) -> ServiceCheck | None:
    """Compute the services as of 90 days before, from the records of that day, and compare them with the later visits.

    Parameters
    ----------
    fleet, records, rules, as_of, timezone, visit_days
        As in `ml.fault_rate.service_due.next_services`; visits reported at or after `as_of` are left out.
    within_days, overdue_days : int
        Days of the list, as in `listed_services`.

    Returns
    -------
    ServiceCheck or None
        None where the records do not go back so far, or `visit_days` exceed the 90 days.

    Examples
    --------
    >>> from ml.fault_rate.service_rules import ServiceRules
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"] * 3, "serviced_at": [365 * DAY, 730 * DAY, 1_095 * DAY],
    ...     "component": ["oil_and_filter"] * 3, "fault": [False] * 3})
    >>> check = check_services(fleet, records, rules=ServiceRules(), as_of=1_160 * DAY, timezone="UTC", visit_days=28,
    ...     within_days=60, overdue_days=180)
    >>> check.visits, check.coverage
    (1, 1.0)
    """
    before = as_of - CHECK_DAYS * DAY
    try:
        earlier = next_services(
            fleet, records, rules=rules, as_of=before, timezone=timezone, visit_days=visit_days
        )  # fmt: skip
    except DataError:
        return None
    if visit_days > CHECK_DAYS:
        return None
    history = build_service_history(fleet, records, as_of=as_of, timezone=timezone, components=rules.components)
    later = history.visits.filter(pl.col("day") > earlier.today).group_by("row").agg(came=pl.col("day").min())
    later = later.join(history.cars.select("row", "vehicle_id"), on="row").select("vehicle_id", "came")
    vehicles = earlier.vehicles.join(later, on="vehicle_id", how="left", maintain_order="left").with_columns(
        pl.col("visit_low", "visit_high").cast(pl.Int32).cast(pl.Int64),
        soon=(pl.col("came") <= earlier.today + visit_days).fill_null(value=False),
    )
    ended = vehicles.filter(pl.col("came").is_not_null(), pl.col("visit_high") <= history.today)
    listed = listed_services(vehicles, today=earlier.today, within_days=within_days, overdue_days=overdue_days)
    first = min(FIRST, -(-listed.height // 10))
    due = pl.col("due_on").cast(pl.Int32).cast(pl.Int64)
    nearest = listed.sort((due - earlier.today).abs(), "vehicle_id").head(first)
    return ServiceCheck(
        days_before=CHECK_DAYS,
        visit_days=visit_days,
        expected=float(vehicles["visit_probability"].sum()),
        visits=int(vehicles["soon"].sum()),
        interval_visits=ended.height,
        coverage=_share(ended, pl.col("came").is_between(pl.col("visit_low"), pl.col("visit_high"))),
        first=first,
        first_expected=_share(listed.head(first), pl.col("visit_probability")),
        first_share=_share(listed.head(first), pl.col("soon")),
        nearest_due_share=_share(nearest, pl.col("soon")),
    )


def _share(rows: pl.DataFrame, part: pl.Expr) -> float | None:
    return None if rows.is_empty() else float(rows.select(part.mean()).item())
