"""Weekly exposure of the fleet by model, build quarter and distance driven, and the weekly faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.plurals import count_text
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.exposure import exposure_by_period

WEEK_DAYS, YEAR_DAYS, QUARTER_DAYS = 7, 365.25, 365.25 / 4
OPTIONAL = {
    "model": pl.String, "energy_type": pl.String, "store_id": pl.String, "built_at": pl.Int64,
    "left_service_at": pl.Int64, "monthly_km": pl.Float64,
}  # fmt: skip
REPORTED_TOO_EARLY = "with reported_at before serviced_at"
UNDATED = "reported_at is missing: recent weeks are assumed to be completely reported"


@dataclass(frozen=True)
class FleetExposure:
    """Weekly vehicle-years at risk of each stratum of vehicles, and the faults of these vehicles.

    Returned by `build_exposure` and `ml.fault_rate.reports.build_report_exposure`.

    Attributes
    ----------
    strata : DataFrame
        One row per stratum: `model`, `energy_type` (null where unknown), `build` (quarter counted from the epoch) and
        `distance_band` (band of the monthly distance; -1 where unknown).
    components : tuple of str
        In alphabetical order.
    distance_limits : ndarray
        Monthly distances (km) between the distance bands.
    first_day : float
        Day from the epoch on which week 0 begins.
    at_risk : ndarray of shape (n_strata, n_weeks)
        Vehicle-years in service; workshop visits where `basis` is 'reports'.
    stratum, component, week, report_week : ndarray of int, shape (n_faults,)
        Of each fault: its stratum, its component, the week of the workshop visit and the week of the report.
    delay_days, observable_days : ndarray of int
        Of each fault: days from the visit to the report, and from the visit to `as_of`, the longest delay that could
        have been observed. Both are empty where reports have no date.
    notes : tuple of str
        Records that were left out, and why.
    basis : {'exposure', 'reports'}
        Denominator of the fault rates: vehicles in service, or workshop visits where there is no fleet table.
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
    delay_days: IntArray
    observable_days: IntArray
    notes: tuple[str, ...]
    basis: str = "exposure"

    @property
    def weeks(self) -> int:
        """Number of weeks."""
        return int(self.at_risk.shape[1])

    @property
    def age(self) -> FloatArray:
        """Age (years) of the vehicles of each stratum in the middle of each week, shape (n_strata, n_weeks)."""
        built = (self.strata["build"].to_numpy() + 0.5) * QUARTER_DAYS
        middle = self.first_day + WEEK_DAYS * (np.arange(self.weeks) + 0.5)
        return np.asarray(np.maximum(middle[None, :] - built[:, None], 0.0) / YEAR_DAYS)

    @property
    def month(self) -> IntArray:
        """Calendar month, 0 to 11, of the middle of each week, shape (n_weeks,)."""
        middle = np.floor(self.first_day + WEEK_DAYS * (np.arange(self.weeks) + 0.5)).astype("datetime64[D]")
        return np.asarray(middle.astype("datetime64[M]").astype(np.int64) % 12)

    def counts(self, component: int) -> FloatArray:
        """Return the faults of a component by stratum and week of the visit, shape (n_strata, n_weeks).

        Parameters
        ----------
        component : int
            Position in `components`.
        """
        chosen = (self.component == component) & (self.week < self.weeks)
        flat = self.stratum[chosen] * self.weeks + self.week[chosen]
        counts = np.bincount(flat, minlength=self.at_risk.size).astype(np.float64)
        return counts.reshape(self.at_risk.shape)


