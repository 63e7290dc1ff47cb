"""Simulated faults: rates, seasons, and the injected defect."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import ENERGY_TYPES
from tests.training.simulator.small_group import CATALOGUE, END, MODELS, START, WINDOW, make_fleet
from training.simulator.draws import NEVER
from training.simulator.faults import (
    COMPONENTS,
    DEFECT_MODEL,
    RATE_RATIO,
    Hazard,
    affected,
    bad_range,
    build_hazard,
    draw_faults,
    expected_faults,
    season,
)
from training.simulator.seasons import DAY, MONTH, YEAR

NAMES = list(COMPONENTS)
BRAKES, INFOTAINMENT, ENGINE = (NAMES.index(name) for name in ("brakes", "infotainment", "engine"))
BAD = CATALOGUE.names.index(DEFECT_MODEL)


def _even(bad: bool = False, cars: int = 1) -> Hazard:
    return Hazard(np.ones((MODELS, len(COMPONENTS))), np.full(cars, bad))


def test_the_defective_builds_range_from_half_a_year_before_the_window_to_a_third_of_it() -> None:
    low, high = bad_range(WINDOW)
    assert low == START - int(6 * MONTH)
    assert high == START + 63 * DAY // 2  # 35% of 90 days


def test_a_car_has_the_defect_by_model_and_build() -> None:
    low, high = bad_range(WINDOW)
    fleet = make_fleet(4, model=[BAD, BAD, BAD, 0], built_at=[low, low - 1, high, low])
    assert affected(fleet, CATALOGUE, WINDOW).tolist() == [True, False, False, False]


def test_a_rate_grows_with_model_ratio_and_distance() -> None:
    fleet = make_fleet(2, monthly_km=[1_200, 2_400])
    hazard = Hazard(np.full((MODELS, len(COMPONENTS)), 2.0), np.zeros(2, dtype=np.bool_))
    assert hazard.factor(fleet, BRAKES).tolist() == pytest.approx([0.11, 0.11 * 2**0.8])
    assert hazard.factor(fleet, INFOTAINMENT).tolist() == pytest.approx([0.1, 0.1])


def test_the_injected_fault_multiplies_the_rate_of_brakes_alone() -> None:
    hazard = Hazard(np.ones((MODELS, len(COMPONENTS))), np.array([True, False]))
    assert hazard.ratio(BRAKES).tolist() == [RATE_RATIO, 1.0]
    assert hazard.ratio(ENGINE).tolist() == [1.0, 1.0]


def test_batteries_die_in_winter_and_air_conditioning_in_summer() -> None:
    battery, cooling = season(NAMES.index("battery_12v")), season(NAMES.index("air_conditioning"))
    assert battery[[11, 0, 1]].tolist() == [1.6] * 3
    assert cooling[[5, 6, 7]].tolist() == [1.9] * 3
    assert season(BRAKES).tolist() == [1.0] * 12


def test_a_car_has_no_faults_of_a_component_that_it_lacks() -> None:
    hazard = build_hazard(np.random.default_rng(0), make_fleet(1), CATALOGUE, WINDOW)
    electric = CATALOGUE.energy == ENERGY_TYPES.index("battery_electric")
    assert (hazard.model_ratio[electric, ENGINE] == 0).all()
    assert (hazard.model_ratio[~electric, ENGINE] > 0).all()
    assert (hazard.model_ratio[:, BRAKES] > 0).all()


def test_expected_faults_are_the_rate_times_the_time_observed() -> None:
    fleet = make_fleet(3, left_at=[NEVER, START + 45 * DAY, START])
    expected = expected_faults(fleet, _even(cars=3), INFOTAINMENT, WINDOW)
    assert expected.tolist() == pytest.approx([0.05 * 90 * DAY / YEAR, 0.05 * 45 * DAY / YEAR, 0.0])
    aged = make_fleet(1, built_at=START - 2 * int(YEAR), entered_at=START - int(YEAR))
    middle = 2 + 45 * DAY / YEAR  # years since built, on average
    assert expected_faults(aged, _even(), BRAKES, WINDOW)[0] == pytest.approx(
        0.055 * (1 + 0.06 * middle) * 90 * DAY / YEAR, rel=1e-6
    )


def test_faults_happen_while_a_car_is_observed_as_often_as_expected() -> None:
    n = 4_000
    fleet = make_fleet(n, built_at=START - 3 * int(YEAR), entered_at=START - 2 * int(YEAR), left_at=END - 9 * DAY)
    hazard = Hazard(np.full((MODELS, len(COMPONENTS)), 5.0), np.arange(n) < n // 2)
    faults = draw_faults(np.random.default_rng(0), fleet, hazard, WINDOW)
    assert faults.at.min() >= START and faults.at.max() < END - 9 * DAY
    for component in (BRAKES, NAMES.index("battery_12v")):
        expected = (expected_faults(fleet, hazard, component, WINDOW) * hazard.ratio(component)).sum()
        count = (faults.component == component).sum()
        assert abs(count - expected) < 4 * np.sqrt(expected)


def test_a_model_ratio_of_zero_has_no_faults() -> None:
    hazard = Hazard(np.zeros((MODELS, len(COMPONENTS))), np.ones(50, dtype=np.bool_))
    assert len(draw_faults(np.random.default_rng(0), make_fleet(50), hazard, WINDOW).at) == 0
