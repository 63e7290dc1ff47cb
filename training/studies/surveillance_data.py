"""Data of the surveillance study: workshop records and fleet as weekly exposure and faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self, TypedDict, cast

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from features.periods import clock_instants, local_clock
from features.sources import RawTables
from ml.domain.arrays import FloatArray, IntArray
from ml.fault_rate.baseline_rates import AGES
from ml.fault_rate.counted import build_model_exposure, has_vehicles, with_models
from ml.fault_rate.denominators import build_denominator_exposure
from ml.fault_rate.exposure import WEEK_DAYS, FleetExposure, build_exposure
from ml.fault_rate.fault_costs import mean_fault_costs
from ml.fault_rate.model_years import with_build_dates
from ml.fault_rate.months import are_monthly_totals, at_month_end
from ml.fault_rate.params import FaultParams
from ml.fault_rate.reported import reports_are_dated
from ml.fault_rate.reports import build_report_exposure
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.surveillance import SurveillanceResult, run_surveillance
from ml.fault_rate.vehicles import vehicles_in_service
from ml.instants import instant, microseconds
from ml.problem import SurveillanceProblem
from training.config import TaskConfig
from training.progress import Progress
from training.studies.task_tables import read_task_tables

RECORDS, FLEET, DENOMINATORS = "service_records", "fleet", "denominators"
COLUMNS = {
    FLEET: (
        "vehicle_id", "model", "energy_type", "model_year", "built_at", "entered_service_at", "left_service_at",
        "monthly_km",
    ),
    RECORDS: (
        "vehicle_id", "job_id", "model", "model_year", "component", "fault", "serviced_at", "reported_at", "count",
        "odometer_km", "cost",
    ),
    DENOMINATORS: ("model", "component", "model_year", "month", "count", "kind"),
}  # fmt: skip
REQUIRED = {
    FLEET: ("vehicle_id", "model", "entered_service_at"),
    RECORDS: ("component", "fault", "serviced_at"),
    DENOMINATORS: ("model", "month", "count"),
}
REMEDIES = {
    "fault": "map it in sources.yaml, or `fault: {constant: true}` if every row is a fault",
    "component": "map it in sources.yaml, or `lines` if a free text names it",
}


class _Period(TypedDict):
    as_of: int
    since: int
    comeback_days: int
    monthly: bool


FIRST_MONTH = -600  # January 1920, in months since January 1970: codes of rows are not negative
CODES = 64  # base of the row code: more than the age bands


def rows_of_weeks(exposure: FleetExposure, surveillance: SurveillanceResult, begin: int, end: int) -> pl.DataFrame:
    """Return exposure and faults of the weeks from `begin` before `end`, by model, component, age, distance and month.

    Parameters
    ----------
    exposure : FleetExposure
        As returned by `ml.fault_rate.exposure.build_exposure` or `ml.fault_rate.reports.build_report_exposure`; also
        the attribute `exposure` of `training.studies.surveillance_data.SurveillanceData`.
    surveillance : SurveillanceResult
        As returned by `ml.fault_rate.surveillance.run_surveillance` for `exposure`; only the reporting delay is read.
    begin, end : int
        First week, and week after the last, of `exposure`: 0 <= begin < end <= `exposure.weeks`.

    Returns
    -------
    DataFrame
        `model`, `energy_type`, `component`, `age` (years, mean of the row's vehicles), `monthly_km` (a distance inside
        the band; null where unknown), `month` (0 to 11), `vehicle_years` (exposure, times the share of faults reported
        by now), `label` (faults), `period` (months since January 1970), `as_of` (int64, microseconds since 1970 UTC,
        start of the month) and `group` (number of the model and component; bootstrap intervals resample whole groups).

    Examples
    --------
    >>> from training.config import load_config
    >>> data = SurveillanceData.read(load_config("fault_rate"))  # doctest: +SKIP
    >>> rows = rows_of_weeks(data.exposure, data.run_surveillance(), 0, data.exposure.weeks)  # doctest: +SKIP
    """
    complete = np.ones(end - begin)
    if surveillance.delay is not None:
        complete = surveillance.delay.completeness(WEEK_DAYS * (exposure.weeks - np.arange(begin, end) - 0.5) - 0.5)
    cells = _Cells.of(exposure, begin, end)
    common, parts = cells.rows(exposure.at_risk[:, begin:end] * complete[None, :]), []
    for c, name in enumerate(exposure.components):
        at_risk = exposure.at_risk_of(c)[:, begin:end] * complete[None, :]
        rows, where = cells.rows(at_risk) if c in exposure.component_at_risk else common
        faults = exposure.counts(c)[:, begin:end]
        label = np.bincount(where, weights=faults[at_risk > 0], minlength=rows.height)
        parts.append(rows.with_columns(component=pl.lit(name), label=pl.Series(label)))
    every: pl.DataFrame = pl.concat(parts)
    month_starts = every["period"].to_numpy().astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    return every.with_columns(
        as_of=pl.Series(month_starts), group=pl.struct("model", "component").rank("dense").cast(pl.UInt64)
    )


@dataclass(frozen=True)
class _Cells:
    """Kind of vehicle, age band and month of every stratum and week of a period."""

    kinds: pl.DataFrame
    kilometres: list[float]
    age: FloatArray
    code: IntArray

    @classmethod
    def of(cls, exposure: FleetExposure, begin: int, end: int) -> Self:
        names = ["model", "energy_type", "distance_band"]
        kinds = exposure.strata.select(names).unique(maintain_order=True).with_row_index("kind")
        kind = exposure.strata.join(kinds, on=names, how="left", nulls_equal=True, maintain_order="left")
        age = exposure.age[:, begin:end]
        of_kind = kind["kind"].to_numpy().astype(np.int64)[:, None] * CODES + np.searchsorted(AGES, age, side="right")
        code = of_kind * 10_000 + exposure.calendar_month[begin:end][None, :] - FIRST_MONTH
        return cls(kinds, _inside(exposure.distance_limits), age, code)

    def rows(self, at_risk: FloatArray) -> tuple[pl.DataFrame, IntArray]:
        """Return one row per code with exposure, and the row of each stratum and week that has one."""
        codes, where = np.unique(self.code[at_risk > 0], return_inverse=True)
        vehicle_years = np.bincount(where, weights=at_risk[at_risk > 0])
        age = np.bincount(where, weights=(at_risk * self.age)[at_risk > 0]) / vehicle_years
        of_kind = self.kinds[(codes // 10_000 // CODES).tolist()]
        km = [None if d < 0 else self.kilometres[d] for d in of_kind["distance_band"]]
        rows = of_kind.select("model", "energy_type").with_columns(
            age=pl.Series(age),
            monthly_km=pl.Series(km, dtype=pl.Float64),
            month=pl.Series(codes % 10_000 % 12),
            vehicle_years=pl.Series(vehicle_years),
            period=pl.Series(codes % 10_000) + FIRST_MONTH,
        )
        return rows, where


def _inside(limits: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Return a distance (km) inside each band."""
    if not len(limits):
        return [1.0]
    middles = (limits[:-1] + limits[1:]) / 2
    return [float(limits[0] / 2), *map(float, middles), float(limits[-1] * 2)]


