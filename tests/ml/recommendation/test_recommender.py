"""Both stages on visitors who keep to one of three groups of models."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from features.engines import collect, to_engine
from features.errors import DataError
from features.recommendation import history, interactions, relevant_items, vehicle_items, visit_queries
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.top_k import top_k
from ml.metrics.ranked_lists import ndcg_at_k
from ml.recommendation.catalogue import Vehicles, Vocabularies
from ml.recommendation.choices import Choices
from ml.recommendation.params import RecommendationParams
from ml.recommendation.queries import Queries
from ml.recommendation.recommender import Recommender, TrainingData
from ml.recommendation.visitors import Visitors, encode_visitors

DAYS, CUTOFF = 200, 150 * DAY
BODIES = ("suv", "sedan", "mpv")
PARAMS = RecommendationParams.model_validate(
    {
        "als": {"factors": 4, "regularization": 1.0, "iterations": 5, "num_threads": 1},
        "low_pass": {"rank": 4},
        "ranker": {"n_estimators": 40, "min_data_in_leaf": 20, "num_threads": 1},
        "max_queries": 2_000,
    }
)


@pytest.fixture(scope="module")
def training_data() -> TrainingData:
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
    lazy_choices = interactions(tables)
    spine = visit_queries(tables, lazy_choices)
    queries = collect(spine).sort("person_id", "as_of")
    vehicle_rows = collect(vehicle_items(tables))  # type: ignore[arg-type]
    choices = collect(lazy_choices)
    vocabularies = Vocabularies.from_tables(vehicle_rows, choices["item_id"], pl.Series([], dtype=pl.String))
    visitors = encode_visitors(
        queries, collect(history(spine, lazy_choices, lookback_days=365)), None, vocabularies, half_life_days=30
    )
    return TrainingData(
        vocabularies,
        Vehicles.encode(vehicle_rows, vocabularies),
        Choices.encode(choices, vocabularies),
        Queries.encode(queries, collect(relevant_items(spine, lazy_choices, horizon_days=7)), visitors, vocabularies),
    )


@pytest.fixture(scope="module")
def fitted(training_data: TrainingData) -> Recommender:
    return Recommender.fit(training_data, PARAMS, cutoff=CUTOFF, progress=lambda text: None)


def item_scores(fitted: Recommender, visitors: Visitors, vehicles: Vehicles) -> FloatArray:
    """Score of every item for each visitor; minus infinity for items without a candidate."""
    pairs, scores = fitted.rank(visitors, vehicles)
    table = np.full((len(visitors), len(fitted.vocabularies.items) + 1), -np.inf)
    np.maximum.at(table, (pairs.visitor, vehicles.item[pairs.vehicle]), scores)
    return table[:, :-1]


def test_lists_beat_popularity_for_returning_visitors(training_data: TrainingData, fitted: Recommender) -> None:
    later = training_data.queries.between(CUTOFF, DAYS * DAY)
    returning = later.take(np.flatnonzero(np.diff(later.visitors.history.indptr) > 1))
    ours = ndcg_at_k(top_k(item_scores(fitted, returning.visitors, training_data.vehicles), k=4), returning.relevant)
    popular = fitted.retrieval.scores(returning.visitors)["popularity"][:, :-1]
    assert np.nanmean(ours) > 1.5 * np.nanmean(ndcg_at_k(top_k(popular, k=4), returning.relevant))


def test_fitting_ignores_data_after_the_cutoff(training_data: TrainingData, fitted: Recommender) -> None:
    later = training_data.choices
    shifted = np.where(later.at >= CUTOFF, (later.item + 1) % 12, later.item)
    changed = Choices(later.person, shifted, later.store, later.at, later.grade, later.n_people)
    queries = training_data.queries.between(0, CUTOFF - 7 * DAY)
    again = Recommender.fit(
        TrainingData(training_data.vocabularies, training_data.vehicles, changed, queries),
        PARAMS,
        cutoff=CUTOFF,
        progress=lambda text: None,
    )
    who = training_data.queries.visitors.take(np.arange(20))
    assert (item_scores(again, who, training_data.vehicles) == item_scores(fitted, who, training_data.vehicles)).all()


def test_round_trip_keeps_the_scores(training_data: TrainingData, fitted: Recommender) -> None:
    who = training_data.queries.visitors.take(np.arange(20))
    again = Recommender.from_files(fitted.to_files())
    assert (item_scores(again, who, training_data.vehicles) == item_scores(fitted, who, training_data.vehicles)).all()


def test_the_number_of_candidates_is_limited(training_data: TrainingData, fitted: Recommender) -> None:
    who = training_data.queries.visitors.take(np.arange(20))
    params = fitted.params.model_copy(update={"candidates": 10})
    fewer = Recommender(params, fitted.vocabularies, fitted.items, fitted.retrieval, fitted.trees, fitted.columns)
    sizes = fewer.candidates(who, training_data.vehicles)[1].sizes
    assert (sizes <= 10).all() and (sizes >= 2).all()
    assert (fitted.candidates(who, training_data.vehicles)[1].sizes == 12).all()


def test_no_visitors_and_no_vehicles(training_data: TrainingData, fitted: Recommender) -> None:
    nobody = training_data.queries.visitors.take(np.arange(0))
    assert item_scores(fitted, nobody, training_data.vehicles).shape == (0, 12)
    nothing = training_data.vehicles.take(np.arange(0))
    assert np.isneginf(item_scores(fitted, training_data.queries.visitors.take(np.arange(3)), nothing)).all()


def test_too_little_data_raises(training_data: TrainingData) -> None:
    with pytest.raises(DataError, match="no choice precedes the training cut-off"):
        Recommender.fit(training_data, PARAMS, cutoff=0, progress=lambda text: None)
    late = training_data.queries.between(CUTOFF, DAYS * DAY)
    without = TrainingData(training_data.vocabularies, training_data.vehicles, training_data.choices, late)
    with pytest.raises(DataError, match="provide a longer history"):
        Recommender.fit(without, PARAMS, cutoff=CUTOFF, progress=lambda text: None)
