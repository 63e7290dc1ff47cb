"""Encoded vehicles, visitors and pairs: every column of the ranker by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from features.aggregations import DAY
from ml.recommendation.catalogue import Items, Vehicles, Vocabularies, Vocabulary
from ml.recommendation.queries import Queries, candidate_pairs
from ml.recommendation.ranking_features import Tastes, pair_columns
from ml.recommendation.visitors import Visitors, encode_visitors

CARS = pl.DataFrame(
    {
        "vehicle_id": ["C1", "C2", "U1", "U2"],
        "item_id": ["new|A", "new|B", "used|A", "used|A"],
        "condition": ["new", "new", "used", "used"],
        "brand": ["x", "y", "x", "x"],
        "model": ["A", "B", "A", "A"],
        "body_type": ["suv", "sedan", "suv", "suv"],
        "price": [10_000_000, 20_000_000, 5_000_000, 6_000_000],
        "listed_at": [0, 5 * DAY, 8 * DAY, 9 * DAY],
        "sold_at": [None, None, 30 * DAY, None],
        "store_id": [None, None, "S1", "S2"],
    }
)
VOCABULARIES = Vocabularies.from_tables(CARS, pl.Series(["new|A"]), pl.Series(["S1", "S2"]))
VEHICLES = Vehicles.encode(CARS, VOCABULARIES)
ITEMS = Items.of(VEHICLES, VOCABULARIES)


def visitors(*, as_of: int = 10 * DAY, store: str | None = "S1") -> Visitors:
    visitor = pl.DataFrame(
        {"person_id": ["K"], "as_of": [as_of], "store_id": [store]}, schema_overrides={"store_id": pl.String}
    )
    history = pl.DataFrame(
        {
            "person_id": ["K"] * 3,
            "as_of": [as_of] * 3,
            "item_id": ["new|A", "new|A", "new|B"],
            "grade": [4.0, 1.0, 2.0],
            "age_us": [DAY, 2 * DAY, DAY],
        }
    )
    customers = pl.DataFrame(
        {
            "customer_id": ["K"],
            "created_at": [0],
            "budget_low": [8_000_000],
            "budget_high": [9_000_000],
            "preferred_body_type": ["suv"],
        }
    )
    return encode_visitors(visitor, history, customers, VOCABULARIES, half_life_days=1.0)


def test_unknown_names_share_the_last_code() -> None:
    assert Vocabulary(()).codes(["a", None]).tolist() == [0, 0]
    assert VOCABULARIES.items.codes(["nothing", "new|B"]).tolist() == [3, 1]
    assert Vocabularies.from_json(VOCABULARIES.to_json()) == VOCABULARIES


def test_items_summarise_their_vehicles() -> None:
    assert ITEMS.log_price == pytest.approx([math.log(1e5), math.log(2e5), (math.log(5e4) + math.log(6e4)) / 2])
    assert ITEMS.first_at.tolist() == [0, 5 * DAY, 8 * DAY]
    assert [VOCABULARIES.categories["brand"].names[c] for c in ITEMS.codes["brand"]] == ["x", "y", "x"]


def test_history_decays_and_latest_is_the_youngest_choice() -> None:
    visitor = visitors()
    assert visitor.history.toarray().tolist() == [[4 / 2 + 1 / 4, 2 / 2, 0]]
    assert visitor.latest.toarray().tolist() == [[2, 2, 0]]  # one day, plus 1


def test_preferences_stated_later_are_missing() -> None:
    early = visitors(as_of=0)
    assert np.isnan(early.budget).all()
    assert early.stated["body_type"].tolist() == [len(VOCABULARIES.categories["body_type"])]


@pytest.mark.parametrize(
    ("at", "store", "shown"),
    [
        (0, "S1", ["C1"]),
        (7 * DAY, "S1", ["C1", "C2"]),
        (10 * DAY, "S1", ["C1", "C2", "U1"]),
        (10 * DAY, "S2", ["C1", "C2", "U2"]),
        (30 * DAY, "S1", ["C1", "C2"]),
        (10 * DAY, None, ["C1", "C2"]),
    ],
)
def test_candidates_are_what_the_store_offers_at_the_instant(at: int, store: str | None, shown: list[str]) -> None:
    visitor = visitors(as_of=at, store=store)
    pairs = candidate_pairs(visitor, VEHICLES)
    assert VEHICLES.ids[pairs.vehicle].tolist() == shown
    assert pairs.sizes.tolist() == [len(shown)]


def test_pair_columns_by_hand() -> None:
    visitor = visitors()
    sizes = {n: len(v) for n, v in VOCABULARIES.categories.items()}
    tastes = Tastes.of(visitor, ITEMS, sizes)
    scores = {"item_item": np.array([[0.1, 0.2, 0.3, 0.0]])}
    pairs = np.array([0, 0]), np.array([0, 2])
    columns = pair_columns(visitor, VEHICLES, tastes, ITEMS, visitor=pairs[0], vehicle=pairs[1], scores=scores)
    mean_price = (2.25 * math.log(1e5) + 1.0 * math.log(2e5)) / 3.25
    expected = {
        "item_item_score": [0.1, 0.3],
        "brand_share": [2.25 / 4.25] * 2,
        "condition_share": [3.25 / 4.25, 0.0],
        "body_type_stated": [1.0, 1.0],
        "price_vs_history": [math.log(1e5) - mean_price, math.log(5e4) - mean_price],
        "over_budget": [math.log(1e5 / 9e4), 0.0],
        "under_budget": [0.0, math.log(8e4 / 5e4)],
        "chosen_before": [2.25, 0.0],
        "days_since_chosen": [1.0, math.nan],
        "days_listed": [math.nan, 2.0],
        "item_age_days": [10.0, 2.0],
        "same_store": [math.nan, 1.0],
        "history_weight": [3.25, 3.25],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(columns[name], values, err_msg=name)


def test_without_history_and_profile_the_columns_are_not_personal() -> None:
    cold = visitors().without_history().without_profile()
    tastes = Tastes.of(cold, ITEMS, {n: len(v) for n, v in VOCABULARIES.categories.items()})
    pair = np.array([0]), np.array([0])
    columns = pair_columns(cold, VEHICLES, tastes, ITEMS, visitor=pair[0], vehicle=pair[1], scores={})
    assert columns["brand_share"] == 0 and columns["history_weight"] == 0
    assert all(
        np.isnan(columns[n]) for n in ("price_vs_history", "over_budget", "body_type_stated", "days_since_chosen")
    )


def test_a_vehicle_of_an_unknown_item_has_a_price_but_no_history() -> None:
    strange = CARS[:1].with_columns(item_id=pl.lit("new|Z"), brand=pl.lit("z"))
    vehicles = Vehicles.encode(strange, VOCABULARIES)
    visitor = visitors()
    tastes = Tastes.of(visitor, ITEMS, {n: len(v) for n, v in VOCABULARIES.categories.items()})
    pair = np.array([0]), np.array([0])
    scores = {"item_item": np.array([[0.1, 0.2, 0.3, 0.0]])}
    columns = pair_columns(visitor, vehicles, tastes, ITEMS, visitor=pair[0], vehicle=pair[1], scores=scores)
    assert columns["item_item_score"] == 0 and columns["brand_share"] == 0 and columns["chosen_before"] == 0
    assert np.isnan(columns["item_age_days"]) and columns["over_budget"] > 0


def test_queries_are_filtered_by_time_and_sampled() -> None:
    several = visitors().take(np.zeros(50, dtype=np.intp))
    visitor = Queries(several, sparse.csr_matrix((50, 3)), np.arange(50, dtype=np.uint64), np.zeros(50, dtype=bool))
    assert len(visitor.between(0, 10 * DAY)) == 0 and len(visitor.between(10 * DAY, 11 * DAY)) == 50
    drawn = visitor.sample(20, seed=1)
    assert len(drawn) == len(set(drawn.person)) == 20
    assert visitor.sample(50, seed=1) is visitor
