"""Stores: SQLite files and PostgreSQL databases are created once, set up for durable writes, and migrated."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from features.errors import ConfigError
from serving.stores import StoreUnavailable, open_store, store_errors, writing
from serving.stores.engines import NAMES
from tests.conftest import ROOT
from tests.serving.databases import postgresql

OPEN_ALL = (
    "import sys; from serving.stores import open_store; "
    "[open_store(sys.argv[1].replace('NAME', name), name) for name in ('keys', 'decisions', 'feedback')]"
)


def tables(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def scalar(engine: sa.Engine, sql: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(sql).scalar()


@pytest.mark.parametrize("name", NAMES)
def test_a_sqlite_store_is_a_durable_file_that_only_its_owner_reads(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new folder" / f"{name}.db"
    engine = open_store(f"sqlite:///{path}", name)
    assert scalar(engine, "PRAGMA journal_mode") == "wal"
    assert scalar(engine, "PRAGMA synchronous") == 2  # FULL
    assert scalar(engine, "PRAGMA busy_timeout") == 5_000
    assert path.stat().st_mode & 0o777 == 0o600
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
        assert path.with_name(f"{name}.db-wal").stat().st_mode & 0o777 == 0o600


def test_a_block_that_writes_excludes_other_writers_and_rolls_back_after_an_error(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/decisions.db", "decisions")
    other = sqlite3.connect(tmp_path / "decisions.db", timeout=0)
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        assert connection.exec_driver_sql("SELECT sequence FROM decision_head").scalar() == 0
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("UPDATE decision_head SET sequence = 7")
        assert other.execute("SELECT sequence FROM decision_head").fetchone() == (0,)  # readers do not wait
        connection.exec_driver_sql("UPDATE decision_head SET sequence = 9")
        raise ZeroDivisionError
    assert scalar(engine, "SELECT sequence FROM decision_head") == 0


def test_opening_again_changes_nothing_and_a_newer_store_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/decisions.db"
    engine = open_store(url, "decisions")
    version = scalar(engine, "SELECT version_num FROM alembic_decisions")
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE decision_head SET sequence = 5")
    again = open_store(url, "decisions")
    assert scalar(again, "SELECT sequence FROM decision_head") == 5
    assert scalar(again, "SELECT version_num FROM alembic_decisions") == version
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_decisions SET version_num = 'decisions_9999'")
    with pytest.raises(StoreUnavailable, match=r"decisions\.db was written by a newer version.*start that version"):
        open_store(url, "decisions")


def test_processes_that_start_together_share_the_new_stores(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OPEN_ALL, f"sqlite:///{tmp_path}/NAME.db"]
    starts = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(4)]
    assert [(p.communicate()[1], p.returncode) for p in starts] == [(b"", 0)] * 4
    engine = open_store(f"sqlite:///{tmp_path}/decisions.db", "decisions")
    assert scalar(engine, "SELECT count(*) FROM decision_head") == 1


@pytest.mark.postgres
def test_one_postgresql_database_has_all_stores_and_concurrent_starts_are_safe() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with postgresql() as url:
        starts = [subprocess.Popen([sys.executable, "-c", OPEN_ALL, url], env=environment) for _ in range(3)]
        assert [p.wait() for p in starts] == [0, 0, 0]
        engine = open_store(url, "decisions")
        assert tables(engine) >= {"decision_entries", "personal_parts", "decision_head", "alembic_decisions"}
        assert scalar(engine, "SELECT count(*) FROM decision_head") == 1
        engine.dispose()


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("no url", "decisions_store: is not a SQLAlchemy URL"),
        ("mysql://u:geheim@h/d", "decisions_store: must be a sqlite or postgresql URL, got one of mysql"),
        ("sqlite://", "decisions_store: must name a file"),
        ("sqlite:///:memory:", "decisions_store: must name a file"),
        ("postgresql+nodriver://u:geheim@h/d", "decisions_store: the driver of postgresql.nodriver is not installed"),
    ],
)
def test_a_url_that_is_no_store_is_refused_without_its_password(url: str, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule) as refused:
        open_store(url, "decisions")
    assert "geheim" not in str(refused.value)


def test_a_database_that_cannot_be_used_is_an_error_of_one_line_without_the_password(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StoreUnavailable, match=r"keys\.db: (Not a directory|File exists); make it writable, or set keys_store"
    ):
        open_store(f"sqlite:///{tmp_path}/file/keys.db", "keys")
    (tmp_path / "text.db").write_text("this is a text and no database " * 99)
    with pytest.raises(StoreUnavailable, match="file is not a database; check the URL"):
        open_store(f"sqlite:///{tmp_path}/text.db", "keys")
    url = make_url("postgresql://u:geheim@127.0.0.1:9/d")
    with pytest.raises(
        StoreUnavailable, match=r"keys store: postgresql\+psycopg://u:\*\*\*@127\.0\.0\.1:9/d"
    ) as refused:
        open_store(url.render_as_string(hide_password=False), "keys")
    assert "geheim" not in str(refused.value) and "\n" not in str(refused.value)


def test_errors_of_statements_are_errors_of_the_store(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/keys.db", "keys")
    with pytest.raises(StoreUnavailable, match=r"keys store: .*no such table: absent"), store_errors(engine, "keys"):
        scalar(engine, "SELECT * FROM absent")
