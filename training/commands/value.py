"""`chehang value`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml.home import config_file
from ml.terminal import AsJson, out, print_json, progress_printer
from training.options import Overlays, Settings, parsed_instant
from training.printing import print_values


def value(
    to: Annotated[
        Path, typer.Option("--out", help="File for the customers, .parquet or .csv; a chart (.png) is drawn beside it.")
    ],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file; default: configs/customer_value.yaml.")
    ] = None,
    overlay: Overlays = None,
    setting: Settings = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="End of the history, ISO 8601 with an offset; default: the last purchase."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict each customer's purchases and workshop visits within the horizon, and their value in yuan."""
    progress = progress_printer(as_json)
    path = config_file("customer_value.yaml", config)
    progress(f"reading {path}")
    from training.runs.customer_value import ValueConfig
    from training.runs.customer_value import value as run

    configured = ValueConfig.load(path, overlays=overlay or (), settings=setting or ())
    valuation = run(configured, out=to, as_of=parsed_instant(as_of), progress=progress)
    if as_json:
        return print_json({"out": str(to), **valuation.as_dict()})
    print_values(valuation)
    out.print(f"{valuation.customers.height:,} customers written to {to}")
