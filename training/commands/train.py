"""`chehang train`."""

from __future__ import annotations

from ml.terminal import AsJson, out, print_json, progress_printer
from training.options import ConfigPath, Engine, Overlays, Settings, TaskName, loaded_config
from training.printing import print_report


def train(
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    engine: Engine = "polars",
    as_json: AsJson = False,
) -> None:
    """Train, calibrate and evaluate a model, and register it as a new version."""
    progress = progress_printer(as_json)
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    from training.train import train as run

    trained = run(configured, engine=engine, progress=progress)
    if as_json:
        return print_json({"version": trained.version.number, **trained.report.as_dict()})
    print_report(trained.report)
    name = configured.task
    out.print(f"registered {name} version {trained.version.number}; promote it with: chehang promote {name}")
