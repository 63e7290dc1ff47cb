"""Faults as a study: usual rates learnt from the first weeks, tested on the weeks that are watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.sources import RawTables
from ml.fault_rate.exposure import WEEK_DAYS, Field, lay_out, reports_are_dated
from ml.fault_rate.params import FaultParams
from ml.fault_rate.reports import lay_out_reports
from ml.fault_rate.snapshot import Snapshot, costs_of
from ml.fault_rate.surveillance import Watch, watch
from ml.fault_rate.vehicles import vehicles_in_service
from ml.instants import instant, microseconds
from ml.problem import SurveillanceProblem
from training.config import TaskConfig
from training.studies.row_data import Say
from training.studies.surveillance_rows import rows_of_weeks
from training.studies.task_tables import read_task_tables

RECORDS, FLEET = "service_records", "fleet"
COLUMNS = {
    FLEET: (
        "vehicle_id", "model", "energy_type", "built_at", "entered_service_at", "left_service_at", "monthly_km",
    ),
    RECORDS: (
        "vehicle_id", "model", "component", "fault", "serviced_at", "reported_at", "odometer_km", "cost",
    ),
}  # fmt: skip
NEEDED = {
    FLEET: ("vehicle_id", "model", "entered_service_at"),
    RECORDS: ("component", "fault", "serviced_at"),
}


@dataclass(frozen=True)
class SurveillanceData:
    """Records of the workshop and vehicles in the field, laid out week by week.

    Attributes
    ----------
    fleet : DataFrame or None
        None where there is no such table: faults are then compared with reports.
    at : int
        Moment (us) at or after which nothing is known.
    """

    config: TaskConfig
    raw: RawTables
    fleet: pl.DataFrame | None
    records: pl.DataFrame
    field: Field
    at: int

    @classmethod
    def read(cls, config: TaskConfig, *, as_of: datetime | None = None, progress: Say | None = None) -> Self:
        """Read and check the tables, and lay faults and exposure out week by week.

        Parameters
        ----------
        config : TaskConfig
            Of the task `fault_rate`.
        as_of : datetime, optional
            Only reports before it count; the end of the records if not given.

        Raises
        ------
        DataError, ConfigError
            Something is missing, or there is no fault or no exposure.
        """
        params = config.params
        assert isinstance(params, FaultParams)
        say = progress or (lambda text: None)
        raw = read_task_tables(config, extra={}, progress=progress)
        records = _taken(raw.frames[RECORDS], RECORDS)
        fleet = _taken(raw.frames[FLEET], FLEET) if FLEET in raw.frames else None
        if fleet is not None and "vehicle_id" not in records.columns:
            raise DataError(f"{RECORDS}.vehicle_id: the column is missing; map it in the sources")
        at, since = _period(records, as_of)
        say("laying out the fleet week by week" if fleet is not None else "laying out visits week by week: no fleet")
        if fleet is None:
            field = lay_out_reports(records, as_of=at, since=since)
        else:
            field = lay_out(fleet, records, as_of=at, since=since, bands=params.distance_bands)
        for note in field.notes:
            say(note)
        return cls(config, raw, fleet, records, field, at)

    @property
    def problem(self) -> SurveillanceProblem:
        """Problem of the task."""
        problem = self.config.definition.problem
        assert isinstance(problem, SurveillanceProblem)
        return problem

    @property
    def params(self) -> FaultParams:
        """Of the configuration."""
        found = self.config.params
        assert isinstance(found, FaultParams)
        return found

    @property
    def fingerprint(self) -> str:
        """Of the tables."""
        return "-".join(r.fingerprint for r in self.raw.reports.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """For whoever reads a report."""
        return self.field.notes

    @property
    def last_training_instant(self) -> int:
        """us: usual rates are learnt from what lies before."""
        return int((self.field.first_day + WEEK_DAYS * self.params.reference_weeks) * DAY) - 1

    def watched(self, *, afresh: Mapping[tuple[str, str], int] | None = None) -> Watch:
        """Learn what is usual, and watch from there on; `afresh` as for `ml.fault_rate.surveillance.watch`."""
        if self.field.weeks <= self.params.reference_weeks:
            raise DataError(
                f"reference_weeks: {self.field.weeks} weeks of records leave nothing to watch after "
                f"{self.params.reference_weeks}; give a longer history or set fewer"
            )
        return watch(
            self.field,
            start=self.params.reference_weeks,
            alpha=self.params.false_alarms,
            longest_delay=self.params.longest_delay_days,
            afresh=afresh,
        )

    @cached_property
    def result(self) -> Watch:
        """Surveillance of the weeks after the reference weeks."""
        return self.watched()

    def snapshot(self, watched: Watch) -> Snapshot:
        """What a service keeps of a watch."""
        vehicles = None if self.fleet is None else vehicles_in_service(self.fleet, self.records, as_of=self.at)
        return Snapshot.of(watched, alpha=self.params.false_alarms, vehicles=vehicles, costs=costs_of(self.records))

    def test_weeks(self) -> pl.DataFrame:
        """Cells of the weeks watched; see `training.studies.surveillance_rows.rows_of_weeks`."""
        start = self.params.reference_weeks
        return rows_of_weeks(self.field, self.result, start, self.field.weeks)


def _period(records: pl.DataFrame, as_of: datetime | None) -> tuple[int, int]:
    """Moment (us) at or after which nothing is known, and the first record."""
    times = records["serviced_at"].drop_nulls()
    if times.is_empty():
        raise DataError(f"{RECORDS}: there is no record with serviced_at; give some, or map the column")
    # Not the last report: one that came a year late would have all that year watched without a visit in it.
    since, end = int(times.min()), int(times.max()) + 1  # type: ignore[arg-type]
    last = int(records["reported_at"].max()) + 1 if reports_are_dated(records) else end  # type: ignore[arg-type]
    at = end if as_of is None else min(microseconds(as_of), max(last, end))
    if at <= since:
        raise DataError(f"--as-of: must be later than the first record, which is of {instant(since).date()}")
    return at, since


def _taken(frame: Any, table: str) -> pl.DataFrame:
    there = frame.collect_schema().names()
    for name in NEEDED[table]:
        if name not in there:
            raise DataError(f"{table}.{name}: the column is missing; map it in the sources")
    taken: pl.DataFrame = frame.select([n for n in COLUMNS[table] if n in there]).collect()
    return taken
