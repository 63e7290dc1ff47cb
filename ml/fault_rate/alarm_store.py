"""The alarms of a watch and their states: open, acknowledged, campaign, closed; who moved them, when, and why."""

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
from ml.fault_rate.alarm_file import ALARMS, CHANGES, MOVES, AlarmFile, now
from ml.fault_rate.surveillance import ALARM

ALLOWED: dict[str, tuple[str, ...]] = {
    "open": ("acknowledged", "closed"), "acknowledged": ("campaign", "closed"), "campaign": ("closed",), "closed": (),
}  # fmt: skip
LONGEST_NAME, LONGEST_NOTE = 100, 2_000
CELL = ["model", "component"]
KEPT = {
    "id": pl.Int64, "model": pl.String, "component": pl.String, "state": pl.String, "opened_at": pl.Int64,
    "last_seen_at": pl.Int64, **{n: t for n, t in ALARM.items() if n not in CELL},
}  # fmt: skip
DATES = [n for n, t in KEPT.items() if t == pl.Date]
MOVED = {"at": pl.Int64, "by": pl.String, "from_state": pl.String, "to_state": pl.String, "note": pl.String}
CLOSED = {"model": pl.String, "component": pl.String, "closed_at": pl.Int64}

_LAST = (
    sa.select(ALARMS, MOVES.c.at.label("closed_at"))
    .outerjoin(MOVES, (MOVES.c.alarm_id == ALARMS.c.id) & (MOVES.c.to_state == "closed"))
    .where(ALARMS.c.id.in_(sa.select(sa.func.max(ALARMS.c.id)).group_by(ALARMS.c.model, ALARMS.c.component)))
)


@dataclass(frozen=True)
class RecordedAlarms:
    """What became of the alarms of a run.

    Attributes
    ----------
    new, existing : tuple of int
        Numbers of those raised now, and of those there already.
    """

    new: tuple[int, ...]
    existing: tuple[int, ...]


