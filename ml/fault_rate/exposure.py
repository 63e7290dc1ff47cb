"""The fleet in the field, week by week: time at risk by model, build period and distance driven, and the faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.exposure import exposure_by_period

WEEK_DAYS, YEAR_DAYS, QUARTER_DAYS = 7, 365.25, 365.25 / 4
OPTIONAL = {
    "model": pl.String, "energy_type": pl.String, "store_id": pl.String, "built_at": pl.Int64,
    "left_service_at": pl.Int64, "monthly_km": pl.Float64,
}  # fmt: skip
BACKWARDS = "were reported before they came to the workshop"
UNDATED = "reports carry no date: recent weeks are taken for complete"


@dataclass(frozen=True)
class FleetExposure:
    """Strata of vehicles over weeks, and their faults.

    Attributes
    ----------
    strata : DataFrame
        `model`, `energy_type` (null where not known), `build` (quarter, counted from the epoch) and `distance_band` (of
        the monthly distance; -1 where not known).
    components : tuple of str
        In alphabetical order.
    first_day : float
        Day (from the epoch) on which the first week begins.
    distance_limits : ndarray
        Monthly distances (km) between the bands.
    exposure : ndarray of shape (n_strata, n_weeks)
        Vehicle-years at risk; visits to the workshop where the fleet is not known.
    stratum, component, week, known : ndarray of int
        Of each fault: where it belongs, the week in which it came to the workshop, and that of its report.
    delay_days, observable_days : ndarray of int
        From the workshop to the report, and the longest that could have been seen; empty where reports carry no date.
    notes : tuple of str
        What was left out, and why.
    basis : {'exposure', 'reports'}
        What faults are compared with: vehicles in the field, or, where the fleet is not known, the model's reports.
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
        """Calendar month, 0 to 11, of the middle of each week."""
        middle = (self.first_day + WEEK_DAYS * (np.arange(self.weeks) + 0.5)).astype("datetime64[D]")
        return middle.astype("datetime64[M]").astype(np.int64) % 12

    def counts(self, component: int) -> FloatArray:
        """Faults of a component by stratum and week of the workshop, shape (n_strata, n_weeks)."""
        chosen = (self.component == component) & (self.week < self.weeks)
        flat = self.stratum[chosen] * self.weeks + self.week[chosen]
        found = np.bincount(flat, minlength=self.at_risk.size).astype(np.float64)
        return found.reshape(self.at_risk.shape)


def build_exposure(
    fleet: pl.DataFrame, records: pl.DataFrame, *, as_of: int, since: int, bands: int = 3
) -> FleetExposure:
    """Lay out what is known at a moment.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `model`, `entered_service_at` and, where there are any, `built_at`, `left_service_at` (us; null
        while it drives), `energy_type` and `monthly_km`.
    records : DataFrame
        `vehicle_id`, `component`, `fault`, `serviced_at` and, where there is one, `reported_at` (us).
    as_of, since : int
        Moments (us): nothing reported at or after the first is known, and weeks begin with the second.
    bands : int
        Bands of monthly distance with equally many vehicles.

    Raises
    ------
    DataError
        There is no vehicle, no exposure, or no fault.
    """
    weeks = (as_of - since) // (WEEK_DAYS * DAY)
    if weeks < 1:
        raise DataError(f"as_of: must be a week or more after the begin of the records, got {weeks} weeks")
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
        raise DataError("fleet: no vehicle was in service in the time asked about; map entered_service_at")
    faults, notes = _faults(records, cars, since=since, as_of=as_of)
    components = tuple(faults["component"].unique().sort().to_list())
    named = pl.DataFrame({"component": components}).with_row_index("place")
    faults = faults.join(named, on="component", how="left")
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
        component=faults["place"].cast(pl.Int64).to_numpy(),
        week=(at - since) // (WEEK_DAYS * DAY),
        report_week=(reported - since) // (WEEK_DAYS * DAY),
        delay_days=(reported - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        observable_days=(as_of - at) // DAY if dated else np.zeros(0, dtype=np.int64),
        notes=notes,
    )


def with_optional_columns(fleet: pl.DataFrame) -> pl.DataFrame:
    """Return the fleet with every optional column, null where the fleet has none.

    >>> with_optional_columns(pl.DataFrame({"monthly_km": [900.0]})).select("monthly_km", "built_at").row(0)
    (900.0, None)
    """
    return fleet.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in OPTIONAL.items() if n not in fleet.columns)


