"""Conditions of the promotion gate that all kinds of problem have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from features.errors import ChehangError, DataError
from ml.champions import GateCheck
from ml.domain.arrays import IntArray
from ml.metrics import Interval
from ml.model import Model
from ml.report.report import Report


def baseline_value(model: Model, metric: str) -> float:
    """Return a metric of the baseline, from the report of the version.

    Raises
    ------
    DataError
        The report does not have it.
    """
    baseline = Report.model_validate(model.card["evaluation"]).metrics[metric].baseline
    if baseline is None:
        raise DataError(f"{model.task.name}: the report has no {metric} of the baseline; train the version again")
    return baseline


def bootstraps(model: Model) -> int:
    """Return the number of resamples that the configuration of the version asks for."""
    return int(model.card["config"]["bootstraps"])


def interval_text(interval: Interval) -> str:
    """Return an interval as text.

    >>> interval_text(Interval(0.5, 0.25, 0.75, 0.95))
    '0.5000 [0.2500, 0.7500]'
    """
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def last_training_instant(champion: Model) -> int | None:
    """Return the last instant (us) that the champion was trained on; None without time."""
    instant: int | None = champion.card["data"]["last_training_instant"]
    return instant


def training_overlap_note(champion: Model, as_of: IntArray) -> str:
    """Return a remark where the champion was trained on some of the rows that it is now tested on: it flatters it."""
    last = last_training_instant(champion)
    share = 0.0 if last is None else float((as_of <= last).mean())
    return f" (the champion has learnt from {share:.0%} of them, which flatters it)" if share else ""


def baseline_check(candidate: Model, own: Interval, *, baseline_name: str = "the baseline") -> GateCheck:
    """Return whether the primary metric of a first version is better than that of the baseline by its interval."""
    name = candidate.task.primary_metric
    baseline = baseline_value(candidate, name)
    passed = own.low > baseline if candidate.task.directions[name] == "higher" else own.high < baseline
    detail = f"{interval_text(own)} against {baseline:.4f}; there is no champion yet"
    return GateCheck(f"{name} beats {baseline_name}", passed, detail)


def champion_check(candidate: Model, champion: Model, gain: Interval, *, rows: str, remark: str = "") -> GateCheck:
    """Return whether the gain over the champion is above zero by its interval; `rows` says on how many of what."""
    detail = f"gain over version {champion.version}: {interval_text(gain)} on {rows}{remark}"
    return GateCheck(champion_check_name(candidate), gain.low > 0, detail)


def champion_check_name(candidate: Model) -> str:
    """Return the name of the condition that compares a candidate with the champion."""
    return f"{candidate.task.primary_metric} beats the champion"


def guard_checks(model: Model, value: Callable[[str], float]) -> list[GateCheck]:
    """Return a check for each guard of the configuration.

    Parameters
    ----------
    value : callable
        Returns a metric of the candidate by its name.
    """
    guards: Mapping[str, Mapping[str, float | None]] = model.card["config"]["gate"]
    return [_guard(model, name, limits, value) for name, limits in guards.items()]


def _guard(model: Model, name: str, limits: Mapping[str, float | None], value: Callable[[str], float]) -> GateCheck:
    if name not in model.task.directions:
        allowed = ", ".join(model.task.directions)
        return GateCheck(f"guard {name}", False, f"no such metric; gate may name {allowed}")
    figure, low, high = value(name), limits.get("at_least"), limits.get("at_most")
    passed = (low is None or figure >= low) and (high is None or figure <= high)
    texts = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
    return GateCheck(f"guard {name}", passed, f"{figure:.4f}, must be {', '.join(texts)}")


def prediction_check(name: str, compare: Callable[[], tuple[bool, str]]) -> GateCheck:
    """Return a check that the model answers; `compare` returns whether two ways to ask agree, and says so."""
    try:
        return GateCheck(name, *compare())
    except (ChehangError, ValueError) as e:
        return GateCheck(name, False, str(e).replace("\n", "; "))


def predict_example(model: Model, *, count: int = 1, explain: bool = True, **fields: Any) -> Sequence[Any]:
    """Return the answers to so many requests that are all the example of the card, some fields replaced."""
    body = json.dumps({**model.card["example"], **fields})
    request = model.request().model_validate_json(body)
    return model.answers([request] * count, explain=explain)
