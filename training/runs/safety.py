"""Fast lane of `chehang alarms`: reports of dangerous faults, listed before and without any statistic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from features.sources import RawTables
from ml.fault_rate.alarm_file import now
from ml.fault_rate.prepared_report import prepared_report
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.safety import SafetyRules
from ml.fault_rate.safety_reports import REPORT, safety_reports
from ml.fault_rate.safety_store import SafetyStore
from ml.home import write_atomically
from ml.instants import local_day, microseconds
from training.answer_files import check_answer_path, write_answers

RECORDS, FLEET = "service_records", "fleet"
OPEN_STATES = ("new", "acknowledged")
LISTED = {"id": pl.Int64, "state": pl.String, "first_listed_on": pl.Date, **REPORT}


@dataclass(frozen=True)
class SafetyRun:
    """Reports of dangerous faults, returned by `training.runs.safety.safety`.

    Attributes
    ----------
    reports : DataFrame
        The latest first: `id`, `state` and `first_listed_on` of the store (null without one), then the columns of
        `ml.fault_rate.safety_reports.safety_reports`. Those of the last `days` days, and those that are new or
        acknowledged, whatever their age.
    new : int
        Reports that no earlier run has listed; without a store, all.
    since : date
        First of the last `days` days.
    notes : tuple of str
        Kinds that the records cannot show, and why.
    file : Path
        File of `reports`.
    document : Path
        Report to the maker and the regulator, prepared as Markdown.
    """

    reports: pl.DataFrame
    new: int
    since: date
    notes: tuple[str, ...]
    file: Path
    document: Path


def safety(raw: RawTables, *, out: Path, rules: AlarmRules | None = None, as_of: datetime | None = None) -> SafetyRun:
    """List the reports of dangerous faults, write them to a file, and store those that are new.

    Parameters
    ----------
    raw : RawTables
        Tables `service_records` and, if there is one, `fleet`, as returned by
        `training.studies.task_tables.read_task_tables`.
    out : Path
        File of the alarms: `.parquet` or `.csv`; the reports are written to `<name>.safety<suffix>`, and a
        report to the maker and the regulator to `<name>.safety.md` beside it.
    rules : AlarmRules, optional
        As returned by ``ml.fault_rate.rules.load_alarm_rules(Path("configs/fault_alarms.yaml"))``. Without rules
        nothing is stored, and the kinds are the default ones.
    as_of : datetime, optional
        With time zone. Records reported at or after it are left out.

    Returns
    -------
    SafetyRun
        `reports` (DataFrame, the rows of the file), `new` (number of reports that no earlier run has listed), `since`
        (date), `notes` and `file` (path).

    Raises
    ------
    DataError, ConfigError
        The output path or the store is unusable.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> from training.studies.task_tables import read_task_tables
    >>> raw = read_task_tables(load_config("fault_rate"), extra={})  # doctest: +SKIP
    >>> safety(raw, out=Path("alarms.csv")).reports  # doctest: +SKIP
    """
    check_answer_path(out)
    timezone, own = raw.reports[RECORDS].timezone, (rules or AlarmRules()).safety
    records, end = raw.frames[RECORDS], None if as_of is None else microseconds(as_of)
    reports = safety_reports(records, raw.frames.get(FLEET), own, timezone=timezone, as_of=end)
    at = _end_of(records) if end is None else end
    today = local_day(at - 1, timezone)
    since = today - timedelta(days=own.days - 1)
    listed, new = _without_store(reports), reports.height
    if rules is not None:
        store = SafetyStore(rules.store)
        new = len(store.record(reports, as_of=at))
        listed = _with_first_day(store.reports(), timezone)
    if end is not None:
        listed = listed.filter(pl.col("reported_on") <= today)
    is_open = pl.col("state").is_in(OPEN_STATES).fill_null(value=False)
    listed = listed.filter(is_open | (pl.col("reported_on") >= since))
    file = out.with_name(f"{out.stem}.safety{out.suffix}")
    write_answers(listed, file)
    document = file.with_suffix(".md")
    write_atomically(document, prepared_report(listed, own).encode())
    return SafetyRun(listed, new, since, _notes(records, own), file, document)


def _end_of(records: pl.LazyFrame) -> int:
    """Return the instant after the last visit, or now if that lies in the future by a typing error."""
    last = records.select(pl.col("serviced_at").max()).collect().item()
    return now() if last is None else min(int(last) + 1, now())


def _without_store(reports: pl.DataFrame) -> pl.DataFrame:
    return reports.select((pl.col(n) if n in REPORT else pl.lit(None)).cast(t).alias(n) for n, t in LISTED.items())


def _with_first_day(stored: pl.DataFrame, timezone: str) -> pl.DataFrame:
    days = [local_day(at, timezone) for at in stored["first_listed_at"]]
    return stored.with_columns(first_listed_on=pl.Series(days, dtype=pl.Date)).select(list(LISTED))


def _notes(records: pl.LazyFrame, rules: SafetyRules) -> tuple[str, ...]:
    """Return what the fast lane cannot show: columns that are missing, and kinds without any of their components."""
    names = records.collect_schema().names()
    if "fault" not in names:
        return ("safety: service_records has no column fault, so that no line counts as a report; map it",)
    if "line_text" not in names and "fault_code" not in names:
        return (
            "safety: service_records has neither line_text nor fault_code, so that no dangerous report can be "
            "recognised; map one of them",
        )
    components: set[str | None] = {None}
    if "component" in names:
        components = set(records.filter("fault").select(pl.col("component").unique()).collect()["component"])
    empty = [kind for kind in rules.kinds if not any(kind.concerns(component) for component in components)]
    return tuple(
        f"safety: no fault in service_records is of a component of the kind {kind.name} "
        f"({', '.join(kind.components or ())}); if yours have other names, add them under safety.kinds in "
        "fault_alarms.yaml"
        for kind in empty
    )
