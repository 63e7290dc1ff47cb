"""What may be opened: no open door on another interface, and a development key on loopback alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from features.errors import ConfigError
from serving.doors.key_store import KeyStore
from serving.doors.key_texts import is_key_text
from serving.doors.opening import DEVELOPMENT_KEY, development_key, open_doors
from serving.settings import Settings
from serving.shared_file import SharedFile
from tests.serving.running import DEVELOPMENT_KEY as KEY

ISSUER = {"jwt_issuer": "https://login.example", "jwt_audience": "chehang"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    monkeypatch.delenv(DEVELOPMENT_KEY, raising=False)


def _key(environment: dict[str, str] | None = None, **settings: Any) -> str | None:
    return development_key(Settings(**settings), environment=environment or {})


def test_on_loopback_a_new_key_is_made_unless_there_is_another_way_in(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        first, second = _key(host=host), _key(host=host)
        assert first is not None and second is not None and is_key_text(first) and first != second
    assert _key({DEVELOPMENT_KEY: KEY}) == KEY
    assert _key(**ISSUER) is None
    store = KeyStore(f"sqlite:///{tmp_path}/keys.db")
    store.create("desk", "sales", by="li.wei")
    assert _key() is None
    store.revoke(["desk"], by="li.wei")
    assert _key() is not None, "revoked keys open nothing"
    store.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "shop.example", ""])
def test_on_another_interface_a_key_or_an_issuer_is_needed(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chehang keys create NAME --role admin"):
        _key(host=host)
    with pytest.raises(ConfigError, match=f"{DEVELOPMENT_KEY} is set, and is for a loopback address only"):
        _key({DEVELOPMENT_KEY: KEY}, host=host)
    assert _key(host=host, **ISSUER) is None
    store = KeyStore(f"sqlite:///{tmp_path}/keys.db")
    store.create("desk", "sales", by="li.wei")
    store.close()
    assert _key(host=host) is None


def test_doors_are_off_on_loopback_alone_whoever_starts_the_worker(tmp_path: Path) -> None:
    shared = SharedFile(tmp_path / "shared.bin")
    assert _key(doors=False) is None and open_doors(Settings(doors=False), shared, environment={}) is None
    for check in (_key, lambda **settings: open_doors(Settings(**settings), shared, environment={})):
        with pytest.raises(ConfigError, match="doors: false would open the service to everyone who reaches"):
            check(host="0.0.0.0", doors=False)
        with pytest.raises(ConfigError, match="jwt_audience is missing"):
            check(jwt_issuer="https://login.example")
        with pytest.raises(ConfigError, match="jwt_issuer is missing"):
            check(jwt_audience="chehang")
        with pytest.raises(ConfigError, match="jwt_issuer: must be an https URL"):
            check(jwt_issuer="http://login.example", jwt_audience="chehang")


def test_a_development_key_is_no_password() -> None:
    with pytest.raises(ConfigError, match="must be chk_ and 43 characters of base64url") as refusal:
        _key({DEVELOPMENT_KEY: "letmein"})
    assert "letmein" not in str(refusal.value)


def test_the_doors_of_a_worker_know_the_development_key(tmp_path: Path) -> None:
    shared = SharedFile(tmp_path / "shared.bin")
    doors = open_doors(Settings(), shared, environment={DEVELOPMENT_KEY: KEY})
    assert doors is not None
    pairs = [(b"authorization", f"Bearer {KEY}".encode())]
    scope = {"method": "GET", "path": "/metrics", "query_string": b"", "headers": pairs, "server": ("127.0.0.1", 1)}
    caller = doors.admit(scope, dict(pairs))
    assert caller is not None and (caller.key_id, caller.role, caller.stores) == ("development", "admin", None)
