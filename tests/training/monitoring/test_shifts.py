"""Shift of one feature: numbers, categories, missing values, constants, unseen values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from training.monitoring.shifts import FeatureReference

MONTHS = np.repeat(np.arange(12), 200)
LEVEL = 0.0005


def reference(values: list[object] | np.ndarray, floor: float = 0.1) -> FeatureReference:
    return FeatureReference(pl.Series(values), MONTHS, floor=floor)


def test_a_higher_mean_is_a_shift_of_location() -> None:
    rng = np.random.default_rng(0)
    numbers = reference(rng.normal(size=2_400))
    assert not numbers.compare(pl.Series(rng.normal(size=200))).is_alarm(LEVEL)
    shift = numbers.compare(pl.Series(rng.normal(0.5, 1, size=200)))
    assert shift.is_alarm(LEVEL) and shift.main.kind == "location"
    assert shift.main.effect == pytest.approx(0.5, abs=0.2)


def test_a_shift_below_the_floor_is_no_alarm_however_many_rows() -> None:
    rng = np.random.default_rng(0)
    numbers = reference(rng.normal(size=2_400), floor=0.3)
    shift = numbers.compare(pl.Series(rng.normal(0.15, 1, size=50_000)))
    assert shift.p_value < 1e-4 and not shift.is_alarm(LEVEL)


def test_missing_values_are_compared_as_a_share() -> None:
    shift = reference([None if i % 20 == 0 else float(i % 7) for i in range(2_400)]).compare(
        pl.Series([None] * 40 + [float(i % 7) for i in range(160)])
    )
    assert shift.main.kind == "missing"
    assert (shift.main.before, shift.main.after) == (0.05, 0.2)


def test_nan_and_infinity_are_missing() -> None:
    numbers = reference([float(i % 7) for i in range(2_400)])
    shift = numbers.compare(pl.Series([float("nan"), float("inf")] * 20 + [float(i % 7) for i in range(160)]))
    assert shift.main.kind == "missing" and shift.main.after == 0.2


def test_a_month_without_any_value_is_all_missing() -> None:
    shift = reference([float(i % 7) for i in range(2_400)]).compare(pl.Series([None] * 200, dtype=pl.Float64))
    assert [c.kind for c in shift.components] == ["missing"] and shift.is_alarm(LEVEL)


def test_a_constant_column_alarms_only_if_it_changes() -> None:
    constant = reference([5.0] * 2_400)
    assert not constant.compare(pl.Series([5.0] * 200)).is_alarm(LEVEL)
    assert not constant.compare(pl.Series([5.0] * 199 + [6.0])).is_alarm(LEVEL)
    assert constant.compare(pl.Series([5.0] * 150 + [6.0] * 50)).is_alarm(LEVEL)


def test_a_category_that_is_new_alarms_when_it_is_frequent() -> None:
    texts = reference([["a", "b"][i % 2] for i in range(2_400)])
    one, many = (texts.compare(pl.Series(["a", "b"] * 95 + ["z"] * n + ["a"] * (10 - n))) for n in (1, 10))
    assert not one.is_alarm(LEVEL)
    unseen = next(c for c in many.components if c.kind == "unseen")
    assert unseen.value == "z" and unseen.p_value < LEVEL


def test_categories_that_come_and_go_in_the_reference_are_no_surprise() -> None:
    texts = reference([f"campaign {m}" if i % 4 == 0 else "none" for i, m in enumerate(MONTHS)])
    assert not texts.compare(pl.Series(["campaign 12", "none", "none", "none"] * 50)).is_alarm(LEVEL)


def test_flags_are_numbers() -> None:
    flags = reference([i % 10 == 0 for i in range(2_400)])
    assert flags.is_number and flags.compare(pl.Series([True, False] * 100)).is_alarm(LEVEL)


def test_a_reference_without_values_still_compares_missing_shares() -> None:
    empty = FeatureReference(pl.Series([None] * 2_400, dtype=pl.Float64), MONTHS, floor=0.1)
    assert [c.kind for c in empty.compare(pl.Series([1.0] * 200)).components] == ["missing"]


def test_false_alarms_are_at_most_as_frequent_as_the_level() -> None:
    alarms = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        numbers = FeatureReference(pl.Series(rng.exponential(size=2_400)), MONTHS, floor=0.0)
        alarms += numbers.compare(pl.Series(rng.exponential(size=200))).is_alarm(0.1)
    assert alarms <= 22  # 15 expected at most; 22 is the 97 % quantile
