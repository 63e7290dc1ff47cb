"""Checks of the promotion gate that every kind of problem uses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from features.errors import ChehangError, DataError
from ml.champions import GateCheck
from ml.domain.arrays import IntArray
from ml.metrics import Interval
from ml.model import Model
from ml.report.formats import Format, format_figure, format_interval
from ml.report.metric_titles import direction_text, gain_text, metric_axis, metric_text
from ml.report.report import Report

NO_INTERVAL = (
    "no interval, because every resample of the test rows gives the same figure (a single series or group, or no "
    "differences): compared by the figure alone"
)
TRAIN_BETTER = "train on more or newer data or with better features, or promote it with --force --reason"


def baseline_value(model: Model, metric: str) -> float:
    """Return a metric of the baseline from the report of a version.

    Parameters
    ----------
    model : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    metric : str
        Name of a metric of the report, such as 'roc_auc'.

    Returns
    -------
    float
        In the unit of the metric.

    Raises
    ------
    DataError
        The report has no baseline of the metric.
    KeyError
        The report has no such metric.

    Examples
    --------
    >>> from ml import champions
    >>> baseline_value(champions.load(champions.champion("credit_risk")), "roc_auc")  # doctest: +SKIP
    """
    baseline = Report.model_validate(model.card["evaluation"]).metrics[metric].baseline
    if baseline is None:
        raise DataError(f"{model.task.name}: the report has no {metric} of the baseline; train a new version")
    return baseline


def bootstraps(model: Model) -> int:
    """Return the number of bootstrap resamples in the configuration of a version.

    Parameters
    ----------
    model : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.

    Examples
    --------
    >>> from ml.model import Model
    >>> from ml.registry import TASKS
    >>> bootstraps(Model(TASKS["credit_risk"], estimator=None, card={"config": {"bootstraps": 200}}))
    200
    """
    return int(model.card["config"]["bootstraps"])


def interval_text(metric: str, interval: Interval) -> str:
    """Return the value of a metric with its interval and the direction of better values, as text.

    Parameters
    ----------
    metric : str
        Name of the metric.
    interval : Interval
        As returned by `ml.metrics.bootstrap`, or ``ml.metrics.Interval(value, low, high)``.

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> interval_text("roc_auc", Interval(0.5, 0.25, 0.75, 0.95))
    '0.5000 (95% interval 0.2500 – 0.7500; higher is better)'
    """
    direction = direction_text(metric)
    parts = [] if direction is None else [direction.en]
    if interval.has_limits:
        parts.insert(0, f"95% interval {format_interval(interval.low, interval.high, metric_axis(metric).format)}")
    remark = f" ({'; '.join(parts)})" if parts else ""
    return f"{metric_text(metric, interval.value)}{remark}"


def last_training_instant(champion: Model) -> int | None:
    """Return the last instant of the champion's training data, in microseconds since 1970 UTC (int); None without time.

    Parameters
    ----------
    champion : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.

    Examples
    --------
    >>> from ml.model import Model
    >>> from ml.registry import TASKS
    >>> card = {"data": {"last_training_instant": 1_709_251_200_000_000}}
    >>> last_training_instant(Model(TASKS["credit_risk"], estimator=None, card=card))
    1709251200000000
    """
    instant: int | None = champion.card["data"]["last_training_instant"]
    return instant


def training_overlap_note(champion: Model, as_of: IntArray) -> str:
    """Return a note if the champion was trained on some of the test rows, else an empty text.

    Parameters
    ----------
    champion : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    as_of : ndarray of int64, shape (n_rows,)
        Instants of the test rows (microseconds since 1970 UTC).

    Returns
    -------
    str
        In parentheses after a space, to append to the number of test rows; empty without overlap.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.model import Model
    >>> from ml.registry import TASKS
    >>> champion = Model(TASKS["credit_risk"], estimator=None, card={"data": {"last_training_instant": 20}})
    >>> training_overlap_note(champion, np.array([10, 20, 30, 40]))
    ' (the champion was trained on 50% of them, which favours the champion)'
    """
    last = last_training_instant(champion)
    share = 0.0 if last is None else float((as_of <= last).mean())
    return f" (the champion was trained on {share:.0%} of them, which favours the champion)" if share else ""


def baseline_check(candidate: Model, own: Interval, *, baseline_name: str = "the baseline") -> GateCheck:
    """Check that the whole interval of the primary metric is better than the baseline, for a version without champion.

    Parameters
    ----------
    candidate : Model
        Version to be promoted: ``ml.champions.load(ml.champions.version("credit_risk", 2))``, for example.
    own : Interval
        Primary metric of the candidate on its test rows, as returned by `ml.metrics.bootstrap`.
    baseline_name : str
        Name of the baseline in the name of the check.

    Returns
    -------
    GateCheck
        `name`, `passed` (bool) and `detail` (the figures). Passed if `own.low` is above the baseline of the report
        (where lower is better: `own.high` below it).

    Raises
    ------
    DataError
        The report has no baseline of the metric.
    """
    name = candidate.task.primary_metric
    baseline = baseline_value(candidate, name)
    higher = candidate.task.directions[name] == "higher"
    nearest = own.value if not own.has_limits else own.low if higher else own.high  # the end nearest to the baseline
    passed = nearest > baseline if higher else nearest < baseline
    detail = f"{interval_text(name, own)}, baseline {metric_text(name, baseline)}; no champion to compare with"
    if not own.has_limits:
        detail += f"; {NO_INTERVAL}"
    if not passed:
        end = f"the interval reaches {metric_text(name, nearest)}" if own.has_limits else "it is"
        short = metric_text(name, abs(nearest - baseline))
        detail += f"; {end}, {short} on the wrong side of the baseline: {TRAIN_BETTER}"
    return GateCheck(f"{metric_axis(name).title.en} beats {baseline_name}", passed, detail)


def gain_check(metric: str, gain: Interval, *, other: str, over: str, rows: str, remark: str = "") -> GateCheck:
    """Check that the interval of a gain is above zero.

    Parameters
    ----------
    metric : str
        Name of the metric.
    gain : Interval
        Gain on the same rows, as returned by `training.studies.measures.compare`; positive is better.
    other : str
        Compared with, for the name of the check, such as 'the champion'.
    over : str
        Compared with, for the text, such as 'version 1'.
    rows : str
        Number and kind of the rows, such as '500 test rows'.
    remark : str
        Appended to the text.

    Returns
    -------
    GateCheck
        Passed if `gain.low` is above 0; without limits, if `gain.value` is.

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> gain = Interval(0.02, -0.01, 0.03)
    >>> check = gain_check("roc_auc", gain, other="the baseline", over="the baseline", rows="9 rows")
    >>> check.passed, check.detail.split(": ")[1]
    (False, '+0.0200 (95% interval -0.0100 – +0.0300), above 0 is better, on 9 rows; the gain may be due to chance')
    """
    limits = (gain.low, gain.high) if gain.has_limits else (None, None)
    passed = (gain.low if gain.has_limits else gain.value) > 0
    detail = f"gain over {over}: {gain_text(metric, gain.value, *limits)}, above 0 is better, on {rows}{remark}"
    if not gain.has_limits:
        detail += f"; {NO_INTERVAL}"
    if not passed:
        certain = gain.high < 0 if gain.has_limits else gain.value < 0
        reason = "it is worse" if certain else "the gain may be due to chance" if gain.value > 0 else "there is no gain"
        detail += f"; {reason}: {TRAIN_BETTER}"
    return GateCheck(f"{metric_axis(metric).title.en} beats {other}", passed, detail)


def champion_check(candidate: Model, champion: Model, gain: Interval, *, rows: str, remark: str = "") -> GateCheck:
    """Check that the interval of the gain over the champion is above zero.

    Parameters
    ----------
    candidate, champion : Model
        Version to be promoted, ``ml.champions.load(ml.champions.version("credit_risk", 2))``, and current champion,
        ``ml.champions.load(ml.champions.champion("credit_risk"))``.
    gain : Interval
        Gain in the primary metric on the same rows, as returned by `training.studies.measures.compare`; positive is
        better.
    rows : str
        Number and kind of the rows, such as '500 test rows'.
    remark : str
        Appended to the text of the check, as returned by `training.studies.gate_checks.training_overlap_note`.

    Returns
    -------
    GateCheck
        `name`, `passed` (bool) and `detail` (the figures).

    Examples
    --------
    >>> from ml.model import Model
    >>> from ml.registry import TASKS
    >>> from ml.metrics import Interval
    >>> candidate, champion = (Model(TASKS["credit_risk"], estimator=None, card={}, version=n) for n in (2, 1))
    >>> check = champion_check(candidate, champion, Interval(0.02, 0.01, 0.03), rows="500 test rows")
    >>> check.passed, check.detail
    (True, 'gain over version 1: +0.0200 (95% interval +0.0100 – +0.0300), above 0 is better, on 500 test rows')
    """
    over = f"version {champion.version}"
    return gain_check(candidate.task.primary_metric, gain, other="the champion", over=over, rows=rows, remark=remark)


def champion_check_name(candidate: Model) -> str:
    """Return the name of the check that compares a candidate with the champion.

    Parameters
    ----------
    candidate : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.

    Examples
    --------
    >>> from ml.model import Model
    >>> from ml.registry import TASKS
    >>> champion_check_name(Model(TASKS["credit_risk"], estimator=None, card={}))
    'area under the ROC curve (AUC) beats the champion'
    """
    return f"{metric_axis(candidate.task.primary_metric).title.en} beats the champion"


def guard_checks(model: Model, value: Callable[[str], float]) -> list[GateCheck]:
    """Return a check for each metric that has limits under `gate` in the configuration.

    Parameters
    ----------
    model : Model
        Version to be promoted: ``ml.champions.load(ml.champions.version("credit_risk", 2))``, for example.
    value : callable
        Takes the name of a metric and returns the candidate's value as a float.

    Returns
    -------
    list of GateCheck
        `name`, `passed` (bool) and `detail` of each; empty if the configuration has no limits. Limits on a metric that
        should be close to 0, such as a bias, hold for its absolute value. A limit on an unknown metric fails.

    Examples
    --------
    >>> from ml.model import Model
    >>> from ml.registry import TASKS
    >>> card = {"config": {"gate": {"roc_auc": {"at_least": 0.7}}}}
    >>> model = Model(TASKS["credit_risk"], estimator=None, card=card)
    >>> guard_checks(model, lambda metric: 0.65)[0].detail
    '0.6500, allowed: at least 0.7000; 0.0500 too low (higher is better): train on more or newer data, or change ...
    """
    gate: Mapping[str, Mapping[str, float | None]] = model.card["config"]["gate"]
    return [_limit_check(model, name, limits, value) for name, limits in gate.items()]


def _limit_check(
    model: Model, name: str, limits: Mapping[str, float | None], value: Callable[[str], float]
) -> GateCheck:
    title = metric_axis(name).title.en
    if name not in model.task.directions:
        allowed = ", ".join(model.task.directions)
        return GateCheck(f"{title} within its limits", False, f"is not a metric of the task; choose from {allowed}")
    signed, low, high = value(name), limits.get("at_least"), limits.get("at_most")
    absolute = model.task.directions[name] == "zero"
    figure = abs(signed) if absolute else signed
    shape: Format = "share" if absolute else metric_axis(name).format
    texts = [f"at least {format_figure(low, shape)}"] * (low is not None)
    texts += [f"at most {format_figure(high, shape)}"] * (high is not None)
    reading = direction_text(name, signed)
    start = reading.en if absolute and reading is not None else metric_text(name, signed)
    detail = f"{start}, allowed: {', '.join(texts)}{' too high or too low' * absolute}"
    sizes = [("at_least", "low", low - figure)] if low is not None else []
    sizes += [("at_most", "high", figure - high)] if high is not None else []
    excess = [item for item in sizes if item[2] > 0]
    for key, side, size in excess:
        by = gain_text(name, size).removeprefix("+")
        better = "" if absolute or reading is None else f" ({reading.en})"
        over = "above the limit" if absolute else f"too {side}"
        detail += f"; {by} {over}{better}: train on more or newer data, or change gate.{name}.{key} and train again"
    what = f"{title.partition(' (')[0]}, absolute value," if absolute else title
    return GateCheck(f"{what} within its limits", not excess and math.isfinite(figure), detail)


def prediction_check(name: str, compare: Callable[[], tuple[bool, str]]) -> GateCheck:
    """Check that a model predicts.

    Parameters
    ----------
    name : str
        Name of the check.
    compare : callable
        Takes nothing and returns whether two ways to predict agree (bool), and a text for the check. A ChehangError or
        ValueError fails the check, with the message as its text.

    Returns
    -------
    GateCheck
        `name`, `passed` (bool) and `detail` (the text).

    Examples
    --------
    >>> check = prediction_check("single and batch predictions agree", lambda: (True, "200 test rows agree"))
    >>> check.passed, check.detail
    (True, '200 test rows agree')
    """
    try:
        return GateCheck(name, *compare())
    except (ChehangError, ValueError) as e:
        return GateCheck(name, False, str(e).replace("\n", "; "))


def predict_example(model: Model, *, count: int = 1, explain: bool = True, **fields: Any) -> Sequence[Any]:
    """Return predictions for copies of the example request in the card of a model.

    Parameters
    ----------
    model : Model
        Such as ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    count : int
        Number of copies, at least 1, predicted as one batch.
    explain : bool
        Whether predictions have reasons.
    **fields
        Fields of the request to replace, with JSON values.

    Returns
    -------
    sequence
        `count` instances of `model.task.endpoint.response`, in which the answer to one request has its fields.

    Raises
    ------
    DataError
        The model cannot answer the request.
    ValueError
        A field breaks a rule of the request.

    Examples
    --------
    >>> from ml import champions
    >>> model = champions.load(champions.champion("credit_risk"))  # doctest: +SKIP
    >>> answer = predict_example(model, explain=False)[0]  # doctest: +SKIP
    """
    body = json.dumps({**model.card["example"], **fields})
    request = model.request().model_validate_json(body)
    return model.answers([request] * count, explain=explain)
