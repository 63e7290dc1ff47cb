"""Migrations: applied once and in order; a store that is ahead of the code is an error."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from serving.stores import upgrades
from serving.stores.engines import NAMES
from serving.stores.upgrades import NewerStore, pending, upgrade

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}


def upgrade():
    op.create_table("{revision}", sa.Column("x", sa.Integer))
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_new_database_gets_all_migrations_once(name: str) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection, name)
        assert pending(connection, name) == []
        upgrade(connection, name)


def test_migrations_are_applied_in_order_from_the_version_of_the_store(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(upgrades, "MIGRATIONS", tmp_path)
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "a.py").write_text(MIGRATION.format(revision="k2", before="'k1'"))  # the file names have no order
    (folder / "b.py").write_text(MIGRATION.format(revision="k1", before=None))
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        assert [script.revision for script in pending(connection, "keys")] == ["k1", "k2"]
        upgrade(connection, "keys")
        (folder / "c.py").write_text(MIGRATION.format(revision="k3", before="'k2'"))
        assert [script.revision for script in pending(connection, "keys")] == ["k3"]
        upgrade(connection, "keys")
        assert set(sa.inspect(connection).get_table_names()) == {"alembic_keys", "k1", "k2", "k3"}
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_keys").all() == [("k3",)]
        (folder / "c.py").unlink()
        with pytest.raises(NewerStore, match="k3"):
            upgrade(connection, "keys")
