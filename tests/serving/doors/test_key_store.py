"""Stored keys: no text at rest, rotation with an overlap, revocation, and names that fit several keys."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.doors.key_store import MICROSECONDS, KeyStore
from serving.stores import StoreUnavailable


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    """Return an empty store."""
    return KeyStore(f"sqlite:///{tmp_path}/keys.db")


def test_the_files_never_hold_the_text_of_a_key(store: KeyStore, tmp_path: Path) -> None:
    _, text = store.create("desk", "sales", by="li.wei")
    store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"desk" in content and text.encode() not in content and text[4:].encode() not in content
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}, "readable by the owner alone"


def test_rotation_ends_the_old_key_after_the_overlap_and_keeps_its_limits(store: KeyStore) -> None:
    before, text = store.create(
        "desk", "sales", by="li.wei", scopes=["loans"], stores=["S1"], lifetime=1_000, rate_per_second=2, burst=5
    )
    old, new, new_text = store.rotate("desk", by="wang.fang", overlap=60)
    assert text != new_text and old.digest == before.digest != new.digest
    assert old.expires_at is not None and abs(old.expires_at - time.time_ns() // 1_000 - 60 * MICROSECONDS) < 5_000_000
    assert new.expires_at == new.created_at + 1_000 * MICROSECONDS, "the lifetime begins anew"
    same = ("name", "role", "scopes", "stores", "rate_per_second", "burst")
    assert [getattr(new, n) for n in same] == [getattr(before, n) for n in same] and new.created_by == "wang.fang"


def test_an_overlap_does_not_prolong_a_key(store: KeyStore) -> None:
    before, _ = store.create("desk", "sales", by="li.wei", lifetime=30)
    assert store.rotate(before.key_id, by="li.wei", overlap=600)[0].expires_at == before.expires_at


def test_a_name_of_several_keys_or_of_none_is_refused(store: KeyStore) -> None:
    first, _ = store.create("desk", "sales", by="li.wei")
    second, _ = store.create("desk", "sales", by="li.wei")
    with pytest.raises(ConfigError, match=f"several active keys have the name 'desk': {first.key_id}, {second.key_id}"):
        store.revoke(["desk"], by="li.wei")
    store.revoke([second.key_id], by="li.wei")
    assert store.revoke(["desk"], by="wang.fang")[0].key_id == first.key_id
    with pytest.raises(ConfigError, match="there is no active key 'desk'; chehang keys list"):
        store.revoke(["desk"], by="li.wei")


def test_a_revocation_of_several_is_all_or_none_and_keeps_who_revoked_first(store: KeyStore) -> None:
    first, _ = store.create("one", "sales", by="li.wei")
    with pytest.raises(ConfigError):
        store.revoke([first.key_id, "none"], by="li.wei")
    assert store.has_active()
    store.revoke([first.key_id], by="li.wei")
    assert store.revoke([first.key_id], by="wang.fang")[0].revoked_by == "li.wei" and not store.has_active()
    with pytest.raises(ConfigError, match=f"key {first.key_id} is revoked; create a new one"):
        store.rotate(first.key_id, by="li.wei", overlap=0)


def test_a_damaged_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreUnavailable, match=r"keys store: .*keys\.db cannot be used: file is not a database"):
        KeyStore(f"sqlite:///{tmp_path}/keys.db")


def test_every_change_counts_and_a_use_does_not(store: KeyStore, tmp_path: Path) -> None:
    key, _ = store.create("desk", "sales", by="li.wei")
    revision = store.revision()
    store.record_use([key.key_id])
    assert store.revision() == revision and store.all_keys()[0].last_used_at is not None
    store.revoke(["desk"], by="li.wei")
    assert store.revision() > revision
    rows = sqlite3.connect(tmp_path / "keys.db").execute("SELECT count(*) FROM api_keys").fetchall()
    assert rows == [(1,)], "a revoked key stays, for those who ask who had access"
