"""`chehang serve` becomes the server."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from serving.commands.serve import serve


def test_the_process_becomes_the_server_with_all_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    becomes: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: becomes.append((path, command)))
    context: Any = SimpleNamespace(args=["--port", "9000", "--workers", "2"])
    serve(context)
    assert becomes == [(sys.executable, [sys.executable, "-m", "serving", "--port", "9000", "--workers", "2"])]
