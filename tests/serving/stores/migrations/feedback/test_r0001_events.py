"""Views of outcomes and vehicles, on SQLite and PostgreSQL, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from features.sources.feedback_stores import OWN_FEATURES, read_store, store_columns, store_url
from features.sources.table_source import STORE_TABLES
from features.tables import TABLES
from serving.stores import open_store, writing
from serving.stores.migrations.feedback.r0001_events import OUTCOME_NAMES
from tests.serving.databases import postgresql

ROWS = (
    "INSERT INTO lead_records (lead_id, created_at) VALUES ('L1', 1), ('L2', 2)",
    "INSERT INTO lead_events (event_id, lead_id, type, event_at, salesperson_id, gross_margin) VALUES "
    "('1', 'L1', 'answered', 5, 'P1', NULL), ('2', 'L1', 'called', 3, NULL, NULL), "
    "('3', 'L1', 'called', 5, 'P2', NULL), "
    "('4', 'L1', 'lost', 6, NULL, NULL), ('5', 'L1', 'sold', 9, NULL, 700), ('6', 'L1', 'sold', 12, NULL, 100)",
    "INSERT INTO loan_events (event_id, application_id, type, event_at, originated_at, loss) VALUES "
    "('1', 'A', 'repaid', 4, 1, NULL), ('2', 'B', 'defaulted', 4, 2, 50), ('3', 'B', 'repaid', 5, NULL, NULL)",
    "INSERT INTO stock_vehicles (vehicle_id, price, sold_at) VALUES ('V1', 10, NULL), ('V2', 20, 3)",
    "INSERT INTO stock_states (vehicle_id, withdrawn_at, sold_at) VALUES ('V1', 8, NULL), ('V2', NULL, 4)",
)


def check(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        for statement in ROWS:
            connection.exec_driver_sql(statement)
    with engine.connect() as connection:
        names = ("lead_id", "created_at", *OUTCOME_NAMES)
        leads = connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM leads ORDER BY lead_id").all()
        assert leads == [("L1", 1, "P2", 3, 5, 2, True, 9, 9, 700), ("L2", 2, *[None] * 8)]
        sql = "SELECT application_id, defaulted, originated_at, observed_at, defaulted_at, loss FROM loan_outcomes"
        loans = connection.exec_driver_sql(f"{sql} ORDER BY application_id").all()
        assert loans == [("A", False, 1, 4, None, 0), ("B", True, 2, 4, 4, 50)]
        vehicles = connection.exec_driver_sql("SELECT vehicle_id, sold_at, withdrawn_at FROM vehicles ORDER BY 1").all()
        assert vehicles == [("V1", None, 8), ("V2", 4, None)]
        for name in STORE_TABLES:
            present = {column["name"] for column in sa.inspect(connection).get_columns(name)}
            assert set(TABLES[name].columns) <= present <= {*TABLES[name].columns, OWN_FEATURES}, name
    url = store_url(engine.url.render_as_string(hide_password=False).replace("+psycopg", ""))
    columns = store_columns(url, "leads", where="leads")
    assert read_store(url, "leads", columns, where="leads")["converted"].to_list() == [True, None]


def test_views_on_sqlite(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/feedback.db", "feedback")
    check(engine)
    engine.dispose()


@pytest.mark.postgres
def test_views_on_postgresql() -> None:
    with postgresql() as url:
        engine = open_store(url, "feedback")
        check(engine)
        engine.dispose()
