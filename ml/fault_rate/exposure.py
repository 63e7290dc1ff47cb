"""Weekly exposure of the fleet by model, build quarter and distance driven, and the weekly faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.plurals import count_text
from ml.domain.arrays import FloatArray, IntArray
from ml.fault_rate.fleet import cars_with_strata, fleet_notes, vehicle_years
from ml.fault_rate.job_lines import COMEBACK_DAYS, one_fault_per_day
from ml.fault_rate.model_years import QUARTER_DAYS, UNKNOWN_BUILD, with_build_dates
from ml.fault_rate.months import MONTHLY, month_grid
from ml.fault_rate.reported import REPORTED_TOO_EARLY, UNDATED, reported_records

WEEK_DAYS, YEAR_DAYS = 7, 365.25
UNKNOWN_AGE = 99.0  # years: the last age band


@dataclass(frozen=True)
class FleetExposure:
    """Weekly vehicle-years at risk of each stratum of vehicles, and the faults of these vehicles.

    Returned by `build_exposure` and `ml.fault_rate.reports.build_report_exposure`.

    Attributes
    ----------
    strata : DataFrame
        One row per stratum: `model`, `energy_type` (null where unknown), `build` (quarter counted from the epoch;
        `UNKNOWN_BUILD` where unknown) and `distance_band` (band of the monthly distance; -1 where unknown).
    components : tuple of str
        In alphabetical order.
    distance_limits : ndarray
        Monthly distances (km) between the distance bands.
    first_day : float
        Day from the epoch on which week 0 begins.
    at_risk : ndarray of shape (n_strata, n_weeks)
        Vehicle-years in service; workshop visits where `basis` is 'reports'.
    stratum, component, week, report_week, events : ndarray of int, shape (n_rows,)
        Of each row of faults: its stratum, its component, the week of the workshop visit, the week of the report, and
        the number of faults that it stands for.
    delay_days, observable_days : ndarray of int
        Of each row: days from the visit to the report, and from the visit to `as_of`, the longest delay that could
        have been observed. Both are empty where reports have no date.
    notes : tuple of str
        Records that were left out, and why.
    basis : {'exposure', 'reports'}
        Denominator of the fault rates: vehicles in service, or workshop visits where there is no fleet table.
    build_axis : {'quarter', 'model_year'}
        Resolution of `build`. Builds by model year stand for the third quarter of their year.
    months : ndarray of int or None, shape (n_weeks,)
        Month (since January 1970) whose totals each week holds; None where each week holds its own days.
    component_at_risk : mapping of int to ndarray of shape (n_strata, n_weeks)
        Exposure of the components whose exposure is not `at_risk`, by position in `components`.
    """

    strata: pl.DataFrame
    components: tuple[str, ...]
    distance_limits: FloatArray
    first_day: float
    at_risk: FloatArray
    stratum: IntArray
    component: IntArray
    week: IntArray
    report_week: IntArray
    events: IntArray
    delay_days: IntArray
    observable_days: IntArray
    notes: tuple[str, ...]
    basis: str = "exposure"
    build_axis: str = "quarter"
    months: IntArray | None = None
    component_at_risk: Mapping[int, FloatArray] = field(default_factory=dict)

    @property
    def weeks(self) -> int:
        """Number of weeks."""
        return int(self.at_risk.shape[1])

    @property
    def age(self) -> FloatArray:
        """Age (years) of the vehicles of each stratum in the middle of each week, shape (n_strata, n_weeks)."""
        build = self.strata["build"].to_numpy()
        built = (build + 0.5) * QUARTER_DAYS
        middle = self.first_day + WEEK_DAYS * (np.arange(self.weeks) + 0.5)
        age = np.maximum(middle[None, :] - built[:, None], 0.0) / YEAR_DAYS
        return np.where(build[:, None] == UNKNOWN_BUILD, UNKNOWN_AGE, age)

    @property
    def calendar_month(self) -> IntArray:
        """Months since January 1970 of each week's totals, or of the middle of the week, shape (n_weeks,)."""
        if self.months is not None:
            return self.months
        middle = np.floor(self.first_day + WEEK_DAYS * (np.arange(self.weeks) + 0.5)).astype("datetime64[D]")
        return np.asarray(middle.astype("datetime64[M]").astype(np.int64))

    @property
    def month(self) -> IntArray:
        """Calendar month of each week, 0 to 11, shape (n_weeks,)."""
        return np.asarray(self.calendar_month % 12)

    def at_risk_of(self, component: int) -> FloatArray:
        """Return the exposure of a component by stratum and week: its own where it has one, or else `at_risk`.

        Parameters
        ----------
        component : int
            Position in `components`.
        """
        return self.component_at_risk.get(component, self.at_risk)

    def counts(self, component: int) -> FloatArray:
        """Return the faults of a component by stratum and week of the visit, shape (n_strata, n_weeks).

        Parameters
        ----------
        component : int
            Position in `components`.
        """
        chosen = (self.component == component) & (self.week < self.weeks)
        flat = self.stratum[chosen] * self.weeks + self.week[chosen]
        counts = np.bincount(flat, weights=self.events[chosen], minlength=self.at_risk.size)
        return counts.astype(np.float64).reshape(self.at_risk.shape)


