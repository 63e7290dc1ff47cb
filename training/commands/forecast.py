"""Command `chehang forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml import champions
from ml.home import rules_file
from ml.terminal import AsJson, out, print_json, progress_printer
from training.model_name import config_path
from training.options import (
    ConfigPath,
    Overlays,
    RulesPath,
    Settings,
    TaskName,
    VersionOrChampion,
    loaded_config,
    task_or,
)
from training.printing_orders import print_plan


def forecast(
    to: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File for the forecasts, .parquet or .csv; orders, transfers, comparison and figure lie beside it.",
        ),
    ],
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionOrChampion = None,
    rules: RulesPath = None,
    store: Annotated[
        str | None, typer.Option(help="Store to draw; the largest series of all stores if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast demand from the end of the current data, and plan transfers and orders (nightly run).

    Lead times and costs of orders are the rules, a file like configs/order_planning.yaml.
    """
    progress = progress_printer(as_json)
    task = task_or("demand_forecast", task)
    loaded = loaded_config(task, config, overlay, setting, progress=progress)
    beside = config_path(task, config)
    rules = rules_file("order_planning.yaml", beside=beside, path=rules, data_set=loaded.name or "")
    progress("reading the model registry")
    from training.runs.forecast import forecast as run
    from training.runs.order_evidence import held_out_verdict

    chosen = champions.version_or_champion(loaded.task, version)
    plan = run(champions.load(chosen), loaded, out=to, rules=rules, store=store, progress=progress)
    held_out = None if plan.orders is None else held_out_verdict(chosen)
    if as_json:
        return print_json(
            {
                "task": loaded.task,
                "version": chosen.number,
                "rules": None if rules is None else str(rules),
                "rows": plan.forecasts.height,
                "orders": None if plan.orders is None else int(plan.orders.orders["order"].sum()),
                "without_orders": plan.without_orders,
                "comparison": [] if plan.orders is None else plan.orders.comparison.to_dicts(),
                "summary": [] if plan.orders is None else [text.model_dump() for text in plan.orders.summary],
                "held_out": held_out,
                "files": [str(f) for f in plan.files],
            }
        )
    print_plan(plan, held_out=held_out)
    planned = "" if plan.orders is None else f"; orders planned with {rules}"
    out.print(f"written by version {chosen.number}: " + ", ".join(str(f) for f in plan.files) + planned)
    if plan.orders is None:
        out.print(f"no orders and transfers were planned: {plan.without_orders}", soft_wrap=True)
