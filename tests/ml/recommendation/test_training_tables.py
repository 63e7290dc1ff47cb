"""Training tables of four vehicles and three visitors, by hand."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from features.engines import to_engine
from ml.recommendation.training_tables import TrainingTables, select_listings
from tests.ml.recommendation.showroom import EVENTS, PARAMS, VEHICLES, training_tables

A_NEW, B_NEW, A_USED = "new|A|10+", "new|B|0-10", "used|A|0-10"


def test_choices_queries_and_relevant_items_by_hand() -> None:
    tables = training_tables()
    assert tables.choices["person_id"].to_list() == ["K", "K", "K", "L"]
    assert tables.choices["item_id"].to_list() == [A_NEW, A_USED, B_NEW, A_NEW]
    assert tables.queries.select("person_id", "as_of").unique().sort("person_id", "as_of").rows() == [
        ("K", 10 * DAY), ("K", 11 * DAY), ("K", 14 * DAY), ("L", 40 * DAY),
    ]  # fmt: skip
    first = tables.relevant.filter(person_id="K", as_of=10 * DAY)
    assert set(first["item_id"]) == {A_NEW, A_USED, B_NEW}, "all that follows within a week"
    last = tables.history.filter(person_id="K", as_of=14 * DAY)
    assert last.select("item_id", "age_us").rows() == [(A_USED, 3 * DAY), (A_NEW, 4 * DAY)]


def test_queries_start_after_the_warm_up() -> None:
    assert set(training_tables(warm_up_share=0.9).queries["as_of"]) == {40 * DAY}


def test_queries_can_be_passed() -> None:
    visits = pl.DataFrame({"person_id": ["M", "K"], "as_of": [50 * DAY, 12 * DAY], "midway": [False, False]})
    tables = training_tables(queries=visits)
    assert tables.queries["person_id"].to_list() == ["K", "M"]
    assert tables.relevant["item_id"].to_list() == [B_NEW]


def test_listings_are_catalogue_entries_of_new_and_units_of_used_vehicles() -> None:
    assert training_tables().listings["vehicle_id"].to_list() == ["C1", "C2", "U1"]
    assert select_listings(VEHICLES.drop("kind")).height == 4


def test_vocabularies_contain_nothing_after_the_cutoff() -> None:
    early = training_tables().vocabularies(11 * DAY)
    assert early.items.names == (A_NEW, A_USED) and early.stores.names == ("S1",)
    late = training_tables().vocabularies(100 * DAY)
    assert late.items.names == (A_NEW, B_NEW, A_USED) and late.stores.names == ("S1", "S2", "S9")


def test_encoded_tables_by_hand() -> None:
    tables = training_tables()
    vocabularies = tables.vocabularies(100 * DAY)
    encode = tables.encode(vocabularies, PARAMS)
    assert len(encode.vehicles) == 3 and len(encode.choices) == 4
    assert len(encode.queries) == tables.queries.height
    row = tables.queries.with_row_index().filter(person_id="K", as_of=14 * DAY)["index"][0]
    # A view has grade 1 and a half-life of one day; the views are 4 and 3 days old.
    history = tables.visitors(vocabularies, PARAMS).history.toarray()[row]
    view = PARAMS.grades["view"]
    assert history.tolist() == [view / 16, 0.0, view / 8]
    recent = tables.visitors(vocabularies, PARAMS, within=3 * DAY).history.toarray()[row]
    assert recent.tolist() == [0.0, 0.0, view / 8]


def test_without_a_vehicles_table_every_vehicle_is_an_item() -> None:
    tables = TrainingTables.gather(to_engine({"events": EVENTS.lazy()}), PARAMS)
    assert tables.vehicles["item_id"].to_list() == ["C1", "C2", "U1"] and tables.customers is None
    assert tables.vocabularies(100 * DAY).items.names == ("C1", "C2", "U1")