def build_exposure(
    fleet: pl.DataFrame,
    records: pl.DataFrame,
    *,
    as_of: int,
    since: int,
    bands: int = 3,
    comeback_days: int = COMEBACK_DAYS,
    monthly: bool = False,
) -> FleetExposure:
    """Return weekly exposure and faults from the rows reported before `as_of`.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `model`, `entered_service_at` and, optionally, `built_at`, `model_year` (read where no vehicle has
        a `built_at`), `left_service_at` (null while the vehicle is in service), `energy_type` and `monthly_km` (km per
        month). Instants are int64, microseconds of the local clock since 1970.
    records : DataFrame
        `vehicle_id`, `component`, `fault` (bool), `serviced_at` and, optionally, `reported_at` (microseconds), `job_id`
        and `count`.
    as_of : int
        Instant (microseconds); records reported at or after it are left out. It ends the last week.
    since : int
        Instant (microseconds) of the first record; week 0 begins up to six days after it, so that full weeks end at
        `as_of`.
    bands : int
        Number of bands of monthly distance with equally many vehicles.
    comeback_days : int
        See `ml.fault_rate.job_lines.one_fault_per_day`.
    monthly : bool
        Whether the records are totals of months, dated by `ml.fault_rate.months.at_month_end`.

    Returns
    -------
    FleetExposure
        `at_risk` (vehicle-years by stratum and week), `counts(c)` (faults of component c in the same shape), `strata`
        and `components`.

    Raises
    ------
    DataError
        Less than one week lies between `since` and `as_of`, no vehicle was in service, or no fault remains.

    Examples
    --------
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> import polars as pl
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "model": ["A"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V"], "component": ["brakes"], "fault": [True],
    ...     "serviced_at": [10 * DAY]})
    >>> exposure = build_exposure(fleet, records, as_of=21 * DAY, since=0)
    >>> exposure.at_risk.round(3).tolist(), exposure.counts(0).tolist()
    ([[0.019, 0.019, 0.019]], [[0.0, 1.0, 0.0]])
    """
    weeks, since = full_weeks(as_of=as_of, since=since)
    fleet, by_model_year, build_notes = with_build_dates(fleet)
    cars, limits = cars_with_strata(fleet, as_of=as_of, bands=bands)
    names = ["model", "energy_type", "build", "distance_band"]
    strata = cars.select(names).unique().sort(names).with_row_index("stratum")
    cars = cars.join(strata, on=names, how="left", nulls_equal=True)
    at_risk = vehicle_years(cars, strata.height, first_day=since / DAY, weeks=weeks, monthly=monthly)
    if at_risk.sum() <= 0:
        raise DataError(
            f"fleet: none of {fleet.height:,} vehicles was in service in the {weeks} weeks of the records; map "
            "entered_service_at and left_service_at"
        )
    faults, notes = _faults(records, cars, since=since, as_of=as_of, comeback_days=comeback_days)
    return assemble(
        strata.drop("stratum"),
        at_risk,
        faults,
        since=since,
        as_of=as_of,
        monthly=monthly,
        notes=(*fleet_notes(fleet), *build_notes, *notes),
        distance_limits=limits,
        build_axis="model_year" if by_model_year else "quarter",
    )


