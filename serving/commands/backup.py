"""`chehang backup`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ml.home import home
from ml.terminal import AsJson, out, print_json, progress_printer
from serving.settings import load_settings

SECONDS = 5.0  # between two lines of progress


def backup(
    file: Annotated[Path, typer.Argument(help="Archive to write, such as /backup/2026-03-01.tar.gz; must not exist.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the home folder and the configurations into one archive, while the service runs."""
    settings = load_settings(config)
    from serving.backup.sources import sources_of
    from serving.backup.writing import back_up

    result = back_up(sources_of(home(), settings), file, progress=percentages(progress_printer(as_json)))
    if as_json:
        return print_json({**asdict(result), "path": str(result.path)})
    out.print(f"{result.path}: {result.files:,} files, {result.bytes / 1e6:,.1f} MB", soft_wrap=True)
    out.print(f"SHA-256 {result.sha256}", soft_wrap=True)
    if result.head:
        out.print(f"decision log up to {result.head}", soft_wrap=True)
    out.print(
        "Note both elsewhere. The archive has no keys of the environment (CHEHANG_LOG_KEYS): keep them elsewhere too, "
        "without them personal parts of the decision log stay unreadable. Other files are as in the home: protect it "
        "like the home.",
        soft_wrap=True,
    )
    for name, path in result.moved.items():
        out.print(f"{path}: becomes {name} in the restored home", soft_wrap=True)
    for store in result.external:
        out.print(f"not in the archive: {store.name}; run {store.when} each backup: {store.command}", soft_wrap=True)


def percentages(show: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return a function that shows the share of the bytes that are done, every five seconds.

    Parameters
    ----------
    show : callable
        Takes a line of text, such as ``progress_printer(quiet=False)``.

    Examples
    --------
    >>> percentages(print)(1, 2)
    """
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            show(f"{done / total:.0%} of {total / 1e6:,.0f} MB")

    return report
