"""Keys of the report have their history, and no text or digest."""

from __future__ import annotations

from pathlib import Path

from serving.audit.key_section import key_section
from serving.doors.key_store import KeyStore
from tests.serving.audit.content import ALL_TIME


def test_created_and_revoked_keys_are_listed(tmp_path: Path) -> None:
    store = KeyStore(f"sqlite:///{tmp_path}/keys.db")
    key, text = store.create("desk S0001", "sales", stores=["S0001"], by="li.wei")
    (row,) = key_section(store.all_keys(), ALL_TIME).rows
    store.close()
    assert (row["key"], row["name"], row["role"], row["stores"]) == (key.key_id, "desk S0001", "sales", "S0001")
    assert row["created_by"] == "li.wei" and row["revoked"] is None and row["scopes"] is None
    assert text not in str(row) and key.digest not in str(row)
