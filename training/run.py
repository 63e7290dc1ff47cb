"""`chehang train`: read, split, fit, evaluate on the untouched part, register."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np

from features.errors import DataError
from ml.model import Model
from ml.signature import row_as_request
from training import tracking
from training.config import TaskConfig
from training.evaluation import Report, evaluate
from training.examples import Examples, Say, load_examples
from training.plots import draw_report
from training.tracking import Version

TEST_ROWS = "test_rows.parquet"


@dataclass(frozen=True)
class Trained:
    """What a training made.

    Attributes
    ----------
    version : Version
        As registered.
    report : Report
        Evaluation on the test part.
    """

    version: Version
    report: Report
    model: Model


def train(config: TaskConfig, *, engine: str = "polars", progress: Say | None = None) -> Trained:
    """Train one version and register it.

    Parameters
    ----------
    config : TaskConfig
        From `load_config`.
    engine : {'polars', 'spark'}
        Where features are computed.
    progress : callable, optional
        Told one line per step.

    Raises
    ------
    DataError, ConfigError
        Nothing was registered.
    """
    say = progress or (lambda text: None)
    examples = load_examples(config, engine=engine, progress=say)
    estimator = examples.fit(examples.parts["train"], examples.parts["calibrate"], progress=say)
    say(f"evaluating on {len(examples.parts['test']):,} rows never used so far")
    report = evaluate(examples, estimator)
    model = Model(config.definition, estimator, _card(examples, report, estimator))
    say("registering the version")
    with tempfile.TemporaryDirectory() as folder:
        _attach(Path(folder), examples, estimator, report)
        version = tracking.register(
            model,
            metrics=report.flat(),
            params=_flat(config.params.model_dump(mode="json")),
            tags=_tags(examples),
            attachments=Path(folder),
        )
    return Trained(version, report, model)


def _card(examples: Examples, report: Report, estimator: Any) -> dict[str, Any]:
    config = examples.config
    return {
        "task": config.task,
        "question": dict(config.definition.summary),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": tracking.git_commit(),
        "environment": {"python": python_version()} | {n: installed(n) for n in tracking.REQUIREMENTS},
        "data": {
            "fingerprint": examples.fingerprint,
            "tables": {n: _table(r) for n, r in examples.raw.reports.items()},
            "last_training_instant": _last_instant(examples),
        },
        "config": config.model_dump(mode="json"),
        "features": list(estimator.encoder_.feature_names_out_),
        "protected": sorted({*config.definition.table.protected, *config.protected}),
        "evaluation": report.as_dict(),
        "limits": list(report.notes),
        "example": example_request(examples),
    }


def _table(report: Any) -> dict[str, Any]:
    return {"rows": report.rows_kept, "quarantined": report.rows_quarantined, "fingerprint": report.fingerprint}


def _last_instant(examples: Examples) -> int | None:
    if examples.config.timeless:
        return None
    learned = np.concatenate([examples.parts["train"], examples.parts["calibrate"]])
    return int(examples.frame["as_of"].to_numpy()[learned].max())


def example_request(examples: Examples) -> dict[str, Any]:
    """A request that the model answers: the median (or most frequent) value of every feature, no one's own data."""
    train = examples.frame[examples.parts["train"]]
    row: dict[str, Any] = {}
    for field in examples.signature.fields:
        if not field.feature:
            continue
        values = train[field.name].drop_nulls()
        if values.is_empty():
            continue
        row[field.name] = values.mode().sort()[0] if field.kind in ("category", "text", "flag") else values.median()
        if field.kind == "integer":
            row[field.name] = round(row[field.name])
    return row_as_request(row, examples.signature)


def _tags(examples: Examples) -> dict[str, str]:
    return {
        "data_fingerprint": examples.fingerprint,
        "git_commit": tracking.git_commit(),
        "split": "random" if examples.config.timeless else "time",
        "estimator": str(getattr(examples.config.params, "estimator", "")),
        "last_training_instant": str(_last_instant(examples) or ""),
    }


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in params.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _attach(folder: Path, examples: Examples, estimator: Any, report: Report) -> None:
    """Keep the report, its picture, and the test rows on which a later candidate is compared."""
    report.write(folder)
    draw_report(report, folder / "report.png")
    table = examples.config.definition.table
    test = examples.parts["test"]
    rows = examples.frame[test].drop([*table.references, *table.protected], strict=False)
    try:
        rows.with_columns(label=examples.label[test], group=examples.groups[test]).write_parquet(folder / TEST_ROWS)
    except OSError as e:
        raise DataError(f"the test rows could not be written to {folder}: {e.strerror}; free space there") from None
