"""Loan applicants of the simulation."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.simulator.small_group import (
    CATALOGUE,
    END,
    START,
    WINDOW,
    make_demographics,
    make_funnel,
    make_journeys,
    make_people,
    make_sales,
    make_units,
    make_world,
)
from training.simulator.applicants import (
    BUYER_APPLICATION_SHARE,
    SHIFT_CENTRE,
    SHOPPER_APPLICATION_SHARE,
    Applicants,
    build_applicants,
    population_shift,
)
from training.simulator.draws import NEVER
from training.simulator.seasons import DAY, MINUTE
from training.simulator.units import HANDOVER

CUSTOMERS = 2_000
BUYERS = 1_000


@pytest.fixture(scope="module")
def applicants() -> Applicants:
    """2,000 journeys with a lead are decided on day 30; journeys 0 to 999 buy the unit of the same index."""
    demographics = make_demographics(CUSTOMERS, income=5_000 + np.arange(CUSTOMERS))
    return build_applicants(
        np.random.default_rng(0),
        make_world(
            sales=make_sales(BUYERS, sold_at=START + 30 * DAY + HANDOVER, price=88_000),
            units=make_units(BUYERS, item=1, store=1),
            journeys=make_journeys(CUSTOMERS, decided_at=START + 30 * DAY, trim=2),
            funnel=make_funnel(CUSTOMERS, lead=True, channel=4),
            people=make_people(CUSTOMERS, demographics=demographics),
        ),
    )


def test_the_population_shifts_around_the_middle_of_the_window() -> None:
    centre = START + int(SHIFT_CENTRE * (END - START))
    early, middle, late = population_shift(np.array([START, centre, END]), WINDOW)
    assert early < 0.001 and middle == pytest.approx(0.5) and late > 0.998


def test_applicants_come_in_the_order_of_their_application(applicants: Applicants) -> None:
    assert (np.diff(applicants.submitted_at) >= 0).all()
    assert np.allclose(applicants.shift, population_shift(applicants.submitted_at, WINDOW))
    assert len(applicants) == len(applicants.demographics.income)


def test_some_buyers_apply_for_the_car_they_bought_before_they_order(applicants: Applicants) -> None:
    buyers = applicants.ordered_at < NEVER
    assert buyers.sum() / BUYERS == pytest.approx(BUYER_APPLICATION_SHARE, abs=0.05)
    assert (applicants.unit[buyers] == applicants.person[buyers]).all()
    assert set(applicants.price[buyers]) == {88_000} and set(applicants.store[buyers]) == {1}
    ahead = applicants.ordered_at[buyers] - applicants.submitted_at[buyers]
    assert ahead.min() >= 20 * MINUTE and ahead.max() < 90 * MINUTE
    assert (applicants.demographics.income[buyers] == 5_000 + applicants.person[buyers]).all()


def test_some_shoppers_apply_who_buy_nothing(applicants: Applicants) -> None:
    others = (applicants.person >= 0) & (applicants.ordered_at == NEVER)
    assert others.sum() / (CUSTOMERS - BUYERS) == pytest.approx(SHOPPER_APPLICATION_SHARE, abs=0.03)
    assert applicants.person[others].min() >= BUYERS
    assert set(applicants.unit[others]) == {-1} and set(applicants.item[others]) == {2}
    assert set(applicants.price[others]) == {CATALOGUE.item_price[2]}


def test_partners_send_persons_and_vehicles_that_are_not_in_the_books(applicants: Applicants) -> None:
    partner = applicants.partner
    assert partner.sum() == int(CUSTOMERS * 1.05)
    for column in (applicants.person, applicants.unit, applicants.item, applicants.channel):
        assert set(column[partner]) == {-1}
    assert applicants.submitted_at[partner].min() >= START and applicants.submitted_at[partner].max() < END
    assert applicants.price[partner].min() >= 25_000 and applicants.price[partner].max() <= 900_000
    used = applicants.used[partner]
    late = applicants.shift[partner] > 0.5
    assert used[late].mean() > used[~late].mean()
