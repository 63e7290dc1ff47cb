"""Store of the reports of dangerous faults and their states: new, acknowledged, reported, closed; who moved them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import sqlalchemy as sa

from features.errors import DataError
from ml.fault_rate.alarm_file import REPORT_MOVES, REPORTS, AlarmFile, now
from ml.fault_rate.alarm_store import HISTORY, mover_name
from ml.fault_rate.safety_reports import REPORT

STATES: dict[str, tuple[str, ...]] = {
    "new": ("acknowledged", "reported", "closed"), "acknowledged": ("reported", "closed"), "reported": ("closed",),
    "closed": (),
}  # fmt: skip
STORED = {"id": pl.Int64, "state": pl.String, "first_listed_at": pl.Int64, **REPORT}
_DATES = [n for n, t in REPORT.items() if t == pl.Date]


class SafetyStore:
    """Reports of dangerous faults in the file of the alarm store.

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
    >>> from pathlib import Path
    >>> import tempfile
    >>> import polars as pl
    >>> row = {"record_id": "R1", "kind": "fire", "words": "smoke"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = SafetyStore(Path(folder, "alarms.db"))
    ...     new = store.record(pl.DataFrame([row], schema=REPORT), as_of=10**15)
    ...     again = store.record(pl.DataFrame([row], schema=REPORT), as_of=10**15 + 1)
    ...     store.move(new, "reported", by="Li")
    ...     new, again, store.reports().select("record_id", "state").rows()
    ((1,), (), [('R1', 'reported')])
    """

    def __init__(self, path: Path) -> None:
        self._file = AlarmFile(path)

    def record(self, reports: pl.DataFrame, *, as_of: int) -> tuple[int, ...]:
        """Store the reports that the store does not have, in the state new; return their ids.

        Parameters
        ----------
        reports : DataFrame
            As returned by `ml.fault_rate.safety_reports.safety_reports`.
        as_of : int
            Instant of the run (microseconds since 1970 UTC, int64).

        Returns
        -------
        tuple of int
            Ids of the reports that were not in the store.
        """
        if reports.is_empty():
            return ()
        with self._file.changing() as connection:
            stored = set(connection.execute(sa.select(REPORTS.c.record_id)).scalars())
            new = []
            for row in reports.reverse().to_dicts():  # the earliest first: ids in the order of the reports
                if row["record_id"] in stored:
                    continue
                values = {"record_id": row["record_id"], "state": "new", "first_listed_at": as_of}
                content = json.dumps(row, default=str, ensure_ascii=False)
                new.append(connection.execute(REPORTS.insert().values(**values, report=content)).lastrowid)
                connection.execute(REPORT_MOVES.insert().values(report_id=new[-1], at=as_of, to_state="new"))
        return tuple(new)

    def move(
        self, report_ids: Sequence[int], to: str, *, by: str, note: str | None = None, at: int | None = None
    ) -> None:
        """Move reports, all or none, to a later state: acknowledged, reported (to maker and regulator) or closed.

        Parameters
        ----------
        report_ids : sequence of int
            Values of the column `id` of the frame that `reports` returns.
        to : str
            New state: 'acknowledged', 'reported' or 'closed'.
        by : str
            Name of the person who moves the reports, 1 to 100 characters.
        note : str, optional
            Reason, at most 2,000 characters; required to close a report that was not reported.
        at : int, optional
            Instant of the move (microseconds since 1970 UTC, int64); the present by default.

        Raises
        ------
        DataError
            A report or the state does not exist, the move is not allowed, `by` is blank, a text is too long, or the
            reason is missing.
        """
        name = mover_name(by, note, what="report")
        if to not in STATES:
            raise DataError(f"state: '{to}' is unknown; give one of {', '.join(STATES)}")
        for number in report_ids:
            self._check_stored(number)
        with self._file.changing() as connection:
            for number in report_ids:
                state = connection.execute(sa.select(REPORTS.c.state).where(REPORTS.c.id == number)).scalar_one()
                if to not in STATES[state]:
                    allowed = " or ".join(STATES[state]) or "nothing else"
                    raise DataError(
                        f"state: report {number} is {state} and cannot become {to}; it may become {allowed}"
                    )
                if to == "closed" and state != "reported" and not (note or "").strip():
                    raise DataError(
                        f"note: report {number} was not reported to the maker; to close it, say why in the note"
                    )
                connection.execute(REPORTS.update().where(REPORTS.c.id == number).values(state=to))
                move = {"at": now() if at is None else at, "by": name, "note": note}
                connection.execute(
                    REPORT_MOVES.insert().values(report_id=number, from_state=state, to_state=to, **move)
                )

    def reports(self) -> pl.DataFrame:
        """Return all stored reports, the latest first.

        Returns
        -------
        DataFrame
            `id`, `state`, `first_listed_at` (microseconds since 1970 UTC, int64) and the columns of
            `ml.fault_rate.safety_reports.safety_reports`. No rows where there is no file.
        """
        rows = self._file.read(sa.select(REPORTS).order_by(REPORTS.c.id))
        records: list[dict[str, Any]] = [{**json.loads(row["report"]), **row} for row in rows]
        types = STORED | dict.fromkeys(_DATES, pl.String)
        reports = pl.DataFrame([{n: record.get(n) for n in STORED} for record in records], schema=types)
        reports = reports.with_columns(cs.by_name(_DATES).str.to_date())
        return reports.sort("reported_on", "id", descending=True, nulls_last=True)

    def history(self, report_id: int) -> pl.DataFrame:
        """Return the moves of a report, oldest first, with the columns of `AlarmStore.history`.

        Parameters
        ----------
        report_id : int
            A value of the column `id` of the frame that `reports` returns.

        Raises
        ------
        DataError
            There is no report with this id.
        """
        self._check_stored(report_id)
        columns = (REPORT_MOVES.c[n] for n in HISTORY)
        moves = sa.select(*columns).where(REPORT_MOVES.c.report_id == report_id).order_by(REPORT_MOVES.c.id)
        return pl.DataFrame(self._file.read(moves), schema=HISTORY)

    def _check_stored(self, report_id: int) -> None:
        numbers = [row["id"] for row in self._file.read(sa.select(REPORTS.c.id))]
        if report_id not in numbers:
            remedy = f"give one from 1 to {max(numbers)}" if numbers else "the store is empty: run chehang alarms"
            raise DataError(f"report: the store has no safety report {report_id}; {remedy}")
