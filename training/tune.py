"""`chehang tune`: search hyperparameters with Optuna, by cross-validation inside the training rows.

Calibration and test rows are not used. The Optuna study is stored in a journal file, so that a killed search resumes
and several processes can work on one study. The name of the study is a hash of the data and the configuration: other
data or another search space makes a new study.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import yaml
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from features.errors import ConfigError, DataError
from features.yaml_config import Layer, merge, validate
from ml.home import home, locked, write_atomically
from training.config import Range, TaskConfig, load_config
from training.progress import Progress
from training.study import StudyData, load_data

MAX_WORKERS = 1_000  # spacing of the seeds, so that no two workers or resumed searches share one


@dataclass(frozen=True)
class TuningResult:
    """Best hyperparameters of a search and their cross-validated metric, as returned by `tune`.

    Attributes
    ----------
    metric : str
        Primary metric of the task.
    value, default : float
        Cross-validated metric of the best hyperparameters and of the configured ones (NaN if that trial is missing).
    params : mapping of str to value
        Best value by dotted parameter name.
    trials, pruned : int
        Finished trials of the study, and the number of them that were pruned.
    path : Path
        Overlay file with the best values, for `chehang train --with`.
    """

    metric: str
    value: float
    default: float
    params: Mapping[str, Any]
    trials: int
    pruned: int
    path: Path


def tune(
    config: TaskConfig,
    *,
    load: Mapping[str, Any],
    out: Path,
    trials: int | None = None,
    workers: int = 1,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> TuningResult:
    """Search the configured space and write the best hyperparameters to an overlay file.

    Parameters
    ----------
    config : TaskConfig
        As returned by ``training.config.load_config("credit_risk")``; `config.tune` has the search space.
    load : mapping
        Keyword arguments of `training.config.load_config` that give `config`, such as `{"task": "credit_risk"}`; worker
        processes read the configuration again.
    out : Path
        Overlay file (YAML) to write, for `chehang train --with` and `load_config(overlays=...)`; replaced if it exists.
    trials : int, optional
        Trials of the study in all; default: `config.tune.trials`. A resumed study runs the remaining ones.
    workers : int
        Number of processes, this one included, at least 1.
    timeout : float, optional
        Seconds after which no new trial starts.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    TuningResult
        `metric` (name), `value` and `default` (cross-validated, with the best and the configured hyperparameters),
        `params` (best values by dotted name), `trials`, `pruned` and `path` (the overlay file).

    Raises
    ------
    ConfigError
        The search space is empty, names no hyperparameter, or excludes a configured value.
    DataError
        The tables cannot be used, no trial finished before the timeout, or a worker process failed.

    Examples
    --------
    Needs the tables of the sources.

    >>> from pathlib import Path
    >>> from training.config import load_config
    >>> load = {"task": "credit_risk"}
    >>> best = tune(load_config(**load), load=load, out=Path("best.yaml"), trials=20)  # doctest: +SKIP
    >>> best.metric, best.value, best.params  # doctest: +SKIP
    ('roc_auc', 0.744, {'params.boosted_trees.num_leaves': 31})
    """
    if not config.tune.space:
        raise ConfigError(
            "tune.space: is empty; add a search range, as in params.boosted_trees.num_leaves: {low: 7, high: 63}"
        )
    progress = progress or (lambda text: None)
    data = load_data(config, progress=progress)
    target = config.tune.trials if trials is None else trials
    name = _study_name(data)
    study = _study(name)
    if not study.trials:
        study.enqueue_trial(_current(config), user_attrs={"default": True})
    processes = [_start_worker(dict(load), name, target, timeout, number) for number in range(1, workers)]
    _search(data, study, target, timeout, progress)
    for process in processes:
        process.join()
        if process.exitcode:
            raise DataError(
                f"a tuning process ended with exit status {process.exitcode}; run the command again to resume"
            )
    return _result(study, config, out)


def _study_name(data: StudyData[Any]) -> str:
    """Return the task and a hash of data and configuration, without the path of the sources: both may be moved."""
    config = data.config.model_dump(mode="json", exclude={"sources"})
    content = json.dumps([data.fingerprint, config], sort_keys=True, default=str)
    return f"{data.config.task}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _study(name: str, *, worker: int = 0) -> optuna.Study:
    """Open or create a study. The same search run again samples the same trials.

    The seed depends on the worker, and on the number of trials before a resumed search.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # its warnings have tracebacks of errors we print in one line
    folder = home() / "tuning"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(f"tuning-{name}"):
            study = optuna.create_study(
                study_name=name,
                storage=JournalStorage(JournalFileBackend(str(folder / f"{name}.journal"))),
                load_if_exists=True,
                direction="maximize",
                pruner=optuna.pruners.MedianPruner(n_startup_trials=8, n_warmup_steps=0),
            )
        seed = MAX_WORKERS * len(study.get_trials(deepcopy=False)) + worker
    except OSError as e:
        raise ConfigError(f"{folder}: {e.strerror}; make the folder writable or set CHEHANG_HOME") from None
    study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    return study


