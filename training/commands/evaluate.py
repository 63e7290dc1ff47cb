"""`chehang evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigError
from ml import champions
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
from training.printing import print_report

if TYPE_CHECKING:
    from ml.problem import Estimator
    from training.studies.fitted import EvaluatedBy


def evaluate(
    task: TaskName,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionNumber = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Cross-validate the configuration instead.")] = None,
    logged: Annotated[Path | None, typer.Option(help="Evaluate on logged exposures: .parquet or .csv.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write report.json, .html and .png into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on the present test part or on logged exposures, or cross-validate the configuration."""
    progress = say(as_json)
    if folds is not None and logged is not None:
        raise ConfigError("--folds and --logged: give one of them; each is an evaluation of its own")
    by: EvaluatedBy = "folds" if folds is not None else "logged" if logged is not None else "holdout"
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    from training.studies.fitted import Evaluation
    from training.study import study_of

    study = study_of(configured)
    if by not in study.evaluations:
        raise ConfigError(f"--{by}: {task} is evaluated by {', '.join(study.evaluations)} only; leave --{by} out")

    def estimator() -> Estimator:
        return champions.load(champions.version(task, version)).estimator

    evaluation = Evaluation(by, estimator, folds=folds or 0, source=logged)
    result = study.evaluate(configured, evaluation, progress=progress)
    if report is not None:
        from ml.report.files import write_report

        write_report(result, report)
    return print_json(result.as_dict()) if as_json else print_report(result)
