"""Faults as a study: usual rates learnt from the first weeks, tested on the weeks that are watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from features.sources import RawTables, load_sources, read_tables
from ml.fault_rate.endpoints import strongest
from ml.fault_rate.estimator import READS, FaultEstimator
from ml.fault_rate.exposure import WEEK_DAYS, Field, lay_out, reports_are_dated
from ml.fault_rate.params import FaultParams
from ml.fault_rate.reports import lay_out_reports
from ml.fault_rate.snapshot import Snapshot, costs_of
from ml.fault_rate.surveillance import Watch, watch
from ml.fault_rate.vehicles import vehicles_in_service
from ml.home import home
from ml.instants import instant, microseconds
from ml.problem import SurveillanceProblem
from training.config import TaskConfig
from training.studies.row_data import Say
from training.studies.row_report import NAIVE, TEST_ROWS, Report
from training.studies.surveillance_report import evaluate_faults, naive_answers, rows_of_weeks

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
class FaultStudy:
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
    def _watched(self) -> Watch:
        return self.watched()

    def snapshot(self, watched: Watch) -> Snapshot:
        """What a service keeps of a watch."""
        vehicles = None if self.fleet is None else vehicles_in_service(self.fleet, self.records, as_of=self.at)
        return Snapshot.of(watched, alpha=self.params.false_alarms, vehicles=vehicles, costs=costs_of(self.records))

    def fit(self, *, progress: Say | None = None) -> FaultEstimator:
        """Learn from the reference weeks alone, and watch the others."""
        say = progress or (lambda text: None)
        weeks = self.params.reference_weeks
        say(f"learning what is usual from {weeks} weeks, watching {max(self.field.weeks - weeks, 0)}")
        return FaultEstimator(self.snapshot(self._watched))

    def evaluate(self, estimator: FaultEstimator) -> Report:
        """Measure usual rates on the weeks watched."""
        return evaluate_faults(self, estimator, self._watched)

    def keep_test(self, folder: Path, estimator: FaultEstimator) -> None:
        """Write the cells of the weeks watched."""
        try:
            rows = self.tested()
            rows.with_columns(pl.Series(NAIVE, naive_answers(self, self._watched, rows))).write_parquet(
                folder / TEST_ROWS
            )
        except OSError as e:
            raise DataError(f"the test part could not be written to {folder}: {e.strerror}; free space there") from None

    def tested(self) -> pl.DataFrame:
        """Cells of the weeks watched; see `training.studies.surveillance_report.rows_of_weeks`."""
        start = self.params.reference_weeks
        return rows_of_weeks(self.field, self._watched, start, self.field.weeks)

    def features(self, estimator: FaultEstimator) -> list[str]:
        """What usual rates depend on."""
        return list(READS)

    def example(self, estimator: FaultEstimator) -> dict[str, Any]:
        """The cell nearest to an alarm."""
        return strongest(estimator)

    def describe(self) -> dict[str, Any]:
        """What a training would see."""
        f, start = self.field, min(self.params.reference_weeks, self.field.weeks)
        return {
            "examples": {
                "faults": {"in all": len(f.week), "of reference": int((f.week < start).sum())},
                "weeks": {"in all": f.weeks, "learnt from": start},
                "cells": {"models": f.strata["model"].n_unique(), "components": len(f.components)},
            },
            "numeric": ["age", "monthly_km", "vehicle_years"],
            "categorical": ["model", "energy_type", "component", "month"],
        }

    def rounds(self) -> Iterator[float]:
        """The deviance on the last third of the reference weeks of what is learnt from the rest."""
        start = self.params.reference_weeks
        cut = max(2, start * 2 // 3)
        watched = watch(self.field, start=cut, longest_delay=self.params.longest_delay_days)
        rows = rows_of_weeks(self.field, watched, cut, start)
        estimator = FaultEstimator(Snapshot.of(watched, alpha=0.05, vehicles=None, costs={}))
        metric = self.problem.metrics[self.config.definition.primary_metric]
        yield float(metric.compute(rows["label"].to_numpy(), estimator.predict(rows)["expected"].to_numpy()))

    def with_config(self, config: TaskConfig) -> FaultStudy:
        """The same data under other parameters."""
        return replace(self, config=config)


def load_faults(config: TaskConfig, *, as_of: datetime | None = None, progress: Say | None = None) -> FaultStudy:
    """Read, check, and lay out week by week.

    Parameters
    ----------
    config : TaskConfig
        Of the task `fault_rate`.
    as_of : datetime, optional
        Nothing reported at or after it is known; the end of the records if not given.

    Raises
    ------
    DataError, ConfigError
        Something is missing, or there is no fault or no exposure.
    """
    if config.timeless:
        raise ConfigError("time: faults are watched in time; set time: serviced_at")
    params = config.params
    assert isinstance(params, FaultParams)
    say = progress or (lambda text: None)
    sources = load_sources(config.sources)
    names = [n for n in (RECORDS, FLEET) if n == RECORDS or n in sources.tables]
    raw = read_tables(sources, names, quarantine_folder=home() / "quarantine" / config.task, progress=progress)
    records = _taken(raw.frames[RECORDS], RECORDS)
    fleet = _taken(raw.frames[FLEET], FLEET) if FLEET in names else None
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
    return FaultStudy(config, raw, fleet, records, field, at)


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
