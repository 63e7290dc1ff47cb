"""API keys, of which only the digest is stored, and a number that grows with every change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "keys_0001"
down_revision = None

INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the two tables; called by Alembic."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text),
        sa.Column("stores", sa.Text),
        sa.Column("rate_per_second", sa.Double),
        sa.Column("burst", sa.Integer),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", INTEGER),
        sa.Column("revoked_at", INTEGER),
        sa.Column("revoked_by", sa.Text),
        sa.Column("replaced_by", sa.Text),
        sa.Column("last_used_at", INTEGER),
    )
    op.create_table(
        "key_revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", INTEGER, nullable=False),
    )
    op.execute("INSERT INTO key_revision (id, revision) VALUES (1, 0)")