def _current(config: TaskConfig) -> dict[str, Any]:
    """Return the configured values, which are the first trial: the result is compared with it."""
    values: dict[str, Any] = {}
    for name, span in config.tune.space.items():
        if (value := _value(config, name)) is None:
            continue
        if value not in (span.choices or (value,)) or (span.low is not None and not span.low <= value <= span.high):
            raise ConfigError(f"tune.space.{name}: excludes the configured value {value!r}; widen the range")
        values[name] = value
    return values


def _value(config: TaskConfig, dotted: str) -> Any:
    value: Any = config.model_dump(mode="python")
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ConfigError(f"tune.space: '{dotted}' is not a hyperparameter; use a dotted name under params")
        value = value[part]
    if not dotted.startswith("params.") or isinstance(value, dict):
        raise ConfigError(
            f"tune.space: '{dotted}' is not a single value; use a dotted name under params, as in params.x.y"
        )
    return value


def _start_worker(load: dict[str, Any], name: str, target: int, timeout: float | None, number: int) -> Any:
    process = get_context("spawn").Process(target=_run_worker, args=(load, name, target, timeout, number), daemon=True)
    process.start()
    return process


def _run_worker(load: dict[str, Any], name: str, target: int, timeout: float | None, number: int) -> None:
    """Run trials of an existing study in a worker process."""
    _search(load_data(load_config(**load)), _study(name, worker=number), target, timeout, lambda text: None)


def _search(data: StudyData[Any], study: optuna.Study, target: int, timeout: float | None, progress: Progress) -> None:
    def stop_at_target(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        finished = _finished_trials(study)
        best = (
            f"{study.best_value:.5f}"
            if any(t.value is not None and t.state.name == "COMPLETE" for t in finished)
            else "none"
        )
        progress(f"trial {len(finished)}/{target}: best {best}")
        if len(finished) >= target:
            study.stop()

    if len(_finished_trials(study)) < target:
        study.optimize(_objective(data), timeout=timeout, callbacks=[stop_at_target])


def _finished_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    trials: list[optuna.trial.FrozenTrial] = study.get_trials(states=states, deepcopy=False)
    return trials


def _objective(data: StudyData[Any]) -> Callable[[optuna.Trial], float]:
    sign = _sign(data.config)

    def objective(trial: optuna.Trial) -> float:
        chosen = {name: _suggest(trial, name, span) for name, span in data.config.tune.space.items()}
        scores: list[float] = []
        for step, value in enumerate(with_params(data, chosen).validation_scores()):
            scores.append(sign * value)
            trial.report(float(np.mean(scores)), step)
            if step + 1 < data.config.tune.folds and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(scores))

    return objective


def _sign(config: TaskConfig) -> float:
    """Return 1 where a higher primary metric is better, else -1."""
    return 1.0 if config.definition.directions[config.definition.primary_metric] == "higher" else -1.0


def _suggest(trial: optuna.Trial, name: str, span: Range) -> Any:
    if span.choices is not None:
        return trial.suggest_categorical(name, span.choices)
    assert span.low is not None and span.high is not None
    if span.integer:
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.log)
    return trial.suggest_float(name, span.low, span.high, log=span.log)


def with_params(data: StudyData[Any], chosen: Mapping[str, Any]) -> StudyData[Any]:
    """Return the data of a study with some hyperparameters replaced.

    Parameters
    ----------
    data : StudyData
        As returned by ``training.study.load_data(training.config.load_config("credit_risk"))``.
    chosen : mapping of str to value
        New values by dotted name, such as `{"params.boosted_trees.num_leaves": 31}`; the names begin with 'params'.

    Returns
    -------
    StudyData
        Copy with the new `config.params`; the tables are shared, and nothing is read again.

    Raises
    ------
    ConfigError
        A value is invalid, or no hyperparameter has that name.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> from training.study import load_data
    >>> data = load_data(load_config("credit_risk"))  # doctest: +SKIP
    >>> changed = with_params(data, {"params.boosted_trees.num_leaves": 31})  # doctest: +SKIP
    """
    content = merge({"params": data.config.params.model_dump(mode="json")}, _nested(chosen))
    layer = Layer("tune.space", content, content)
    params = validate(content["params"], data.config.definition.params, [layer], within=("params",))
    return data.with_params(params)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted name as nested mappings."""
    content: dict[str, Any] = {}
    for dotted, value in values.items():
        place = content
        *path, last = dotted.split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return content


def _result(study: optuna.Study, config: TaskConfig, out: Path) -> TuningResult:
    finished = _finished_trials(study)
    complete = [t for t in finished if t.state == optuna.trial.TrialState.COMPLETE]
    if not complete:
        raise DataError("no trial finished before the timeout; raise --timeout")
    sign = _sign(config)
    default = next((t.value for t in complete if t.user_attrs.get("default")), None)
    overlay = _nested(study.best_params)
    head = f"# chehang tune {config.task}: {len(complete)} complete trials, {study.study_name}\n"
    write_atomically(out, (head + yaml.safe_dump(overlay, sort_keys=False)).encode())
    return TuningResult(
        metric=config.definition.primary_metric,
        value=sign * study.best_value,
        default=sign * default if default is not None else float("nan"),
        params=study.best_params,
        trials=len(finished),
        pruned=len(finished) - len(complete),
        path=out,
    )
