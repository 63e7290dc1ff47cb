"""`chehang evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigError
from ml import champions
from ml.terminal import AsJson, print_json, progress_printer
from training.options import ConfigPath, Overlays, Settings, TaskName, VersionNumber, loaded_config
from training.printing import print_report

if TYPE_CHECKING:
    from ml.problem import Estimator
    from training.studies.fitted import EvaluationMethod


def evaluate(
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionNumber = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="Cross-validate the configuration in this number of folds, instead of evaluating a version."
        ),
    ] = None,
    logged: Annotated[
        bool,
        typer.Option(
            "--logged", help="Evaluate off-policy on logged exposures: the source exposures; recommendation only."
        ),
    ] = False,
    exposures: Annotated[
        Path | None,
        typer.Option(help="File (.parquet or .csv) to read in place of the source exposures, for --logged."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder to write report.json, report.html and report.png into.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on the test rows of the current data or on logged exposures, or cross-validate."""
    progress = progress_printer(as_json)
    if folds is not None and logged:
        raise ConfigError("--folds and --logged: are two evaluations; pass one of them")
    if exposures is not None and not logged:
        raise ConfigError("--exposures: is the file of --logged; pass both, or neither")
    method: EvaluationMethod = "folds" if folds is not None else "logged" if logged else "holdout"
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    from training.studies.fitted import Evaluation
    from training.study import study_of

    study = study_of(configured)
    if method not in study.evaluation_methods:
        raise ConfigError(
            f"--{method}: not available for {configured.task}, which has {', '.join(study.evaluation_methods)}; "
            f"omit --{method}"
        )

    def load_estimator() -> Estimator:
        return champions.load(champions.version(configured.task, version)).estimator

    evaluation = Evaluation(method, load_estimator, folds=folds or 0, exposures=exposures)
    result = study.evaluate(configured, evaluation, progress=progress)
    if report is not None:
        from ml.report.files import write_report

        write_report(result, report)
    return print_json(result.as_dict()) if as_json else print_report(result)
