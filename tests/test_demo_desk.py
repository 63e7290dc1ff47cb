"""How the demo ends: keys of its people, the variables of `make serve`, and the table of log-ins."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

import demo
import demo_desk
from demo_desk import PEOPLE, LogIn, create_keys, new_log_keys, open_browser, print_desk, write_environment
from serving.decisions.log_keys import log_keys
from serving.doors.roles import ROLES
from tests.conftest import ROOT

KEY = "chk_" + "x" * 43


def test_each_role_that_may_log_in_has_a_person_and_finance_has_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys come from the ordinary command."""
    commands = []

    def run(command: list[str], **options: Any) -> Any:
        commands.append(command[1:])
        return SimpleNamespace(stdout=json.dumps({"key": KEY}))

    monkeypatch.setattr(subprocess, "run", run)
    log_ins = create_keys({"CHEHANG_HOME": "/x"})
    roles = [person.role for person in log_ins]
    assert {role for role, scopes in ROLES.items() if "desk" in scopes} - {"admin"} == set(roles)
    assert roles.count("finance_officer") == 2
    assert commands[0] == ["-m", "chehang", "keys", "create", PEOPLE[0][0], "--role", "finance_officer", "--by", "demo",
                           "--json"]  # fmt: skip


def test_the_variables_are_read_by_a_shell_and_by_nobody_else(tmp_path: Path) -> None:
    """Also from a folder whose name has a blank and a quote; the log keys are valid."""
    path = tmp_path / "desk.env"
    path.write_text("old")
    path.chmod(0o644)
    values = {"CHEHANG_HOME": str(tmp_path / "my 'demo'"), "CHEHANG_LOG_KEYS": new_log_keys()}
    write_environment(path, values)
    assert path.stat().st_mode & 0o777 == 0o600
    script = f'set -a; . "{path}"; printf "%s\\n%s" "$CHEHANG_HOME" "$CHEHANG_LOG_KEYS"'
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={})
    assert result.stdout.split("\n") == list(values.values())
    assert log_keys(values) is not None


@pytest.mark.parametrize("is_running", [True, False])
def test_the_table_shows_whole_keys_and_the_address(is_running: bool) -> None:
    """A narrow terminal cuts none."""
    screen = io.StringIO()
    out = Console(file=screen, width=80)
    people = [LogIn(name, role, what, KEY) for name, role, what in PEOPLE]
    print_desk(out, people, "http://127.0.0.1:8080", is_running=is_running)
    text = screen.getvalue()
    assert text.count(KEY) == len(PEOPLE)
    assert "http://127.0.0.1:8080/desk" in text
    assert ("make serve" in text) is not is_running


def test_without_a_screen_no_browser_is_opened_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, a browser that fails is no error."""
    addresses: list[str] = []

    def show(url: str) -> bool:
        addresses.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert (open_browser("http://h"), addresses) == (False, [])
    monkeypatch.setenv("DISPLAY", ":0")
    assert (open_browser("http://h"), addresses) == (True, ["http://h/desk"])


def test_make_serve_uses_the_variables_of_the_demo_unless_a_home_is_named(tmp_path: Path) -> None:
    """The recipe of the Makefile, with a command that prints its environment."""
    recipe = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "chehang serve" in line)
    script = (
        recipe.strip().removeprefix("@").replace("$$", "$").replace("exec $(BIN)/chehang serve", "echo $CHEHANG_HOME")
    )
    (tmp_path / "var" / "demo").mkdir(parents=True)
    write_environment(tmp_path / "var" / "demo" / demo_desk.ENVIRONMENT_FILE, {"CHEHANG_HOME": "/demo"})
    for variables, home in (({}, "/demo"), ({"CHEHANG_HOME": "/own"}, "/own")):
        environment = {"PATH": os.environ["PATH"], **variables}
        result = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert result.stdout.strip() == home


def test_the_server_of_the_demo_has_the_same_variables_as_that_of_make_serve() -> None:
    """Otherwise it could not read the personal fields that the demo has written."""
    variables = demo._own_variables()
    assert set(variables) == {"CHEHANG_HOME", "CHEHANG_DEVELOPMENT_KEY", "CHEHANG_LOG_KEYS"}
    assert variables.items() <= demo._environment().items()
