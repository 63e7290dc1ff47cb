"""Run the command line from tests."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from chehang import cli


def chehang(*arguments: str, home: Path, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which saves the imports, most of the time of a short command."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        mock.patch.dict(os.environ, _environment(home, environment), clear=True),
        mock.patch.object(sys, "argv", ["chehang", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as e:
            code = e.code
        except Exception:
            traceback.print_exc()
            code = 1
    assert isinstance(code, int)
    return _checked(
        subprocess.CompletedProcess(["chehang", *arguments], code, out.getvalue(), err.getvalue()), check=check
    )


def chehang_apart(
    *arguments: str, home: Path, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return _checked(python("-m", "chehang", *arguments, home=home, seconds=300, **environment), check=check)


def python(
    *arguments: str, home: Path, seconds: float = 90, before: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own; `before` is called in it first."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=_environment(home, environment),
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def _environment(home: Path, changed: dict[str, str]) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    return environment | {"CHEHANG_HOME": str(home), "OMP_NUM_THREADS": "1", **changed}


def _checked(process: subprocess.CompletedProcess[str], *, check: bool) -> subprocess.CompletedProcess[str]:
    if check and process.returncode:
        raise AssertionError(f"{' '.join(process.args)} failed: {process.stderr}")
    return process
