"""`recommendation`: which vehicles in stock should this visitor see, and why."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features import recommendation as features
from ml.metrics.ranked_lists import hit_rate_at_k, ndcg_at_k, recall_at_k, reciprocal_rank
from ml.recommendation.answer import RecommendationAnswer, respond
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.live_updates import follow
from ml.recommendation.params import RecommendationParams
from ml.recommendation.request import request
from ml.registry import ENTRIES
from ml.task import Frames, Metric, Task


def _questions(tables: Frames, params: Any = None) -> nw.LazyFrame[Any]:
    return features.questions(tables, features.interactions(tables))


def _history(spine: nw.LazyFrame[Any], tables: Frames) -> nw.LazyFrame[Any]:
    return features.history(spine, features.interactions(tables), lookback_days=365)


TASK = Task(
    entry=ENTRIES["recommendation"],
    params=RecommendationParams,
    examples=_questions,
    features=_history,
    outcome="ranking",
    naive=None,
    estimator=RecommendationEstimator,
    metrics={
        "ndcg_at_10": Metric(ndcg_at_k, better="higher"),
        "recall_at_10": Metric(recall_at_k, better="higher"),
        "hit_rate_at_10": Metric(hit_rate_at_k, better="higher"),
        "reciprocal_rank": Metric(reciprocal_rank, better="higher"),
    },
    request=request,
    response=RecommendationAnswer,
    respond=respond,
    follow=follow,
)
