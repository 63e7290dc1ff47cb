"""Rows of the dealership's tables for the desk: read from the sources by a thread, and kept in memory."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import polars as pl

from features.errors import ChehangError
from features.sources import SourcesConfig, TableSource, load_sources, read_tables
from features.tables import TABLES
from ml.home import file_state
from serving.asgi import Problem
from serving.work.clock import DAY, DeskClock
from serving.work.masking import rows_at

log = logging.getLogger("chehang.serving")
Result = TypeVar("Result")
# Tables with a row for each click are kept for this time before the last row of all tables.
RECENT_DAYS = {"events": 120, "exposures": 120}
# Tables whose last row says until when there are data.
TRADE_TABLES = ("leads", "applications", "sales", "events")
RETRY_SECONDS = 5


class RecordTables(NamedTuple):
    """The tables as they were read.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        Contract columns (microseconds, fen) by table; a table that could not be read is absent.
    problems : mapping of str to str
        By table: why it could not be read.
    until : int or None
        Instant of the last row of the trade tables (microseconds since 1970 UTC).
    timezone : str
        Time zone of the dealership.
    state : int
        Number that changes with every read.
    """

    frames: Mapping[str, pl.DataFrame]
    problems: Mapping[str, str]
    until: int | None
    timezone: str
    state: int


class Records:
    """Rows of the raw tables as of the present of the desk.

    Parameters
    ----------
    read : callable
        ``() -> RecordTables``: reads all tables; `reader_of` makes it from the sources of a configuration.
    changes : callable, optional
        ``() -> object``: differs if the sources have changed since the last read; by default nothing changes.
    poll_seconds : float
        Seconds between two looks at the sources.
    fixed : int, optional
        Instant at which the clock stands.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"lead_id": ["L1"], "created_at": [5]})
    >>> records = Records(lambda: RecordTables({"leads": frame}, {}, 5, "Asia/Shanghai", 1), fixed=9)
    >>> records.load()
    >>> records.table("leads")["lead_id"].to_list(), records.table("sales").height, records.has("sales")
    (['L1'], 0, False)
    """

    def __init__(
        self,
        read: Callable[[], RecordTables],
        *,
        changes: Callable[[], Any] = lambda: None,
        poll_seconds: float = 30,
        fixed: int | None = None,
    ) -> None:
        self._read = read
        self._changes = changes
        self._poll_seconds = poll_seconds
        self._tables: RecordTables | None = None
        self._cache: dict[str, tuple[Any, Any]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.clock = DeskClock(self._last_instant, self._timezone, fixed)

    def start(self) -> None:
        """Read the tables in a thread, and again whenever the sources change."""
        self._thread = threading.Thread(target=self._follow, name="records", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following the sources."""
        self._stop.set()

    def load(self) -> None:
        """Read all tables now."""
        self._tables = self._read()

    @property
    def tables(self) -> RecordTables:
        """Return the tables; raises `Problem` 503 (`records_loading`) while they are read for the first time."""
        if self._tables is None:
            text = "the tables of the dealership are being read; try again in a few seconds"
            raise Problem(503, "records_loading", text, headers=[(b"retry-after", b"%d" % RETRY_SECONDS)])
        return self._tables

    @property
    def is_loaded(self) -> bool:
        """Return whether the tables were read."""
        return self._tables is not None

    @property
    def state(self) -> tuple[int, int]:
        """Return a value that changes with the rows, or with the minute of a clock that runs: a key of caches."""
        now = self.clock.now()
        return self.tables.state, now if self.clock.stands_still else now // 60_000_000

    @property
    def until(self) -> int | None:
        """Return the instant of the last row (microseconds since 1970 UTC); None without rows."""
        return self.tables.until

    @property
    def problems(self) -> Mapping[str, str]:
        """Return why tables could not be read, by table."""
        return self.tables.problems

    def has(self, name: str) -> bool:
        """Return whether the sources have a table, and it could be read."""
        return name in self.tables.frames

    def table(self, name: str) -> pl.DataFrame:
        """Return the rows of a table as of now, all columns of its contract; empty if the sources lack it.

        Parameters
        ----------
        name : str
            Key of `features.tables.TABLES`. Of events and exposures only the last 120 days are kept.
        """
        return self.cached(f"table {name}", partial(self._table, name))

    def cached(self, name: str, compute: Callable[[], Result]) -> Result:
        """Return ``compute()``, once for each state of the rows.

        Parameters
        ----------
        name : str
            Name of the result, unique in the process.
        compute : callable
            Takes nothing; a second caller waits for the first.
        """
        state = self.state
        entry = self._cache.get(name)
        if entry is not None and entry[0] == state:
            return entry[1]  # type: ignore[no-any-return]
        with self._locks.setdefault(name, threading.Lock()):
            entry = self._cache.get(name)
            if entry is None or entry[0] != state:
                entry = self._cache[name] = (state, compute())
            return entry[1]  # type: ignore[no-any-return]

    def _table(self, name: str) -> pl.DataFrame:
        contract = TABLES[name].columns
        frame = self.tables.frames.get(name)
        if frame is None:
            return pl.DataFrame({column: pl.Series([], dtype=c.dtype) for column, c in contract.items()})
        absent = [pl.lit(None, dtype=c.dtype).alias(n) for n, c in contract.items() if n not in frame.columns]
        return rows_at(name, frame.with_columns(absent) if absent else frame, self.clock.now())

    def _follow(self) -> None:
        last: Any = None
        while not self._stop.is_set():
            try:
                present = self._changes()
                if self._tables is None or present != last:
                    self.load()
                    last = present
            except ChehangError as e:
                log.error("the tables of the desk cannot be read: %s", e)
            except Exception as e:  # the thread must survive; the text may quote a row
                log.error("the tables of the desk cannot be read: %s", type(e).__name__)
            self._stop.wait(self._poll_seconds if self._tables is not None else RETRY_SECONDS)

    def _last_instant(self) -> int | None:
        return self.tables.until

    def _timezone(self) -> str:
        return self.tables.timezone


