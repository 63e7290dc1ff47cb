"""Routine visits and odometer readings of each vehicle by day of the local calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.errors import DataError
from features.odometer import classify_readings
from features.plurals import count_text
from ml.fault_rate.fleet import with_optional_columns
from ml.fault_rate.reported import reported_before
from ml.instants import instant


@dataclass(frozen=True)
class ServiceHistory:
    """Routine visits and odometer readings before an instant.

    Returned by `ml.fault_rate.routine.build_service_history`. Days count from 1970-01-01 in the local calendar;
    distances are km.

    Attributes
    ----------
    today : int
        Day of the instant.
    cars : DataFrame
        Every vehicle that has entered service: `row`, `vehicle_id`, `model`, `energy_type`, `store_id`, `monthly_km`,
        `entered` (day), `in_service` (bool).
    visits : DataFrame
        Routine visits by vehicle and day: `row` (of `cars`), `day` and `km` (null where unknown).
    readings : DataFrame
        Plausible odometer readings by vehicle and day: `row`, `day` and `km`.
    notes : tuple of str
        Records that were left out, and why.
    """

    today: int
    cars: pl.DataFrame
    visits: pl.DataFrame
    readings: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def gaps(self) -> pl.DataFrame:
        """Gaps between consecutive routine visits of a vehicle: `row`, `days` and `km` (null where unknown)."""
        return steps(self.visits)


def steps(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the differences between consecutive rows of a vehicle.

    Parameters
    ----------
    rows : DataFrame
        `row`, `day` and `km`, sorted by `row` and `day`.

    Returns
    -------
    DataFrame
        `row`, `days` and `km`; one row fewer per vehicle.

    Examples
    --------
    >>> import polars as pl
    >>> steps(pl.DataFrame({"row": [0, 0, 1], "day": [10, 40, 5], "km": [100.0, 400.0, 0.0]})).rows()
    [(0, 30, 300.0)]
    """
    same_vehicle = pl.col("row") == pl.col("row").shift()
    differences = rows.select("row", days=pl.col("day").diff(), km=pl.col("km").diff(), same_vehicle=same_vehicle)
    return differences.filter("same_vehicle").drop("same_vehicle")


def build_service_history(
    fleet: pl.DataFrame,
    records: pl.DataFrame,
    *,
    as_of: int,
    timezone: str = "UTC",
    components: Sequence[str] | None = None,
) -> ServiceHistory:
    """Return the routine visits and odometer readings that were reported before `as_of`.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `entered_service_at` and, optionally, `model`, `energy_type`, `store_id`, `left_service_at`,
        `monthly_km` (km per month). Instants are int64, microseconds since 1970 UTC.
    records : DataFrame
        `vehicle_id`, `serviced_at` and, optionally, `reported_at` (microseconds), `component`, `fault` (bool),
        `odometer_km`. A record is routine work if `fault` is false and it names a component, or if `fault` is null.
    as_of : int
        Instant (microseconds); records serviced or reported at or after it are left out.
    timezone : str
        IANA time zone of the calendar, such as 'Asia/Shanghai'.
    components : sequence of str, optional
        Routine work that counts as a service; all routine work by default.

    Returns
    -------
    ServiceHistory
        Frames `cars`, `visits`, `readings` and `gaps`; days count from 1970-01-01 in the local calendar, distances are
        km.

    Raises
    ------
    DataError
        No vehicle is in service, or no record or no routine record lies before `as_of`.

    Examples
    --------
    >>> import polars as pl
    >>> day = 24 * 3_600 * 1_000_000  # microseconds
    >>> fleet = pl.DataFrame({"vehicle_id": ["V"], "entered_service_at": [0]})
    >>> records = pl.DataFrame({"vehicle_id": ["V", "V"], "serviced_at": [300 * day, 650 * day],
    ...     "component": ["oil_and_filter"] * 2, "fault": [False] * 2, "odometer_km": [6_000, 13_000]})
    >>> history = build_service_history(fleet, records, as_of=700 * day)
    >>> history.visits.rows(), history.gaps.rows()
    ([(0, 300, 6000.0), (0, 650, 13000.0)], [(0, 350, 7000.0)])
    """
    cars = _cars(fleet, as_of=as_of, timezone=timezone)
    reported = reported_before(records.drop_nulls(["vehicle_id", "serviced_at"]), as_of)
    if reported.is_empty():
        raise DataError(
            f"as_of: must be later than the first record, got {instant(as_of).date()}, before which service_records "
            "has none with a vehicle_id; choose a later moment or map vehicle_id and serviced_at"
        )
    matched = reported.join(cars.select("vehicle_id", "row"), on="vehicle_id", how="inner")
    matched = matched.with_columns(day=local_day(pl.col("serviced_at"), timezone))
    routine = matched.filter(_is_routine(matched.columns, components))
    if routine.is_empty():
        work = "routine work" if components is None else f"any of {', '.join(components)}"
        raise DataError(
            f"service_records: none of {reported.height:,} records before {instant(as_of).date()} is {work} on a "
            "vehicle of the fleet (fault false and a component, or no fault column); map fault, component and "
            "vehicle_id"
        )
    readings, implausible = _readings(matched)
    visits = routine.select("row", "day").unique().sort("row", "day")
    visits = visits.join(readings, on=["row", "day"], how="left", maintain_order="left")
    left_out = {
        (
            "record with a vehicle_id that is not in the fleet",
            "records with a vehicle_id that is not in the fleet",
        ): reported.height - matched.height,
        (
            "odometer reading that contradicts the others of its vehicle",
            "odometer readings that contradict the others of their vehicle",
        ): implausible,
    }
    today = pl.select(local_day(pl.lit(as_of), timezone)).item()
    notes = tuple(f"left out: {count_text(n, one, several)}" for (one, several), n in left_out.items() if n)
    return ServiceHistory(int(today), cars, visits, readings, notes)


