"""`chehang keys`: the text is printed once, lists never show it, and errors are one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from serving.commands.keys import keys
from serving.doors.key_texts import digest_of, is_key_text
from tests.commands import chehang


def _json(*arguments: str, home: Path) -> Any:
    return json.loads(chehang("keys", *arguments, "--json", home=home).stdout)


def test_all_commands_are_listed() -> None:
    assert [command.name for command in keys.registered_commands] == ["create", "list", "rotate", "revoke"]


def test_the_life_of_a_key(tmp_path: Path) -> None:
    create = ("create", "desk S0001", "--role", "sales", "--store", "S0001", "--scope", "loans", "--expires-in", "90d")
    created = _json(*create, "--rate", "2.5", "--burst", "7", "--by", "li.wei", home=tmp_path)
    assert is_key_text(created["key"]) and created["created_by"] == "li.wei" and created["state"] == "active"
    assert (created["stores"], created["scopes"]) == (["S0001"], ["loans"])
    assert (created["rate_per_second"], created["burst"]) == (2.5, 7)

    rotated = _json("rotate", "desk S0001", "--overlap", "1h", home=tmp_path)
    assert rotated["replaces"] == created["key_id"] and rotated["key"] != created["key"]
    listed = _json("list", home=tmp_path)
    assert [k["key_id"] for k in listed] == [created["key_id"], rotated["key_id"]] and "key" not in listed[0]
    assert listed[0]["replaced_by"] == rotated["key_id"] and listed[0]["expires_at"] < listed[1]["expires_at"]

    revoked = _json("revoke", created["key_id"], rotated["key_id"], "--by", "wang.fang", home=tmp_path)
    assert [k["state"] for k in revoked] == ["revoked"] * 2 and revoked[0]["revoked_by"] == "wang.fang"
    assert _json("list", home=tmp_path) == [] and len(_json("list", "--all", home=tmp_path)) == 2
    stored = (tmp_path / "keys.db").read_bytes() + (tmp_path / "keys.db-wal").read_bytes()
    assert digest_of(created["key"].encode()).hex().encode() in stored and created["key"].encode() not in stored


def test_standard_output_is_the_key_alone_so_that_a_script_can_read_it(tmp_path: Path) -> None:
    done = chehang("keys", "create", "shop", "--role", "storefront", home=tmp_path)
    assert is_key_text(done.stdout.strip()) and "valid until revoked" in done.stderr
    assert done.stdout.strip() not in done.stderr
    table = chehang("keys", "list", home=tmp_path).stdout
    assert "shop" in table and "storefront" in table and done.stdout.strip() not in table
    assert "is revoked since" in chehang("keys", "revoke", "shop", home=tmp_path).stdout
    assert "there is no key; create one" in chehang("keys", "list", home=tmp_path).stdout


def test_a_name_is_printed_as_it_is(tmp_path: Path) -> None:
    name = "desk [bold]1[/bold] :100:"
    assert name in chehang("keys", "create", name, "--role", "sales", home=tmp_path).stderr
    assert name in chehang("keys", "list", home=tmp_path).stdout
    assert name in chehang("keys", "revoke", name, home=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "x", "--role", "sale"), "role 'sale' is unknown; did you mean sales?"),
        (("create", "x", "--role", "sales", "--scope", "metrics"), "the role sales does not have it"),
        (("create", " ", "--role", "sales"), "NAME: must be 1 to 100 printable characters"),
        (
            ("create", "x", "--role", "sales", "--expires-in", "soon"),
            "--expires-in: must be a number with s, m, h or d",
        ),
        (("create", "x", "--role", "sales", "--expires-in", "0d"), "--expires-in: must be above 0"),
        (("create", "x", "--role", "sales", "--rate", "0"), "--rate: must be above 0"),
        (("create", "x", "--role", "sales", "--burst", "0"), "--burst: must be from 1"),
        (("rotate", "x"), "there is no active key 'x'"),
        (("revoke", "x"), "there is no active key 'x'"),
    ],
)
def test_an_error_is_one_line_and_creates_nothing(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = chehang("keys", *arguments, home=tmp_path, check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert _json("list", "--all", home=tmp_path) == []


def test_the_store_of_the_settings_is_used_and_its_password_never_shown(tmp_path: Path) -> None:
    chehang("keys", "create", "x", "--role", "sales", home=tmp_path, CHEHANG_KEY_STORE=f"sqlite:///{tmp_path}/own.db")
    assert (tmp_path / "own.db").exists() and not (tmp_path / "keys.db").exists()
    url = "postgresql://chehang:geheim@127.0.0.1:9/keys"
    done = chehang("keys", "list", home=tmp_path, check=False, CHEHANG_KEY_STORE=url)
    assert done.returncode == 1 and "keys store" in done.stderr and "geheim" not in done.stderr
