"""Dangerous workshop lines: their share, their texts, and that the safety rules read them right."""

from __future__ import annotations

import numpy as np
import pytest

from ml.fault_rate.safety import SafetyRules
from training.simulator.dangers import DANGERS, DEFECT_FACTOR, DENIED_SHARE, danger_truth, draw_dangers, texts
from training.simulator.faults import COMPONENTS, Hazard
from training.simulator.workshop import Lines

BRAKES, WIPERS = list(COMPONENTS).index("brakes"), len(COMPONENTS) + 6
N = 40_000


def lines(work: int, *, fault: bool = True, car: int = 0) -> Lines:
    zeros = np.zeros(N, dtype=np.int64)
    return Lines(zeros + car, zeros + work, zeros, zeros, np.zeros(N), np.full(N, fault))


HAZARD = Hazard(np.ones((1, len(COMPONENTS))), np.array([False, True]))


@pytest.mark.parametrize(("car", "factor"), [(0, 1.0), (1, DEFECT_FACTOR)])
def test_the_share_is_that_of_the_component_and_higher_among_defective_cars(car: int, factor: float) -> None:
    kind, share, phrases, denial = DANGERS["brakes"]
    dangers = draw_dangers(np.random.default_rng(0), lines(BRAKES, car=car), HAZARD)
    names = np.array([*texts(), ""])[dangers]
    dangerous = np.isin(names, phrases).mean()
    assert dangerous == pytest.approx(share * factor, abs=4 * np.sqrt(share * factor / N))
    assert (names == denial).mean() == pytest.approx(DENIED_SHARE, abs=4 * np.sqrt(DENIED_SHARE / N))
    assert set(danger_truth(dangers, lines(BRAKES, car=car), HAZARD)["kind"]) == {kind, None}


@pytest.mark.parametrize(("work", "fault"), [(WIPERS, True), (BRAKES, False)])
def test_other_work_and_routine_lines_are_ordinary(work: int, fault: bool) -> None:
    dangers = draw_dangers(np.random.default_rng(0), lines(work, fault=fault), HAZARD)
    assert (dangers == -1).all()
    assert danger_truth(dangers, lines(work, fault=fault), HAZARD).is_empty()


def test_the_truth_has_the_record_its_kind_and_whether_its_car_is_defective() -> None:
    few = Lines(np.array([0, 1]), np.array([BRAKES] * 2), np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2),
                np.ones(2, np.bool_))  # fmt: skip
    denial = len(DANGERS["brakes"][2])
    assert danger_truth(np.array([denial, 0]), few, HAZARD).rows() == [
        ("R000000001", "brakes", None, False),
        ("R000000002", "brakes", "loss_of_braking", True),
    ]


@pytest.mark.parametrize("component", DANGERS)
def test_the_safety_rules_read_each_text_right(component: str) -> None:
    rules = SafetyRules()
    kind, _, phrases, denial = DANGERS[component]
    for text in phrases:
        match = rules.match(component, text)
        assert match is not None and match[0].name == kind
    assert rules.match(component, denial) is None
    assert rules.match(component, COMPONENTS[component][5]) is None
