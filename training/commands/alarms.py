"""`chehang alarms`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml.home import config_file
from training.options import (
    AlarmRulesPath,
    AsJson,
    ConfigPath,
    Overlays,
    Settings,
    loaded_config,
    parsed_instant,
    print_json,
    progress_printer,
)
from training.printing import out, print_alarms


def alarms(
    to: Annotated[
        Path, typer.Option("--out", help="Alarms: .parquet or .csv; vehicles to inspect and a picture beside it.")
    ],
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    rules: AlarmRulesPath = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Leave out records reported later, such as 2026-01-31T09:00+08:00.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Test every component of every model for an elevated fault rate, and rank the vehicles to inspect; run weekly."""
    progress = progress_printer(as_json)
    configured = loaded_config("fault_rate", config, overlay, setting, progress=progress)
    from ml.fault_rate.rules import load_alarm_rules
    from training.runs.alarms import alarms as run

    report = run(
        configured,
        out=to,
        rules=load_alarm_rules(config_file("fault_alarms.yaml", rules)),
        as_of=parsed_instant(as_of),
        progress=progress,
    )
    if as_json:
        content = {
            "until": report.until, "basis": report.surveillance.exposure.basis, "notes": report.notes,
            "alarms": report.alarms.to_dicts(),
        }  # fmt: skip
        return print_json({**content, "files": [str(f) for f in report.files]})
    print_alarms(report)
    out.print(f"reports until {report.until}; written to " + ", ".join(str(f) for f in report.files))
