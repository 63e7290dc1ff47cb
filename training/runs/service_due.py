"""`chehang service-due`: which vehicles to remind of their next service, and when it falls due."""

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
from ml.report.figures import draw_sections
from ml.report.sections import TimeSeries
from training.answer_files import check_answer_path, write_answers
from training.config import RunConfig
from training.progress import Progress

RECORDS = ("vehicle_id", "component", "fault", "serviced_at", "reported_at", "odometer_km")
FLEET = ("vehicle_id", "model", "energy_type", "store_id", "entered_service_at", "left_service_at", "monthly_km")


class ServiceDueConfig(RunConfig):
    """`configs/service_due.yaml`.

    Attributes
    ----------
    within_days : int
        How far ahead services are listed.
    overdue_days : int
        How long ago a service may have fallen due to be listed: beyond, the vehicle is served elsewhere.
    rules : ServiceRules
        After how many km or months a service falls due.
    """

    within_days: int = Field(60, ge=0, le=3_650)
    overdue_days: int = Field(180, ge=0, le=36_500)
    rules: ServiceRules = ServiceRules()


@dataclass(frozen=True)
class ServiceReminders:
    """What the run made.

    Attributes
    ----------
    due : DataFrame
        Vehicles to remind; see `ml.fault_rate.service_due.ServiceDue`.
    services : ServiceDue
        Those of every vehicle.
    at : datetime
        Nothing at or after it was known.
    """

    due: pl.DataFrame
    services: ServiceDue
    at: datetime
    files: tuple[Path, ...]


def service_due(
    config: ServiceDueConfig, *, out: Path, as_of: datetime | None = None, progress: Progress | None = None
) -> ServiceReminders:
    """List the vehicles whose service falls due, and draw when.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    check_answer_path(out)
    sources = load_sources(config.sources)
    raw = read_tables(
        sources, ["fleet", "service_records"],
        quarantine_folder=home() / "quarantine" / "service_due", progress=progress,
    )  # fmt: skip
    fleet, records = (
        frame.select([n for n in names if n in frame.collect_schema().names()]).collect()
        for frame, names in ((raw.frames["fleet"], FLEET), (raw.frames["service_records"], RECORDS))
    )
    if "vehicle_id" not in records.columns:
        raise DataError("service_records.vehicle_id: the column is missing; map it in the sources")
    at = int(records["serviced_at"].max()) + 1 if as_of is None else microseconds(as_of)  # type: ignore[arg-type]
    found = next_services(fleet, records, rules=config.rules, as_of=at, timezone=sources.timezone)
    day = np.datetime64(found.today, "D").item()
    due = found.vehicles.filter(
        pl.col("due_on").is_between(day - timedelta(days=config.overdue_days), day + timedelta(days=config.within_days))
    )
    picture = out.with_suffix(".png")
    _draw(due, picture)
    write_answers(due, out)
    return ServiceReminders(due, found, instant(at), (out, picture))


def _draw(due: pl.DataFrame, path: Path) -> None:
    """Vehicles by the week in which their service falls due."""
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
    draw_sections([section], path, title="service-due", columns=1)


def _every_week(weeks: pl.DataFrame) -> pl.DataFrame:
    """Add the weeks between in which nothing is due."""
    return weeks.sort("week").upsample("week", every="1w").fill_null(0)
