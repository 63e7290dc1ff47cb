"""`chehang serve`."""

from __future__ import annotations

import os
import sys

import typer


def serve(context: typer.Context) -> None:
    """Serve the champions over HTTP; Ctrl-C stops it."""
    # The server replaces this process, so that a signal to it stops the server and its workers.
    os.execv(sys.executable, [sys.executable, "-m", "serving", *context.args])