class AlarmStore:
    """Alarms in a file, which is made with the first of them; until then it reads as empty.

    Every method raises ConfigError where the file cannot be used, is damaged, or is not a store of this release.

    Examples
    --------
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

    def record(self, found: pl.DataFrame, *, as_of: int) -> RecordedAlarms:
        """Keep the alarms of a run, each once; to record a run twice changes nothing.

        An alarm of the same model and component that is not closed is the same alarm: its figures are brought up to
        date, unless they are of a later moment. After one was closed, only what came to be known on a later day (UTC)
        raises another.

        Parameters
        ----------
        found : DataFrame
            See `ml.fault_rate.surveillance.Watch.alarms`; further columns are kept too.
        as_of : int
            Moment of the run (us).

        Raises
        ------
        DataError
            A column is missing, a cell comes twice, or a figure is not finite.
        """
        _check(found)
        new: list[int] = []
        existing: list[int] = []
        if found.is_empty():
            return RecordedAlarms((), ())
        with self._file.changing() as connection:
            there = {(last.model, last.component): last for last in connection.execute(_LAST)}
            for row in found.to_dicts():
                model, component = row.pop("model"), row.pop("component")
                last, day = there.get((model, component)), (row["detected_on"] - date(1970, 1, 1)).days
                seen = {"last_seen_at": as_of, "figures": json.dumps(row, default=str, ensure_ascii=False)}
                if last is not None and last.state != "closed":
                    existing.append(last.id)
                    unlike = (last.last_seen_at, last.figures) != (as_of, seen["figures"])
                    if as_of >= last.last_seen_at and unlike:
                        connection.execute(ALARMS.update().where(ALARMS.c.id == last.id).values(seen))
                elif last is None or day > last.closed_at // DAY:
                    begun = {"model": model, "component": component, "state": "open", "opened_at": as_of}
                    new.append(connection.execute(ALARMS.insert().values(begun | seen)).lastrowid)
                    connection.execute(MOVES.insert().values(alarm_id=new[-1], at=as_of, to_state="open"))
        return RecordedAlarms(tuple(new), tuple(existing))

    def move(self, alarm_id: int, to: str, *, by: str, note: str | None = None, at: int | None = None) -> None:
        """Move an alarm on: acknowledged, then campaign, then closed; closed from each.

        Parameters
        ----------
        by, note : str
            Who moves it, and why.
        at : int, optional
            us; now if not given.

        Raises
        ------
        DataError
            There is no such alarm or state, the move is not allowed, nobody is named, or a text is too long.
        """
        name = by.strip()
        if to not in ALLOWED:
            raise DataError(f"state: '{to}' is unknown; give one of {', '.join(ALLOWED)}")
        if not 1 <= len(name) <= LONGEST_NAME:
            raise DataError(
                f"by: must name who moves it in 1 to {LONGEST_NAME} characters, got {len(name)}; give a name"
            )
        if note is not None and len(note) > LONGEST_NOTE:
            raise DataError(f"note: must have at most {LONGEST_NOTE} characters, got {len(note)}; shorten it")
        self._check_kept(alarm_id)
        with self._file.changing() as connection:
            state = connection.execute(sa.select(ALARMS.c.state).where(ALARMS.c.id == alarm_id)).scalar_one()
            if to not in ALLOWED[state]:
                allowed = ", ".join(ALLOWED[state]) or "nowhere: the same fault again is a new alarm"
                raise DataError(f"state: alarm {alarm_id} is {state} and cannot become {to}; it may go to {allowed}")
            connection.execute(ALARMS.update().where(ALARMS.c.id == alarm_id).values(state=to))
            told = {"at": now() if at is None else at, "by": name, "note": note}
            connection.execute(MOVES.insert().values(alarm_id=alarm_id, from_state=state, to_state=to, **told))

    def alarms(
        self, *, states: Collection[str] | None = None, model: str | None = None, component: str | None = None
    ) -> pl.DataFrame:
        """Alarms, the strongest_cell first: those whose evidence lies furthest above their alarm_threshold.

        Returns
        -------
        DataFrame
            `id`, `model`, `component`, `state`, `opened_at` and `last_seen_at` (us), then the latest figures as
            `ml.fault_rate.surveillance.Watch.alarms` names them.
        """
        asked = {"model": model, "component": component}
        wanted = [ALARMS.c[name] == value for name, value in asked.items() if value is not None]
        if states is not None:
            wanted.append(ALARMS.c.state.in_(states))
        rows = self._file.read(sa.select(ALARMS).where(*wanted).order_by(ALARMS.c.id))
        found = [{**json.loads(row["figures"]), **row} for row in rows]
        kept = pl.DataFrame([{n: row.get(n) for n in KEPT} for row in found], schema=_as_written())
        kept = kept.with_columns(cs.by_name(DATES).str.to_date())
        margin = kept["log_evidence"] - kept["alarm_threshold"]
        return kept.sort(margin, descending=True, nulls_last=True, maintain_order=True)

    def history(self, alarm_id: int) -> pl.DataFrame:
        """Moves of an alarm in their order: `at` (us), `by`, `from_state`, `to_state`, `note`.

        Raises
        ------
        DataError
            There is no such alarm.
        """
        self._check_kept(alarm_id)
        moves = sa.select(*(MOVES.c[n] for n in MOVED)).where(MOVES.c.alarm_id == alarm_id).order_by(MOVES.c.id)
        return pl.DataFrame(self._file.read(moves), schema=MOVED)

    def closed(self) -> pl.DataFrame:
        """`model` and `component` whose last alarm is closed, and `closed_at` (us): evidence begins anew there."""
        rows = self._file.read(_LAST.where(ALARMS.c.state == "closed").order_by(*(ALARMS.c[n] for n in CELL)))
        return pl.DataFrame([{n: row[n] for n in CLOSED} for row in rows], schema=CLOSED)

    def version(self) -> int:
        """A number that every change makes another one; 0 where there is no file."""
        return sum(int(row["number"]) for row in self._file.read(sa.select(CHANGES)))

    def _check_kept(self, alarm_id: int) -> None:
        numbers = [row["id"] for row in self._file.read(sa.select(ALARMS.c.id))]
        if alarm_id not in numbers:
            told = f"give one from 1 to {max(numbers)}" if numbers else "there is none yet: run chehang alarms"
            raise DataError(f"alarm: {alarm_id} is not kept; {told}")


def _as_written() -> dict[str, Any]:
    return KEPT | dict.fromkeys(DATES, pl.String)


def _check(found: pl.DataFrame) -> None:
    """Refuse alarms that could not be kept, or told apart."""
    if missing := [n for n in ALARM if n not in found.columns]:
        raise DataError(f"alarms: must have the columns of a watch, {', '.join(missing)} is missing; add it")
    if empty := [n for n in (*CELL, "detected_on") if found[n].null_count()]:
        raise DataError(f"{empty[0]}: must be given for each alarm, is null; fill it")
    if found.select(CELL).is_duplicated().any():
        raise DataError("alarms: must name each model and component once, one comes twice; keep the stronger")
    if bad := [n for n in found.select(cs.float()).columns if not found[n].is_finite().all()]:
        raise DataError(f"{bad[0]}: must be finite in every alarm, is not; see the watch it comes from")
