"""Store of the quality alarms and their states: open, acknowledged, campaign, closed; who moved them, when, and why."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import sqlalchemy as sa

from features.aggregations import DAY
from features.errors import DataError
from features.periods import local_clock
from ml.fault_rate.alarm_file import ALARMS, CHANGES, MOVES, AlarmFile, now
from ml.fault_rate.surveillance import ALARM

ALLOWED: dict[str, tuple[str, ...]] = {
    "open": ("acknowledged", "closed"), "acknowledged": ("campaign", "closed"), "campaign": ("closed",), "closed": (),
}  # fmt: skip
MAX_NAME_LENGTH, MAX_NOTE_LENGTH = 100, 2_000
CELL = ["model", "component"]
STORED = {
    "id": pl.Int64, "model": pl.String, "component": pl.String, "state": pl.String, "opened_at": pl.Int64,
    "last_seen_at": pl.Int64, **{n: t for n, t in ALARM.items() if n not in CELL},
}  # fmt: skip
DATES = [n for n, t in STORED.items() if t == pl.Date]
HISTORY = {"at": pl.Int64, "by": pl.String, "from_state": pl.String, "to_state": pl.String, "note": pl.String}
CLOSED = {"model": pl.String, "component": pl.String, "closed_at": pl.Int64}

_LATEST = (
    sa.select(ALARMS, MOVES.c.at.label("closed_at"))
    .outerjoin(MOVES, (MOVES.c.alarm_id == ALARMS.c.id) & (MOVES.c.to_state == "closed"))
    .where(ALARMS.c.id.in_(sa.select(sa.func.max(ALARMS.c.id)).group_by(ALARMS.c.model, ALARMS.c.component)))
)


@dataclass(frozen=True)
class RecordedAlarms:
    """Ids of the alarms of one weekly run.

    Attributes
    ----------
    new : tuple of int
        Alarms that this run opened.
    existing : tuple of int
        Alarms that were not closed before the run.
    """

    new: tuple[int, ...]
    existing: tuple[int, ...]


class AlarmStore:
    """Quality alarms in one SQLite file. The first alarm creates the file; until then it reads as empty.

    Parameters
    ----------
    path : Path
        File of the store: `load_alarm_rules(path).store` of `configs/fault_alarms.yaml`.

    Raises
    ------
    ConfigError
        From every method: the file cannot be read or written, is damaged, or is not an alarm store of this release.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> import polars as pl
    >>> import tempfile
    >>> row = {"model": "A", "component": "brakes", "detected_on": date(2024, 1, 1), "rate_ratio": 2.0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = AlarmStore(Path(folder, "alarms.db"))
    ...     number = store.record(pl.DataFrame([row], schema=ALARM), as_of=10**15).new[0]
    ...     store.move(number, "acknowledged", by="Li", at=10**15 + 1)
    ...     store.alarms()["state"].to_list(), store.history(number)["by"].to_list()
    (['acknowledged'], [None, 'Li'])
    """

    def __init__(self, path: Path) -> None:
        self._file = AlarmFile(path)

    def record(self, alarms: pl.DataFrame, *, as_of: int, timezone: str = "UTC") -> RecordedAlarms:
        """Store the alarms of a weekly run; recording a run twice changes nothing.

        A cell has at most one alarm that is not closed. A new run updates its figures, unless they are of a later
        instant. After an alarm was closed, its cell opens another one only if it was detected on a later day.

        Parameters
        ----------
        alarms : DataFrame
            As returned by `ml.fault_rate.surveillance.SurveillanceResult.alarms`; further columns are stored too.
        as_of : int
            Instant of the run (microseconds since 1970 UTC, int64).
        timezone : str
            IANA name of the time zone of the days on which alarms were detected.

        Returns
        -------
        RecordedAlarms
            Ids of the alarms that this run opened (`new`) and of those that were not closed before it (`existing`).

        Raises
        ------
        DataError
            A column is missing, a cell occurs twice, or a figure is not finite.
        """
        _check(alarms)
        new: list[int] = []
        existing: list[int] = []
        if alarms.is_empty():
            return RecordedAlarms((), ())
        with self._file.changing() as connection:
            latest = {(alarm.model, alarm.component): alarm for alarm in connection.execute(_LATEST)}
            for row in alarms.to_dicts():
                model, component = row.pop("model"), row.pop("component")
                last, day = latest.get((model, component)), (row["detected_on"] - date(1970, 1, 1)).days
                values = {"last_seen_at": as_of, "figures": json.dumps(row, default=str, ensure_ascii=False)}
                if last is not None and last.state != "closed":
                    existing.append(last.id)
                    differs = (last.last_seen_at, last.figures) != (as_of, values["figures"])
                    if as_of >= last.last_seen_at and differs:
                        connection.execute(ALARMS.update().where(ALARMS.c.id == last.id).values(values))
                elif last is None or day > int(local_clock(last.closed_at, timezone=timezone)) // DAY:
                    alarm = {"model": model, "component": component, "state": "open", "opened_at": as_of}
                    new.append(connection.execute(ALARMS.insert().values(alarm | values)).lastrowid)
                    connection.execute(MOVES.insert().values(alarm_id=new[-1], at=as_of, to_state="open"))
        return RecordedAlarms(tuple(new), tuple(existing))

    def move(self, alarm_id: int, to: str, *, by: str, note: str | None = None, at: int | None = None) -> None:
        """Move an alarm to its next state: acknowledged, then campaign, then closed; each state may be closed.

        Parameters
        ----------
        alarm_id : int
            The alarm's number: the column `id` of the frame that `alarms` returns.
        to : str
            New state: 'acknowledged', 'campaign' or 'closed'.
        by : str
            Name of the person who moves the alarm, 1 to 100 characters.
        note : str, optional
            Reason, at most 2,000 characters.
        at : int, optional
            Instant of the move (microseconds since 1970 UTC, int64); the present by default.

        Raises
        ------
        DataError
            The alarm or the state does not exist, the move is not allowed, `by` is blank, or a text is too long.
        """
        name = mover_name(by, note, what="alarm")
        if to not in ALLOWED:
            raise DataError(f"state: '{to}' is unknown; give one of {', '.join(ALLOWED)}")
        self._check_stored(alarm_id)
        with self._file.changing() as connection:
            state = connection.execute(sa.select(ALARMS.c.state).where(ALARMS.c.id == alarm_id)).scalar_one()
            if to not in ALLOWED[state]:
                allowed = " or ".join(ALLOWED[state]) or "nothing else: if the fault returns, a new alarm opens"
                raise DataError(f"state: alarm {alarm_id} is {state} and cannot become {to}; it may become {allowed}")
            connection.execute(ALARMS.update().where(ALARMS.c.id == alarm_id).values(state=to))
            move = {"at": now() if at is None else at, "by": name, "note": note}
            connection.execute(MOVES.insert().values(alarm_id=alarm_id, from_state=state, to_state=to, **move))

    def alarms(
        self, *, states: Collection[str] | None = None, model: str | None = None, component: str | None = None
    ) -> pl.DataFrame:
        """Return the stored alarms, sorted by how far the log evidence exceeds its threshold, the highest first.

        Parameters
        ----------
        states : collection of str, optional
            Only alarms in one of these states: 'open', 'acknowledged', 'campaign', 'closed'; every state by default.
        model, component : str, optional
            Only alarms of this model, of this component.

        Returns
        -------
        DataFrame
            `id`, `model`, `component`, `state`, `opened_at` and `last_seen_at` (microseconds since 1970 UTC, int64),
            then the figures of the latest run with the columns of
            `ml.fault_rate.surveillance.SurveillanceResult.alarms`. No rows where there is no file.
        """
        filters = [ALARMS.c[n] == v for n, v in {"model": model, "component": component}.items() if v is not None]
        if states is not None:
            filters.append(ALARMS.c.state.in_(states))
        rows = self._file.read(sa.select(ALARMS).where(*filters).order_by(ALARMS.c.id))
        records = [{**json.loads(row["figures"]), **row} for row in rows]
        alarms = pl.DataFrame([{n: record.get(n) for n in STORED} for record in records], schema=_json_types())
        alarms = alarms.with_columns(cs.by_name(DATES).str.to_date())
        margin = alarms["log_evidence"] - alarms["alarm_threshold"]
        return alarms.sort(margin, descending=True, nulls_last=True, maintain_order=True)

    def history(self, alarm_id: int) -> pl.DataFrame:
        """Return the moves of an alarm, oldest first.

        Parameters
        ----------
        alarm_id : int
            The alarm's number: the column `id` of the frame that `alarms` returns.

        Returns
        -------
        DataFrame
            `at` (microseconds since 1970 UTC, int64), `by` (null for the opening by a weekly run), `from_state` (null
            for the opening), `to_state`, `note` (null without one).

        Raises
        ------
        DataError
            There is no alarm with this id.
        """
        self._check_stored(alarm_id)
        moves = sa.select(*(MOVES.c[n] for n in HISTORY)).where(MOVES.c.alarm_id == alarm_id).order_by(MOVES.c.id)
        return pl.DataFrame(self._file.read(moves), schema=HISTORY)

    def closed(self) -> pl.DataFrame:
        """Return the cells whose latest alarm is closed: `model`, `component` and `closed_at`.

        `closed_at` is in microseconds since 1970 UTC (int64). The weekly run resets the evidence of these cells at that
        instant.
        """
        rows = self._file.read(_LATEST.where(ALARMS.c.state == "closed").order_by(*(ALARMS.c[n] for n in CELL)))
        return pl.DataFrame([{n: row[n] for n in CLOSED} for row in rows], schema=CLOSED)

    def version(self) -> int:
        """Return a number that differs after every change of the store; 0 where there is no file.

        `ml.fault_rate.live_updates.LiveUpdates` reads the store again if the number has changed.
        """
        return sum(int(row["number"]) for row in self._file.read(sa.select(CHANGES)))

    def _check_stored(self, alarm_id: int) -> None:
        numbers = [row["id"] for row in self._file.read(sa.select(ALARMS.c.id))]
        if alarm_id not in numbers:
            remedy = f"give one from 1 to {max(numbers)}" if numbers else "the store is empty: run chehang alarms"
            raise DataError(f"alarm: the store has no alarm {alarm_id}; {remedy}")


def mover_name(by: str, note: str | None, *, what: str) -> str:
    """Return the name of the person who moves an alarm or a report, without spaces around it.

    Raises
    ------
    DataError
        The name is blank or has more than 100 characters, or the note has more than 2,000.

    Examples
    --------
    >>> mover_name(" Li ", None, what="alarm")
    'Li'
    """
    name = by.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise DataError(
            f"by: must name the person who moves the {what} in 1 to {MAX_NAME_LENGTH} characters, got {len(name)}; "
            "give a name"
        )
    if note is not None and len(note) > MAX_NOTE_LENGTH:
        raise DataError(f"note: must have at most {MAX_NOTE_LENGTH} characters, got {len(note)}; shorten it")
    return name


def _json_types() -> dict[str, Any]:
    return STORED | dict.fromkeys(DATES, pl.String)


def _check(alarms: pl.DataFrame) -> None:
    if missing := [n for n in ALARM if n not in alarms.columns]:
        raise DataError(f"alarms: lacks the columns {', '.join(missing)}; pass the table of SurveillanceResult.alarms")
    if empty := [n for n in (*CELL, "detected_on") if alarms[n].null_count()]:
        raise DataError(f"{empty[0]}: must not be null, {alarms[empty[0]].null_count()} alarms have no value; fill it")
    if alarms.select(CELL).is_duplicated().any():
        raise DataError("alarms: a model and component occurs twice; keep the row with the higher log_evidence")
    if bad := [n for n in alarms.select(cs.float()).columns if not alarms[n].is_finite().all()]:
        raise DataError(f"{bad[0]}: must be finite in every alarm, is infinite or NaN in at least one; correct the row")
