"""The tables of keys are made as the code reads them, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.doors.key_store import KEYS, KeyStore
from serving.stores import open_store
from serving.stores.migrations.keys.r0001_api_keys import revision as first_revision
from serving.stores.migrations.keys.r0002_ended_sessions import revision
from tests.serving.databases import postgresql


def check(url: str) -> None:
    assert first_revision == "keys_0001"
    engine = open_store(url, "keys")
    inspector = sa.inspect(engine)
    assert [c["name"] for c in inspector.get_columns("api_keys")] == [c.name for c in KEYS.columns]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_keys").scalar() == revision
        assert connection.exec_driver_sql("SELECT id, revision FROM key_revision").all() == [(1, 0)]
    store = KeyStore(url)
    key, text = store.create(
        "desk", "sales", by="li.wei", stores=["S1", "门店二"], rate_per_second=0.5, burst=3, lifetime=60
    )
    old, new, _ = store.rotate("desk", by="li.wei", overlap=30)
    assert store.all_keys() == [old, new] and old.replaced_by == new.key_id
    assert (new.stores, new.rate_per_second, new.burst) == (("S1", "门店二"), 0.5, 3)
    assert text not in str(store.all_keys()) and key.key_id == old.key_id
    store.revoke([old.key_id], by="li.wei")
    store.record_use([new.key_id])
    assert store.revision() == 4, "created, rotated (two rows), revoked; a use is no change"
    store.close()


def test_sqlite(tmp_path: Path) -> None:
    check(f"sqlite:///{tmp_path}/keys.db")


@pytest.mark.postgres
def test_postgresql() -> None:
    with postgresql() as url:
        check(url)
