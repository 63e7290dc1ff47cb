"""Sessions of the desk that somebody has ended by logging out; their cookies are no longer valid on any worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "keys_0002"
down_revision = "keys_0001"

INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table `ended_sessions`; called by Alembic."""
    op.create_table(
        "ended_sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("expires_at", INTEGER, nullable=False),
    )