def full_weeks(*, as_of: int, since: int) -> tuple[int, int]:
    """Return the number of full weeks between two instants, and the instant at which the first of them begins.

    Parameters
    ----------
    as_of, since : int
        Instants (microseconds): end of the last week, and first record.

    Raises
    ------
    DataError
        Less than one week lies between them.

    Examples
    --------
    >>> full_weeks(as_of=20 * DAY, since=0) == (2, 6 * DAY)
    True
    """
    weeks = (as_of - since) // (WEEK_DAYS * DAY)
    if weeks < 1:
        raise DataError(f"as_of: must be at least 1 week after the first record, got {weeks} weeks; give a later one")
    return int(weeks), as_of - int(weeks) * WEEK_DAYS * DAY


def assemble(
    strata: pl.DataFrame,
    at_risk: FloatArray,
    faults: pl.DataFrame,
    *,
    since: int,
    as_of: int,
    monthly: bool,
    notes: tuple[str, ...],
    distance_limits: FloatArray | None = None,
    basis: str = "exposure",
    build_axis: str = "quarter",
    component_at_risk: Mapping[str, FloatArray] | None = None,
) -> FleetExposure:
    """Return faults and exposure as a `FleetExposure`.

    Parameters
    ----------
    strata : DataFrame
        As `FleetExposure.strata`.
    at_risk : ndarray of shape (n_strata, n_weeks)
        Exposure by stratum and week.
    faults : DataFrame
        `stratum` (position in `strata`), `component`, `serviced_at`, `events` and, where reports have a date,
        `reported_at`. Instants are int64, microseconds of the local clock.
    since, as_of : int
        Instants (microseconds) at which week 0 begins and the last week ends.
    monthly : bool
        Whether months count as a whole.
    notes, basis, build_axis : tuple of str, str, str
        As in `FleetExposure`.
    distance_limits : ndarray, optional
        As in `FleetExposure`; empty by default.
    component_at_risk : mapping of str to ndarray, optional
        Exposure of the components that have their own, by name.
    """
    components = tuple(faults["component"].unique().sort().to_list())
    codes = pl.DataFrame({"component": components}).with_row_index("component_code")
    faults = faults.join(codes, on="component", how="left")
    at, first_day = faults["serviced_at"].to_numpy(), since / DAY
    dated = "reported_at" in faults.columns
    reported = faults["reported_at"].to_numpy() if dated else at
    own = component_at_risk or {}
    return FleetExposure(
        strata=strata,
        components=components,
        distance_limits=np.zeros(0) if distance_limits is None else distance_limits,
        first_day=first_day,
        at_risk=at_risk,
        stratum=faults["stratum"].cast(pl.Int64).to_numpy(),
        component=faults["component_code"].cast(pl.Int64).to_numpy(),
        week=(at - since) // (WEEK_DAYS * DAY),
        report_week=(reported - since) // (WEEK_DAYS * DAY),
        events=faults["events"].cast(pl.Int64).to_numpy(),
        delay_days=(reported - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        observable_days=(as_of - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        notes=(*notes, *((MONTHLY,) if monthly else ()), *(() if dated or monthly else (UNDATED,))),
        basis=basis,
        build_axis=build_axis,
        months=month_grid(first_day, at_risk.shape[1]).labels if monthly else None,
        component_at_risk={c: own[name] for c, name in enumerate(components) if name in own},
    )


def _faults(
    records: pl.DataFrame, cars: pl.DataFrame, *, since: int, as_of: int, comeback_days: int
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the faults reported before `as_of` with the stratum of their vehicle, and notes on those left out."""
    rows, backwards = reported_records(records.filter("fault"), since=since, as_of=as_of)
    complete = rows.drop_nulls(["vehicle_id", "component"])
    service_periods = cars.select("vehicle_id", "stratum", "entered_service_at", "left_service_at")
    matched = complete.join(service_periods, on="vehicle_id", how="inner")
    in_service = matched.filter(pl.col("serviced_at").is_between("entered_service_at", "left_service_at"))
    faults, merged = one_fault_per_day(in_service, comeback_days=comeback_days)
    left_out = {
        REPORTED_TOO_EARLY: backwards,
        "without vehicle_id or component": rows.height - complete.height,
        "with a vehicle_id that is not in the fleet": complete.height - matched.height,
        "of vehicles that were not in service": matched.height - in_service.height,
    }
    notes = [f"left out: {count_text(n, 'fault')} {reason}" for reason, n in left_out.items() if n]
    if faults.is_empty():
        raise DataError(
            f"service_records: no fault is of a vehicle in service in `fleet` ({'; '.join(notes) or 'no faults'}): "
            "map vehicle_id alike in both tables, and check fault, component and the dates"
        )
    return faults, (*notes, *merged)
