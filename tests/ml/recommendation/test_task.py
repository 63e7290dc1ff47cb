"""The task: a ranking problem, judged by metrics of lists."""

from __future__ import annotations

from ml.problem import RankingProblem
from ml.recommendation import TASK
from ml.recommendation.estimator import RecommendationEstimator


def test_lists_are_judged_by_metrics_of_which_more_is_better() -> None:
    assert TASK.name == "recommendation" and TASK.estimator is RecommendationEstimator
    assert isinstance(TASK.problem, RankingProblem) and TASK.primary_metric == "ndcg_at_10"
    assert set(TASK.directions.values()) == {"higher"}
    assert set(TASK.directions) == {"ndcg_at_10", "recall_at_10", "hit_rate_at_10", "reciprocal_rank"}
