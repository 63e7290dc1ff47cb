"""`chehang service-due`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ml.home import config_file
from ml.terminal import AsJson, out, print_json, progress_printer
from training.options import Overlays, Settings, parsed_instant


def service_due(
    to: Annotated[Path, typer.Option("--out", help="Vehicles to remind: .parquet or .csv; a picture beside it.")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file; default: configs/service_due.yaml.")
    ] = None,
    overlay: Overlays = None,
    setting: Settings = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Leave out records reported later; the last record by default.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Vehicles to list; default: `top` of the configuration.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the vehicles whose next routine service falls due, by date or distance, the likeliest to visit first."""
    progress = progress_printer(as_json)
    path = config_file("service_due.yaml", config)
    progress(f"reading {path}")
    from training.printing_services import print_service_due
    from training.runs.service_due import ServiceDueConfig
    from training.runs.service_due import service_due as run

    configured = ServiceDueConfig.load(path, overlays=overlay or (), settings=setting or ())
    if top is not None:
        configured = configured.model_copy(update={"top": top})
    report = run(configured, out=to, as_of=parsed_instant(as_of), progress=progress)
    if as_json:
        return print_json(
            {
                "vehicles": report.due.height,
                "due": report.due_vehicles,
                "expected_visits": float(report.due["visit_probability"].sum()),
                "check": None if report.check is None else asdict(report.check),
                "notes": report.services.notes,
                "files": [str(f) for f in report.files],
            }
        )
    print_service_due(report)
    out.print("written to " + ", ".join(str(f) for f in report.files))
