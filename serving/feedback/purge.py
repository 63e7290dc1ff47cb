"""Remove old events and personal fields of work entries, or those of one person, from the feedback store."""

from __future__ import annotations

import json

import sqlalchemy as sa

from serving.stores import writing

BEHAVIOUR = {"events": "event_at", "exposures": "shown_at"}  # time column by table
OUTCOMES = {"lead_events": "event_at", "lead_records": "created_at", "loan_events": "event_at"}
PEOPLE = {"events": ("customer_id", "visitor_id"), "exposures": ("customer_id", "visitor_id")}
WORK = sa.table("work_entries", *map(sa.column, ("sequence", "at", "subject", "content")))
WORK_PERSONAL = sa.table("work_personal", sa.column("sequence"))
RECEIPTS = sa.table("event_receipts", sa.column("event_id"), sa.column("digest"), sa.column("event_at"))


def purge_events(
    engine: sa.Engine, *, before: int | None = None, person: str | None = None, outcomes: bool = False, dry_run: bool
) -> dict[str, int]:
    """Remove rows, and the digests of their events; an event that is sent again is then refused.

    Of entries of the daily work, such as an application that was entered at the desk, the personal fields are removed
    (names, phone numbers, inputs, notes); who did what and when remains.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        ``serving.stores.open_store(url, "feedback")``.
    before : int, optional
        Rows of events before this instant (microseconds since 1970 UTC), and entries written before it.
    person : str, optional
        In place of `before`: rows with this `customer_id` or `visitor_id`, and entries of this subject or of an
        application of this customer.
    outcomes : bool
        Whether leads and what became of leads and loans are removed as well; of `before` only.
    dry_run : bool
        Count the rows, and remove nothing.

    Returns
    -------
    dict of str to int
        Number of rows by table; of `work_personal`, the number of entries.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.stores import open_store
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/feedback.db", "feedback")
    ...     purge_events(engine, before=0, dry_run=True)
    {'events': 0, 'exposures': 0, 'work_personal': 0}
    """
    times = {**BEHAVIOUR, **(OUTCOMES if outcomes else {})}
    tables = list(PEOPLE) if person is not None else list(times)
    counts = {}
    is_file = engine.dialect.name == "sqlite"
    with writing(engine) as connection:
        if is_file:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        for name in tables:
            table = sa.table(name, sa.column("event_id"), *map(sa.column, {*PEOPLE.get(name, ()), times[name]}))
            if person is None:
                chosen = table.c[times[name]] < sa.literal(before)
            else:
                chosen = sa.or_(*(table.c[column] == person for column in PEOPLE[name]))
            query = sa.select(sa.func.count()).select_from(table).where(chosen)
            counts[name] = int(connection.execute(query).scalar_one())
            if dry_run:
                continue
            if person is not None and name == "events":
                ids = sa.select(table.c.event_id).where(chosen)
                connection.execute(sa.update(RECEIPTS).where(RECEIPTS.c.event_id.in_(ids)).values(digest=""))
            connection.execute(sa.delete(table).where(chosen))
        if person is None and not dry_run:
            connection.execute(sa.update(RECEIPTS).where(RECEIPTS.c.event_at < sa.literal(before)).values(digest=""))
        counts["work_personal"] = _purge_work(connection, before, person, dry_run=dry_run)
    if is_file and not dry_run:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    return counts


def _purge_work(connection: sa.Connection, before: int | None, person: str | None, *, dry_run: bool) -> int:
    """Remove the personal fields of work entries; the entries themselves are never changed."""
    if person is None:
        entries = sa.select(WORK.c.sequence).where(WORK.c.at < sa.literal(before))
    else:
        entries = sa.select(WORK.c.sequence).where(WORK.c.subject.in_([person, *_applications(connection, person)]))
    chosen = WORK_PERSONAL.c.sequence.in_(entries)
    count = int(connection.execute(sa.select(sa.func.count()).select_from(WORK_PERSONAL).where(chosen)).scalar_one())
    if not dry_run:
        connection.execute(sa.delete(WORK_PERSONAL).where(chosen))
    return count


def _applications(connection: sa.Connection, person: str) -> list[str]:
    """Return the subjects of entries whose content names a customer."""
    # The database only narrows the search: how it escapes a quotation mark in JSON depends on the writer.
    query = sa.select(WORK.c.subject, WORK.c.content).where(WORK.c.content.like('%"customer_id"%'))
    return [row.subject for row in connection.execute(query) if json.loads(row.content).get("customer_id") == person]
