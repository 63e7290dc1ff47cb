"""Output that commands of every package share."""

from __future__ import annotations

import json
from datetime import date

import pytest

from ml.terminal import print_json, progress_printer, user


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
