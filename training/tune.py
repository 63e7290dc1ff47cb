"""`chehang tune`: search parameters by cross-validation inside the training part, with Optuna.

The calibration and test parts are never looked at. The study lies in a journal file, so a killed search goes on where
it stopped, and several processes can work on one study. Its name carries the data's fingerprint and the search space:
other data or another space is another study.
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

MOST_WORKERS = 1_000  # workers of one search; each has a seed of its own


@dataclass(frozen=True)
class TuningResult:
    """What a search found.

    Attributes
    ----------
    value, default : float
        Cross-validated primary metric of the best parameters, and of the configuration as it was.
    params : mapping
        Dotted parameter names and their best values.
    trials, pruned : int
        Trials of the study that ended, and how many of them early.
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
    """Search the configured space and write the best parameters as an overlay for `chehang train --with`.

    Parameters
    ----------
    config : TaskConfig
        Its `tune.space` says what to search.
    load : mapping
        Arguments of `load_config` with which a further worker process reads the same configuration.
    out : Path
        Where to write the overlay.
    trials : int, optional
        How many trials the study shall have in all; `tune.trials` if not given. A resumed study runs only the rest.
    workers : int
        Processes that work on the study side by side.
    timeout : float, optional
        Stop starting trials after so many seconds.

    Raises
    ------
    ConfigError
        The space is empty, or names a parameter that does not exist.
    """
    if not config.tune.space:
        raise ConfigError(
            "tune.space: is empty; say what to search, as params.boosted_trees.num_leaves: {low: 7, high: 63}"
        )
    say = progress or (lambda text: None)
    data = load_data(config, progress=say)
    target = config.tune.trials if trials is None else trials
    name = _study_name(data)
    study = _study(name)
    if not study.trials:
        study.enqueue_trial(_current(config), user_attrs={"default": True})
    others = [_worker(dict(load), name, target, timeout, number) for number in range(1, workers)]
    _search(data, study, target, timeout, say)
    for process in others:
        process.join()
        if process.exitcode:
            raise DataError(
                f"a tuning worker ended with exit status {process.exitcode}; run the command again to resume"
            )
    return _outcome(study, config, out)


def _study_name(data: StudyData[Any]) -> str:
    """One study for one set of data, one space and one starting point."""
    content = json.dumps([data.fingerprint, data.config.model_dump(mode="json")], sort_keys=True, default=str)
    return f"{data.config.task}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _study(name: str, *, worker: int = 0) -> optuna.Study:
    """Open a study, or make it. The same search run again makes the same trials.

    Each worker draws by a number of its own, and a resumed search by another one than before.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # its warnings carry tracebacks of what we say in one line
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
        seed = MOST_WORKERS * len(study.get_trials(deepcopy=False)) + worker
    except OSError as e:
        raise ConfigError(f"{folder}: {e.strerror}; make it writable or set CHEHANG_HOME") from None
    study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    return study


def _current(config: TaskConfig) -> dict[str, Any]:
    """The configuration as it is, as the first trial: a search that cannot beat it says so."""
    found: dict[str, Any] = {}
    for name, span in config.tune.space.items():
        if (value := _value(config, name)) is None:
            continue
        if value not in (span.choices or (value,)) or (span.low is not None and not span.low <= value <= span.high):
            raise ConfigError(f"tune.space.{name}: does not hold the configured value {value!r}; widen it")
        found[name] = value
    return found


def _value(config: TaskConfig, dotted: str) -> Any:
    value: Any = config.model_dump(mode="python")
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ConfigError(f"tune.space: '{dotted}' is not a parameter; it must be a dotted name under params")
        value = value[part]
    if not dotted.startswith("params.") or isinstance(value, dict):
        raise ConfigError(f"tune.space: '{dotted}' is not a single value under params; name one, as in params.x.y")
    return value


def _worker(load: dict[str, Any], name: str, target: int, timeout: float | None, number: int) -> Any:
    process = get_context("spawn").Process(target=work, args=(load, name, target, timeout, number), daemon=True)
    process.start()
    return process


def work(load: dict[str, Any], name: str, target: int, timeout: float | None, number: int) -> None:
    """Work on an existing study: what a further process runs."""
    _search(load_data(load_config(**load)), _study(name, worker=number), target, timeout, lambda text: None)


def _search(data: StudyData[Any], study: optuna.Study, target: int, timeout: float | None, say: Progress) -> None:
    def enough(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        ended = _ended(study)
        best = (
            f"{study.best_value:.5f}"
            if any(t.value is not None and t.state.name == "COMPLETE" for t in ended)
            else "none"
        )
        say(f"trial {len(ended)}/{target}: best {best}")
        if len(ended) >= target:
            study.stop()

    if len(_ended(study)) < target:
        study.optimize(_objective(data), timeout=timeout, callbacks=[enough])


def _ended(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    trials: list[optuna.trial.FrozenTrial] = study.get_trials(states=states, deepcopy=False)
    return trials


def _objective(data: StudyData[Any]) -> Callable[[optuna.Trial], float]:
    sign = _sign(data.config)

    def objective(trial: optuna.Trial) -> float:
        chosen = {name: _suggest(trial, name, span) for name, span in data.config.tune.space.items()}
        scores: list[float] = []
        rounds = with_params(data, chosen).validation_scores()
        for step, value in enumerate(rounds):
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
    """The same data under a configuration with some values replaced (dotted names under `params`)."""
    content = merge({"params": data.config.params.model_dump(mode="json")}, _nested(chosen))
    layer = Layer("tune.space", content, content)
    params = validate(content["params"], data.config.definition.params, [layer], within=("params",))
    return data.with_params(params)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted names and their values as mappings within mappings."""
    content: dict[str, Any] = {}
    for dotted, value in values.items():
        place = content
        *path, last = dotted.split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return content


def _outcome(study: optuna.Study, config: TaskConfig, out: Path) -> TuningResult:
    ended = _ended(study)
    complete = [t for t in ended if t.state == optuna.trial.TrialState.COMPLETE]
    if not complete:
        raise DataError("no trial ended before the timeout; give more time with --timeout")
    sign = _sign(config)
    default = next((t.value for t in complete if t.user_attrs.get("default")), None)
    overlay = _nested(study.best_params)
    head = f"# chehang tune {config.task}: {len(complete)} full trials, {study.study_name}\n"
    write_atomically(out, (head + yaml.safe_dump(overlay, sort_keys=False)).encode())
    return TuningResult(
        metric=config.definition.primary_metric,
        value=sign * study.best_value,
        default=sign * default if default is not None else float("nan"),
        params=study.best_params,
        trials=len(ended),
        pruned=len(ended) - len(complete),
        path=out,
    )