def reported_before(records: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """Return the records that had come, and had been reported, before a moment.

    >>> records = pl.DataFrame({"serviced_at": [1, 2, 9], "reported_at": [None, 9, 9]})
    >>> reported_before(records, 9)["serviced_at"].to_list()
    [1]
    """
    rows = records.filter(pl.col("serviced_at") < as_of)
    return rows.filter(pl.coalesce("reported_at", "serviced_at") < as_of) if "reported_at" in rows.columns else rows


def reports_are_dated(records: pl.DataFrame) -> bool:
    """Whether any record says when it was reported.

    >>> reports_are_dated(pl.DataFrame({"reported_at": [None, 5]})), reports_are_dated(pl.DataFrame({"fault": [True]}))
    (True, False)
    """
    return "reported_at" in records.columns and records["reported_at"].null_count() < records.height


def reported_records(records: pl.DataFrame, *, since: int, as_of: int) -> tuple[pl.DataFrame, int]:
    """Records of a time that were reported by its end, and how many were not because their dates run backwards.

    Where no record says when it was reported, all count as reported when they came, and `reported_at` is taken away.

    >>> records = pl.DataFrame({"serviced_at": [1, 2, 3, 9], "reported_at": [None, 8, 1, 9]})
    >>> known, backwards = reported_records(records, since=0, as_of=9)
    >>> known["reported_at"].to_list(), backwards
    ([1, 8], 1)
    """
    dated = reports_are_dated(records)
    rows = records.filter(pl.col("serviced_at").is_between(since, as_of, closed="left"))
    if not dated:
        return rows.drop("reported_at", strict=False), 0
    rows = rows.with_columns(pl.col("reported_at").fill_null(pl.col("serviced_at")))
    ordered = rows.filter(pl.col("reported_at") >= pl.col("serviced_at"))
    return ordered.filter(pl.col("reported_at") < as_of), rows.height - ordered.height


def _cars(fleet: pl.DataFrame, *, as_of: int, bands: int) -> tuple[pl.DataFrame, FloatArray]:
    """Vehicles with their stratum, and the limits between bands; built on entering service where no date says so."""
    cars = with_optional_columns(fleet).drop_nulls(["vehicle_id", "model", "entered_service_at"])
    cars = cars.filter(pl.col("entered_service_at") < as_of)
    if cars.is_empty():
        raise DataError(
            "fleet: no vehicle with a model and a date of entry before as_of; map vehicle_id, model and them"
        )
    cars = cars.with_columns(
        build=(pl.coalesce("built_at", "entered_service_at") / DAY / QUARTER_DAYS).floor().cast(pl.Int64),
        left_service_at=pl.min_horizontal(pl.coalesce("left_service_at", pl.lit(as_of)), pl.lit(as_of)),
        distance="monthly_km",
        energy_type=pl.col("energy_type").cast(pl.String),
    )
    known = cars["distance"].drop_nulls()
    limits = np.unique(np.quantile(known.to_numpy(), np.arange(1, bands) / bands)) if len(known) else np.zeros(0)
    band = np.searchsorted(limits, cars["distance"].fill_null(float("nan")).to_numpy(), side="right")
    unknown = cars["distance"].is_null().to_numpy()
    return cars.with_columns(distance_band=pl.Series(np.where(unknown, -1, band))), limits


def _faults(
    records: pl.DataFrame, cars: pl.DataFrame, *, since: int, as_of: int
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Faults known by as_of with the stratum of their vehicle, and what had to be left out."""
    rows, backwards = reported_records(records.filter("fault"), since=since, as_of=as_of)
    whole = rows.drop_nulls(["vehicle_id", "component"])
    served = cars.select("vehicle_id", "stratum", "entered_service_at", "left_service_at")
    named = whole.join(served, on="vehicle_id", how="inner")
    found = named.filter(pl.col("serviced_at").is_between("entered_service_at", "left_service_at"))
    left_out = {
        BACKWARDS: backwards,
        "name no vehicle or no component": rows.height - whole.height,
        "name a vehicle that the fleet does not have": whole.height - named.height,
        "came while their vehicle was not in service": named.height - found.height,
    }
    notes = [f"{n:,} faults {why} and are left out" for why, n in left_out.items() if n]
    if found.is_empty():
        raise DataError(
            "service_records: no fault of a vehicle of the fleet in the time asked about"
            f"{''.join(f'; {note}' for note in notes)}: map fault, component, vehicle_id and their dates"
        )
    if "reported_at" not in found.columns:
        notes.append(UNDATED)
    return found, tuple(notes)