@dataclass(frozen=True)
class SurveillanceData:
    """Workshop records and fleet as weekly exposure and faults, as returned by `read`.

    Make one with ``SurveillanceData.read(load_config("fault_rate"))``, after
    ``from training.config import load_config`` and
    ``from training.studies.surveillance_data import SurveillanceData``.

    Attributes
    ----------
    config : TaskConfig
        Configuration of the task, as returned by ``training.config.load_config("fault_rate")``.
    raw : RawTables
        Validated raw tables: `frames` (LazyFrame by table) and `reports` (row counts by table).
    fleet : DataFrame or None
        Fleet table (`vehicle_id`, `model`, `entered_service_at` and others; times in microseconds of the local clock
        since 1970-01-01, int64); None without one: workshop visits are then the exposure.
    records : DataFrame
        Workshop records (`component`, `fault`, `serviced_at` and others; times in microseconds of the local clock).
    exposure : FleetExposure
        Weekly vehicle-years `at_risk` by stratum and week, and the faults; `weeks` is the number of weeks.
    as_of : int
        Microseconds of the local clock since 1970-01-01; records reported at or after it are left out.
    """

    config: TaskConfig
    raw: RawTables
    fleet: pl.DataFrame | None
    records: pl.DataFrame
    exposure: FleetExposure
    as_of: int

    @classmethod
    def read(
        cls,
        config: TaskConfig,
        *,
        as_of: datetime | None = None,
        raw: RawTables | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Read and check the tables, and return weekly exposure and faults.

        Parameters
        ----------
        config : TaskConfig
            ``training.config.load_config("fault_rate")``; its `sources` names the tables `service_records` and `fleet`.
        as_of : datetime, optional
            Aware, with time zone. Records reported at or after it are left out; the end of the records by default.
        raw : RawTables, optional
            The tables, as returned by `training.studies.task_tables.read_task_tables`; read here by default.
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        SurveillanceData
            `exposure` has weekly vehicle-years (workshop visits without a fleet table) and faults.

        Raises
        ------
        DataError, ConfigError
            A table or column is missing, there is no fault or no exposure, or `as_of` is not after the first record.

        Examples
        --------
        Needs the tables of the sources.

        >>> from training.config import load_config
        >>> data = SurveillanceData.read(load_config("fault_rate"))  # doctest: +SKIP
        >>> data.exposure.weeks, data.exposure.components  # doctest: +SKIP
        """
        params = cast("FaultParams", config.params)
        say = progress or (lambda text: None)
        raw = raw or read_task_tables(config, extra={}, progress=progress)
        tables = {n: on_local_clock(_required_columns(f, n), raw.reports[n].timezone) for n, f in raw.frames.items()}
        records, fleet = tables[RECORDS], tables.get(FLEET)
        monthly = are_monthly_totals(records["serviced_at"])
        records = at_month_end(records) if monthly else records
        at, since = _period(records, as_of, raw.reports[RECORDS].timezone)
        period: _Period = {"as_of": at, "since": since, "comeback_days": params.comeback_days, "monthly": monthly}
        if DENOMINATORS in tables:
            say("computing weekly exposure from the table denominators")
            exposure = build_denominator_exposure(tables[DENOMINATORS], with_models(records, fleet), **period)
        elif fleet is None:
            say("computing weekly visits: there is no fleet table")
            exposure = build_report_exposure(records, **period)
        elif has_vehicles(records):
            say("computing weekly exposure")
            exposure = build_exposure(fleet, records, bands=params.distance_bands, **period)
        else:
            say("computing weekly exposure by model: records have no vehicle_id")
            exposure = build_model_exposure(fleet, records, **period)
            records = records.with_columns(vehicle_id=pl.lit(None, dtype=pl.String))
        for note in exposure.notes:
            say(note)
        return cls(config, raw, None if fleet is None else with_build_dates(fleet)[0], records, exposure, at)

    @property
    def problem(self) -> SurveillanceProblem:
        """Problem of the task: `metrics` by name, and `baseline`."""
        return cast("SurveillanceProblem", self.config.definition.problem)

    @property
    def params(self) -> FaultParams:
        """Settings of `configs/fault_rate.yaml` under `params`."""
        return cast("FaultParams", self.config.params)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the raw tables."""
        return "-".join(r.fingerprint for r in self.raw.reports.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """Texts on the records that were left out, and why."""
        return (*self.exposure.notes, *self.raw.key_notes)

    @property
    def last_training_instant(self) -> int:
        """Last instant of the reference weeks, of the baseline rates; int, microseconds since 1970 UTC."""
        clock = int((self.exposure.first_day + WEEK_DAYS * self.params.reference_weeks) * DAY)
        return int(clock_instants(clock, timezone=self.timezone)) - 1

    @property
    def timezone(self) -> str:
        """IANA name of the time zone whose days are counted: that of the table `service_records`."""
        return self.raw.reports[RECORDS].timezone

    def run_surveillance(self, *, reset_weeks: Mapping[tuple[str, str], int] | None = None) -> SurveillanceResult:
        """Return weekly counts, expected counts and evidence of every cell after the reference weeks.

        Parameters
        ----------
        reset_weeks : mapping of (model, component) to int, optional
            Week, counted from week 0 of `exposure`, from which the evidence of a cell starts again at 0, because its
            last alarm was closed then: faults before it cannot raise the next alarm. Such as
            ``{("model a", "battery"): 120}``.

        Returns
        -------
        ml.fault_rate.surveillance.SurveillanceResult
            `cells` (DataFrame of `model` and `component`), `count` and `expected` (cumulative faults), `log_e` (log
            evidence), each of shape (n_cells, n_test_weeks), and `alarm_threshold`, shape (n_cells,).

        Raises
        ------
        DataError
            The records have no week after the reference weeks, or the reference weeks have no fault.
        """
        if self.exposure.weeks <= self.params.reference_weeks:
            raise DataError(
                f"reference_weeks: {self.exposure.weeks} weeks of records leave no test week after "
                f"{self.params.reference_weeks} reference weeks; give a longer history or set fewer"
            )
        return run_surveillance(
            self.exposure,
            start=self.params.reference_weeks,
            alpha=self.params.false_alarm_rate,
            longest_delay=self.params.longest_delay_days,
            rate_drift=self.params.rate_drift,
            reset_weeks=reset_weeks,
        )

    @cached_property
    def result(self) -> SurveillanceResult:
        """Result of `run_surveillance()`: cells, cumulative counts and expected counts, evidence and thresholds."""
        return self.run_surveillance()

    def snapshot(self, surveillance: SurveillanceResult) -> Snapshot:
        """Return the snapshot that the service loads: evidence, alarms, baseline rates, costs (yuan) and vehicles.

        Parameters
        ----------
        surveillance : SurveillanceResult
            The attribute `result` of this object, or as returned by its method `run_surveillance`.

        Returns
        -------
        ml.fault_rate.snapshot.Snapshot
            `cells` (`model`, `component`), cumulative faults `count` and `expected`, `log_e`, `alarm_threshold`,
            `alarms`, `baseline_rates` (faults per vehicle-year), `costs` (yuan per visit, by component) and `vehicles`.
        """
        vehicles = None if self.fleet is None else vehicles_in_service(self.fleet, self.records, as_of=self.as_of)
        return Snapshot.of(
            surveillance,
            alpha=self.params.false_alarm_rate,
            vehicles=vehicles,
            costs=mean_fault_costs(self.records, comeback_days=self.params.comeback_days),
            timezone=self.timezone,
        )

    def test_weeks(self) -> pl.DataFrame:
        """Return exposure and faults of the weeks after the reference weeks.

        Returns
        -------
        DataFrame
            `model`, `energy_type`, `component`, `age` (years), `monthly_km`, `month` (0 to 11), `vehicle_years`,
            `label` (faults), `period` (months since January 1970), `as_of` (int64, microseconds since 1970 UTC, start
            of the month) and `group` (number of the model and component).

        Raises
        ------
        DataError
            The records have no week after the reference weeks, or the reference weeks have no fault.
        """
        start = self.params.reference_weeks
        return rows_of_weeks(self.exposure, self.result, start, self.exposure.weeks)


def on_local_clock(frame: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Return the frame with its instants as microseconds of the local clock, so that their days are local days."""
    instants = [n for n in frame.columns if n.endswith("_at") or n == "month"]
    return frame.with_columns(clock_of(n, timezone) for n in instants)


def clock_of(instant: str, timezone: str) -> pl.Expr:
    """Return a column of instants (microseconds) as microseconds of the local clock."""
    clock = pl.from_epoch(instant, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    return clock.dt.replace_time_zone(None).dt.epoch("us")


def _period(records: pl.DataFrame, as_of: datetime | None, timezone: str) -> tuple[int, int]:
    """Return `as_of` and the instant of the first record (microseconds of the local clock)."""
    times = records["serviced_at"].drop_nulls()
    if times.is_empty():
        raise DataError(f"{RECORDS}.serviced_at: is null in all {records.height:,} records; map the column")
    # Not the last report: one report that is a year late would add a year of test weeks without visits.
    since, end = int(times.min()), int(times.max()) + 1  # type: ignore[arg-type]
    last = int(records["reported_at"].max()) + 1 if reports_are_dated(records) else end  # type: ignore[arg-type]
    at = end if as_of is None else min(int(local_clock(microseconds(as_of), timezone=timezone)), max(last, end))
    if at <= since:
        first, day = (instant(clock).date() for clock in (since, at))
        raise DataError(f"--as-of: must be later than the first record, of {first}, got {day}")
    return at, since


def _required_columns(frame: Any, table: str) -> pl.DataFrame:
    names = frame.collect_schema().names()
    for name in REQUIRED[table]:
        if name not in names:
            raise DataError(f"{table}.{name}: the column is missing; {REMEDIES.get(name, 'map it in sources.yaml')}")
    columns: pl.DataFrame = frame.select([n for n in COLUMNS[table] if n in names]).collect()
    return columns
