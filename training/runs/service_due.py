"""Run of `chehang service-due`: the vehicles to remind of their next routine service, and the dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pydantic import Field

from features.errors import DataError
from features.plurals import count_text
from features.sources import load_sources, read_tables
from ml.bilingual import Text
from ml.fault_rate.service_check import ServiceCheck, check_services, listed_services
from ml.fault_rate.service_due import ServiceDue, next_services
from ml.fault_rate.service_rules import ServiceRules
from ml.home import home
from ml.instants import instant, microseconds
from ml.report.columns import Axis, Column
from ml.report.sections import TimeSeries
from training.answer_files import check_answer_path, write_answers
from training.config import RunConfig
from training.progress import Progress

VEHICLES = Text(zh="辆", en="vehicles")
RECORDS = ("vehicle_id", "component", "fault", "serviced_at", "reported_at", "odometer_km", "cost")
FLEET = ("vehicle_id", "model", "energy_type", "store_id", "entered_service_at", "left_service_at", "monthly_km")


class ServiceDueConfig(RunConfig):
    """Settings of `configs/service_due.yaml`.

    ``training.runs.service_due.ServiceDueConfig.load(Path("configs/service_due.yaml"))`` reads one.

    Attributes
    ----------
    within_days : int
        Services that fall due within this many days are listed.
    overdue_days : int
        Services overdue by at most this many days are listed; a vehicle that is longer overdue is assumed to be
        serviced elsewhere.
    visit_days : int
        The list begins with the vehicles that are likeliest to visit within this many days.
    top : int or None
        Vehicles listed at most, for example those that the service advisers can call; None: all.
    rules : ServiceRules
        Service intervals (km and months).
    """

    within_days: int = Field(60, ge=0, le=3_650)
    overdue_days: int = Field(180, ge=0, le=36_500)
    visit_days: int = Field(28, ge=1, le=365)
    top: int | None = Field(None, ge=1)
    rules: ServiceRules = ServiceRules()


@dataclass(frozen=True)
class ServiceReminders:
    """Result of the run, as returned by `service_due`.

    Attributes
    ----------
    due : DataFrame
        Vehicles to remind: `place` (from 1, the likeliest visit first) and the columns of
        `ml.fault_rate.service_due.ServiceDue.vehicles`.
    due_vehicles : int
        Vehicles that fall due or are overdue, listed or not.
    services : ServiceDue
        Next service of every vehicle in service.
    check : ServiceCheck or None
        Likely visits of 90 days before against the visits that followed; None where the records are too short.
    at : datetime
        Records reported at or after this instant were left out.
    files : tuple of Path
        Table and picture.
    """

    due: pl.DataFrame
    due_vehicles: int
    services: ServiceDue
    check: ServiceCheck | None
    at: datetime
    files: tuple[Path, ...]


def service_due(
    config: ServiceDueConfig, *, out: Path, as_of: datetime | None = None, progress: Progress | None = None
) -> ServiceReminders:
    """Write the vehicles whose service falls due, and a picture of the number due per week.

    Parameters
    ----------
    config : ServiceDueConfig
        ``training.runs.service_due.ServiceDueConfig.load(Path("configs/service_due.yaml"))``.
    out : Path
        `.parquet` or `.csv`; the picture is written to `<name>.png` beside it.
    as_of : datetime, optional
        With time zone. Records reported at or after it are left out; the last record by default.
    progress : Progress, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    ServiceReminders
        `due` (DataFrame, the rows of the file: `place`, `vehicle_id`, `due_on`, `due_low`, `due_high`, `due_km`,
        `overdue_days`, `visit_probability`, `reason_zh`, `reason_en` and others), `services` (`vehicles`: the same
        columns for every vehicle in service), `check` (visits that followed an earlier list), `at` (datetime) and
        `files` (both paths).

    Raises
    ------
    DataError, ConfigError
        A table, the configuration or the output path is unusable; nothing was written.

    Examples
    --------
    Needs the tables of the sources.

    >>> from pathlib import Path
    >>> from training.runs.service_due import ServiceDueConfig
    >>> config = ServiceDueConfig.load(Path("configs/service_due.yaml"))  # doctest: +SKIP
    >>> due = service_due(config, out=Path("due.csv")).due  # doctest: +SKIP
    """
    check_answer_path(out)
    sources = load_sources(config.sources)
    raw = read_tables(
        sources, ["fleet", "service_records"],
        quarantine_folder=home() / "quarantine" / "service_due", joins=("service_records.vehicle_id",),
        targets={"fleet": ("left_service_at",)},
        progress=progress,
    )  # fmt: skip
    fleet, records = (
        frame.select([n for n in names if n in frame.collect_schema().names()]).collect()
        for frame, names in ((raw.frames["fleet"], FLEET), (raw.frames["service_records"], RECORDS))
    )
    if "vehicle_id" not in records.columns:
        raise DataError("service_records.vehicle_id: the column is missing; map it in sources.yaml")
    at = int(records["serviced_at"].max()) + 1 if as_of is None else microseconds(as_of)  # type: ignore[arg-type]
    services = next_services(
        fleet, records, rules=config.rules, as_of=at, timezone=sources.timezone, visit_days=config.visit_days
    )
    if progress is not None:
        progress("checking the likely visits of an earlier day against the visits that followed")
    check = check_services(
        fleet, records, rules=config.rules, as_of=at, timezone=sources.timezone, visit_days=config.visit_days,
        within_days=config.within_days, overdue_days=config.overdue_days,
    )  # fmt: skip
    everything = listed_services(
        services.vehicles, today=services.today, within_days=config.within_days, overdue_days=config.overdue_days
    )
    due = everything.head(config.top or everything.height)
    due = due.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("place"), *due.columns)
    picture = out.with_suffix(".png")
    _draw(everything, picture)
    write_answers(due, out)
    return ServiceReminders(due, everything.height, services, check, instant(at), (out, picture))


def _draw(due: pl.DataFrame, path: Path) -> None:
    """Draw the number of vehicles by the week in which their service falls due."""
    weeks = due.group_by(week=pl.col("due_on").dt.truncate("1w")).agg(
        km=(pl.col("due_by") == "km").sum(), date=(pl.col("due_by") == "date").sum()
    )
    section = TimeSeries(
        name="services_due",
        title=Text(
            zh=f"{due.height:,} 辆车保养到期或已超期",
            en=count_text(due.height, "service due or overdue", "services due or overdue"),
        ),
        columns=(
            Column(name="week", title=Text(zh="到期周（周一）", en="week of the due date (Monday)")),
            Column(name="km", title=Text(zh="按里程", en="by distance"), unit=VEHICLES, format="count"),
            Column(name="date", title=Text(zh="按时间", en="by date"), unit=VEHICLES, format="count"),
        ),
        y=Axis(title=Text(zh="每周到期", en="services due per week"), unit=VEHICLES, format="count"),
        drawn=("km", "date"),
        rows=tuple({**row, "week": str(row["week"])} for row in _every_week(weeks).to_dicts()),
    )
    from ml.report.figures import draw_sections  # imports matplotlib

    draw_sections([section], path, title="service-due", columns=1)


def _every_week(weeks: pl.DataFrame) -> pl.DataFrame:
    """Add the weeks without a service due."""
    if weeks.is_empty():
        return weeks
    return weeks.sort("week").upsample("week", every="1w").fill_null(0)