def no_records() -> Records:
    """Return records without any table, for a process without sources.

    >>> no_records().has("leads")
    False
    """
    records = Records(lambda: RecordTables({}, {}, None, "Asia/Shanghai", 0))
    records.load()
    return records


def reader_of(sources: Path) -> tuple[Callable[[], RecordTables], Callable[[], Any]]:
    """Return the functions `read` and `changes` of `Records` for a file of sources.

    Parameters
    ----------
    sources : Path
        Such as `configs/sources.yaml`. Without the file there are no tables.
    """
    return partial(_read_sources, sources), partial(_state_of, sources)


def _read_sources(sources: Path) -> RecordTables:
    state = time.time_ns()
    if not sources.is_file():
        return RecordTables({}, {}, None, "Asia/Shanghai", state)
    config = load_sources(sources)
    frames, problems = {}, {}
    for name in config.tables:
        try:
            with tempfile.TemporaryDirectory() as quarantine:
                raw = read_tables(config, [name], quarantine_folder=Path(quarantine), joins=())
                frames[name] = _recent(name, raw.frames[name])
        except ChehangError as e:
            problems[name] = str(e)
            log.warning("the desk has no rows of %s: %s", name, e)
    latest = (frames[n][str(TABLES[n].time)].max() for n in TRADE_TABLES if n in frames)
    present = [int(instant) for instant in latest if isinstance(instant, int)]
    return RecordTables(frames, problems, max(present, default=None), config.timezone, state)


def _recent(name: str, rows: pl.LazyFrame) -> pl.DataFrame:
    days, column = RECENT_DAYS.get(name), str(TABLES[name].time)
    if days is not None:
        rows = rows.filter(pl.col(column) > pl.col(column).max() - days * DAY)
    return rows.collect()


def _state_of(sources: Path) -> Any:
    if not sources.is_file():
        return None
    config: SourcesConfig = load_sources(sources)
    return file_state(sources), {name: _source_state(source) for name, source in config.tables.items()}


def _source_state(source: TableSource) -> Any:
    if source.store is not None or source.sql is not None:
        return time.monotonic() // 60  # a database is read again every minute
    path = Path(source.parquet or source.csv or source.excel or "")
    if path.is_file():
        return file_state(path)
    folder = path if path.is_dir() else path.parent
    return tuple(file_state(f) for f in sorted(folder.glob("*" if path.is_dir() else path.name)) if f.is_file())
