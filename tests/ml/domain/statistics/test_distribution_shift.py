"""Location, shape and shares of new months against reference months."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ml.domain.statistics.distribution_shift import NumericReference, cell_shift, month_cells, share_shift


def test_effect_is_cohens_h() -> None:
    shift = share_shift([20] * 12, [100] * 12, 40, 100)
    assert (shift.before, shift.after) == (0.2, 0.4)
    assert shift.effect == pytest.approx(2 * (math.asin(math.sqrt(0.4)) - math.asin(math.sqrt(0.2))))


def test_rare_values_are_tested_exactly() -> None:
    shift = share_shift([0] * 12, [100] * 12, 3, 100)
    exact = 2 * stats.hypergeom(1_300, 3, 100).sf(2)
    assert shift.p_value == pytest.approx(exact)
    assert share_shift([0] * 12, [100] * 12, 0, 100).p_value == 1


def test_months_that_differ_are_no_alarm() -> None:
    p_values = [share_shift(hits, [400] * 12, 120, 400).p_value for hits in ([80] * 12, [40, 120] * 6)]
    assert p_values[0] < 1e-3 < 0.1 < p_values[1]


def test_largest_cell_is_corrected_for_the_number_of_cells() -> None:
    reference, new = np.array([[50, 30, 20]] * 12), np.array([50, 5, 45])
    shift = cell_shift(reference, new)
    assert shift.cell == 2
    assert shift.p_value == pytest.approx(3 * share_shift([20] * 12, [100] * 12, 45, 100).p_value)


def test_floor_prefers_a_cell_with_a_relevant_effect() -> None:
    reference = np.array([[300, 300, 100, 300], [300, 300, 300, 100]] * 6)  # the last two differ between months
    new = np.array([240, 260, 320, 180])
    assert cell_shift(reference, new).cell == 0
    assert cell_shift(reference, new, floor=0.2).cell == 2


def test_cells_of_numbers() -> None:
    reference = NumericReference(np.arange(1.0, 101.0), np.repeat(np.arange(4), 25))
    assert reference.edges.tolist() == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert reference.cells(np.array([-5.0, 10.0, 10.5, 1_000.0])).tolist() == [0, 0, 1, 9]
    assert reference.ranks(np.array([0.0, 1.0, 200.0])).tolist() == [0, 0.005, 1]


def test_counts_have_a_cell_for_each_value() -> None:
    values = np.array([0.0] * 80 + [1.0] * 15 + [2.0] * 5)
    reference = NumericReference(values, np.tile(np.arange(4), 25))
    assert reference.edges.tolist() == [0, 1]


def test_spread_without_a_change_of_location_is_a_change_of_shape() -> None:
    rng = np.random.default_rng(0)
    reference = NumericReference(rng.normal(size=6_000), np.repeat(np.arange(12), 500))
    wider = 2 * stats.norm.ppf((np.arange(500) + 0.5) / 500)
    assert reference.location(wider).p_value > 0.01
    assert reference.shape(wider).p_value < 1e-5


def test_month_cells_count_rows() -> None:
    assert month_cells(np.array([0, 1, 1, 2]), np.array([7, 7, 9, 9]), 3).tolist() == [[1, 1, 0], [0, 1, 1]]


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=12),
    st.integers(0, 60),
)
def test_any_counts_give_a_p_value(hits: list[int], new_hits: int) -> None:
    shift = share_shift(hits, [40] * len(hits), new_hits, 60)
    assert 0 <= shift.p_value <= 1
    assert 0 <= shift.before <= 1
    assert math.copysign(1, shift.effect) == math.copysign(1, shift.after - shift.before) or shift.effect == 0


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=200), st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9))
def test_any_numbers_have_ranks_and_cells(values: list[float], new: list[float]) -> None:
    reference = NumericReference(np.array(values), np.arange(len(values)) % 5)
    ranks, cells = reference.ranks(np.array(new)), reference.cells(np.array(new))
    assert ((ranks >= 0) & (ranks <= 1)).all()
    assert ((cells >= 0) & (cells <= len(reference.edges))).all()
    assert float(reference.ranks(np.array(values)).mean()) == pytest.approx(0.5)
