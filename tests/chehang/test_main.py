"""`python -m chehang` is the command line."""

from __future__ import annotations

import json
import sys

import pytest

from ml.registry import TASKS


@pytest.mark.parametrize(("arguments", "code"), [(("tasks", "--json"), 0), (("nonsense",), 2), (("train", "loans"), 1)])
def test_the_module_runs_the_command_line_and_exits_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["chehang", *arguments])
    monkeypatch.delitem(sys.modules, "chehang.__main__", raising=False)
    monkeypatch.setenv("CHEHANG_HOME", "var")
    with pytest.raises(SystemExit) as stop:
        import chehang.__main__  # noqa: F401
    assert stop.value.code == code
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    if code == 0:
        assert [row["task"] for row in json.loads(shown.out)] == list(TASKS)
    else:
        assert arguments[-1] in shown.err
