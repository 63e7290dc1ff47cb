"""What the raw tables of a small showroom say, by hand."""

from __future__ import annotations

import polars as pl

from features.aggregations import DAY
from features.engines import to_engine
from ml.recommendation.training_tables import TrainingTables, single_or_catalogue
from tests.ml.recommendation.showroom import EVENTS, PARAMS, VEHICLES, facts

A_NEW, B_NEW, A_USED = "new|A|10+", "new|B|0-10", "used|A|0-10"


def test_choices_questions_and_wishes_by_hand() -> None:
    made = facts()
    assert made.chosen["person_id"].to_list() == ["K", "K", "K", "L"]
    assert made.chosen["item_id"].to_list() == [A_NEW, A_USED, B_NEW, A_NEW]
    assert made.asked.select("person_id", "as_of").unique().sort("person_id", "as_of").rows() == [
        ("K", 10 * DAY), ("K", 11 * DAY), ("K", 14 * DAY), ("L", 40 * DAY),
    ]  # fmt: skip
    first = made.wanted.filter(person_id="K", as_of=10 * DAY)
    assert set(first["item_id"]) == {A_NEW, A_USED, B_NEW}, "all that follows within a week"
    last = made.history.filter(person_id="K", as_of=14 * DAY)
    assert last.select("item_id", "age_us").rows() == [(A_USED, 3 * DAY), (A_NEW, 4 * DAY)]


def test_questions_may_begin_with_a_share_of_the_choices() -> None:
    assert set(facts(since=0.9).asked["as_of"]) == {40 * DAY}


def test_questions_may_be_given() -> None:
    visits = pl.DataFrame({"person_id": ["M", "K"], "as_of": [50 * DAY, 12 * DAY], "midway": [False, False]})
    made = facts(asked=visits)
    assert made.asked["person_id"].to_list() == ["K", "M"]
    assert made.wanted["item_id"].to_list() == [B_NEW]


def test_new_cars_are_shown_as_their_catalogue_entry_and_used_ones_each_by_itself() -> None:
    assert facts().offered["vehicle_id"].to_list() == ["C1", "C2", "U1"]
    assert single_or_catalogue(VEHICLES.drop("kind")).height == 4


def test_what_was_listed_or_chosen_later_is_not_known_yet() -> None:
    early = facts().known(11 * DAY)
    assert early.items.names == (A_NEW, A_USED) and early.stores.names == ("S1",)
    late = facts().known(100 * DAY)
    assert late.items.names == (A_NEW, B_NEW, A_USED) and late.stores.names == ("S1", "S2", "S9")


def test_everything_as_arrays() -> None:
    made = facts()
    vocabularies = made.known(100 * DAY)
    material = made.material(vocabularies, PARAMS)
    assert len(material.vehicles) == 3 and len(material.choices) == 4
    assert len(material.questions) == made.asked.height
    row = made.asked.with_row_index().filter(person_id="K", as_of=14 * DAY)["index"][0]
    # A view counts 1 and halves with a day: 4 days ago and 3 days ago.
    history = made.visitors(vocabularies, PARAMS).history.toarray()[row]
    view = PARAMS.grades["view"]
    assert history.tolist() == [view / 16, 0.0, view / 8]
    recent = made.visitors(vocabularies, PARAMS, within=3 * DAY).history.toarray()[row]
    assert recent.tolist() == [0.0, 0.0, view / 8]


def test_without_a_table_of_vehicles_each_is_its_own_item() -> None:
    made = TrainingTables.gather(to_engine({"events": EVENTS.lazy()}), PARAMS)
    assert made.vehicles["item_id"].to_list() == ["C1", "C2", "U1"] and made.customers is None
    assert made.known(100 * DAY).items.names == ("C1", "C2", "U1")
