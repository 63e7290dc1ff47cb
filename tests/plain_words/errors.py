"""Error messages as the quick tests provoke them: a plugin of pytest records them, one for each place that raises."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.errors import ChehangError
from tests.conftest import ROOT

SIZE = 30
PACKAGES = ("features", "ml", "training", "serving", "chehang")
FOLDER = "PLAIN_WORDS_FOLDER"


def draw(rng: random.Random) -> list[str]:
    """Run the quick tests, and return thirty messages of thirty places of the product."""
    with tempfile.TemporaryDirectory() as folder:
        tests = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-m", "not slow", "-p", __name__]
        subprocess.run(tests, cwd=ROOT, env={**os.environ, FOLDER: folder}, stdout=sys.stderr, check=False)
        messages = dict(_recorded(Path(folder)))
    return [f"{place.split(':')[0]}\n{messages[place]}" for place in rng.sample(sorted(messages), SIZE)]


def _recorded(folder: Path) -> Iterator[tuple[str, str]]:
    lines = sorted(line for path in folder.iterdir() for line in path.read_text(encoding="utf-8").splitlines())
    yield from (tuple(json.loads(line)) for line in lines)


def pytest_configure(config: pytest.Config) -> None:
    """Record what is raised as a `ChehangError`, and what `pytest.raises` meets."""
    construct, leave = ChehangError.__init__, pytest.RaisesExc.__exit__

    def constructed(error: ChehangError, *parts: Any) -> None:
        construct(error, *parts)
        _record(traceback.extract_stack()[:-1], str(error))

    def left(context: Any, kind: Any, error: Any, where: Any) -> bool:
        if isinstance(error, Exception):
            _record(traceback.extract_tb(where), str(error))
        return leave(context, kind, error, where)

    ChehangError.__init__ = constructed  # type: ignore[method-assign, assignment]
    pytest.RaisesExc.__exit__ = left  # type: ignore[method-assign, assignment]


def _record(stack: list[traceback.FrameSummary], message: str) -> None:
    """Write a message below the place of the product that raises it; what the tests raise has none."""
    frame = stack[-1]
    path = Path(frame.filename)
    if frame.name == "__init__" and len(stack) > 1:
        frame, path = stack[-2], Path(stack[-2].filename)
    if message and path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES:
        place = f"{path.relative_to(ROOT).as_posix()}:{frame.lineno}"
        with (Path(os.environ[FOLDER]) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps([place, message]) + "\n")
