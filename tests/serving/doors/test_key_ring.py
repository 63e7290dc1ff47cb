"""Keys in memory: changes of the store, a store that cannot be read, clocks that are set, and last use."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.asgi import Problem
from serving.doors import key_ring
from serving.doors.caller import Caller
from serving.doors.key_ring import NANOSECONDS, Entry, KeyRing, Limit
from serving.doors.key_store import KEYS, KeyStore
from serving.doors.key_texts import digest_of
from serving.stores import open_store, writing

LIMIT = Limit.of(100, 200)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    """Return an empty store."""
    store = KeyStore(f"sqlite:///{tmp_path}/keys.db")
    yield store
    store.close()


def _ring(tmp_path: Path, *, grace: float = 900, **fixed: Entry) -> KeyRing:
    return KeyRing(
        f"sqlite:///{tmp_path}/keys.db",
        limit=LIMIT,
        grace_seconds=grace,
        fixed={digest_of(text.encode()): entry for text, entry in fixed.items()},
    )


def _entry(ring: KeyRing, text: str) -> Entry | None:
    return ring.entry(digest_of(text.encode()))


def test_created_and_revoked_keys_are_in_force_after_the_next_reading(store: KeyStore, tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    ring.refresh()
    key, text = store.create("desk", "sales", by="li.wei", stores=["S1"], rate_per_second=4, burst=9)
    assert _entry(ring, text) is None
    ring.refresh()
    entry = _entry(ring, text)
    assert entry is not None and entry.limit == Limit(250_000_000, 9) and not entry.is_local
    assert (entry.caller.key_id, entry.caller.role, entry.caller.stores) == (key.key_id, "sales", {"S1"})
    store.revoke([key.key_id], by="li.wei")
    ring.refresh()
    assert _entry(ring, text) is None


def test_the_thread_follows_within_two_seconds(store: KeyStore, tmp_path: Path) -> None:
    key, text = store.create("desk", "sales", by="li.wei")
    ring = _ring(tmp_path)
    ring.start()
    try:
        assert _entry(ring, text) is not None
        store.revoke([key.key_id], by="li.wei")
        deadline = time.monotonic() + 2
        while _entry(ring, text) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        ring.stop()


def test_known_keys_outlive_an_unreadable_store_for_the_grace_and_unknown_ones_are_503(
    store: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, text = store.create("desk", "sales", by="li.wei")
    own = Entry(Caller("development", "d", "admin", frozenset(), None), LIMIT, tag=1, is_local=True)
    ring = _ring(tmp_path, grace=100, development=own)
    ring.refresh()
    store.close()
    (tmp_path / "keys.db").rename(tmp_path / "away.db")
    now = time.monotonic()
    for seconds, is_valid in ((50, True), (99, True), (101, False)):
        monkeypatch.setattr(key_ring.time, "monotonic", lambda seconds=seconds: now + seconds)
        ring.refresh()
        if is_valid:
            assert _entry(ring, text) is not None
        with pytest.raises(Problem) as refusal:
            _entry(ring, "unknown" if is_valid else text)
        assert (refusal.value.status, refusal.value.code) == (503, "keys_unavailable")
        assert dict(refusal.value.headers) == {b"retry-after": b"5"}
        assert _entry(ring, "development") is own, "the development key is in no store"
    assert caplog.text.count("the key store cannot be read") == 1, "logged once"
    with caplog.at_level(logging.INFO):
        (tmp_path / "away.db").rename(tmp_path / "keys.db")
        ring.refresh()
    assert _entry(ring, text) is not None and "can be read again" in caplog.text


def test_a_restored_file_is_read_anew(store: KeyStore, tmp_path: Path) -> None:
    _, text = store.create("desk", "sales", by="li.wei")
    store.close()
    shutil.copy(tmp_path / "keys.db", tmp_path / "backup.db")
    ring = _ring(tmp_path)
    ring.refresh()
    store.revoke(["desk"], by="li.wei")
    store.close()
    ring.refresh()
    assert _entry(ring, text) is None
    (tmp_path / "backup.db").replace(tmp_path / "keys.db")
    for name in ("keys.db-wal", "keys.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    ring.refresh()
    assert _entry(ring, text) is not None


def test_a_clock_that_is_set_back_does_not_prolong_a_key_and_one_set_forward_ends_it(
    store: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = store.create("desk", "sales", by="li.wei", lifetime=600)
    ring = _ring(tmp_path)
    ring.refresh()
    entry = _entry(ring, text)
    assert entry is not None
    first, now = entry.deadline, time.time_ns()
    assert abs(first - time.monotonic_ns() - 600 * NANOSECONDS) < 5 * NANOSECONDS
    monkeypatch.setattr(key_ring.time, "time_ns", lambda: now - 86_400 * NANOSECONDS)
    store.create("other", "sales", by="li.wei")  # so that the keys are read again
    ring.refresh()
    again = _entry(ring, text)
    assert again is not None and again is not entry and again.deadline == first
    monkeypatch.setattr(key_ring.time, "time_ns", lambda: now + 601 * NANOSECONDS)
    ring.refresh()
    assert again.deadline < time.monotonic_ns()


def test_the_last_use_is_stored(store: KeyStore, tmp_path: Path) -> None:
    _, text = store.create("desk", "sales", by="li.wei")
    store.create("unused", "sales", by="li.wei")
    ring = _ring(tmp_path)
    ring.refresh()
    entry = _entry(ring, text)
    assert entry is not None
    entry.is_used = True
    store.create("another", "sales", by="li.wei")
    ring.refresh()  # a new entry in place of the used one
    ring.stop()
    assert [key.name for key in store.all_keys() if key.last_used_at is not None] == ["desk"]


def test_a_key_with_a_role_of_another_version_is_ignored_and_logged(
    store: KeyStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = store.create("desk", "sales", by="li.wei")
    _, other = store.create("other", "sales", by="li.wei")
    engine = open_store(f"sqlite:///{tmp_path}/keys.db", "keys")
    with writing(engine) as connection:
        connection.execute(sa.update(KEYS).where(KEYS.c.key_id == key.key_id).values(role="barista"))
    engine.dispose()
    ring = _ring(tmp_path)
    ring.refresh()
    assert _entry(ring, text) is None and _entry(ring, other) is not None
    assert f"key {key.key_id} is ignored: role 'barista' is unknown" in caplog.text and text not in caplog.text
