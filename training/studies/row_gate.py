"""Checks of the promotion gate for row and surveillance tasks, on the stored test rows of the candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from features.errors import DataError
from ml.champions import GateCheck
from ml.metrics import Interval
from ml.model import Model
from ml.problem import RowMetric
from ml.report.metric_titles import gain_text, metric_axis
from training.studies.gate_checks import (
    TRAIN_BETTER,
    baseline_check,
    bootstraps,
    champion_check,
    champion_check_name,
    gain_check,
    guard_checks,
    predict_example,
    prediction_check,
    training_overlap_note,
)
from training.studies.measures import compare, metric_interval
from training.studies.row_report import BASELINE, TEST_ROWS

BATCH_ROWS = 200  # test rows whose single and batch predictions are compared


def row_gate_checks(
    metrics: Mapping[str, RowMetric],
    candidate: Model,
    champion: Model | None,
    holdout: Path,
    *,
    must_gain: bool = True,
) -> Sequence[GateCheck]:
    """Compare the candidate with the champion (without one: with the baseline) on the candidate's test rows.

    Parameters
    ----------
    metrics : mapping of str to RowMetric
        `candidate.task.problem.metrics`; the primary metric is compared.
    candidate : Model
        Version to be promoted, ``ml.champions.load(version)``, with `version` of
        ``ml.champions.version("credit_risk", 2)``.
    champion : Model or None
        Current champion, ``ml.champions.load(ml.champions.champion("credit_risk"))``; None if no version is promoted.
    holdout : Path
        `folder` of ``with ml.champions.report_files(version) as folder:``, with `test_rows.parquet`: features, `label`,
        `group` (uint64; the bootstrap resamples groups) and, for some tasks, `as_of` (microseconds since 1970 UTC) and
        `baseline_prediction`.
    must_gain : bool
        Whether a version without champion must beat the baseline; False: it must not be worse.

    Returns
    -------
    sequence of GateCheck
        The comparison, a check for each limit under `gate`, and whether single and batch predictions agree; each has
        `name`, `passed` (bool) and `detail` (the figures).

    Raises
    ------
    FileNotFoundError
        `holdout` has no `test_rows.parquet`.
    DataError
        The candidate cannot predict the test rows, or its report has no baseline of the primary metric.

    Examples
    --------
    >>> from ml import champions
    >>> version = champions.version("credit_risk")  # doctest: +SKIP
    >>> candidate = champions.load(version)  # doctest: +SKIP
    >>> with champions.report_files(version) as folder:  # doctest: +SKIP
    ...     checks = row_gate_checks(candidate.task.problem.metrics, candidate, None, folder)
    """
    rows = pl.read_parquet(holdout / TEST_ROWS)
    predictions = candidate.estimator.predict(rows)
    y = rows["label"].to_numpy()
    first = (
        _over_baseline(metrics, candidate, rows, predictions, must_gain=must_gain)
        if champion is None
        else _over_champion(metrics, candidate, champion, rows, predictions)
    )
    return [
        first,
        *guard_checks(candidate, lambda name: float(metrics[name].compute(y, metrics[name].select(predictions)))),
        prediction_check("single and batch predictions agree", lambda: _one_like_many(candidate, rows, predictions)),
    ]


def not_worse_check(metric: str, gain: Interval, *, other: str, rows: str, remark: str = "") -> GateCheck:
    """Check that the interval of a gain does not lie below zero: the version is not clearly worse.

    Parameters
    ----------
    metric : str
        Name of the metric.
    gain : Interval
        Gain on the same rows, as returned by `training.studies.measures.compare`; positive is better.
    other : str
        Compared with, such as 'the baseline'.
    rows : str
        Number and kind of the rows, such as '500 test rows'.
    remark : str
        Appended to the text.

    Returns
    -------
    GateCheck
        Passed if `gain.high` is at least 0; without limits, if `gain.value` is.

    Examples
    --------
    >>> from ml.metrics import Interval
    >>> check = not_worse_check("poisson_deviance", Interval(0.02, -0.01, 0.03), other="the baseline", rows="9 rows")
    >>> check.passed, check.name
    (True, 'Poisson deviance is not worse than the baseline')
    """
    limits = (gain.low, gain.high) if gain.has_limits else (None, None)
    passed = (gain.high if gain.has_limits else gain.value) >= 0
    detail = f"gain over {other}: {gain_text(metric, gain.value, *limits)}, below 0 is worse, on {rows}{remark}"
    if not passed:
        detail += f"; it is worse: {TRAIN_BETTER}"
    return GateCheck(f"{metric_axis(metric).title.en} is not worse than {other}", passed, detail)


def _over_baseline(
    metrics: Mapping[str, RowMetric],
    candidate: Model,
    rows: pl.DataFrame,
    predictions: pl.DataFrame,
    *,
    must_gain: bool,
) -> GateCheck:
    name, n = candidate.task.primary_metric, bootstraps(candidate)
    metric = metrics[name]
    y, groups = rows["label"].to_numpy(), rows["group"].to_numpy()
    if BASELINE in rows.columns:  # a paired comparison has a narrower interval
        gain = compare(metric, y, metric.select(predictions), rows[BASELINE].to_numpy(), groups=groups, n=n)
        label, remark = "the baseline", ", no champion to compare with"
        if not must_gain:
            return not_worse_check(name, gain, other=label, rows=f"{len(y):,} test rows", remark=remark)
        return gain_check(name, gain, other=label, over=label, rows=f"{len(y):,} test rows", remark=remark)
    return baseline_check(candidate, metric_interval(metric, y, metric.select(predictions), groups=groups, n=n))


def _over_champion(
    metrics: Mapping[str, RowMetric], candidate: Model, champion: Model, rows: pl.DataFrame, predictions: pl.DataFrame
) -> GateCheck:
    metric = metrics[candidate.task.primary_metric]
    try:
        others = champion.estimator.predict(rows)
    except DataError as e:
        detail = f"version {champion.version} cannot predict the test rows: {e}"
        return GateCheck(champion_check_name(candidate), False, detail)
    y, groups, n = rows["label"].to_numpy(), rows["group"].to_numpy(), bootstraps(candidate)
    gain = compare(metric, y, metric.select(predictions), metric.select(others), groups=groups, n=n)
    remark = training_overlap_note(champion, rows["as_of"].to_numpy()) if "as_of" in rows.columns else ""
    return champion_check(candidate, champion, gain, rows=f"{len(y):,} test rows", remark=remark)


def _one_like_many(model: Model, rows: pl.DataFrame, predictions: pl.DataFrame) -> tuple[bool, str]:
    predict_example(model)
    single = pl.concat([model.estimator.predict(rows[i]) for i in range(min(BATCH_ROWS, rows.height))])
    same = single.equals(predictions[: len(single)])
    return same, f"{len(single)} test rows {'agree' if same else 'differ'}"
