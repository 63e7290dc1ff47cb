"""`chehang serve` becomes the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.commands.serve import serve
from serving.settings import Settings
from tests.commands import python


def test_the_process_becomes_the_server_with_all_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    becomes: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: becomes.append((path, command)))
    context: Any = SimpleNamespace(args=["--port", "9000", "--workers", "2"])
    serve(context)
    assert becomes == [(sys.executable, [sys.executable, "-m", "serving", "--port", "9000", "--workers", "2"])]


def test_the_help_lists_the_settings(tmp_path: Path) -> None:
    done = python("-m", "chehang", "serve", "--help", home=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')} " in done.stdout