def build_exposure(
    fleet: pl.DataFrame, records: pl.DataFrame, *, as_of: int, since: int, bands: int = 3
) -> FleetExposure:
    """Return weekly exposure and faults from the rows reported before `as_of`.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `model`, `entered_service_at` and, optionally, `built_at`, `left_service_at` (null while the
        vehicle is in service), `energy_type` and `monthly_km` (km per month). Instants are int64, microseconds since
        1970 UTC.
    records : DataFrame
        `vehicle_id`, `component`, `fault` (bool), `serviced_at` and, optionally, `reported_at` (microseconds).
    as_of : int
        Instant (microseconds); records reported at or after it are left out. It ends the last week.
    since : int
        Instant (microseconds) of the first record; week 0 begins up to six days after it, so that full weeks end at
        `as_of`.
    bands : int
        Number of bands of monthly distance with equally many vehicles.

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
    weeks = (as_of - since) // (WEEK_DAYS * DAY)
    if weeks < 1:
        raise DataError(f"as_of: must be at least 1 week after the first record, got {weeks} weeks; give a later one")
    since = as_of - int(weeks) * WEEK_DAYS * DAY
    cars, limits = _cars(fleet, as_of=as_of, bands=bands)
    names = ["model", "energy_type", "build", "distance_band"]
    strata = cars.select(names).unique().sort(names).with_row_index("stratum")
    cars = cars.join(strata, on=names, how="left", nulls_equal=True)
    edges = since / DAY + WEEK_DAYS * np.arange(weeks + 1)
    at_risk = exposure_by_period(
        cars["entered_service_at"].to_numpy() / DAY,
        cars["left_service_at"].to_numpy() / DAY,
        cars["stratum"].cast(pl.Int64).to_numpy(),
        edges=edges,
        n_groups=strata.height,
    )
    if at_risk.sum() <= 0:
        raise DataError(
            f"fleet: none of {fleet.height:,} vehicles was in service in the {weeks} weeks of the records; map "
            "entered_service_at and left_service_at"
        )
    faults, notes = _faults(records, cars, since=since, as_of=as_of)
    notes = (*_fleet_notes(fleet), *notes)
    components = tuple(faults["component"].unique().sort().to_list())
    codes = pl.DataFrame({"component": components}).with_row_index("component_code")
    faults = faults.join(codes, on="component", how="left")
    at = faults["serviced_at"].to_numpy()
    dated = "reported_at" in faults.columns
    reported = faults["reported_at"].to_numpy() if dated else at
    return FleetExposure(
        strata=strata.drop("stratum"),
        components=components,
        distance_limits=limits,
        first_day=since / DAY,
        at_risk=at_risk / YEAR_DAYS,
        stratum=faults["stratum"].cast(pl.Int64).to_numpy(),
        component=faults["component_code"].cast(pl.Int64).to_numpy(),
        week=(at - since) // (WEEK_DAYS * DAY),
        report_week=(reported - since) // (WEEK_DAYS * DAY),
        delay_days=(reported - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        observable_days=(as_of - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        notes=notes,
    )


def with_optional_columns(fleet: pl.DataFrame) -> pl.DataFrame:
    """Return the fleet with the optional columns of `build_exposure`, null where the fleet has none.

    >>> import polars as pl
    >>> with_optional_columns(pl.DataFrame({"monthly_km": [900.0]})).select("monthly_km", "built_at").row(0)
    (900.0, None)
    """
    return fleet.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in OPTIONAL.items() if n not in fleet.columns)


def reported_before(records: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """Return the records serviced and reported before an instant (microseconds since 1970 UTC).

    `records` has the int64 columns `serviced_at` and, optionally, `reported_at`. A record without `reported_at` counts
    as reported at `serviced_at`.

    >>> import polars as pl
    >>> records = pl.DataFrame({"serviced_at": [1, 2, 9], "reported_at": [None, 9, 9]})
    >>> reported_before(records, 9)["serviced_at"].to_list()
    [1]
    """
    rows = records.filter(pl.col("serviced_at") < as_of)
    return rows.filter(pl.coalesce("reported_at", "serviced_at") < as_of) if "reported_at" in rows.columns else rows


def reports_are_dated(records: pl.DataFrame) -> bool:
    """Return whether any row of `records` has a `reported_at` that is not null; false without the column.

    >>> import polars as pl
    >>> reports_are_dated(pl.DataFrame({"reported_at": [None, 5]})), reports_are_dated(pl.DataFrame({"fault": [True]}))
    (True, False)
    """
    return "reported_at" in records.columns and records["reported_at"].null_count() < records.height


def reported_records(records: pl.DataFrame, *, since: int, as_of: int) -> tuple[pl.DataFrame, int]:
    """Return the records serviced from `since` and reported before `as_of`, and how many run backwards.

    All instants are int64, microseconds since 1970 UTC.

    A record runs backwards if `reported_at` lies before `serviced_at`; such records are left out. A null `reported_at`
    becomes `serviced_at`. Where no record has a `reported_at`, the column is dropped and all records count as reported.

    >>> import polars as pl
    >>> records = pl.DataFrame({"serviced_at": [1, 2, 3, 9], "reported_at": [None, 8, 1, 9]})
    >>> rows, backwards = reported_records(records, since=0, as_of=9)
    >>> rows["reported_at"].to_list(), backwards
    ([1, 8], 1)
    """
    dated = reports_are_dated(records)
    rows = records.filter(pl.col("serviced_at").is_between(since, as_of, closed="left"))
    if not dated:
        return rows.drop("reported_at", strict=False), 0
    rows = rows.with_columns(pl.col("reported_at").fill_null(pl.col("serviced_at")))
    ordered = rows.filter(pl.col("reported_at") >= pl.col("serviced_at"))
    return ordered.filter(pl.col("reported_at") < as_of), rows.height - ordered.height


def _fleet_notes(fleet: pl.DataFrame) -> list[str]:
    """Return a note on the vehicles that are not in the exposure because a column that it needs is empty."""
    n = fleet.height - fleet.drop_nulls(["vehicle_id", "model", "entered_service_at"]).height
    return [f"left out: {n:,} of {fleet.height:,} vehicles of fleet, without a model"] if n else []


def _cars(fleet: pl.DataFrame, *, as_of: int, bands: int) -> tuple[pl.DataFrame, FloatArray]:
    """Return the vehicles with the columns of a stratum, and the limits (km) between distance bands.

    A vehicle without `built_at` counts as built when it entered service.
    """
    cars = with_optional_columns(fleet).drop_nulls(["vehicle_id", "model", "entered_service_at"])
    cars = cars.filter(pl.col("entered_service_at") < as_of)
    if cars.is_empty():
        raise DataError(
            f"fleet: none of {fleet.height:,} vehicles has a vehicle_id, a model and an entered_service_at before "
            "as_of; map these three columns"
        )
    cars = cars.with_columns(
        build=(pl.coalesce("built_at", "entered_service_at") / DAY / QUARTER_DAYS).floor().cast(pl.Int64),
        left_service_at=pl.min_horizontal(pl.coalesce("left_service_at", pl.lit(as_of)), pl.lit(as_of)),
        distance="monthly_km",
        energy_type=pl.col("energy_type").cast(pl.String),
    )
    distances = cars["distance"].drop_nulls().to_numpy()
    limits = np.unique(np.quantile(distances, np.arange(1, bands) / bands)) if len(distances) else np.zeros(0)
    band = np.searchsorted(limits, cars["distance"].fill_null(float("nan")).to_numpy(), side="right")
    unknown = cars["distance"].is_null().to_numpy()
    return cars.with_columns(distance_band=pl.Series(np.where(unknown, -1, band))), limits


def _faults(
    records: pl.DataFrame, cars: pl.DataFrame, *, since: int, as_of: int
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the faults reported before `as_of` with the stratum of their vehicle, and notes on those left out."""
    rows, backwards = reported_records(records.filter("fault"), since=since, as_of=as_of)
    complete = rows.drop_nulls(["vehicle_id", "component"])
    service_periods = cars.select("vehicle_id", "stratum", "entered_service_at", "left_service_at")
    matched = complete.join(service_periods, on="vehicle_id", how="inner")
    faults = matched.filter(pl.col("serviced_at").is_between("entered_service_at", "left_service_at"))
    left_out = {
        REPORTED_TOO_EARLY: backwards,
        "without vehicle_id or component": rows.height - complete.height,
        "with a vehicle_id that is not in the fleet": complete.height - matched.height,
        "of vehicles that were not in service": matched.height - faults.height,
    }
    notes = [f"left out: {count_text(n, 'fault')} {reason}" for reason, n in left_out.items() if n]
    if faults.is_empty():
        raise DataError(
            f"service_records: no fault is of a vehicle in service in `fleet` ({'; '.join(notes) or 'no faults'}): "
            "map vehicle_id alike in both tables, and check fault, component and the dates"
        )
    if "reported_at" not in faults.columns:
        notes.append(UNDATED)
    return faults, tuple(notes)
