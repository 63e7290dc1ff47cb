"""The stored API keys: create, list, rotate and revoke them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from features.errors import ConfigError
from serving.doors.key_texts import digest_of, new_key_text
from serving.doors.roles import scopes_of
from serving.stores import open_store, store_errors, writing

MICROSECONDS = 1_000_000
_METADATA = sa.MetaData()
KEYS = sa.Table(
    "api_keys",
    _METADATA,
    sa.Column("key_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("name", "role", "scopes", "stores")),
    sa.Column("rate_per_second", sa.Double),
    sa.Column("burst", sa.Integer),
    sa.Column("digest", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("created_by", sa.Text),
    *(sa.Column(name, sa.BigInteger) for name in ("expires_at", "revoked_at")),
    *(sa.Column(name, sa.Text) for name in ("revoked_by", "replaced_by")),
    sa.Column("last_used_at", sa.BigInteger),
)
REVISION = sa.Table("key_revision", _METADATA, sa.Column("id", sa.Integer), sa.Column("revision", sa.BigInteger))


@dataclass(frozen=True)
class StoredKey:
    """A key without its text; as returned by `KeyStore.all_keys`.

    Attributes
    ----------
    key_id, name, role : str
        Identifier, name for people, and role.
    scopes, stores : tuple of str or None
        Scopes and stores to which the key is limited; None for all of its role, and all stores.
    rate_per_second, burst : float and int or None
        Limits of its own; None for those of the settings.
    digest : str
        SHA-256 of the text, in hexadecimal digits.
    created_at, expires_at, revoked_at, last_used_at : int or None
        Microseconds since 1970; None if it has not happened, or will not.
    created_by, revoked_by : str or None
        Who did it.
    replaced_by : str or None
        Identifier of the key that rotation has put in its place.
    """

    key_id: str
    name: str
    role: str
    scopes: tuple[str, ...] | None
    stores: tuple[str, ...] | None
    rate_per_second: float | None
    burst: int | None
    digest: str
    created_at: int
    created_by: str
    expires_at: int | None
    revoked_at: int | None
    revoked_by: str | None
    replaced_by: str | None
    last_used_at: int | None

    def state(self, now: int) -> str:
        """Return `active`, `expired` or `revoked` at an instant in microseconds since 1970."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at is None or now < self.expires_at else "expired"


class KeyStore:
    """The keys in a database.

    Parameters
    ----------
    url : str
        SQLAlchemy URL, the setting `key_store`.

    Raises
    ------
    ConfigError
        The URL is invalid.
    StoreUnavailable
        The database cannot be opened. Every method raises it, too.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = KeyStore(f"sqlite:///{folder}/keys.db")
    ...     key, text = store.create("desk S0001", "sales", stores=["S0001"], by="li.wei")
    ...     [(k.name, k.role, k.stores) for k in store.all_keys()], text[:4]
    ...     store.close()
    ([('desk S0001', 'sales', ('S0001',))], 'chk_')
    """

    def __init__(self, url: str) -> None:
        self._engine = open_store(url, "keys")

    def close(self) -> None:
        """Close the connections; the next call of a method opens new ones."""
        self._engine.dispose()

    def all_keys(self) -> list[StoredKey]:
        """Return all keys, the oldest first, expired and revoked ones too."""
        return self.read()[1]

    def has_active(self) -> bool:
        """Return whether there is a key that is neither revoked nor expired."""
        now = _now()
        return any(key.state(now) == "active" for key in self.all_keys())

    def read(self) -> tuple[int, list[StoredKey]]:
        """Return the number of the last change, and all keys."""
        with store_errors(self._engine, "keys"), self._engine.connect() as connection:
            rows = connection.execute(sa.select(KEYS).order_by(KEYS.c.created_at, KEYS.c.key_id)).mappings().all()
            revision = connection.execute(sa.select(REVISION.c.revision)).scalar_one()
        return int(revision), [_stored_key(row) for row in rows]

    def revision(self) -> int:
        """Return the number of the last change: it is cheap to read, and grows with every change of a key."""
        with store_errors(self._engine, "keys"), self._engine.connect() as connection:
            return int(connection.execute(sa.select(REVISION.c.revision)).scalar_one())

    def create(
        self,
        name: str,
        role: str,
        *,
        by: str,
        scopes: Sequence[str] = (),
        stores: Sequence[str] = (),
        lifetime: int | None = None,
        rate_per_second: float | None = None,
        burst: int | None = None,
    ) -> tuple[StoredKey, str]:
        """Store a new key, and return it with its text, which is shown only here.

        Parameters
        ----------
        name : str
            Name for people.
        role : str
            One of `serving.doors.roles.ROLES`.
        by : str
            Person who creates it.
        scopes, stores : sequence of str
            Limits; none for all scopes of the role, and all stores.
        lifetime : int, optional
            Seconds after which the key expires.
        rate_per_second, burst : float and int, optional
            Limits of its own in place of those of the settings.

        Raises
        ------
        ConfigError
            The role or a scope is unknown.
        """
        scopes_of(role, scopes)
        values = {
            "name": name,
            "role": role,
            "scopes": json.dumps(list(scopes)) if scopes else None,
            "stores": json.dumps(list(stores)) if stores else None,
            "rate_per_second": rate_per_second,
            "burst": burst,
        }
        with store_errors(self._engine, "keys"), writing(self._engine) as connection:
            return _insert(connection, values, by=by, lifetime=lifetime)

    def rotate(self, key: str, *, by: str, overlap: int) -> tuple[StoredKey, StoredKey, str]:
        """Put a new key in the place of an active one; the old key expires after the overlap.

        The new key has the name, role, limits and lifetime of the old one.

        Parameters
        ----------
        key : str
            Identifier, or a name that one active key has.
        by : str
            Person who does it.
        overlap : int
            Seconds for which the old key remains valid.

        Returns
        -------
        old : StoredKey
        new : StoredKey
        text : str
            The new key's text, which is shown only here.

        Raises
        ------
        ConfigError
            No active key, or several, have this name.
        """
        now = _now()
        with store_errors(self._engine, "keys"), writing(self._engine) as connection:
            old = _active(connection, key, now)
            lifetime = None if old.expires_at is None else (old.expires_at - old.created_at) // MICROSECONDS
            fields = ("name", "role", "rate_per_second", "burst")
            values = {name: getattr(old, name) for name in fields} | {
                name: None if getattr(old, name) is None else json.dumps(getattr(old, name))
                for name in ("scopes", "stores")
            }
            new, text = _insert(connection, values, by=by, lifetime=lifetime)
            ends = min(now + overlap * MICROSECONDS, old.expires_at or now + overlap * MICROSECONDS)
            _change(connection, [old.key_id], expires_at=ends, replaced_by=new.key_id)
            return _read(connection, old.key_id), new, text

    def revoke(self, keys: Sequence[str], *, by: str) -> list[StoredKey]:
        """Revoke keys, all or none: every worker of every server refuses them within two seconds.

        Parameters
        ----------
        keys : sequence of str
            Identifiers, or names that one active key has. A key that is revoked already stays as it is.
        by : str
            Person who does it.

        Raises
        ------
        ConfigError
            No active key, or several, have one of the names.
        """
        now = _now()
        with store_errors(self._engine, "keys"), writing(self._engine) as connection:
            ids = [_key_id(connection, key, now) for key in keys]
            stored = [_read(connection, key_id) for key_id in ids]
            valid = [key.key_id for key in stored if key.revoked_at is None]
            if valid:
                _change(connection, valid, revoked_at=now, revoked_by=by)
            return [_read(connection, key_id) for key_id in ids]

    def record_use(self, key_ids: Collection[str]) -> None:
        """Store that these keys are in use now."""
        change = sa.update(KEYS).where(KEYS.c.key_id.in_(key_ids)).values(last_used_at=_now())
        with store_errors(self._engine, "keys"), writing(self._engine) as connection:
            connection.execute(change)


