"""The decision log: entries in a hash chain, their personal parts, and the head of the chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "decisions_0001"
down_revision = None

INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NO_CHANGE = "entries of the decision log cannot be changed or deleted"
STORE_OF = {
    "sqlite": "json_extract(content, '$.store_id')",
    "postgresql": "((content::json) ->> 'store_id')",
}


def upgrade() -> None:
    """Create the three tables, their indexes, and the triggers that refuse changes of entries; called by Alembic."""
    op.create_table(
        "decision_entries",
        sa.Column("sequence", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("decision_id", sa.Text),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("personal_digest", sa.Text),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("decision_entries_decision_id", "decision_entries", ["decision_id"])
    op.create_index("decision_entries_at", "decision_entries", ["at"])
    op.create_table(
        "personal_parts",
        sa.Column("sequence", INTEGER, primary_key=True, autoincrement=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
        sa.Column("reference", sa.Text),
    )
    op.create_index(
        "personal_parts_reference",
        "personal_parts",
        ["reference"],
        sqlite_where=sa.text("reference IS NOT NULL"),
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_table(
        "decision_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", INTEGER, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.execute(f"INSERT INTO decision_head (id, sequence, hash) VALUES (1, 0, '{'0' * 64}')")
    dialect = op.get_bind().dialect.name
    op.execute(f"CREATE INDEX decision_entries_store ON decision_entries ({STORE_OF[dialect]}, sequence)")
    if dialect == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER decision_entries_no_{action.lower()} BEFORE {action} ON decision_entries "
                f"BEGIN SELECT RAISE(ABORT, '{NO_CHANGE}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION decision_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{NO_CHANGE}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER decision_entries_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON decision_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION decision_entries_refuse()"
        )
