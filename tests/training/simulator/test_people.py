"""Customers and visitors: who they are, and what the customers table shows of them."""

from __future__ import annotations

import numpy as np

from tests.training.simulator.small_group import END, START, STORES, WINDOW, make_people
from training.simulator.draws import NEVER
from training.simulator.people import (
    OCCUPATIONS,
    build_people,
    customer_ids,
    draw_demographics,
    draw_registrations,
)
from training.simulator.seasons import DAY, YEAR


def test_facts_lie_in_their_ranges_and_can_be_tilted_to_the_young() -> None:
    drawn = draw_demographics(np.random.default_rng(0), 2_000, at=START)
    age = (START - drawn.birth) / YEAR
    assert age.min() >= 20 and age.max() < 71.01
    assert drawn.income.min() >= 2_500 and drawn.income.max() <= 120_000
    assert drawn.household.min() == 1 and drawn.household.max() <= 5
    assert set(drawn.occupation[age > 60.1]) == {OCCUPATIONS.index("退休"), OCCUPATIONS.index("个体经营")}
    younger = draw_demographics(np.random.default_rng(0), 2_000, at=START, younger=1.0)
    assert ((START - younger.birth) / YEAR).mean() < age.mean() - 5


def test_a_quarter_more_visitors_than_customers_and_none_of_them_is_an_existing_customer() -> None:
    people = build_people(np.random.default_rng(0), 200, stores=STORES, window=WINDOW)
    assert (people.customers, len(people)) == (200, 250)
    assert people.existing[:200].any() and not people.existing[200:].any()
    assert people.budget.min() >= 45_000 and people.budget.max() <= 900_000
    assert set(people.store) == {0, 1}


def test_identifiers_of_customers_and_none_for_visitors() -> None:
    assert customer_ids(np.array([0, 9, 10]), customers=10).to_list() == ["K0000001", "K0000010", None]


def test_a_customer_is_known_since_before_the_window_or_since_first_seen() -> None:
    people = make_people(3, existing=[True, False, False])
    first_contact = np.array([START + DAY, START + 2 * DAY, NEVER])
    created = draw_registrations(np.random.default_rng(0), people, first_contact=first_contact, window=WINDOW)
    assert START - 4 * YEAR <= created[0] < START
    assert created[1] == START + 2 * DAY
    assert START <= created[2] < END
