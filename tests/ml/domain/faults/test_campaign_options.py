"""Options of an inspection on the same vehicles, the cut, and what must be true for it to pay; computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.faults.campaign_options import (
    Inspections,
    break_even,
    each_at_its_best,
    figures_of,
    inspections_at,
    values_that_pay,
    worth_inspecting,
)
from ml.domain.faults.inspection_campaign import Avoided, Outlook


def inspections(faults: list[float], cost: list[float], *, visit: float = 0.0) -> Inspections:
    """Inspections that avoid these faults at any ratio, a half in each of two years, without discount."""
    n, ones = np.array(faults), np.ones(len(faults))
    avoided = Avoided(np.tile(n, (20, 1)), np.tile(n, (20, 1)), np.column_stack([n / 2, n / 2]))
    return Inspections(visit * ones, avoided, ones, ones, np.array(cost, dtype=np.float64))


def test_the_cut_lies_exactly_where_benefit_equals_cost() -> None:
    """At 1,000 yuan a fault, inspections of 500 yuan pay up to the vehicle with half a fault."""
    benefit = inspections([0.9, 0.5, 0.4999999], [500.0] * 3).benefit(1_000.0)
    assert worth_inspecting(benefit, [500.0] * 3).tolist() == [True, True, False]
    assert worth_inspecting([0.0], [0.0]).tolist() == [False]


def test_each_vehicle_takes_the_better_moment() -> None:
    """Calling in costs 500, waiting 200: the first vehicle loses .4 faults by waiting, the second .1."""
    now = inspections([1.0, 0.6], [500.0, 500.0])
    later = inspections([0.6, 0.5], [200.0, 200.0], visit=1.0)
    best, position = each_at_its_best([now, later], 1_000.0)
    assert position.tolist() == [0, 1] and best.visit.tolist() == [0.0, 1.0]
    assert best.benefit(1_000.0).tolist() == [1_000.0, 500.0] and best.cost.tolist() == [500.0, 200.0]
    assert best.avoided.by_slice.tolist() == [[0.5, 0.5], [0.25, 0.25]]


def test_sums_of_the_vehicles_that_come() -> None:
    """Two of three vehicles, of which half come: .8 faults of 1,000 yuan for 400, a half of them in the first year."""
    figures = figures_of(
        inspections([1.0, 0.6, 9.0], [400.0, 400.0, 1.0]), np.array([True, True, False]),
        edges=np.array([0.0, 1.0, 2.0]), visit_probability=0.5, value=1_000.0,
    )  # fmt: skip
    assert (figures.visits, figures.avoided, figures.cost) == (1.0, pytest.approx(0.8), 400.0)
    assert figures.benefit == pytest.approx(800) and figures.net_interval == pytest.approx((400, 400))
    assert figures.break_even_years == pytest.approx(1.0) and figures.break_even_price == pytest.approx(800)
    with pytest.raises(ValueError, match="visit_probability"):
        figures_of(inspections([1.0], [1.0]), np.array([True]), edges=np.array([0.0, 1.0, 2.0]),
                   visit_probability=2.0, value=1.0)  # fmt: skip


def test_a_campaign_that_never_pays_has_no_break_even() -> None:
    assert break_even(np.array([0.0, 1.0, 2.0]), [100.0, 50.0], 150.0) == 2.0
    assert break_even(np.array([0.0, 1.0, 2.0]), [100.0, 50.0], 150.1) is None
    assert break_even(np.array([0.0, 1.0]), [0.0], 0.0) is None


def test_values_at_which_the_first_vehicle_and_all_together_pay() -> None:
    """400 yuan for half a fault is 800 a fault; 800 yuan for .6 faults of both is 1,333."""
    options = [inspections([0.5, 0.1], [400.0, 400.0]), inspections([0.1, 0.1], [400.0, 400.0])]
    assert values_that_pay(options) == (pytest.approx(800.0), pytest.approx(800 / 0.6))
    assert values_that_pay([inspections([0.0], [400.0])]) == (None, None)


def test_the_present_value_of_a_cost_falls_with_delay_discount_and_leaving() -> None:
    """A visit after one year of two, when half of the way from 1 to .5 in service, at 25% a year."""
    future = Outlook(
        np.array([0.0, 2.0]), np.array([[0.2]]), np.array([[1.0, 0.5]]), discount_rate=0.25, repaired_until=np.zeros(1)
    )
    result = inspections_at(future, np.array([2.0]), repair_effectiveness=1.0, visit=[1.0], price=100.0)
    assert result.in_service.tolist() == [0.75] and result.weight.tolist() == [pytest.approx(0.6)]
    assert result.cost.tolist() == [pytest.approx(60.0)]


vehicle = st.tuples(st.floats(0, 3), st.floats(0, 3))


@given(
    vehicles=st.lists(vehicle, min_size=1, max_size=8), prices=st.tuples(st.floats(0, 900), st.floats(0, 900)),
    value=st.floats(0, 3_000), more=st.floats(0, 3_000),
)  # fmt: skip
def test_a_fault_that_is_worth_more_never_shrinks_the_list(
    vehicles: list[Any], prices: tuple[float, float], value: float, more: float
) -> None:
    options = [inspections([v[i] for v in vehicles], [price] * len(vehicles)) for i, price in enumerate(prices)]

    def chosen(yuan: float) -> set[int]:
        best, _ = each_at_its_best(options, yuan)
        return set(np.flatnonzero(worth_inspecting(best.benefit(yuan), best.cost)).tolist())

    assert chosen(value) <= chosen(value + more)
