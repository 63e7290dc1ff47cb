"""Reasons need a true statement and a positive contribution; columns are written by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ml.recommendation.catalogue import Vocabularies, Vocabulary
from ml.recommendation.reasons import MAX_REASONS, Evidence, item_name, reasons

VOCABULARIES = Vocabularies(
    items=Vocabulary(("new|A", "new|B", "new|C")),
    categories={"model": Vocabulary(("A", "B")), "body_type": Vocabulary(("sedan", "suv"))},
    stores=Vocabulary(("S1",)),
)
# Items new|A, new|B, new|C: two SUVs and a sedan; the third has no model.
ITEM_CODES = {"model": np.array([0, 1, 2]), "body_type": np.array([1, 1, 0])}
QUIET: dict[str, float] = {
    "price_distance": np.nan, "over_budget": np.nan, "under_budget": np.nan, "chosen_before": 0.0,
    "days_listed": 99.0, "item_age_days": 99.0, "same_store": 0.0, "popularity_score": 0.0,
    "store_popularity_score": 0.0, "body_type_share": 0.0, "body_type_stated": 0.0, "item_item_score": 0.0,
}  # fmt: skip


class ItemItem:
    """Explains a score by the weights of the other items of the history."""

    def explain(self, history: sparse.csr_matrix, item: int) -> np.ndarray[Any, Any]:
        return history.data * (history.indices != item)


def evidence(
    values: dict[str, float],
    contributions: dict[str, float],
    *,
    item: int = 0,
    body_type: int = 1,
    history: tuple[float, float, float] = (0.0, 0.0, 0.0),
    store: int = 1,
) -> Evidence:
    columns = tuple(QUIET)
    visits = sparse.csr_matrix([history])
    recommender: Any = SimpleNamespace(
        columns=columns,
        vocabularies=VOCABULARIES,
        items=SimpleNamespace(codes=ITEM_CODES),
        retrieval=SimpleNamespace(collaborative={"item_item": ItemItem(), "popular": object()}),
    )
    visitor = SimpleNamespace(store=np.array([store]), history=visits)
    return Evidence(
        recommender=recommender,
        context=SimpleNamespace(history_items=visits.indices.astype(np.int64), visitor=visitor),  # type: ignore[arg-type]
        values=np.array([[(QUIET | values)[name] for name in columns]]),
        contributions=np.array([[contributions.get(name, 0.0) for name in columns]]),
        item=np.array([item]),
        codes={"body_type": np.array([body_type])},
        popular={"popularity_score": 5.0, "store_popularity_score": 5.0},
    )


def codes(*arguments: Any, **options: Any) -> list[str]:
    return [reason.code for reason in reasons(evidence(*arguments, **options))[0]]


@pytest.mark.parametrize(
    ("column", "value", "options", "code"),
    [
        ("chosen_before", 2.0, {}, "LOOKED_AT"),
        ("price_distance", 0.15, {"history": (1, 1, 0)}, "PRICE_LIKE"),
        ("price_distance", 0.16, {"history": (1, 1, 0)}, None),
        ("price_distance", 0.1, {}, None),  # empty history
        ("body_type_share", 1.0, {"history": (1, 0, 0)}, "SAME_BODY_TYPE"),
        ("body_type_share", 1.0, {"history": (0, 0, 1)}, None),  # a sedan was viewed
        ("body_type_share", 1.0, {"history": (1, 0, 0), "body_type": 2}, None),  # outside the vocabulary
        ("body_type_stated", 1.0, {}, "STATED_BODY_TYPE"),
        ("body_type_stated", 0.0, {}, None),
        ("popularity_score", 5.0, {}, "POPULAR"),
        ("popularity_score", 4.9, {}, None),
        ("store_popularity_score", 5.0, {"store": 0}, "POPULAR_HERE"),
        ("store_popularity_score", 5.0, {"store": 1}, None),  # no store in the request
        ("days_listed", 14.0, {}, "NEW_IN_STOCK"),
        ("days_listed", 14.1, {}, None),
        ("item_age_days", 60.0, {}, "NEW_KIND"),
        ("item_age_days", -1.0, {}, None),
        ("same_store", 1.0, {}, "AT_STORE"),
        ("item_item_score", 1.0, {"history": (0, 2, 0)}, "GOES_WITH"),
        ("item_item_score", 1.0, {"history": (2, 0, 0)}, None),  # the item itself
        ("item_item_score", 1.0, {"history": (0, 2, 0), "item": 3}, None),  # outside the vocabulary
        ("item_item_score", 1.0, {}, None),
    ],
)
def test_a_reason_needs_a_true_statement_and_a_positive_contribution(
    column: str, value: float, options: dict[str, Any], code: str | None
) -> None:
    history = options.get("history", (0, 0, 0))
    options = {n: v for n, v in options.items() if n != "history"}
    assert codes({column: value}, {column: 0.5}, history=history, **options) == ([] if code is None else [code])
    assert codes({column: value}, {column: -0.5}, history=history, **options) == [], "the ranker counted it against"


def test_the_budget_reason_needs_a_price_inside_both_ends() -> None:
    inside = {"over_budget": 0.0, "under_budget": 0.0}
    assert codes(inside, {"over_budget": 0.1}) == ["IN_BUDGET"]
    assert codes({"over_budget": 0.0}, {"over_budget": 0.1}) == ["IN_BUDGET"], "no lower end was stated"
    assert codes(inside | {"under_budget": 0.2}, {"over_budget": 0.1}) == []


def test_at_most_three_reasons_strongest_first() -> None:
    values = {"chosen_before": 1.0, "body_type_stated": 1.0, "same_store": 1.0, "days_listed": 1.0}
    weights = {"chosen_before": 0.1, "body_type_stated": 0.4, "same_store": 0.3, "days_listed": 0.2}
    assert codes(values, weights) == ["STATED_BODY_TYPE", "AT_STORE", "NEW_IN_STOCK"] and MAX_REASONS == 3


def test_texts_name_counts_and_values() -> None:
    ((same,),) = reasons(evidence({}, {"body_type_share": 1.0}, history=(1, 0, 1)))
    assert same.en == "Same body type (SUV) as 1 of the 2 vehicles you viewed" and "车身类型相同（SUV）" in same.zh
    ((goes,),) = reasons(evidence({}, {"item_item_score": 1.0}, history=(0, 1, 3)))
    assert goes.en == "Visitors who viewed new|C often choose this one"


def test_item_name_is_the_model_if_known() -> None:
    recommender = evidence({}, {}).recommender
    assert [item_name(recommender, item) for item in range(3)] == ["A", "B", "new|C"]
