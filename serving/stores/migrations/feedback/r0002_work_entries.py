"""Entries of the daily work: who did what with which record; rows are added, and never changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feedback_0002"
down_revision = "feedback_0001"

INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables `work_entries` and `work_personal`."""
    op.create_table(
        "work_entries",
        sa.Column("sequence", INTEGER, primary_key=True),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("store_id", sa.Text),
        sa.Column("key_id", sa.Text),
        sa.Column("person", sa.Text),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "work_personal",
        sa.Column("sequence", INTEGER, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
        sa.Column("reference", sa.Text),
    )
    if op.get_context().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER work_entries_{action.lower()} BEFORE {action} ON work_entries "
                "BEGIN SELECT RAISE(ABORT, 'work entries are never changed'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION work_entries_unchanged() RETURNS trigger AS "
            "$$ BEGIN RAISE EXCEPTION 'work entries are never changed'; END $$ LANGUAGE plpgsql"
        )
        op.execute(
            "CREATE TRIGGER work_entries_unchanged BEFORE UPDATE OR DELETE ON work_entries "
            "FOR EACH ROW EXECUTE FUNCTION work_entries_unchanged()"
        )
