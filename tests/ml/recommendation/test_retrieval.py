"""Retrievers on two groups of people with disjoint items and stores."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from scipy import sparse

from features.aggregations import DAY
from features.errors import DataError
from ml.recommendation.catalogue import Vocabularies, Vocabulary
from ml.recommendation.choices import Choices, damped
from ml.recommendation.params import RecommendationParams
from ml.recommendation.retrieval import Retrieval
from ml.recommendation.visitors import Visitors

ITEMS = ("a1", "a2", "a3", "b1", "b2", "b3")
VOCABULARIES = Vocabularies(Vocabulary(ITEMS), {}, Vocabulary(("A", "B")))
NOW = 100 * DAY
PARAMS = RecommendationParams.model_validate(
    {"als": {"factors": 2, "regularization": 1.0, "num_threads": 1}, "low_pass": {"rank": 2}}
)


def choices_table() -> pl.DataFrame:
    """Forty people of each group choose two of their three items, in their own store."""
    rng = np.random.default_rng(5)
    rows = []
    for person in range(80):
        tribe = "ab"[person % 2]
        for item in rng.choice(3, 2, replace=False) + 1:
            at = int(rng.integers(1, 100)) * DAY - 1
            rows.append((f"p{person}", at, f"{tribe}{item}", 1.0, tribe.upper()))
    rows.append(("p0", 5, "never seen", 1.0, None))
    return pl.DataFrame(rows, schema=["person_id", "event_at", "item_id", "grade", "store_id"], orient="row")


def visitor(history: list[float], *, store: int) -> Visitors:
    matrix = sparse.csr_matrix([history])
    return Visitors(matrix, matrix, np.full((1, 2), np.nan), {}, np.array([NOW]), np.array([store]))


@pytest.fixture(scope="module")
def fitted() -> Retrieval:
    return Retrieval.fit(
        Choices.encode(choices_table(), VOCABULARIES),
        PARAMS,
        as_of=NOW,
        n_items=6,
        n_stores=2,
        progress=lambda text: None,
    )


def test_unknown_items_are_dropped_and_before_filters_by_time() -> None:
    choices = Choices.encode(choices_table(), VOCABULARIES)
    assert len(choices) == 160 and choices.n_people == 80
    early = choices.before(50 * DAY)
    assert 0 < len(early) < 160 and (early.at < 50 * DAY).all()


def test_weights_decay_and_are_log_damped() -> None:
    rows = pl.DataFrame(
        {
            "person_id": ["p", "p"],
            "event_at": [0, 10 * DAY],
            "item_id": ["a1", "a1"],
            "grade": [4.0, 2.0],
            "store_id": ["A", None],
        }
    )
    interactions = Choices.encode(rows, VOCABULARIES).interactions(
        as_of=20 * DAY, half_life_days=10, n_items=6, n_stores=2
    )
    assert interactions.matrix[0, 0] == pytest.approx(np.log2(1 + 4 / 4 + 2 / 2))
    assert interactions.by_group is not None and interactions.by_group[0, 0] == pytest.approx(
        1.0
    )  # the other choice has no store
    assert damped(sparse.csr_matrix([[2.0]]))[0, 0] == pytest.approx(np.log2(3.0))


@pytest.mark.parametrize("retriever", ["item_item", "low_pass", "als"])
def test_collaborative_scores_follow_the_history_of_a_new_visitor(fitted: Retrieval, retriever: str) -> None:
    scores = fitted.scores(visitor([1, 0, 0, 0, 0, 0], store=2))[retriever][0]
    assert scores[1:3].min() > scores[3:6].max()


def test_cold_start_scores_follow_the_store(fitted: Retrieval) -> None:
    scores = fitted.scores(visitor([0] * 6, store=1))
    assert scores["store_popularity"][0, 3:6].min() > scores["store_popularity"][0, :3].max()
    assert not scores["item_item"].any() and not scores["als"].any()
    unknown = fitted.scores(visitor([0] * 6, store=2))
    np.testing.assert_allclose(unknown["store_popularity"], unknown["popularity"])


def test_the_last_column_stands_for_unknown_items(fitted: Retrieval) -> None:
    scores = fitted.scores(visitor([1, 0, 0, 0, 0, 0], store=0))
    assert all(table.shape == (1, 7) for table in scores.values())
    assert scores["popularity"][0, 6] <= scores["popularity"][0, :6].min()


def test_round_trip_keeps_the_scores(fitted: Retrieval) -> None:
    who = visitor([1, 0, 2, 0, 0, 0], store=0)
    again = Retrieval.from_files(fitted.to_files()).scores(who)
    assert all((again[name] == table).all() for name, table in fitted.scores(who).items())


def test_a_retriever_can_be_disabled() -> None:
    params = RecommendationParams(als=None)
    interactions = Retrieval.fit(
        Choices.encode(choices_table(), VOCABULARIES),
        params,
        as_of=NOW,
        n_items=6,
        n_stores=2,
        progress=lambda text: None,
    )
    assert (
        "als.npz" not in interactions.to_files()
        and "als" not in Retrieval.from_files(interactions.to_files()).collaborative
    )


def test_fitting_on_no_choices_raises() -> None:
    nothing = Choices.encode(choices_table()[:0], VOCABULARIES)
    with pytest.raises(DataError, match="no interactions"):
        Retrieval.fit(nothing, PARAMS, as_of=NOW, n_items=6, n_stores=2, progress=lambda text: None)


@pytest.mark.parametrize(
    ("wrong_params", "message"),
    [
        ({"grades": {"view": 0}}, "grades.view"),
        ({"price_bands": [10, 5]}, "must be positive and ascending"),
        ({"item_item": {"nonsense": 1}}, "nonsense"),
        ({"half_life_days": 0}, "half_life_days"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_invalid_parameters_raise(wrong_params: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RecommendationParams.model_validate(wrong_params)
