"""Remove old events, or those of one person, from the feedback store and its files."""

from __future__ import annotations

import sqlalchemy as sa

from serving.stores import writing

BEHAVIOUR = {"events": "event_at", "exposures": "shown_at"}  # time column by table
OUTCOMES = {"lead_events": "event_at", "lead_records": "created_at", "loan_events": "event_at"}
PEOPLE = {"events": ("customer_id", "visitor_id"), "exposures": ("customer_id", "visitor_id")}
RECEIPTS = sa.table("event_receipts", sa.column("event_id"), sa.column("digest"), sa.column("event_at"))


def purge_events(
    engine: sa.Engine, *, before: int | None = None, person: str | None = None, outcomes: bool = False, dry_run: bool
) -> dict[str, int]:
    """Remove rows, and the digests of their events; an event that is sent again is then refused.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        ``serving.stores.open_store(url, "feedback")``.
    before : int, optional
        Rows of events before this instant (microseconds since 1970 UTC).
    person : str, optional
        In place of `before`: rows with this `customer_id` or `visitor_id`.
    outcomes : bool
        Whether leads and what became of leads and loans are removed as well; of `before` only.
    dry_run : bool
        Count the rows, and remove nothing.

    Returns
    -------
    dict of str to int
        Number of rows by table.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from serving.stores import open_store
    >>> with TemporaryDirectory() as folder:
    ...     engine = open_store(f"sqlite:///{folder}/feedback.db", "feedback")
    ...     purge_events(engine, before=0, dry_run=True)
    {'events': 0, 'exposures': 0}
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
    if is_file and not dry_run:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    return counts
