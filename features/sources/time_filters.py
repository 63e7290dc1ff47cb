"""Filters on the time column of a table: `since`, `before` and `until`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from features.errors import ConfigError
from features.sources.column_mapping import ColumnMapping
from features.sources.filters import RowFilter
from features.sources.table_source import TableSource
from features.yaml_config import name_hint

_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
_LIMITS = ("since", "before", "until")


def first_instant(moment: date | datetime, *, timezone: str, days_later: int = 0) -> int:
    """Return the first instant of a date, or a date and time, in microseconds since 1970 UTC (int).

    Parameters
    ----------
    moment : date or datetime
        A datetime without an offset is local time.
    timezone : str
        IANA name of the local time zone.
    days_later : int
        Number of days to add to a date.

    Returns
    -------
    int

    Examples
    --------
    >>> from datetime import date
    >>> first_instant(date(1970, 1, 1), timezone="Asia/Shanghai") / 3_600_000_000
    -8.0
    """
    if not isinstance(moment, datetime):
        day = min(moment, date.max - timedelta(days_later))  # 9999-12-31 is an open end
        moment = datetime.combine(day + timedelta(days_later), datetime.min.time())
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(timezone))
    return (zoned - _EPOCH) // timedelta(microseconds=1)


def local_moment(instant: int, *, timezone: str) -> str:
    """Return an instant as local date, or as date and time if it is not midnight.

    Parameters
    ----------
    instant : int
        Microseconds since 1970 UTC.
    timezone : str
        IANA name of the local time zone.

    Returns
    -------
    str

    Examples
    --------
    >>> local_moment(57_600_000_000, timezone="Asia/Shanghai"), local_moment(0, timezone="Asia/Shanghai")
    ('1970-01-02', '1970-01-01 08:00')
    """
    local = (_EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d}" if local.time() == datetime.min.time() else f"{local:%Y-%m-%d %H:%M}"


def time_filters(source: TableSource, time: str | None, *, timezone: str) -> list[RowFilter]:
    """Return the filters on the time column of a table's entry in sources.yaml, in the order of their effect.

    A row without a time, or with one that cannot be read, passes `since`, `before` and `until`: it breaks a rule of the
    contract, and is counted there.

    Parameters
    ----------
    source : TableSource
        A value of ``features.sources.load_sources(path).tables``.
    time : str or None
        Time column of the table (int64, microseconds since 1970 UTC); None if it is read without one.
    timezone : str
        IANA name of the table's time zone.

    Returns
    -------
    list of RowFilter
        Empty if the table has no such filter.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> from features.sources import TableSource
    >>> source = TableSource(csv="sales.csv", since=date(1970, 1, 2))
    >>> filters = time_filters(source, "sold_at", timezone="UTC")
    >>> rows = pl.LazyFrame({"sold_at": [0, 86_400_000_000]})
    >>> rows.select(filters[0].excluded).collect().to_series().to_list(), filters[0].which
    ([True, False], 'before 1970-01-02')
    """
    if time is None:
        return []
    return [
        RowFilter(key, excluded.fill_null(False), words, (time,))
        for key, excluded, words in _limits(source, pl.col(time), timezone)
    ]


def filter_problems(
    source: TableSource, mapping: ColumnMapping, source_columns: Sequence[str], *, field: str
) -> list[ConfigError]:
    """Return the errors of the filters on contract columns, and of `latest_by`.

    Parameters
    ----------
    source : TableSource
        A value of ``features.sources.load_sources(path).tables``.
    mapping : ColumnMapping
        As returned by `features.sources.column_mapping.map_columns`.
    source_columns : sequence of str
        Names of the source's columns.
    field : str
        Place in the YAML file, such as "sources.yaml: tables.leads".

    Returns
    -------
    list of ConfigError
        Each with the key, the value and a remedy.

    Examples
    --------
    >>> from features.sources import TableSource
    >>> from features.sources.column_mapping import ColumnMapping
    >>> source = TableSource(csv="leads.csv", duplicate_keys="latest", latest_by="changd")
    >>> mapping = ColumnMapping((), key=("lead_id",), time=None, problems=(), unused=())
    >>> str(filter_problems(source, mapping, ["changed"], field="tables.leads")[0])
    'tables.leads.latest_by: the source has no column `changd`; did you mean `changed`?'
    """
    problems = []
    used = [key for key in _LIMITS if getattr(source, key) is not None]
    mapped = {c.name: c for c in mapping.columns}
    if used and mapping.time not in mapped:
        problems.append(
            f"{field}.{used[0]}: the table is read without a time column, so that no row can be compared with "
            f"{getattr(source, used[0])}: remove `{used[0]}`, or map the time column"
        )
    end = source.before or source.until
    if source.since is not None and end is not None:
        days_later = 0 if source.before else 1
        if first_instant(source.since, timezone="UTC") >= first_instant(end, timezone="UTC", days_later=days_later):
            problems.append(
                f"{field}.since: {source.since} is not before `{used[1]}: {end}`, which leaves no row: correct one of "
                "them"
            )
    for name in source.sample.by if source.sample else ():
        if name not in mapped:
            problems.append(f"{field}.sample.by: `{name}` is no mapped column; {name_hint(name, mapped)}")
        elif mapped[name].kind == "number":
            problems.append(
                f"{field}.sample.by: `{name}` is a number, not a key: use a column such as {mapping.key[0]}"
            )
    if source.latest_by is not None and source.latest_by not in source_columns:
        hint = name_hint(source.latest_by, source_columns)
        problems.append(f"{field}.latest_by: the source has no column `{source.latest_by}`; {hint}")
    return [ConfigError(problem) for problem in problems]


def _limits(source: TableSource, time: pl.Expr, timezone: str) -> list[tuple[str, pl.Expr, str]]:
    limits = []
    if source.since is not None:
        limits.append(("since", time < first_instant(source.since, timezone=timezone), f"before {_text(source.since)}"))
    if source.before is not None:
        limits.append(
            ("before", time >= first_instant(source.before, timezone=timezone), f"at or after {_text(source.before)}")
        )
    if source.until is not None:
        end = first_instant(source.until, timezone=timezone, days_later=1)
        is_late = time > end if isinstance(source.until, datetime) else time >= end
        limits.append(("until", is_late, f"after {_text(source.until)}"))
    return limits


def _text(moment: date | datetime) -> str:
    return moment.isoformat(" ", "minutes") if isinstance(moment, datetime) else moment.isoformat()
