"""Tables of a feedback store: types, columns without a value, own features, outcomes of leads, and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from features.errors import ChehangError, ConfigError, DataError
from features.sources import ExtraFeatures, load_sources, read_tables
from features.sources.feedback_stores import store_url
from serving.stores import open_store, writing
from tests.conftest import ROOT

DAY = 86_400_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """Return the engine of a store in the folder of the sources."""
    engine = open_store(f"sqlite:///{tmp_path}/feedback.db", "feedback")
    yield engine
    engine.dispose()


def insert(engine: sa.Engine, table: str, *rows: dict[str, Any]) -> None:
    with writing(engine) as connection:
        for row in rows:
            connection.execute(sa.insert(sa.table(table, *map(sa.column, row))), row)


def read(folder: Path, yaml: str, table: str, **options: Any) -> Any:
    (folder / "sources.yaml").write_text(yaml)
    return read_tables(load_sources(folder / "sources.yaml"), [table], quarantine_folder=folder / "q", **options)


def test_a_table_needs_no_mapping_and_has_only_columns_with_a_value(tmp_path: Path, engine: sa.Engine) -> None:
    rows = [{"event_id": f"e{i}", "event_at": i * DAY, "event_type": "view", "visitor_id": "w"} for i in (1, 2)]
    insert(
        engine, "events", *rows, {"event_id": "e3", "event_at": 3 * DAY, "event_type": "order", "dwell_seconds": 2.5}
    )
    tables = read(tmp_path, "tables: {events: {store: 'sqlite:///feedback.db', since: 1970-01-03}}", "events")
    frame = tables.frames["events"].collect()
    assert frame.rows(named=True) == [
        {"event_id": "e2", "event_at": 2 * DAY, "event_type": "view", "visitor_id": "w", "dwell_seconds": None},
        {"event_id": "e3", "event_at": 3 * DAY, "event_type": "order", "visitor_id": None, "dwell_seconds": 2.5},
    ]


def test_a_store_without_rows_says_so_and_what_to_send(tmp_path: Path, engine: sa.Engine) -> None:
    with pytest.raises(DataError, match=r"events: store: sqlite:.*feedback.db has no rows of `events` yet: send some"):
        read(tmp_path, "tables: {events: {store: 'sqlite:///feedback.db'}}", "events")


def test_no_store_and_another_database(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no feedback store .*none.db: send events or stock"):
        read(tmp_path, "tables: {events: {store: 'sqlite:///none.db'}}", "events")
    assert not (tmp_path / "none.db").exists()
    sa.create_engine(f"sqlite:///{tmp_path}/other.db").connect().exec_driver_sql("CREATE TABLE t (a)").close()
    with pytest.raises(DataError, match=r"other.db is no feedback store of this version"):
        read(tmp_path, "tables: {events: {store: 'sqlite:///other.db'}}", "events")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("sales: {store: feedback}", "sales: a feedback store has events, exposures, vehicles, leads, loan_outcomes"),
        ("events: {csv: e.csv, join: [{store: feedback, on: [a]}]}", "adds the outcomes of leads; remove it"),
        ("leads: {csv: e.csv, join: [{store: feedback, on: [a, b]}]}", "the one column that holds the lead_id"),
        ("leads: {csv: e.csv, store: feedback}", "exactly one of `parquet`, `csv`, `excel`, `sql` and `store`"),
        ("leads: {store: 'secret@@'}", "is not a SQLAlchemy URL"),
    ],
)
def test_wrong_entries(tmp_path: Path, entry: str, message: str) -> None:
    (tmp_path / "sources.yaml").write_text(f"tables: {{{entry}}}")
    with pytest.raises(ConfigError) as error:
        load_sources(tmp_path / "sources.yaml")
    assert message in str(error.value) and "secret" not in str(error.value)


def test_a_password_is_in_no_message() -> None:
    url = store_url("postgresql://reader:gehe1m@127.0.0.1:1/none")
    with pytest.raises(ChehangError) as error:
        from features.sources.feedback_stores import store_columns

        store_columns(url, "events", where="events")
    assert "gehe1m" not in str(error.value) and "127.0.0.1" in str(error.value)


def test_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    monkeypatch.delenv("CHEHANG_FEEDBACK_STORE", raising=False)
    assert store_url("feedback") == f"sqlite:///{tmp_path}/feedback.db"
    monkeypatch.setenv("CHEHANG_FEEDBACK_STORE", "postgresql://u:p@db/chehang")
    assert store_url("feedback") == "postgresql+psycopg://u:p@db/chehang"


def test_own_features_and_states_of_vehicles(tmp_path: Path, engine: sa.Engine) -> None:
    insert(
        engine,
        "stock_vehicles",
        {"vehicle_id": "V1", "price": 100, "own_features": '{"paint": "red", "doors": 5}'},
        {"vehicle_id": "V2", "price": 200, "sold_at": 2 * DAY},
        {"vehicle_id": "V3", "price": 300},
    )
    insert(engine, "stock_states", {"vehicle_id": "V3", "reserved_at": 3 * DAY})
    extra = {"vehicles": ExtraFeatures(numeric=["doors"], categorical=["paint"])}
    tables = read(tmp_path, "tables: {vehicles: {store: 'sqlite:///feedback.db'}}", "vehicles", extra=extra)
    frame = tables.frames["vehicles"].collect()
    columns = ["vehicle_id", "price", "sold_at", "reserved_at", "doors", "paint"]
    assert frame.select(columns).rows() == [
        ("V1", 100, None, None, 5.0, "red"),
        ("V2", 200, 2 * DAY, None, None, None),
        ("V3", 300, None, 3 * DAY, None, None),
    ]


def test_leads_of_a_csv_file_get_their_outcomes_from_the_store(tmp_path: Path, engine: sa.Engine) -> None:
    (tmp_path / "leads.csv").write_text("no,created_at\nL1,2024-01-01\nL2,2024-01-02\nL3,2024-01-03\n")
    events = [("L1", "called", 1), ("L1", "answered", 1), ("L1", "called", 3), ("L1", "sold", 4), ("L2", "lost", 5)]
    rows = [
        {
            "event_id": str(i),
            "lead_id": lead,
            "type": kind,
            "event_at": day * DAY,
            "gross_margin": 9 if kind == "sold" else None,
        }
        for i, (lead, kind, day) in enumerate(events)
    ]
    insert(engine, "lead_events", *rows)
    yaml = (
        "tables: {leads: {csv: leads.csv, columns: {lead_id: no}, join: [{store: 'sqlite:///feedback.db', on: [no]}]}}"
    )
    frame = read(tmp_path, yaml, "leads").frames["leads"].collect()
    names = [
        "lead_id",
        "first_contact_at",
        "last_contact_at",
        "contact_count",
        "converted",
        "converted_at",
        "closed_at",
    ]
    assert frame.select([*names, "gross_margin"]).rows() == [
        ("L1", DAY, 3 * DAY, 2, True, 4 * DAY, 4 * DAY, 9),
        ("L2", None, None, 0, False, None, 5 * DAY, None),
        ("L3", None, None, None, None, None, None, None),
    ]


def test_the_earliest_event_of_a_loan_decides(tmp_path: Path, engine: sa.Engine) -> None:
    events = [("A", "performing", 2, 0), ("A", "defaulted", 3, 7), ("B", "defaulted", 4, 8), ("B", "repaid", 9, 0)]
    rows = [
        {"event_id": str(i), "application_id": loan, "type": kind, "event_at": day * DAY, "loss": loss or None}
        for i, (loan, kind, day, loss) in enumerate(events)
    ]
    insert(engine, "loan_events", *rows)
    frame = read(tmp_path, "tables: {loan_outcomes: {store: 'sqlite:///feedback.db'}}", "loan_outcomes").frames
    table = frame["loan_outcomes"].collect().sort("application_id")
    assert table.select("application_id", "defaulted", "observed_at", "defaulted_at", "loss").rows() == [
        ("A", False, 2 * DAY, None, 0),
        ("B", True, 4 * DAY, 4 * DAY, 8),
    ]


def test_the_columns_of_the_store_are_those_of_the_contracts(engine: sa.Engine) -> None:
    from features.sources.table_source import STORE_TABLES
    from features.tables import TABLES

    for name in STORE_TABLES:
        present = {column["name"] for column in sa.inspect(engine).get_columns(name)}
        assert set(TABLES[name].columns) - present == set(), name
    assert (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").count("store: feedback")
