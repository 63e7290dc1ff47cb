"""Open the doors of a server by its settings, and refuse to open them to everyone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from ipaddress import ip_address

from features.errors import ConfigError
from serving.doors.admission import Admission
from serving.doors.caller import Caller
from serving.doors.key_ring import Entry, KeyRing, Limit
from serving.doors.key_store import KeyStore
from serving.doors.key_texts import digest_of, is_key_text, new_key_text, tag_of
from serving.doors.roles import ROLES
from serving.doors.sessions import SECRET_VARIABLE, Sessions
from serving.doors.tokens import Tokens
from serving.settings import Settings
from serving.shared_file import SharedFile

DEVELOPMENT_KEY = "CHEHANG_DEVELOPMENT_KEY"
MIN_SECRET_BYTES = 32
MAKE_SECRET = "openssl rand -hex 32"


def development_key(settings: Settings, *, environment: Mapping[str, str] = os.environ) -> str | None:
    """Check that the doors of a server would not be open to everyone, and return its development key.

    `python -m serving` calls it once, before the workers start.

    Parameters
    ----------
    settings : Settings
        As returned by `serving.settings.load_settings`.
    environment : mapping
        `CHEHANG_DEVELOPMENT_KEY` is the key, if it is set.

    Returns
    -------
    str or None
        The text of the key: that of the environment, or a new one if the server listens on a loopback address and
        nothing else could be used. None if there are keys in the store, or an issuer of tokens.

    Raises
    ------
    ConfigError
        The server listens on another interface and there is no key, or the doors are off, or it has a development key;
        or a setting is invalid.
    StoreUnavailable
        The key store cannot be opened.

    Examples
    --------
    >>> from serving.settings import Settings
    >>> development_key(Settings(host="0.0.0.0", doors=False))
    Traceback (most recent call last):
    features.errors.ConfigError: doors: false would open the service to everyone who reaches 0.0.0.0; ...
    """
    is_loopback = is_loopback_host(settings.host)
    _check_settings(settings, is_loopback=is_loopback)
    if not settings.doors:
        return None
    text = environment.get(DEVELOPMENT_KEY)
    if text:
        _check_development_key(text, settings.host, is_loopback=is_loopback)
        return text
    if settings.jwt_issuer is not None or _has_keys(settings.key_store):
        return None
    if not is_loopback:
        raise ConfigError(
            f"host {settings.host}: there is no key, and nobody could call the service; create one first with: chehang "
            "keys create NAME --role admin, or set jwt_issuer and jwt_audience"
        )
    return new_key_text()


def open_doors(
    settings: Settings, shared: SharedFile, *, environment: Mapping[str, str] = os.environ
) -> Admission | None:
    """Return the doors of one worker; call their `start`. None without doors.

    Parameters
    ----------
    settings : Settings
        As returned by `serving.settings.load_settings`.
    shared : SharedFile
        Memory of all workers of the server.
    environment : mapping
        `CHEHANG_DEVELOPMENT_KEY` is the key of this server alone, if it is set.

    Raises
    ------
    ConfigError
        As `development_key`, of which this is the check in a worker that was started in another way.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from serving.settings import Settings
    >>> with TemporaryDirectory() as folder:
    ...     open_doors(Settings(doors=False), SharedFile(Path(folder) / "shared.bin")) is None
    True
    """
    is_loopback = is_loopback_host(settings.host)
    _check_settings(settings, is_loopback=is_loopback)
    if not settings.doors:
        return None
    limit = Limit.of(settings.key_rate, settings.key_burst)
    fixed = {}
    if text := environment.get(DEVELOPMENT_KEY):
        _check_development_key(text, settings.host, is_loopback=is_loopback)
        caller = Caller("development", "development", "admin", ROLES["admin"], None)
        no_limit = Limit(0, 0)
        fixed[digest_of(text.encode())] = Entry(caller, no_limit, tag=tag_of("key", "development"), is_local=True)
    keys = KeyRing(settings.key_store, limit=limit, grace_seconds=settings.key_grace_seconds, fixed=fixed)
    return Admission(keys, _tokens(settings, limit), shared, _sessions(settings, environment))


def _sessions(settings: Settings, environment: Mapping[str, str]) -> Sessions:
    """Return the sessions of the desk; without a secret in the environment each worker has its own."""
    secret = environment.get(SECRET_VARIABLE, "").encode() or secrets.token_bytes(32)
    if len(secret) < MIN_SECRET_BYTES:
        text = f"must have at least {MIN_SECRET_BYTES} characters; make one with: {MAKE_SECRET}"
        raise ConfigError(f"{SECRET_VARIABLE} {text}")
    return Sessions(secret, idle_seconds=settings.desk_idle_minutes * 60, key_store=settings.key_store)


def _tokens(settings: Settings, limit: Limit) -> Tokens | None:
    if settings.jwt_issuer is None or settings.jwt_audience is None:
        return None
    return Tokens(
        settings.jwt_issuer,
        settings.jwt_audience,
        role_claim=settings.jwt_role_claim,
        stores_claim=settings.jwt_stores_claim,
        limit=limit,
    )


def _check_settings(settings: Settings, *, is_loopback: bool) -> None:
    if not settings.doors and not is_loopback:
        raise ConfigError(
            f"doors: false would open the service to everyone who reaches {settings.host}; use host 127.0.0.1, or "
            "doors: true"
        )
    if (settings.jwt_issuer is None) != (settings.jwt_audience is None):
        missing = "jwt_audience" if settings.jwt_audience is None else "jwt_issuer"
        raise ConfigError(f"{missing} is missing: tokens need jwt_issuer and jwt_audience; set both or neither")
    if settings.jwt_issuer is not None:
        _tokens(settings, Limit(0, 0))  # checks the URL


def _check_development_key(text: str, host: str, *, is_loopback: bool) -> None:
    if not is_loopback:
        raise ConfigError(
            f"{DEVELOPMENT_KEY} is set, and is for a loopback address only, got host {host}; unset it, and use chehang "
            "keys create"
        )
    if not is_key_text(text):
        raise ConfigError(
            f"{DEVELOPMENT_KEY} must be chk_ and 43 characters of base64url; unset it, and a new key is made and "
            "printed at each start"
        )


def _has_keys(url: str) -> bool:
    store = KeyStore(url)
    try:
        return store.has_active()
    finally:
        store.close()


def is_loopback_host(host: str) -> bool:
    """Return whether only programs of this machine reach an address.

    >>> is_loopback_host("127.0.0.1"), is_loopback_host("localhost"), is_loopback_host("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
