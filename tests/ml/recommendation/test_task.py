"""The task is a ranking problem with metrics of lists."""

from __future__ import annotations

from ml.problem import RankingProblem
from ml.recommendation import TASK
from ml.recommendation.estimator import RecommendationEstimator


def test_the_metrics_of_lists_are_better_if_higher() -> None:
    assert TASK.name == "recommendation" and TASK.estimator is RecommendationEstimator
    assert isinstance(TASK.problem, RankingProblem) and TASK.primary_metric == "ndcg_at_10"
    assert set(TASK.directions.values()) == {"higher"}
    assert set(TASK.directions) == {"ndcg_at_10", "recall_at_10", "hit_rate_at_10", "reciprocal_rank"}
