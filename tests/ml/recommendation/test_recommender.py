"""The two stages together, on visitors who come back to the tribe of cars they began with."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from features.engines import collect, to_engine
from features.errors import DataError
from features.recommendation import history, interactions, questions, vehicle_items, wanted
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.top_k import top_k
from ml.metrics.ranked_lists import ndcg_at_k
from ml.recommendation.catalogue import Vehicles, Vocabularies
from ml.recommendation.choices import Choices
from ml.recommendation.params import RecommendationParams
from ml.recommendation.questions import Questions
from ml.recommendation.recommender import Recommender, TrainingData
from ml.recommendation.visitors import Visitors, read_visitors

DAYS, UNTIL = 200, 150 * DAY
BODIES = ("suv", "sedan", "mpv")
PARAMS = RecommendationParams.model_validate(
    {
        "als": {"factors": 4, "regularization": 1.0, "iterations": 5, "num_threads": 1},
        "low_pass": {"rank": 4},
        "ranker": {"n_estimators": 40, "min_data_in_leaf": 20, "num_threads": 1},
        "questions": 2_000,
    }
)


@pytest.fixture(scope="module")
def material() -> TrainingData:
    rng = np.random.default_rng(4)
    models = [f"{body}{k}" for body in BODIES for k in range(4)]
    vehicles = pl.DataFrame(
        {
            "vehicle_id": models,
            "kind": "catalogue",
            "condition": "new",
            "model": models,
            "body_type": [m[:-1] for m in models],
            "price": [10_000_000 + 100_000 * k for k in range(12)],
            "listed_at": [0] * 12,
        }
    )
    rows = []
    for person in range(300):
        tribe = person % 3
        for visit, day in enumerate(sorted(rng.choice(DAYS, 6, replace=False))):
            for look in range(2):
                own = rng.random() < 0.85
                model = 4 * (tribe if own else rng.integers(3)) + rng.integers(4)
                rows.append(
                    (f"p{person}", int(day) * DAY + look * 60_000_000 + person, f"s{person}-{visit}", models[model])
                )
    events = pl.DataFrame(rows, schema=["customer_id", "event_at", "session_id", "vehicle_id"], orient="row")
    events = events.with_columns(pl.lit("view").alias("event_type")).with_row_index("event_id")
    tables = to_engine({"events": events.lazy(), "vehicles": vehicles.lazy()})
    chosen = interactions(tables)
    spine = questions(tables, chosen)
    asked = collect(spine).sort("person_id", "as_of")
    found = collect(vehicle_items(tables))  # type: ignore[arg-type]
    choices = collect(chosen)
    known = Vocabularies.learn(found, choices["item_id"], pl.Series([], dtype=pl.String))
    visitors = read_visitors(asked, collect(history(spine, chosen, lookback_days=365)), None, known, half_life=30)
    return TrainingData(
        known,
        Vehicles.encode(found, known),
        Choices.read(choices, known),
        Questions.read(asked, collect(wanted(spine, chosen, horizon_days=7)), visitors, known),
    )


@pytest.fixture(scope="module")
def fitted(material: TrainingData) -> Recommender:
    return Recommender.fit(material, PARAMS, until=UNTIL, say=lambda text: None)


def item_scores(fitted: Recommender, visitors: Visitors, vehicles: Vehicles) -> FloatArray:
    """Score of every item for each visitor; minus infinity for what is no candidate."""
    pairs, scores = fitted.rank(visitors, vehicles)
    table = np.full((len(visitors), len(fitted.known.items) + 1), -np.inf)
    np.maximum.at(table, (pairs.visitor, vehicles.item[pairs.vehicle]), scores)
    return table[:, :-1]


def test_it_ranks_what_comes_next_better_than_popularity(material: TrainingData, fitted: Recommender) -> None:
    later = material.questions.between(UNTIL, DAYS * DAY)
    seen = later.take(np.flatnonzero(np.diff(later.visitors.history.indptr) > 1))
    ours = ndcg_at_k(top_k(item_scores(fitted, seen.visitors, material.vehicles), k=4), seen.wanted)
    popular = fitted.retrieval.scores(seen.visitors)["popularity"][:, :-1]
    assert np.nanmean(ours) > 1.5 * np.nanmean(ndcg_at_k(top_k(popular, k=4), seen.wanted))


def test_nothing_later_than_the_cut_is_used(material: TrainingData, fitted: Recommender) -> None:
    later = material.choices
    moved = np.where(later.at >= UNTIL, (later.item + 1) % 12, later.item)
    changed = Choices(later.person, moved, later.store, later.at, later.grade, later.people)
    asked = material.questions.between(0, UNTIL - 7 * DAY)
    again = Recommender.fit(
        TrainingData(material.known, material.vehicles, changed, asked), PARAMS, until=UNTIL, say=lambda text: None
    )
    who = material.questions.visitors.take(np.arange(20))
    assert (item_scores(again, who, material.vehicles) == item_scores(fitted, who, material.vehicles)).all()


def test_artefact_answers_alike(material: TrainingData, fitted: Recommender) -> None:
    who = material.questions.visitors.take(np.arange(20))
    again = Recommender.from_files(fitted.to_files())
    assert (item_scores(again, who, material.vehicles) == item_scores(fitted, who, material.vehicles)).all()


def test_fewer_candidates_are_the_best_of_each_retriever(material: TrainingData, fitted: Recommender) -> None:
    who = material.questions.visitors.take(np.arange(20))
    params = fitted.params.model_copy(update={"candidates": 10})
    fewer = Recommender(params, fitted.known, fitted.items, fitted.retrieval, fitted.trees, fitted.columns)
    sizes = fewer.candidates(who, material.vehicles)[1].sizes
    assert (sizes <= 10).all() and (sizes >= 2).all()
    assert (fitted.candidates(who, material.vehicles)[1].sizes == 12).all()


def test_nobody_asks_and_nothing_is_on_offer(material: TrainingData, fitted: Recommender) -> None:
    nobody = material.questions.visitors.take(np.arange(0))
    assert item_scores(fitted, nobody, material.vehicles).shape == (0, 12)
    nothing = material.vehicles.take(np.arange(0))
    assert np.isneginf(item_scores(fitted, material.questions.visitors.take(np.arange(3)), nothing)).all()


def test_too_little_to_learn_from_is_said(material: TrainingData) -> None:
    with pytest.raises(DataError, match="nothing was chosen"):
        Recommender.fit(material, PARAMS, until=0, say=lambda text: None)
    late = material.questions.between(UNTIL, DAYS * DAY)
    without = TrainingData(material.known, material.vehicles, material.choices, late)
    with pytest.raises(DataError, match="give more history"):
        Recommender.fit(without, PARAMS, until=UNTIL, say=lambda text: None)
