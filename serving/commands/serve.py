"""`chehang serve`."""

from __future__ import annotations

import os
import sys

import typer


def serve(context: typer.Context) -> None:
    """Serve the champions over HTTP; stops on Ctrl-C. Options are those of: python -m serving --help."""
    # This process becomes the server, so that a signal sent to it stops the server and its workers.
    os.execv(sys.executable, [sys.executable, "-m", "serving", *context.args])
