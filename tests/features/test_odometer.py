"""Readings that contradict the others of their vehicle get a code, and only those."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.aggregations import DAY
from features.odometer import BACKWARDS, JUMP, PLAUSIBLE, TENFOLD, classify_readings

STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=1, max_size=40)


def judged(*readings: float, every: int = 90) -> list[int]:
    n = len(readings)
    return classify_readings(np.zeros(n), np.arange(n) * every * DAY, readings).tolist()


@given(steps=STEPS, vehicles=st.integers(1, 3), seed=st.integers(0, 99))
def test_readings_of_one_odometer_are_plausible_in_any_order(
    steps: list[tuple[int, int]], vehicles: int, seed: int
) -> None:
    days, km = (np.cumsum([a for a, _ in steps]), np.cumsum([a * b for a, b in steps]))
    who = np.repeat(np.arange(vehicles), len(steps))
    order = np.random.default_rng(seed).permutation(len(who))
    at, reading = np.tile(days * DAY, vehicles)[order], np.tile(km, vehicles)[order].astype(float)
    assert not classify_readings(who[order], at, reading).any()


@given(steps=st.lists(st.integers(10, 60), min_size=3, max_size=30), data=st.data())
def test_one_typing_error_is_the_only_implausible_reading(steps: list[int], data: st.DataObject) -> None:
    km = 30_000 + np.cumsum(steps).astype(float) * 90
    error = data.draw(st.integers(0, len(steps) - 1))
    wrong = km.copy()
    wrong[error] *= 10
    codes = judged(*wrong)
    assert codes[error] == TENFOLD and sum(codes) == TENFOLD


def test_each_reason_by_hand() -> None:
    assert judged(1_000, 4_000, 70_000, 9_000) == [PLAUSIBLE, PLAUSIBLE, TENFOLD, PLAUSIBLE]
    assert judged(8_000, 9_000, 2_000, 9_900) == [PLAUSIBLE, PLAUSIBLE, BACKWARDS, PLAUSIBLE]
    assert judged(8_000, 9_000, 900_000, 9_900) == [PLAUSIBLE, PLAUSIBLE, JUMP, PLAUSIBLE]
    first, second = judged(5_000, 4_000)  # either may be right: the later one counts
    assert first != PLAUSIBLE and second == PLAUSIBLE
    assert judged(7_000, 90_000, every=20) == [PLAUSIBLE, TENFOLD]
    assert judged() == []
    assert judged(7_000) == [PLAUSIBLE]


def test_the_lines_of_a_visit_do_not_outvote_the_other_visits() -> None:
    day, km = np.repeat([0, 20, 90], [1, 5, 1]) * DAY, np.repeat([7_000, 80_000, 9_000], [1, 5, 1])
    assert classify_readings(np.zeros(7), day, km).tolist() == [PLAUSIBLE, *[TENFOLD] * 5, PLAUSIBLE]


def test_typing_errors_among_very_many_readings_of_one_vehicle() -> None:
    km = np.arange(3_000) * 50.0
    errors = [20, 1_500, 2_998]
    km[errors] *= 10
    codes = classify_readings(np.zeros(3_000), np.arange(3_000) * DAY, km)
    assert np.flatnonzero(codes).tolist() == errors and set(codes[errors]) == {TENFOLD}
