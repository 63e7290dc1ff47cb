"""Conditions of the promotion gate for ranked lists, on the held-out queries of the candidate."""

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
from training.studies.ranking_holdout import EvaluatedLists, HoldoutSet, beats, by_person

EXAMPLE_INSTANT = "2030-01-01T00:00:00+00:00"  # one instant, so that two answers can agree


def ranking_gate_checks(
    metrics: Mapping[str, ListMetric], candidate: Model, champion: Model | None, folder: Path
) -> Sequence[GateCheck]:
    """Compare the candidate's lists with those of the champion, or of the most popular items.

    Parameters
    ----------
    metrics : mapping of str to ListMetric
        Of the task; the first is compared.
    folder : Path
        Folder with the held-out queries and the tables that they read.
    """
    holdout, n, primary = HoldoutSet.read(folder), bootstraps(candidate), candidate.task.primary_metric
    estimator = cast("RecommendationEstimator", candidate.estimator)
    evaluated = EvaluatedLists.of(holdout, estimator)
    rows, person = evaluated.rows, evaluated.material.questions.person

    def value(name: str) -> Interval:
        figures = np.asarray(metrics[name].compute(evaluated.items()[rows], evaluated.wanted[rows]))
        return mean_with_interval(by_person(figures, person[rows]), n=n)

    if champion is None:
        first = baseline_check(candidate, value(primary), baseline_name="popularity")
    else:
        other = cast("RecommendationEstimator", champion.estimator)
        gain = beats(holdout, estimator, other, metric=metrics[primary].compute, n=n)
        remark = training_overlap_note(champion, holdout.asked[AS_OF].to_numpy())
        first = champion_check(candidate, champion, gain, rows=f"{len(rows):,} questions", remark=remark)
    return [
        first,
        *guard_checks(candidate, lambda name: value(name).value),
        prediction_check("the model answers, one request at a time like a batch", lambda: _one_like_many(candidate)),
    ]


def _one_like_many(model: Model) -> tuple[bool, str]:
    one, two = (predict_example(model, count=k, at=EXAMPLE_INSTANT)[-1] for k in (1, 2))
    return one == two, "they agree" if one == two else "they differ"
