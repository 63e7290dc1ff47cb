"""Command `chehang forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml import champions
from ml.home import config_folder
from training.options import AsJson, ConfigPath, Overlays, Settings, loaded_config, print_json, progress_printer
from training.printing import out, print_plan


def forecast(
    to: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File for the forecasts, .parquet or .csv; orders, transfers and a figure are written next to it.",
        ),
    ],
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    rules: Annotated[
        Path | None, typer.Option(help="Lead times and costs of ordering; configs/order_planning.yaml if not given.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Store to draw; the largest series of all stores if not given.")
    ] = None,
    version: Annotated[int | None, typer.Option("--version", help="Model version; the champion if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast demand from the end of the current data, and plan transfers and orders (nightly run)."""
    progress = progress_printer(as_json)
    task = "demand_forecast"
    loaded = loaded_config(task, config, overlay, setting, progress=progress)
    rules = rules or config_folder() / "order_planning.yaml"
    progress("reading the model registry")
    from training.runs.forecast import forecast as run

    chosen = champions.version_or_champion(loaded.task, version)
    plan = run(champions.load(chosen), loaded, out=to, rules=rules, store=store, progress=progress)
    if as_json:
        return print_json(
            {
                "version": chosen.number,
                "rows": plan.forecasts.height,
                "orders": None if plan.orders is None else int(plan.orders.orders["order"].sum()),
                "without_orders": plan.without_orders,
                "files": [str(f) for f in plan.files],
            }
        )
    print_plan(plan)
    out.print(f"written by version {chosen.number}: " + ", ".join(str(f) for f in plan.files))
