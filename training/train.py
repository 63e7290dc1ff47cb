"""`chehang train`: load data, fit, evaluate on the test data, and register a version."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

from ml.champions import Version
from ml.model import Model
from training.config import TaskConfig
from training.progress import Progress
from training.studies.fitted import Fitted
from training.study import StudyData, load_data

if TYPE_CHECKING:
    from ml.report.report import Report


@dataclass(frozen=True)
class TrainingResult:
    """Registered version, its report and its model, as returned by `train`.

    Attributes
    ----------
    version : Version
        Registered version; `version.number` is its number, for `training.gate.promote`.
    report : Report
        Evaluation on the test data.
    model : Model
        Fitted estimator with its task and card; `model.answers(requests, explain=True)` predicts.
    """

    version: Version
    report: Report
    model: Model


def train(config: TaskConfig, *, engine: str = "polars", progress: Progress | None = None) -> TrainingResult:
    """Train a model, evaluate it on the test data and register it as a new version.

    Parameters
    ----------
    config : TaskConfig
        As returned by ``training.config.load_config("credit_risk")``.
    engine : {'polars', 'spark'}
        Engine that computes the features.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    TrainingResult
        `version` (`number`, `metrics`, `tags`, `created`), `report` (`metrics` by name with `value`, `low`, `high`) and
        `model` (`estimator`, `card`, `answers(requests)`). ``training.gate.promote(config.task, version.number,
        who="li.wei")`` makes the version the champion.

    Raises
    ------
    DataError
        The tables cannot be used, or a feature leaks the outcome. Nothing is registered.
    ConfigError
        The configuration does not fit the data, or the MLflow store cannot be written. Nothing is registered.

    Examples
    --------
    Needs the tables of the sources, and takes minutes.

    >>> from training.config import load_config
    >>> result = train(load_config("credit_risk"), progress=print)  # doctest: +SKIP
    >>> result.version.number, result.report.metrics["roc_auc"].value  # doctest: +SKIP
    (1, 0.742)
    """
    progress = progress or (lambda text: None)
    data = load_data(config, engine=engine, progress=progress)
    fitted = data.fit(progress=progress)
    progress("evaluating on the test data")
    report = data.evaluate(fitted.evaluated)
    # MLflow takes seconds to import; errors in the data or the configuration are reported before.
    from ml.report.files import write_report
    from training import tracking

    model = Model(config.definition, fitted.served, _card(data, report, fitted))
    progress("registering the version")
    with tempfile.TemporaryDirectory() as folder:
        write_report(report, Path(folder))
        data.save_holdout(Path(folder), fitted)
        version = tracking.register(
            model,
            metrics=report.tracked_figures(),
            params=_flat(config.params.model_dump(mode="json")),
            tags=_tags(data),
            attachments=Path(folder),
        )
    return TrainingResult(version, report, model)


def _card(data: StudyData[Any], report: Report, fitted: Fitted[Any]) -> dict[str, Any]:
    from training import tracking

    config = data.config
    return {
        "task": config.task,
        "question": dict(config.definition.summary),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": tracking.git_commit(),
        "environment": {"python": python_version()} | {n: installed(n) for n in tracking.REQUIREMENTS},
        "data": {
            "fingerprint": data.fingerprint,
            "tables": {n: _table(r) for n, r in data.raw.reports.items()},
            "key_matches": [m.as_dict() for m in data.raw.key_matches],
            "last_training_instant": data.last_training_instant,
        },
        "config": config.model_dump(mode="json"),
        "features": list(data.feature_names(fitted.served)),
        "protected": sorted({*config.definition.table.protected, *config.protected}),
        "evaluation": report.as_dict(),
        "limits": list(report.notes),
        "example": data.example(fitted.served),
    }


def _table(report: Any) -> dict[str, Any]:
    return {"rows": report.rows_valid, "quarantined": report.rows_quarantined, "fingerprint": report.fingerprint}


def _tags(data: StudyData[Any]) -> dict[str, str]:
    from training import tracking

    return {
        "data_fingerprint": data.fingerprint,
        "git_commit": tracking.git_commit(),
        "split": "random" if data.config.timeless else "time",
        "estimator": data.config.definition.learner(data.config.params),
        "last_training_instant": str(data.last_training_instant or ""),
    }


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in params.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
