"""Ended sessions are in the store of the keys."""

from __future__ import annotations

from pathlib import Path

from serving.doors.sessions import Sessions
from serving.stores.migrations.keys.r0002_ended_sessions import down_revision


def test_a_session_that_was_ended_twice_is_stored_once(tmp_path: Path) -> None:
    """Two tabs log out at the same time."""
    assert down_revision == "keys_0001"
    url = f"sqlite:///{tmp_path}/keys.db"
    one, other = (Sessions(bytes(32), idle_seconds=60, key_store=url) for _ in range(2))
    session = one.begin(bytes(32))
    cookie = one.text(session)
    assert other.read(cookie) == session
    one.end(session)
    other.end(session)
    assert one.read(cookie) is None
    assert Sessions(bytes(32), idle_seconds=60, key_store=url).read(cookie) is None, "a worker that has just started"
