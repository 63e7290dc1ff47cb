"""The truth as it is written down, from rows made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.simulator.small_group import (
    CATALOGUE,
    CURRENT,
    END,
    MARKET,
    MODELS,
    START,
    STORES,
    WINDOW,
    make_applicants,
    make_fleet,
    make_funnel,
    make_journeys,
    make_people,
    make_world,
)
from training.simulator.draws import NEVER
from training.simulator.event_log import join_logs, log_of
from training.simulator.faults import COMPONENTS, DEFECT_MODEL, RATE_RATIO, Faults, Hazard, bad_range
from training.simulator.leads import FLOOR
from training.simulator.lending import Loans
from training.simulator.seasons import DAY, MONTH, YEAR
from training.simulator.stock_and_sales import FIRST, LOST, SECOND, Trade
from training.simulator.truth import (
    appeal_truth,
    credit_truth,
    demand_truth,
    exposure_truth,
    fault_exposure_truth,
    fault_truth,
    injection_truth,
    lead_truth,
    store_truth,
    taste_truth,
)


def test_credit_says_what_would_have_happened_to_those_without_a_loan() -> None:
    loans = Loans(
        probability=np.array([0.2, 0.1]), expected=np.array([0.15, 0.12]), hidden=np.array([0.5, -0.5]),
        decision=np.array([2, 0]), decided_at=np.full(2, START), originated_at=np.array([NEVER, START + DAY]),
        default_at=np.array([START + 200 * DAY, NEVER]), loss=np.zeros(2),
    )  # fmt: skip
    frame = credit_truth(make_applicants(2, shift=[0.25, 0.75]), loans)
    assert frame["application_id"].to_list() == ["A00000001", "A00000002"]
    assert frame["would_default"].to_list() == [True, False]
    assert frame["originated"].to_list() == [False, True]
    assert frame["observable_probability"].to_list() == [0.15, 0.12]
    assert frame["population_shift"].to_list() == [0.25, 0.75]


def test_demand_counts_first_choices_and_where_they_went() -> None:
    none = np.zeros((3, 2 * CURRENT), dtype=np.int64)
    trade = Trade(
        outcome=np.array([FIRST, LOST, SECOND]), cell=np.array([0, -1, 1]), arrival_day=np.zeros(0, dtype=np.int64),
        arrival_cell=np.zeros(0, dtype=np.int64), closing=none, days_in_stock=none, received=none,
    )  # fmt: skip
    expected = np.full((3, 2 * CURRENT), 0.5)
    journeys = make_journeys(3, decided_at=[START, START + DAY, START + 2 * DAY])
    frame = demand_truth(make_world(trade=trade, journeys=journeys, buyers=np.arange(3), expected=expected))
    columns = ("demand", "sold", "lost", "switched", "switched_in", "expected_demand")
    january = frame.filter(store_id="S0001", month_at=START)
    rows = {row["model"]: tuple(row[c] for c in columns) for row in january.to_dicts()}
    assert rows[CATALOGUE.names[0]] == (3, 1, 1, 1, 0, 0.5)
    assert rows[CATALOGUE.names[1]] == (0, 0, 0, 0, 1, 0.5)
    assert frame["demand"].sum() == 3


def test_tastes_are_listed_by_visitor_with_a_column_for_each_type() -> None:
    people = make_people(2, customers=1, budget=[50_000, 60_000])
    people.body[1, 0] = 2.5
    frame = taste_truth(people)
    assert frame["visitor_id"].to_list() == ["W00000001", "W00000002"]
    assert frame["customer_id"].to_list() == ["K0000001", None]
    assert frame["body_sedan"].to_list() == [0.0, 2.5]
    assert frame["budget"].to_list() == [50_000, 60_000]
    assert {"energy_hybrid", "brand_澄舟"} <= set(frame.columns)


def test_appeal_is_listed_by_model_and_month() -> None:
    market_appeal = np.arange(MODELS * 3, dtype=np.float64).reshape(MODELS, 3)
    frame = appeal_truth(CATALOGUE, type(MARKET)(market_appeal, MARKET.promotion, MARKET.supply), WINDOW)
    second = frame.filter(model=CATALOGUE.names[1])
    assert second["month_at"].to_list() == WINDOW.month_starts[:3].tolist()
    assert second["appeal"].to_list() == [3.0, 4.0, 5.0]


def test_a_store_lists_its_three_brands() -> None:
    frame = store_truth(STORES)
    assert frame.select("^brand_.*$").rows() == [("澄舟", "青衡", "辰野"), ("沐原", "砺行", "望岱")]
    assert frame["purchase_log_odds"].to_list() == [0.0, 0.0] and frame["response_time_factor"].to_list() == [1.0, 1.0]


def test_a_lead_lists_the_terms_of_its_equation_without_hours_where_nobody_called() -> None:
    funnel = make_funnel(
        3, lead=[True, True, False], created_at=[START + 2, START + 1, NEVER], hours=[4.0, np.inf, np.inf],
        base=0.5, decay=0.1, probability=[0.4, 0.175, 0.5], wants=[True, False, True],
    )  # fmt: skip
    journeys = make_journeys(3, decided_at=[5, 6, 7], intent=[0.1, 0.2, 0.3])
    frame = lead_truth(make_world(journeys=journeys, funnel=funnel))
    assert frame["lead_id"].to_list() == ["L00000001", "L00000002"]
    assert frame["response_hours"].to_list() == [None, 4.0]
    assert frame["conversion_probability"].to_list() == [0.175, 0.4]
    assert frame["floor"].to_list() == [FLOOR, FLOOR]
    assert frame["decides_to_buy"].to_list() == [False, True]
    assert frame["decides_at"].to_list() == [6, 5]


def test_exposures_are_the_impressions_by_their_number_in_the_whole_log() -> None:
    one = np.array([0])
    view = log_of("view", np.array([5]), person=one, channel=one)
    shown = log_of("impression", np.array([7]), person=one, channel=one, utility=np.array([1.5]), view=np.array([0.25]))
    frame = exposure_truth(join_logs([shown, view], before=10))
    assert frame.rows() == [("E000000002", 1.5, 0.25)]


def test_the_injected_fault_is_one_row() -> None:
    low, high = bad_range(WINDOW)
    assert injection_truth(WINDOW).rows() == [(DEFECT_MODEL, "brakes", low, high, RATE_RATIO)]


def test_faults_are_listed_in_the_order_of_their_time() -> None:
    faults = Faults(car=np.array([0, 1]), component=np.array([0, 1]), at=np.array([START + 9, START + 3]))
    frame = fault_truth(faults, make_fleet(2, unit=[4, 6]))
    assert frame.rows() == [("V00000007", "battery_12v", START + 3), ("V00000005", "brakes", START + 9)]


def test_exposure_groups_cars_by_model_and_whether_affected() -> None:
    bad = CATALOGUE.names.index(DEFECT_MODEL)
    fleet = make_fleet(4, model=[bad, bad, bad, 0], left_at=[NEVER, NEVER, START + 45 * DAY, END])
    hazard = Hazard(np.ones((MODELS, len(COMPONENTS))), np.array([True, False, False, False]))
    infotainment = list(COMPONENTS).index("infotainment")
    faults = Faults(car=np.array([0, 0, 2]), component=np.array([infotainment, 0, infotainment]), at=np.full(3, START))
    frame = fault_exposure_truth(faults, fleet, hazard, catalogue=CATALOGUE, window=WINDOW)
    assert frame.height == 3 * len(COMPONENTS)
    rows = {(row["model"], row["affected"]): row for row in frame.filter(component="infotainment").to_dicts()}
    healthy = rows[DEFECT_MODEL, False]
    assert (healthy["vehicles"], healthy["faults"]) == (2, 1)
    assert healthy["vehicle_months"] == pytest.approx(135 * DAY / MONTH)
    assert healthy["expected_faults"] == pytest.approx(0.05 * 135 * DAY / YEAR)
    assert (rows[DEFECT_MODEL, True]["vehicles"], rows[DEFECT_MODEL, True]["faults"]) == (1, 1)
    assert rows[CATALOGUE.names[0], False]["faults"] == 0