def _insert(
    connection: sa.Connection, values: Mapping[str, Any], *, by: str, lifetime: int | None
) -> tuple[StoredKey, str]:
    text, now = new_key_text(), _now()
    key_id = f"k_{secrets.token_hex(6)}"
    own = {"key_id": key_id, "digest": digest_of(text.encode()).hex(), "created_at": now, "created_by": by}
    expires_at = None if lifetime is None else now + lifetime * MICROSECONDS
    connection.execute(sa.insert(KEYS).values(**values, **own, expires_at=expires_at))
    _count_change(connection)
    return _read(connection, key_id), text


def _change(connection: sa.Connection, key_ids: Sequence[str], **values: Any) -> None:
    connection.execute(sa.update(KEYS).where(KEYS.c.key_id.in_(key_ids)).values(**values))
    _count_change(connection)


def _count_change(connection: sa.Connection) -> None:
    connection.execute(sa.update(REVISION).values(revision=REVISION.c.revision + 1))


def _read(connection: sa.Connection, key_id: str) -> StoredKey:
    return _stored_key(connection.execute(sa.select(KEYS).where(KEYS.c.key_id == key_id)).mappings().one())


def _active(connection: sa.Connection, key: str, now: int) -> StoredKey:
    stored = _read(connection, _key_id(connection, key, now))
    if stored.state(now) != "active":
        raise ConfigError(f"key {key} is {stored.state(now)}; create a new one with: chehang keys create")
    return stored


def _key_id(connection: sa.Connection, key: str, now: int) -> str:
    """Return the identifier of a key by its identifier or the name of an active key."""
    rows = connection.execute(sa.select(KEYS).where(sa.or_(KEYS.c.key_id == key, KEYS.c.name == key))).mappings().all()
    stored = [_stored_key(row) for row in rows]
    if by_id := [s.key_id for s in stored if s.key_id == key]:
        return by_id[0]
    active = [s.key_id for s in stored if s.state(now) == "active"]
    if len(active) == 1:
        return active[0]
    if active:
        raise ConfigError(f"several active keys have the name '{key}': {', '.join(active)}; give the identifier of one")
    raise ConfigError(f"there is no active key '{key}'; chehang keys list shows identifiers and names")


def _stored_key(row: Mapping[Any, Any]) -> StoredKey:
    lists = {n: None if row[n] is None else tuple(json.loads(row[n])) for n in ("scopes", "stores")}
    return StoredKey(**{**row, **lists})


def _now() -> int:
    return time.time_ns() // 1_000
