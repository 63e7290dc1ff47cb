"""What the raw tables of a small showroom say, by hand."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from features.engines import to_engine
from ml.recommendation.training_tables import TrainingTables, select_listings
from tests.ml.recommendation.showroom import EVENTS, PARAMS, VEHICLES, training_tables

A_NEW, B_NEW, A_USED = "new|A|10+", "new|B|0-10", "used|A|0-10"


def test_choices_questions_and_wishes_by_hand() -> None:
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


def test_questions_may_begin_with_a_share_of_the_choices() -> None:
    assert set(training_tables(warm_up_share=0.9).queries["as_of"]) == {40 * DAY}


def test_questions_may_be_given() -> None:
    visits = pl.DataFrame({"person_id": ["M", "K"], "as_of": [50 * DAY, 12 * DAY], "midway": [False, False]})
    tables = training_tables(queries=visits)
    assert tables.queries["person_id"].to_list() == ["K", "M"]
    assert tables.relevant["item_id"].to_list() == [B_NEW]


def test_new_cars_are_shown_as_their_catalogue_entry_and_used_ones_each_by_itself() -> None:
    assert training_tables().listings["vehicle_id"].to_list() == ["C1", "C2", "U1"]
    assert select_listings(VEHICLES.drop("kind")).height == 4


def test_what_was_listed_or_chosen_later_is_not_known_yet() -> None:
    early = training_tables().vocabularies(11 * DAY)
    assert early.items.names == (A_NEW, A_USED) and early.stores.names == ("S1",)
    late = training_tables().vocabularies(100 * DAY)
    assert late.items.names == (A_NEW, B_NEW, A_USED) and late.stores.names == ("S1", "S2", "S9")


def test_everything_as_arrays() -> None:
    tables = training_tables()
    vocabularies = tables.vocabularies(100 * DAY)
    encode = tables.encode(vocabularies, PARAMS)
    assert len(encode.vehicles) == 3 and len(encode.choices) == 4
    assert len(encode.queries) == tables.queries.height
    row = tables.queries.with_row_index().filter(person_id="K", as_of=14 * DAY)["index"][0]
    # A view counts 1 and halves with a day: 4 days ago and 3 days ago.
    history = tables.visitors(vocabularies, PARAMS).history.toarray()[row]
    view = PARAMS.grades["view"]
    assert history.tolist() == [view / 16, 0.0, view / 8]
    recent = tables.visitors(vocabularies, PARAMS, within=3 * DAY).history.toarray()[row]
    assert recent.tolist() == [0.0, 0.0, view / 8]


def test_without_a_table_of_vehicles_each_is_its_own_item() -> None:
    tables = TrainingTables.gather(to_engine({"events": EVENTS.lazy()}), PARAMS)
    assert tables.vehicles["item_id"].to_list() == ["C1", "C2", "U1"] and tables.customers is None
    assert tables.vocabularies(100 * DAY).items.names == ("C1", "C2", "U1")
