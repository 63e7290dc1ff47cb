"""`chehang keys`: create, list, rotate and revoke API keys."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from features.errors import ConfigError
from ml.terminal import AsJson, err, out, print_json, user
from serving.doors.key_store import MICROSECONDS, KeyStore, StoredKey
from serving.doors.roles import ROLES
from serving.settings import load_settings

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MAX_DAYS = 3_650

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")]
By = Annotated[str | None, typer.Option(help="Person who does it; default: CHEHANG_USER or the login name.")]
Names = Annotated[list[str], typer.Argument(metavar="KEY...", help="Identifiers, or names of active keys.")]
Role = Annotated[str, typer.Option(help=f"One of: {', '.join(ROLES)}.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="Scope of the role; repeat it. Default: all.")]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Store of the key; repeat it. Default: all stores.")]
Lifetime = Annotated[str | None, typer.Option("--expires-in", help="Such as 90d or 12h. Default: never.")]
Rate = Annotated[float | None, typer.Option(help="Requests per second. Default: key_rate of the settings.")]
Burst = Annotated[int | None, typer.Option(help="Requests at once after a pause. Default: key_burst of the settings.")]
Overlap = Annotated[str, typer.Option(help="Time for which the old key remains valid, such as 7d or 0s.")]
All = Annotated[bool, typer.Option("--all", help="Expired and revoked keys, too.")]


def create(
    name: Annotated[str, typer.Argument(help="Name for people, such as 'desk S0001'.")],
    role: Role,
    scope: Scopes = None,
    store: Stores = None,
    expires_in: Lifetime = None,
    rate: Rate = None,
    burst: Burst = None,
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Create a key, and print it: it is shown only once."""
    _check_name(name)
    if rate is not None and not 0 < rate <= 1_000_000:
        raise ConfigError(f"--rate: must be above 0 and at most 1,000,000, got {rate:g}")
    if burst is not None and not 1 <= burst <= 1_000_000:
        raise ConfigError(f"--burst: must be from 1 to 1,000,000, got {burst}")
    lifetime = None if expires_in is None else _seconds(expires_in, "--expires-in")
    if lifetime == 0:
        raise ConfigError("--expires-in: must be above 0")
    key, text = _key_store(config).create(
        name,
        role,
        by=by or user(),
        scopes=scope or (),
        stores=store or (),
        lifetime=lifetime,
        rate_per_second=rate,
        burst=burst,
    )
    _print_new(key, text, as_json=as_json)


def list_keys(every: All = False, config: Config = None, as_json: AsJson = False) -> None:
    """List the keys with role, limits, expiry and last use; never their texts."""
    now = time.time_ns() // 1_000
    keys = [k for k in _key_store(config).all_keys() if every or k.state(now) == "active"]
    if as_json:
        return print_json([_content(key, now) for key in keys])
    table = Table("key", "name", "role", "stores", "scopes", "state", "created", "expires", "last used", box=None)
    for key in keys:
        limits = (", ".join(key.stores or ("all",)), ", ".join(key.scopes or ("all of the role",)))
        times = (_time(key.created_at), _time(key.expires_at), _time(key.last_used_at))
        table.add_row(key.key_id, key.name, key.role, *limits, key.state(now), *(t or "-" for t in times))
    out.print(table if keys else "there is no key; create one with: chehang keys create NAME --role ROLE")


def rotate(
    key: Annotated[str, typer.Argument(help="Identifier, or name of an active key.")],
    overlap: Overlap = "7d",
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Create a key in the place of another one, which expires after an overlap."""
    old, new, text = _key_store(config).rotate(key, by=by or user(), overlap=_seconds(overlap, "--overlap"))
    err.print(f"{old.key_id} is valid until {_time(old.expires_at)}", soft_wrap=True)
    _print_new(new, text, as_json=as_json, replaces=old.key_id)


def revoke(keys: Names, by: By = None, config: Config = None, as_json: AsJson = False) -> None:
    """Revoke keys: every running server refuses them within two seconds."""
    revoked = _key_store(config).revoke(keys, by=by or user())
    now = time.time_ns() // 1_000
    if as_json:
        return print_json([_content(key, now) for key in revoked])
    for key in revoked:
        out.print(f"{key.key_id} ({key.name}) is revoked since {_time(key.revoked_at)} by {key.revoked_by}")


keys = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Create, list, rotate and revoke the API keys of the service.",
)
keys.command("create")(create)
keys.command("list")(list_keys)
keys.command("rotate")(rotate)
keys.command("revoke")(revoke)


def _key_store(config: Path | None) -> KeyStore:
    return KeyStore(load_settings(config).key_store)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise ConfigError("NAME: must be 1 to 100 printable characters")


def _seconds(text: str, option: str) -> int:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else -1
    if not 0 <= seconds <= MAX_DAYS * _UNITS["d"]:
        raise ConfigError(f"{option}: must be a number with s, m, h or d, at most {MAX_DAYS}d, got '{text}'; write 90d")
    return seconds


def _print_new(key: StoredKey, text: str, *, as_json: bool, replaces: str | None = None) -> None:
    """Print the key itself on standard output, so that a script can read it, and the rest on standard error."""
    if as_json:
        more = {} if replaces is None else {"replaces": replaces}
        return print_json({**_content(key, key.created_at), **more, "key": text})
    until = _time(key.expires_at) or "revoked"
    err.print(
        f"key {key.key_id} ({key.name}, {key.role}), valid until {until}; it is shown only this once:",
        soft_wrap=True,
    )
    out.print(text, soft_wrap=True)


def _content(key: StoredKey, now: int) -> dict[str, Any]:
    instants = ("created_at", "expires_at", "revoked_at", "last_used_at")
    names = ("key_id", "name", "role", "scopes", "stores", "rate_per_second", "burst", "created_by", "revoked_by")
    return {
        **{name: getattr(key, name) for name in (*names, "replaced_by")},
        **{name: _time(getattr(key, name)) for name in instants},
        "state": key.state(now),
    }


def _time(instant: int | None) -> str | None:
    return (
        None if instant is None else datetime.fromtimestamp(instant // MICROSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
