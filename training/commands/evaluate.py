"""`chehang evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.errors import ConfigError
from ml import champions
from ml.problem import RowProblem
from training.options import (
    AsJson,
    ConfigPath,
    Overlays,
    Settings,
    TaskName,
    VersionNumber,
    loaded_config,
    print_json,
    say,
)
from training.printing import print_folds, print_report


def evaluate(
    task: TaskName,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionNumber = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Cross-validate the configuration instead.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write report.json and report.png into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on the present test part, or cross-validate the configuration with --folds."""
    progress = say(as_json)
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    if folds is not None:
        if not isinstance(configured.definition.problem, RowProblem):
            raise ConfigError(f"--folds: {task} is tested on what came later, once; leave it out")
        from training.studies.row_data import load_examples
        from training.studies.row_folds import cross_validate

        examples = load_examples(configured, progress=progress)
        folds_report = cross_validate(examples, folds=folds, progress=progress)
        return print_json(folds_report.__dict__) if as_json else print_folds(folds_report)
    from training.study import load_study

    study = load_study(configured, progress=progress)
    model = champions.load(champions.version(task, version))
    evaluation = study.evaluate(model.estimator)
    if report is not None:
        from training.plots import draw_report

        evaluation.write(report)
        draw_report(evaluation, report / "report.png")
    return print_json(evaluation.as_dict()) if as_json else print_report(evaluation)
