"""Run of `chehang service-due`: the vehicles to remind of their next routine service, and the dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import Field

from features.errors import DataError
from features.sources import load_sources, read_tables
from ml.bilingual import Text
from ml.fault_rate.service_due import ServiceDue, next_services
from ml.fault_rate.service_rules import ServiceRules
from ml.home import home
from ml.instants import instant, microseconds
from ml.report.columns import Axis, Column
from ml.report.sections import TimeSeries
from training.answer_files import check_answer_path, write_answers
from training.config import RunConfig
from training.progress import Progress

RECORDS = ("vehicle_id", "component", "fault", "serviced_at", "reported_at", "odometer_km")
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
    rules : ServiceRules
        Service intervals (km and months).
    """

    within_days: int = Field(60, ge=0, le=3_650)
    overdue_days: int = Field(180, ge=0, le=36_500)
    rules: ServiceRules = ServiceRules()


@dataclass(frozen=True)
class ServiceReminders:
    """Result of the run, as returned by `service_due`.

    Attributes
    ----------
    due : DataFrame
        Vehicles to remind, with the columns of `ml.fault_rate.service_due.ServiceDue.vehicles`.
    services : ServiceDue
        Next service of every vehicle in service.
    at : datetime
        Records reported at or after this instant were left out.
    files : tuple of Path
        Table and picture.
    """

    due: pl.DataFrame
    services: ServiceDue
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
        `due` (DataFrame, the rows of the file: `vehicle_id`, `due_on`, `due_low`, `due_high`, `due_km`, `overdue_days`,
        `reason_zh`, `reason_en` and others), `services` (`vehicles`: the same columns for every vehicle in service),
        `at` (datetime) and `files` (both paths).

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
    services = next_services(fleet, records, rules=config.rules, as_of=at, timezone=sources.timezone)
    day = np.datetime64(services.today, "D").item()
    due = services.vehicles.filter(
        pl.col("due_on").is_between(day - timedelta(days=config.overdue_days), day + timedelta(days=config.within_days))
    )
    picture = out.with_suffix(".png")
    _draw(due, picture)
    write_answers(due, out)
    return ServiceReminders(due, services, instant(at), (out, picture))


def _draw(due: pl.DataFrame, path: Path) -> None:
    """Draw the number of vehicles by the week in which their service falls due."""
    weeks = due.group_by(week=pl.col("due_on").dt.truncate("1w")).agg(
        km=(pl.col("due_by") == "km").sum(), date=(pl.col("due_by") == "date").sum()
    )
    section = TimeSeries(
        name="services_due",
        title=Text(zh=f"{due.height:,} 辆车到期保养", en=f"{due.height:,} services due"),
        columns=(
            Column(name="week", title=Text(zh="周", en="week")),
            Column(name="km", title=Text(zh="按里程", en="by distance"), format="count"),
            Column(name="date", title=Text(zh="按时间", en="by date"), format="count"),
        ),
        y=Axis(title=Text(zh="车辆数", en="number of vehicles"), format="count"),
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