def local_day(us: pl.Expr, timezone: str) -> pl.Expr:
    """Return the day of an instant (microseconds since 1970 UTC) in a time zone, days since 1970-01-01.

    >>> pl.select(local_day(pl.lit(20 * 3_600 * 1_000_000), "Asia/Shanghai")).item()
    1
    """
    local = pl.from_epoch(us, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    return local.dt.date().cast(pl.Int32).cast(pl.Int64)


def _cars(fleet: pl.DataFrame, *, as_of: int, timezone: str) -> pl.DataFrame:
    cars = with_optional_columns(fleet).filter(pl.col("entered_service_at") < as_of).sort("vehicle_id")
    cars = cars.with_columns(
        in_service=pl.col("left_service_at").is_null() | (pl.col("left_service_at") > as_of),
        entered=local_day(pl.col("entered_service_at"), timezone),
    )
    if not cars["in_service"].any():
        raise DataError(
            f"fleet: no vehicle of {fleet.height:,} is in service on {instant(as_of).date()}; map entered_service_at "
            "and left_service_at, or choose another moment"
        )
    names = ("vehicle_id", "model", "energy_type", "store_id", "monthly_km", "entered", "in_service")
    return cars.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), *names)


def _is_routine(columns: Sequence[str], components: Sequence[str] | None) -> pl.Expr:
    has_component = pl.col("component").is_not_null() if "component" in columns else pl.lit(value=True)
    routine = (
        pl.col("fault").is_null() | (~pl.col("fault") & has_component) if "fault" in columns else pl.lit(value=True)
    )
    if components is not None:
        routine &= pl.col("component").is_in(list(components)) if "component" in columns else pl.lit(value=False)
    return routine


def _readings(records: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the highest plausible reading (km) of each vehicle and day, and the number of implausible ones."""
    schema = {"row": pl.Int64, "day": pl.Int64, "km": pl.Float64}
    if "odometer_km" not in records.columns:
        return pl.DataFrame(schema=schema), 0
    rows = records.select("row", "serviced_at", "day", km=pl.col("odometer_km").cast(pl.Float64)).drop_nulls().unique()
    code = classify_readings(rows["row"].to_numpy(), rows["serviced_at"].to_numpy(), rows["km"].to_numpy())
    plausible = rows.filter(pl.Series(code == 0, dtype=pl.Boolean))
    return plausible.group_by("row", "day").agg(pl.col("km").max()).sort("row", "day"), int((code != 0).sum())
