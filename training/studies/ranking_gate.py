"""Promotion-gate conditions for ranked lists, on the held-out queries of the candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from features.as_of import AS_OF
from ml.champions import GateCheck
from ml.metrics import Interval
from ml.metrics.ranked_lists import mean_with_interval
from ml.model import Model
from ml.problem import ListMetric
from ml.recommendation.estimator import RecommendationEstimator
from training.studies.gate_checks import (
    baseline_check,
    bootstraps,
    champion_check,
    guard_checks,
    predict_example,
    prediction_check,
    training_overlap_note,
)
from training.studies.ranking_holdout import EvaluatedLists, HoldoutSet, by_person, gain_over_champion

EXAMPLE_INSTANT = "2030-01-01T00:00:00+00:00"  # fixed, because pages depend on the instant of the request


def ranking_gate_checks(
    metrics: Mapping[str, ListMetric], candidate: Model, champion: Model | None, folder: Path
) -> Sequence[GateCheck]:
    """Compare the candidate's lists with the champion's or, without a champion, with lists of the most popular items.

    Parameters
    ----------
    metrics : mapping of str to ListMetric
        Metrics of the task by name: `candidate.task.problem.metrics`.
    candidate : Model
        Version to promote, as returned by ``ml.champions.load(ml.champions.version("recommendation", 2))``.
    champion : Model or None
        Version in production, ``ml.champions.load(ml.champions.champion("recommendation"))``; None for a first
        promotion.
    folder : Path
        Folder that `training.studies.ranking_holdout.HoldoutSet.write` wrote the held-out queries to: `folder` of
        ``with ml.champions.report_files(version) as folder:``.

    Returns
    -------
    sequence of GateCheck
        Comparison of the primary metric, guards of the configuration, and the check of the answers: each has `name`,
        `passed` (bool) and `detail` (the figures).

    Raises
    ------
    KeyError
        The folder lacks the files.

    Examples
    --------
    >>> from ml import champions
    >>> version = champions.version("recommendation")  # doctest: +SKIP
    >>> candidate = champions.load(version)  # doctest: +SKIP
    >>> with champions.report_files(version) as folder:  # doctest: +SKIP
    ...     checks = ranking_gate_checks(candidate.task.problem.metrics, candidate, None, folder)
    """
    holdout, n, primary = HoldoutSet.read(folder), bootstraps(candidate), candidate.task.primary_metric
    estimator = cast("RecommendationEstimator", candidate.estimator)
    evaluated = EvaluatedLists.of(holdout, estimator)
    rows, person = evaluated.rows, evaluated.inputs.queries.person

    def value(name: str) -> Interval:
        values = np.asarray(metrics[name].compute(evaluated.items()[rows], evaluated.relevant[rows]))
        return mean_with_interval(by_person(values, person[rows]), n=n)

    if champion is None:
        first = baseline_check(candidate, value(primary), baseline_name="popularity")
    else:
        champion_estimator = cast("RecommendationEstimator", champion.estimator)
        gain = gain_over_champion(holdout, estimator, champion_estimator, metric=metrics[primary].compute, n=n)
        remark = training_overlap_note(champion, holdout.queries[AS_OF].to_numpy())
        first = champion_check(candidate, champion, gain, rows=f"{len(rows):,} queries", remark=remark)
    return [
        first,
        *guard_checks(candidate, lambda name: value(name).value),
        prediction_check("a single request and a batch get the same answer", lambda: _single_equals_batch(candidate)),
    ]


def _single_equals_batch(model: Model) -> tuple[bool, str]:
    single, batch = (predict_example(model, count=k, at=EXAMPLE_INSTANT)[-1] for k in (1, 2))
    return single == batch, "the answers agree" if single == batch else "the answers differ"
