"""ServiceHistory visits and readings of the odometer, vehicle by vehicle and day by day of the local calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.errors import DataError
from features.odometer import classify_readings
from ml.fault_rate.exposure import reported_before, with_optional_columns
from ml.instants import instant


@dataclass(frozen=True)
class ServiceHistory:
    """What is known at a moment. Days count from the epoch, in the local calendar.

    Attributes
    ----------
    today : int
        Day of that moment.
    cars : DataFrame
        Every vehicle that has entered service: `row`, `vehicle_id`, `model`, `energy_type`, `store_id`, `monthly_km`,
        `entered` (day), `in_service`.
    visits : DataFrame
        `row`, `day` and `km` (null where not known) of each routine visit, in order.
    readings : DataFrame
        `row`, `day` and `km` of each day with a reading that agrees with the others, in order.
    notes : tuple of str
        What was left out, and why.
    """

    today: int
    cars: pl.DataFrame
    visits: pl.DataFrame
    readings: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def gaps(self) -> pl.DataFrame:
        """From each routine visit to the next one: `row`, `days` and `km` (null where not known)."""
        return steps(self.visits)


def steps(rows: pl.DataFrame) -> pl.DataFrame:
    """From each row of a vehicle to the next one.

    >>> steps(pl.DataFrame({"row": [0, 0, 1], "day": [10, 40, 5], "km": [100.0, 400.0, 0.0]})).rows()
    [(0, 30, 300.0)]
    """
    same = pl.col("row") == pl.col("row").shift()
    moved = rows.select("row", days=pl.col("day").diff(), km=pl.col("km").diff(), same=same)
    return moved.filter("same").drop("same")


def build_service_history(
    fleet: pl.DataFrame,
    records: pl.DataFrame,
    *,
    as_of: int,
    timezone: str = "UTC",
    components: Sequence[str] | None = None,
) -> ServiceHistory:
    """Lay out visits and readings.

    Parameters
    ----------
    fleet : DataFrame
        `vehicle_id`, `entered_service_at` and, where there are any, `model`, `energy_type`, `store_id`,
        `left_service_at`, `monthly_km`.
    records : DataFrame
        `vehicle_id`, `serviced_at` and, where there are any, `reported_at`, `component`, `fault`, `odometer_km`.
    as_of : int
        Moment (us); nothing that happened or was reported at or after it is known.
    timezone : str
        Of the calendar.
    components : sequence of str, optional
        Work that counts as a routine service; all if not given.

    Raises
    ------
    DataError
        There is no vehicle in service, no record before the moment, or no routine record.
    """
    cars = _cars(fleet, as_of=as_of, timezone=timezone)
    known = reported_before(records.drop_nulls(["vehicle_id", "serviced_at"]), as_of)
    if known.is_empty():
        raise DataError(
            f"as_of: must be later than the first record, got {instant(as_of).date()}, before which service_records "
            "has none with a vehicle_id; choose a later moment or map vehicle_id and serviced_at"
        )
    mine = known.join(cars.select("vehicle_id", "row"), on="vehicle_id", how="inner")
    mine = mine.with_columns(day=_day(pl.col("serviced_at"), timezone))
    routine = mine.filter(_is_routine(mine.columns, components))
    if routine.is_empty():
        wanted = "routine work" if components is None else f"any of {', '.join(components)}"
        raise DataError(
            f"service_records: none of {known.height:,} records before {instant(as_of).date()} is {wanted} on a vehicle"
            " of the fleet (fault false and a component, or no fault column); map fault, component and vehicle_id"
        )
    readings, left_out = _readings(mine)
    visits = routine.select("row", "day").unique().sort("row", "day")
    visits = visits.join(readings, on=["row", "day"], how="left", maintain_order="left")
    notes = {
        "records name a vehicle that the fleet does not have": known.height - mine.height,
        "readings of the odometer contradict the others of their vehicle": left_out,
    }
    today = pl.select(_day(pl.lit(as_of), timezone)).item()
    said = tuple(f"{n:,} {why} and are left out" for why, n in notes.items() if n)
    return ServiceHistory(int(today), cars, visits, readings, said)


def _day(us: pl.Expr, timezone: str) -> pl.Expr:
    local = pl.from_epoch(us, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    return local.dt.date().cast(pl.Int32).cast(pl.Int64)


def _cars(fleet: pl.DataFrame, *, as_of: int, timezone: str) -> pl.DataFrame:
    cars = with_optional_columns(fleet).filter(pl.col("entered_service_at") < as_of).sort("vehicle_id")
    cars = cars.with_columns(
        in_service=pl.col("left_service_at").is_null() | (pl.col("left_service_at") > as_of),
        entered=_day(pl.col("entered_service_at"), timezone),
    )
    if not cars["in_service"].any():
        raise DataError(
            f"fleet: no vehicle of {fleet.height:,} is in service on {instant(as_of).date()}; map entered_service_at "
            "and left_service_at, or choose another moment"
        )
    names = ("vehicle_id", "model", "energy_type", "store_id", "monthly_km", "entered", "in_service")
    return cars.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), *names)


def _is_routine(columns: Sequence[str], components: Sequence[str] | None) -> pl.Expr:
    named = pl.col("component").is_not_null() if "component" in columns else pl.lit(value=True)
    routine = pl.col("fault").is_null() | (~pl.col("fault") & named) if "fault" in columns else pl.lit(value=True)
    if components is not None:
        routine &= pl.col("component").is_in(list(components)) if "component" in columns else pl.lit(value=False)
    return routine


def _readings(records: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The last plausible reading of each vehicle and day, and how many are not plausible."""
    schema = {"row": pl.Int64, "day": pl.Int64, "km": pl.Float64}
    if "odometer_km" not in records.columns:
        return pl.DataFrame(schema=schema), 0
    rows = records.select("row", "serviced_at", "day", km=pl.col("odometer_km").cast(pl.Float64)).drop_nulls().unique()
    code = classify_readings(rows["row"].to_numpy(), rows["serviced_at"].to_numpy(), rows["km"].to_numpy())
    fine = rows.filter(pl.Series(code == 0, dtype=pl.Boolean))
    return fine.group_by("row", "day").agg(pl.col("km").max()).sort("row", "day"), int((code != 0).sum())
