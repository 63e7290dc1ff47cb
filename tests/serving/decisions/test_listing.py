"""Lists on PostgreSQL have the same filters as on SQLite, and the store's filter uses its index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.decisions.entries import NewEntry
from serving.decisions.listing import Filters, list_decisions
from serving.stores import open_store
from tests.serving.databases import postgresql
from tests.serving.decisions.logs import KEYS, log_in, write


def check(engine: sa.Engine) -> None:
    for number in range(4):
        content = {
            "outcome": ("approve", "decline")[number % 2],
            "store_id": f"S{number % 3}",
            "key_id": f"k{number}",
            "models": {"credit_risk.north": {"version": number}},
        }
        reference = "APP-1" if number == 2 else None
        write(engine, [NewEntry("decision", f"d{number}", json.dumps(content), b"{}", reference)])
    write(engine, [NewEntry("access", "d1", "{}")])
    with engine.connect() as connection:

        def ids(filters: Filters, limit: int = 10) -> list[str | None]:
            return [entry.decision_id for entry in list_decisions(connection, filters, limit=limit)]

        assert ids(Filters()) == ["d3", "d2", "d1", "d0"]
        assert ids(Filters(outcome="decline")) == ["d3", "d1"]
        assert ids(Filters(stores={"S0", "S2"})) == ["d3", "d2", "d0"] and ids(Filters(stores=set())) == []
        assert ids(Filters(model="credit_risk.north", version=2)) == ["d2"]
        assert ids(Filters(model="credit_risk.north")) == ["d3", "d2", "d1", "d0"]
        assert ids(Filters(model="credit_risk")) == []
        assert ids(Filters(key_id="k1")) == ["d1"]
        assert ids(Filters(references=KEYS.reference_digests("APP-1"))) == ["d2"]
        assert ids(Filters(before=3), limit=1) == ["d1"]
        assert ids(Filters(since=1, until=2)) == []


def test_on_sqlite(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    check(engine)
    with engine.connect() as connection:
        query = "SELECT * FROM decision_entries WHERE json_extract(content, '$.store_id') IN ('S1')"
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert "decision_entries_store" in str(plan)


@pytest.mark.postgres
def test_on_postgresql() -> None:
    with postgresql() as url:
        engine = open_store(url, "decisions")
        check(engine)
        engine.dispose()
