"""Output that commands of every package share."""

from __future__ import annotations

import json
import sys
from datetime import date
from types import ModuleType

import pytest

from chehang import cli
from ml.terminal import command_group, print_json, progress_printer, user


def test_json_output_is_one_document_without_progress_lines(capsys: pytest.CaptureFixture[str]) -> None:
    progress_printer(quiet=True)("a step")
    print_json({"车": date(2026, 1, 31)})
    output = capsys.readouterr()
    assert json.loads(output.out) == {"车": "2026-01-31"} and "车" in output.out and output.err == ""
    progress_printer(quiet=False)("a step")
    assert "a step" in capsys.readouterr().err


def test_the_person_is_named_by_the_environment_before_the_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_USER", "li.wei")
    assert user() == "li.wei"
    monkeypatch.delenv("CHEHANG_USER")
    monkeypatch.setenv("LOGNAME", "zhao")
    assert user() == "zhao"


def test_a_group_has_commands_below_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def add(left: int, right: int = 1) -> None:
        """Print a sum."""
        print(left + right)

    module = ModuleType("sums")
    module.sums = command_group("Work with sums.", {"add": add})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sums", module)
    group = cli.Command("sums", "Work with sums.").load("sums")
    assert group.main(["add", "2", "--right", "3"], standalone_mode=False) in (None, 0)
    assert capsys.readouterr().out == "5\n"
    group.main(["--help"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "Work with sums." in shown and "Print a sum." in shown
