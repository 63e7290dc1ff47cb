"""Task `recommendation`: rank the vehicles in stock for a visitor of the storefront, with reasons."""

from __future__ import annotations

from ml.endpoint import task_endpoint
from ml.metrics.ranked_lists import hit_rate_at_k, ndcg_at_k, recall_at_k, reciprocal_rank
from ml.problem import ListMetric, RankingProblem
from ml.recommendation.answer import respond
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.live_updates import LiveUpdates
from ml.recommendation.params import RecommendationParams
from ml.recommendation.request import request
from ml.recommendation.response import RecommendationAnswer
from ml.recommendation.similar import SIMILAR
from ml.registry import ENTRIES
from ml.task import Task

TASK = Task(
    entry=ENTRIES["recommendation"],
    params=RecommendationParams,
    problem=RankingProblem(
        estimator=RecommendationEstimator,
        metrics={
            "ndcg_at_10": ListMetric(ndcg_at_k, better="higher"),
            "recall_at_10": ListMetric(recall_at_k, better="higher"),
            "hit_rate_at_10": ListMetric(hit_rate_at_k, better="higher"),
            "reciprocal_rank": ListMetric(reciprocal_rank, better="higher"),
        },
    ),
    endpoint=task_endpoint(
        ENTRIES["recommendation"],
        request=request,
        response=RecommendationAnswer,
        respond=respond,
        explains=False,
        max_rows=250,  # with reasons, 1,000 pages take longer than the time limit
    ),
    extra_endpoints=(SIMILAR,),
    refresh=LiveUpdates,
    data_times=lambda estimator: {"stock": estimator.stock.read_at / 1e6},
)
