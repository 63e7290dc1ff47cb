"""True utility of vehicles, and the trim that a budget prefers."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import BODY_TYPES
from tests.training.simulator.small_group import CATALOGUE, CURRENT, MODELS, make_people
from training.simulator.tastes import (
    ABOVE_BUDGET,
    BELOW_BUDGET,
    attribute_utility,
    model_utilities,
    preferred_trim,
    price_utility,
    reference_prices,
)


def test_a_price_above_the_budget_lowers_utility_more_than_one_below() -> None:
    budget = np.array([100_000.0, 100_000.0])
    values = price_utility(budget * np.array([np.e, 1 / np.e]), budget)
    assert values.tolist() == pytest.approx([-ABOVE_BUDGET, -BELOW_BUDGET])


def test_attribute_utility_is_the_sum_of_three_parts() -> None:
    people = make_people(2)
    people.body[1, BODY_TYPES.index("sedan")] = 2.0  # model 0 is a sedan of brand 0
    people.energy[1, CATALOGUE.energy[0]] = 0.5
    people.brand[1, CATALOGUE.brand[0]] = -0.25
    assert attribute_utility(people, CATALOGUE, person=np.array([0, 1]), model=np.array([0, 0])).tolist() == [0.0, 2.25]


def test_reference_price_of_an_earlier_generation() -> None:
    prices = reference_prices(CATALOGUE)
    assert prices[0] == 89_800
    assert prices[CURRENT] == 41_800  # 45% of 92,800, rounded to 100


def test_used_aversion_applies_to_used_vehicles_only() -> None:
    plain, averse = (model_utilities(make_people(1, used_aversion=a), CATALOGUE)[0] for a in (0.0, 3.0))
    assert plain.shape == (MODELS,)
    assert np.allclose(plain - averse, np.where(np.arange(MODELS) < CURRENT, 0.0, 3.0), atol=1e-5)


def test_a_larger_budget_prefers_a_higher_trim() -> None:
    budget = 100_000 * np.array([0.8, 1.0, 1.2])
    assert preferred_trim(np.full(3, 100_000.0), budget, np.zeros(3)).tolist() == [0, 1, 2]
    assert preferred_trim(np.full(2, 100_000.0), np.full(2, 100_000.0), np.array([-1.0, 1.0])).tolist() == [0, 2]
