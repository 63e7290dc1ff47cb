"""The task's own questions and histories, from events by hand."""

from __future__ import annotations

import polars as pl

from features.as_of import DAY
from features.engines import collect, to_engine
from ml.recommendation import TASK
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.params import RecommendationParams

EVENTS = pl.LazyFrame(
    {
        "customer_id": ["K", "K", "K", "L"],
        "event_at": [DAY, 400 * DAY, 500 * DAY, 500 * DAY],
        "session_id": ["a", "b", "c", "d"],
        "vehicle_id": ["v1", "v2", "v1", "v3"],
        "event_type": ["view", "view", "view", "impression"],
    }
)


def test_every_visit_asks_when_it_begins() -> None:
    spine = collect(TASK.examples(to_engine({"events": EVENTS}), RecommendationParams()))
    assert spine.select("person_id", "as_of").sort("person_id", "as_of").rows() == [
        ("K", DAY), ("K", 400 * DAY), ("K", 500 * DAY), ("L", 500 * DAY),
    ]  # fmt: skip


def test_a_history_holds_the_choices_of_the_year_before_and_no_impression() -> None:
    tables = to_engine({"events": EVENTS})
    rows = collect(TASK.features(TASK.examples(tables, None), tables)).unique().sort("as_of", "age_us")
    assert rows.select("as_of", "item_id", "age_us").rows() == [(500 * DAY, "v2", 100 * DAY)]


def test_lists_are_judged_by_metrics_of_which_more_is_better() -> None:
    assert TASK.name == "recommendation" and TASK.estimator is RecommendationEstimator and TASK.naive is None
    assert {metric.better for metric in TASK.metrics.values()} == {"higher"}
    assert set(TASK.metrics) == {"ndcg_at_10", "recall_at_10", "hit_rate_at_10", "reciprocal_rank"}
