"""Exits by age, leaving rates and survival, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.faults.remaining_life import exits_by_age, leaving_rates, survival


def test_exits_and_years_of_two_vehicles_by_age() -> None:
    """One leaves at 5 years after 2 years of observation, one is still there at 12."""
    exits, years = exits_by_age([3.0, 9.0], [5.0, 12.0], [True, False])
    assert exits.tolist() == [0, 0, 1, 0, 0, 0]
    assert years.tolist() == [0, 1, 1, 0, 1, 2]


def test_rates_are_shrunk_towards_the_rate_of_the_fleet() -> None:
    """40 exits in 400 years: .1 a year. Band 1 has (40 + 10) / (200 + 100), a band without years has the mean."""
    rates = leaving_rates([0, 40, 0, 0, 0, 0], [200, 200, 0, 0, 0, 0])
    assert rates == pytest.approx([10 / 300, 50 / 300, 0.1, 0.1, 0.1, 0.1])
    assert leaving_rates([0, 19, 0, 0, 0, 0], [200, 200, 0, 0, 0, 0]) is None
    assert leaving_rates(np.zeros(6), np.zeros(6)) is None


def test_survival_passes_through_the_bands() -> None:
    """From 1 to 5 years: one year at .1, two at .2, one at .3."""
    rates = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert survival(rates, [1.0], [4.0])[0, 0] == pytest.approx(np.exp(-(0.1 + 0.4 + 0.3)))
    assert survival(rates, [11.0], [2.0])[0, 0] == pytest.approx(np.exp(-1.2))


@given(age=st.floats(0, 20), rate=st.floats(0, 2))
def test_survival_falls_from_one(age: float, rate: float) -> None:
    chances = survival(np.full(6, rate), [age], np.arange(0.0, 9.0))[0]
    assert chances[0] == 1 and (np.diff(chances) <= 0).all() and (chances >= 0).all()
