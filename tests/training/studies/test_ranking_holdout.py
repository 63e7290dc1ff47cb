"""Held-out queries are stored without identities; lists of two models are compared on the items of one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from ml.metrics.ranked_lists import recall_at_k
from training.studies.ranking_holdout import EvaluatedLists, HoldoutSet, by_person, gain_over_champion

TABLES = {
    "events": pl.DataFrame(
        {
            "event_id": ["1", "2", "3", "4"],
            "event_at": [1, 2, 3, 4],
            "event_type": ["view"] * 4,
            "customer_id": ["Li Lei", None, None, None],
            "visitor_id": ["W1", "W1", "W2", "W3"],
            "vehicle_id": ["N1", "N2", "N1", "N3"],
            "position": [1, 2, 3, 4],
        }
    ),
    "vehicles": pl.DataFrame({"vehicle_id": ["N1"], "vin": ["L123"], "cost": [5], "price": [9]}),
    "customers": pl.DataFrame(
        {"customer_id": ["Li Lei", "Han"], "created_at": [0, 0], "budget_high": [7, 8], "phone": ["138", "139"]}
    ),
}
QUERIES = pl.DataFrame({"person_id": ["W2", "Li Lei", "Li Lei"], "as_of": [5, 6, 5], "midway": [False, True, False]})


def holdout_set() -> HoldoutSet:
    return HoldoutSet.build(TABLES, QUERIES, (["doors"], []))


def test_identities_are_replaced_and_other_people_left_out() -> None:
    queries = holdout_set()
    events = queries.tables["events"]
    assert events.columns == ["customer_id", "event_id", "event_at", "event_type", "vehicle_id"]
    # Events of a visitor before registration belong to the customer; W3 has no query.
    assert events.select("customer_id", "event_id").rows() == [("p0", "1"), ("p0", "2"), ("p1", "3")]
    assert queries.tables["customers"].rows() == [("p0", 0, 7)]
    assert queries.tables["vehicles"].columns == ["vehicle_id", "price"]
    assert queries.queries.select("person_id", "as_of").rows() == [("p0", 5), ("p0", 6), ("p1", 5)]


def test_events_with_visitors_only() -> None:
    visitors = {"events": TABLES["events"].drop("customer_id")}
    queries = HoldoutSet.build(visitors, QUERIES.with_columns(person_id=pl.lit("W3")).head(1), ((), ()))
    assert queries.tables.keys() == {"events"}
    assert queries.tables["events"].select("customer_id", "event_id").rows() == [("p0", "4")]


@pytest.mark.parametrize("extra", [(["doors"], []), ((), ())])
def test_round_trip(tmp_path: Path, extra: Any) -> None:
    queries = HoldoutSet(holdout_set().tables, holdout_set().queries, extra)
    queries.write(tmp_path)
    again = HoldoutSet.read(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        f"test_{n}.parquet" for n in ("events", "vehicles", "customers", "queries", "extra")
    }
    assert again.queries.equals(queries.queries) and [list(e) for e in again.extra] == [list(e) for e in extra]
    assert all(again.tables[name].equals(table) for name, table in queries.tables.items())


def test_every_person_has_the_same_weight() -> None:
    values, person = np.array([1.0, 0.0, np.nan, 0.5]), np.array([7, 7, 7, 9], dtype=np.uint64)
    assert by_person(values, person).tolist() == [0.5, 0.5]


def evaluated(
    vehicles: dict[str, int], lists: list[list[int]], wishes: list[list[float]], *, items: int
) -> EvaluatedLists:
    """Lists of vehicles with item numbers; numbers from `items` on are outside the vocabulary."""
    inputs: Any = SimpleNamespace(
        vehicles=SimpleNamespace(ids=np.array(list(vehicles)), item=np.array(list(vehicles.values()))),
        vocabularies=SimpleNamespace(items=range(items)),
        queries=SimpleNamespace(
            relevant=sparse.csr_matrix(np.array(wishes)), person=np.arange(len(wishes), dtype=np.uint64)
        ),
    )
    unused: Any = None
    return EvaluatedLists(holdout_set(), unused, inputs, np.array(lists))


MINE = evaluated({"a": 0, "b": 1, "c": 1, "new": 2}, [[0, 1, 2], [3, 0, -1]], [[0, 1.0], [0, 0]], items=2)
OTHER = evaluated({"new": 0, "c": 1, "b": 1, "gone": 0}, [[1, 2, 0], [3, 0, -1]], [[0, 1.0], [0, 0]], items=2)


def test_items_of_lists_without_repeats() -> None:
    assert MINE.items().tolist() == [[0, 1, -1], [-1, 0, -1]]
    assert MINE.rows.tolist() == [0], "of the second question nothing was wanted that could be known"


def test_lists_of_another_model_are_matched_by_vehicle() -> None:
    assert MINE.translated(OTHER).tolist() == [[1, -1, -1], [-1, -1, -1]]


def test_the_gain_is_on_the_same_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EvaluatedLists, "of", lambda queries, model: model)
    candidate: Any = MINE
    champion: Any = OTHER

    def first(lists: Any, relevant: Any) -> Any:
        return recall_at_k(lists[:, :1], relevant)

    loss = gain_over_champion(holdout_set(), candidate, champion, metric=first, n=20)
    assert loss.value == -1.0 and not loss.has_limits, "the other model lists what was wanted first"
    assert gain_over_champion(holdout_set(), candidate, champion, metric=recall_at_k, n=20).value == 0.0
