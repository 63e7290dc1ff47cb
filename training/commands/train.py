"""`chehang train`."""

from __future__ import annotations

from ml.champions import report_folder
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
    name, number = configured.task, trained.version.number
    folder = report_folder(trained.version)
    if as_json:
        place = None if folder is None else str(folder)
        return print_json({"version": number, "report_folder": place, **trained.report.as_dict()})
    print_report(trained.report)
    if folder is None:
        command = (
            f"mlflow artifacts download --run-id {trained.version.run_id} --artifact-path report --dst-path FOLDER"
        )
        out.print(f"the report is on the tracking server; copy it with: {command}", soft_wrap=True)
    else:
        out.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    out.print(f"registered {name} version {number}; promote it with: chehang promote {name}")
