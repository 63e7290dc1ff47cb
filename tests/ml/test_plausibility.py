"""Warnings about implausible values: usual ranges, limits, and errors of unit."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.plausibility import field_warnings
from ml.signature import Field, Signature
from ml.usual_values import UsualRange

INCOME = UsualRange(low=180_000, high=9_600_000)


def warning_of(value: float | None, usual: UsualRange, unit: str | None = None) -> tuple[str, str] | None:
    signature = Signature(fields=(Field(name="x", kind="number", unit=unit, feature=True, usual=usual),))
    warnings = field_warnings({"x": [value]}, 0, signature)
    return (warnings[0].en, warnings[0].zh) if warnings else None


@pytest.mark.parametrize(
    ("value", "usual", "unit", "en", "zh"),
    [
        (
            90, INCOME, "fen",
            "“x” 0.9 is far below the training data (1,800 to 96,000 yuan): amounts are in yuan, not in 万元 "
            "(10,000 yuan)",
            "“x” 0.9 远低于训练数据（1,800 至 96,000 元）：金额单位是元，不是万元",
        ),
        (
            1_250, UsualRange(low=2_000_000, high=50_000_000), "fen",
            "“x” 12.5 is far below the training data (20,000 to 500,000 yuan): amounts are in yuan, not in 万元 "
            "(10,000 yuan)",
            "“x” 12.5 远低于训练数据（20,000 至 500,000 元）：金额单位是元，不是万元",
        ),
        (
            120_000_000, INCOME, "fen",
            "“x” 1,200,000 is far above the training data (1,800 to 96,000 yuan): amounts are in yuan, not in fen",
            "“x” 1,200,000 远高于训练数据（1,800 至 96,000 元）：金额单位是元，不是分",
        ),
        (
            6.5, UsualRange(low=500, high=400_000), "km",
            "“x” 6.5 is far below the training data (500 to 400,000 km): distances are in km, not in 万公里 "
            "(10,000 km)",
            "“x” 6.5 远低于训练数据（500 至 400,000 公里）：里程单位是公里，不是万公里",
        ),
        (
            3, UsualRange(low=36, high=60), "months",
            "“x” 3 is far below the training data (36 to 60 months): the unit is months, not years",
            "“x” 3 远低于训练数据（36 至 60 个月）：单位是月，不是年",
        ),
        (
            5, UsualRange(low=12, high=60), "months",
            "“x” 5 is far below the training data (12 to 60 months): the unit is months, not years",
            "“x” 5 远低于训练数据（12 至 60 个月）：单位是月，不是年",
        ),
        (
            5, UsualRange(low=0.01, high=0.98, has_zero=True), None,
            "“x” 5 is far above the training data (0, or 0.01 to 0.98): the training data has fractions such as 0.3, "
            "not per cent",
            "“x” 5 远高于训练数据（0 或 0.01 至 0.98）：训练数据用小数（如 0.3），不用百分数",
        ),
        (
            45, UsualRange(low=0.01, high=0.98, has_zero=True), None,
            "“x” 45 is far above the training data (0, or 0.01 to 0.98): the training data has fractions such as 0.3, "
            "not per cent",
            "“x” 45 远高于训练数据（0 或 0.01 至 0.98）：训练数据用小数（如 0.3），不用百分数",
        ),
        (
            0.2, UsualRange(low=5, high=95), None,
            "“x” 0.2 is far below the training data (5 to 95): the training data has per cent such as 30, not "
            "fractions",
            "“x” 0.2 远低于训练数据（5 至 95）：训练数据用百分数（如 30），不用小数",
        ),
        (
            1.2, UsualRange(low=3_000, high=90_000), None,
            "“x” 1.2 is far below the training data (3,000 to 90,000): is the value in 万 (10,000)?",
            "“x” 1.2 远低于训练数据（3,000 至 90,000）：数值是否以万为单位？",
        ),
        (-1, INCOME, None, "“x” -1 is far below the training data (180,000 to 9,600,000)", None),
        (0, INCOME, None, "“x” 0 is far below the training data (180,000 to 9,600,000)", None),
        (98, UsualRange(low=1, high=9, has_zero=True), None, "“x” 98 is far above the training data (0, or 1 to 9)",
         None),
    ],
)  # fmt: skip
def test_a_warning_names_values_unit_and_the_error_of_unit_that_fits(
    value: float, usual: UsualRange, unit: str | None, en: str, zh: str | None
) -> None:
    warning = warning_of(value, usual, unit)
    assert warning is not None and warning[0] == en
    assert zh is None or warning[1] == zh


@pytest.mark.parametrize(
    ("value", "usual"),
    [
        (None, INCOME),
        (18_000, INCOME),  # a tenth of the lowest usual income
        (96_000_000, INCOME),
        (0, UsualRange(low=200, high=500, has_zero=True)),
        (2_030, UsualRange(low=2_005, high=2_025)),
        (5, UsualRange(low=1, high=4)),  # a number of persons, which no error of unit explains
        (9, UsualRange(low=1, high=4)),
        (7, UsualRange(low=5, high=5)),  # seats: nearly always five
        (-12, UsualRange(low=-3, high=5)),
        (2, UsualRange(low=1, high=1, has_zero=True)),  # a count that rarely is above 0
    ],
)
def test_values_within_the_limits_have_no_warning(value: float | None, usual: UsualRange) -> None:
    assert warning_of(value, usual) is None


def test_years_for_months_are_implausible_only_if_they_are_usual_as_months() -> None:
    terms = UsualRange(low=12, high=60)
    warned = [years for years in (1, 2, 5, 6, 11) if warning_of(years, terms, "months")]
    assert warned == [1, 2, 5]  # 12, 24 and 60 months; a term of 6 or 11 months is only a little short


def test_a_range_ignores_outliers_missing_values_and_zeros() -> None:
    values = pl.Series([None, float("nan"), *[0.0] * 500, *range(1, 2_001), 1e9])
    usual = UsualRange.of(values)
    assert usual is not None and usual.has_zero
    assert usual.low == pytest.approx(3, abs=1) and usual.high == pytest.approx(1_999, abs=1)


@pytest.mark.parametrize(
    "values",
    [[], [5.0] * 29, [36.0] * 1_000, [0.0] * 1_000, [0.0] * 1_000 + [1.0] * 29, [None] * 100, [float("inf")] * 100],
    ids=["empty", "few", "constant", "zeros", "few above zero", "missing", "infinite"],
)
def test_no_range_without_enough_values(values: list[float | None]) -> None:
    assert UsualRange.of(pl.Series(values, dtype=pl.Float64)) is None


def test_negative_values_extend_the_range_by_twice_its_width() -> None:
    usual = UsualRange.of(pl.Series([-10.0, 30.0] * 20))
    assert usual == UsualRange(low=-10, high=30) and usual.limits == (-90, 110)


def test_a_rare_negative_code_is_outside_the_range() -> None:
    usual = UsualRange.of(pl.Series([-9_999.0] + [float(v) for v in range(20, 70)] * 40))
    assert usual == UsualRange(low=20, high=69)


@given(st.lists(st.floats(0.01, 1e6), min_size=30, max_size=60), st.floats(1e-3, 1e3))
def test_training_values_are_plausible_and_limits_scale_with_the_unit(values: list[float], factor: float) -> None:
    usual, scaled = UsualRange.of(pl.Series(values)), UsualRange.of(pl.Series(values) * factor)
    if usual is None or scaled is None:
        return
    low, high = usual.limits
    assert all(low <= v <= high for v in values)
    assert scaled.limits == (pytest.approx(low * factor), pytest.approx(high * factor))
