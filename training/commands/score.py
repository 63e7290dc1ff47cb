"""`chehang score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml import champions
from training.options import (
    AsJson,
    ConfigPath,
    Overlays,
    Settings,
    TaskName,
    loaded_config,
    parsed_instant,
    print_json,
    progress_printer,
)
from training.printing import out


def score(
    task: TaskName = None,
    *,
    to: Annotated[Path, typer.Option("--out", help="Output file with the predictions: .parquet or .csv.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="File to read in place of the configured source of the table; same columns and format."
        ),
    ] = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: Annotated[int | None, typer.Option("--version", help="Model version; default: the champion.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", help="Predict as of this instant, such as 2026-01-31T09:00+08:00, from earlier records only."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the predictions of a version for every row, customer, series or cell to a file."""
    progress = progress_printer(as_json)
    loaded = loaded_config(task, config, overlay, setting, progress=progress)
    progress("reading the model registry")
    from training.score import score as run

    chosen = champions.version_or_champion(loaded.task, version)
    rows = run(champions.load(chosen), loaded, data=data, out=to, as_of=parsed_instant(as_of), progress=progress)
    if as_json:
        return print_json({"rows": rows, "out": str(to), "version": chosen.number})
    out.print(f"predictions of version {chosen.number} for {rows:,} rows written to {to}")
