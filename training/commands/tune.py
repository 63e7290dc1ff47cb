"""`chehang tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml.terminal import AsJson, out, print_json, progress_printer
from training.options import ConfigPath, Overlays, Settings, TaskName, loaded_config


def tune(
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Trials in all, earlier runs included; default: tune.trials of the configuration."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds after which no new trial starts.")] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Overlay file to write; default: CHEHANG_HOME/tuned/TASK.yaml.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search hyperparameters by cross-validation inside the training rows; a killed search resumes."""
    progress = progress_printer(as_json)
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    from ml.home import home
    from training.tune import tune as run

    load = {"task": task, "path": config, "overlays": overlay or (), "settings": setting or ()}
    search = run(
        configured,
        load=load,
        out=to or home() / "tuned" / f"{configured.task}.yaml",
        trials=trials,
        workers=workers,
        timeout=timeout,
        progress=progress,
    )
    if as_json:
        return print_json({**search.__dict__, "params": dict(search.params)})
    out.print(
        f"{search.metric} {search.value:.5f} (configured values: {search.default:.5f}); {search.trials} trials, "
        f"{search.pruned} of them pruned"
    )
    for name, value in search.params.items():
        out.print(f"  {name}: {value}")
    command = "chehang train" + (f" {task}" if task else "") + (f" -c {config}" if config else "")
    out.print(f"written to {search.path}; use it with: {command} --with {search.path}", soft_wrap=True)
