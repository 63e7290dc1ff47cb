"""`chehang alarms`, the weekly run: which component of which model fails more than it should, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib import rc_context
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict, Field

from features.errors import DataError
from features.facts import DAY
from features.sources import load_sources, read_tables
from features.sources.yaml_file import load_yaml
from ml.fault_rate.field import WEEK_DAYS, lay_out, reports_are_dated
from ml.fault_rate.watch import Watch, watch
from ml.instants import instant, microseconds
from training.examples import Say
from training.home import home
from training.pictures import chinese_fonts, save_figure
from training.score import check_out, write_answers

DRAWN = 6  # cells drawn: those with an alarm first, then the nearest to one
COLUMNS = {
    "fleet": (
        "vehicle_id", "model", "energy_type", "built_at", "entered_service_at", "left_service_at", "monthly_km",
    ),
    "service_records": ("vehicle_id", "component", "fault", "serviced_at", "reported_at"),
}  # fmt: skip
NEEDED = {
    "fleet": ("vehicle_id", "model", "entered_service_at"),
    "service_records": ("vehicle_id", "component", "fault", "serviced_at"),
}


class AlarmConfig(BaseModel):
    """`configs/fault_rate.yaml`.

    Attributes
    ----------
    sources : Path
        Where the raw tables come from, relative to the configuration.
    reference_weeks : int
        First weeks of the records, from which usual rates are learnt; later ones are watched.
    false_alarms : float
        Chance of any false alarm in all weeks watched.
    longest_delay_days : int
        By which a fault has been reported.
    distance_bands : int
        Bands of monthly distance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: Path = Path("sources.yaml")
    reference_weeks: int = Field(52, ge=2, le=2_000)
    false_alarms: float = Field(0.05, gt=0, lt=1, allow_inf_nan=False)
    longest_delay_days: int = Field(120, ge=1, le=3_650)
    distance_bands: int = Field(3, ge=1, le=20)


@dataclass(frozen=True)
class Alarmed:
    """What the run found.

    Attributes
    ----------
    alarms : DataFrame
        See `ml.fault_rate.watch.Watch.alarms`.
    until : date
        Last day whose reports are known.
    files : tuple of Path
        What was written.
    """

    alarms: pl.DataFrame
    watch: Watch
    until: date
    files: tuple[Path, ...]


def load_alarm_config(path: Path) -> AlarmConfig:
    """Read the configuration.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    config = load_yaml(path, AlarmConfig)
    return config.model_copy(update={"sources": path.parent / config.sources})


def alarms(config: AlarmConfig, *, out: Path, as_of: datetime | None = None, progress: Say | None = None) -> Alarmed:
    """Watch the fleet, write the alarms whole, and draw the evidence beside them.

    Parameters
    ----------
    config : AlarmConfig
        See there.
    out : Path
        `.parquet` or `.csv`.
    as_of : datetime, optional
        Nothing reported at or after it is known; the end of the records if not given.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    check_out(out)
    say = progress or (lambda text: None)
    raw = read_tables(
        load_sources(config.sources), list(COLUMNS), quarantine_folder=home() / "quarantine" / "fault_rate",
        progress=say,
    )  # fmt: skip
    fleet, records = (_taken(raw.frames[name], name) for name in COLUMNS)
    times = records.select("serviced_at").drop_nulls()
    if times.is_empty():
        raise DataError("service_records: there is no record with serviced_at; give some, or map the column")
    since = int(times["serviced_at"].min())  # type: ignore[arg-type]
    end = int(records["reported_at" if reports_are_dated(records) else "serviced_at"].max()) + 1  # type: ignore[arg-type]
    at = end if as_of is None else min(microseconds(as_of), end)
    if at <= since:
        raise DataError(f"--as-of: must be later than the first record, which is of {instant(since).date()}")
    say("laying out the fleet week by week")
    field = lay_out(fleet, records, as_of=at, since=since, bands=config.distance_bands)
    if field.weeks <= config.reference_weeks:
        raise DataError(
            f"reference_weeks: {field.weeks} weeks of records leave nothing to watch after {config.reference_weeks}; "
            "give a longer history or set fewer"
        )
    for note in field.notes:
        say(note)
    say(f"learning what is usual from {config.reference_weeks} weeks, watching {field.weeks - config.reference_weeks}")
    watched = watch(
        field, start=config.reference_weeks, alpha=config.false_alarms, longest_delay=config.longest_delay_days
    )
    found = watched.alarms()
    write_answers(found, out)
    picture = out.with_suffix(".png")
    draw_evidence(watched, picture)
    return Alarmed(found, watched, instant(at - 1).date(), (out, picture))


def _taken(frame: Any, table: str) -> pl.DataFrame:
    there = frame.collect_schema().names()
    for name in NEEDED[table]:
        if name not in there:
            raise DataError(f"{table}.{name}: the column is missing; map it in the sources")
    taken: pl.DataFrame = frame.select([n for n in COLUMNS[table] if n in there]).collect()
    return taken


def draw_evidence(watched: Watch, path: Path) -> None:
    """Draw the evidence of the cells nearest to an alarm, week by week, and their faults against those expected.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    with rc_context({"font.family": ["DejaVu Sans", *chinese_fonts()]}):
        figure = Figure(figsize=(13, 7), layout="constrained")
        panels = figure.subplots(2, 3).ravel()
        margin = watched.log_e.max(axis=1) - watched.bar
        first = watched.field.first_day + WEEK_DAYS * (watched.start + 1)
        days = np.array([instant(int((first + WEEK_DAYS * k) * DAY)).date() for k in range(watched.log_e.shape[1])])
        for panel, row in zip(panels, np.argsort(-margin)[:DRAWN], strict=False):
            model, component = watched.cells.row(int(row))
            panel.plot(days, watched.log_e[row], color="#1f4e79", label="evidence (log)")
            panel.axhline(watched.bar[row], color="#b00020", linestyle="--", linewidth=1, label="alarm")
            known = int(watched.known_since[row])
            if known >= 0:
                panel.axvline(days[known], color="#b00020", linewidth=1)
            beside = panel.twinx()
            beside.plot(days, watched.count[row], color="#c77700", linewidth=1, label="faults")
            beside.plot(days, watched.expected[row], color="#888888", linewidth=1, label="expected")
            since = f", known since {days[known]}" if known >= 0 else ""
            panel.set_title(f"{model}: {component}{since}", fontsize=9)
            panel.tick_params(axis="x", labelrotation=30, labelsize=7)
        for panel in panels[len(watched.cells) :]:
            panel.set_axis_off()
        lines = [*panels[0].get_lines()[:2], *beside.get_lines()]
        figure.legend(lines, [str(line.get_label()) for line in lines], loc="outside lower center", ncols=4)
        figure.suptitle(f"fault_rate: known until {days[-1]}", fontsize=10)
        save_figure(figure, path)
