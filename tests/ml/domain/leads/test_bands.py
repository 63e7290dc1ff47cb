"""Bands of leads by score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.leads.bands import band_limits


def test_the_first_band_has_its_number_of_leads_and_the_others_a_third_of_the_rest() -> None:
    # 11 leads, two of them in the first band, then three, three and three.
    assert band_limits(list(range(11)), [1] * 11, first=2) == (9.0, 6.0, 3.0)


def test_a_lead_counts_as_often_as_its_weight_says() -> None:
    # The best lead stands for two: it fills the first band alone. Of the other four, B has 4/3, C 4/3.
    assert band_limits([5, 4, 3, 2, 1], [2, 1, 1, 1, 1], first=2) == (5.0, 4.0, 2.0)


def test_an_empty_first_band_is_above_every_score() -> None:
    a, b, _ = band_limits([0.3, 0.2, 0.1], [1] * 3, first=0)
    assert a > 0.3 and b == 0.3


@pytest.mark.parametrize(("score", "weight", "first"), [([], [], 1), ([1.0], [0.0], 1), ([1.0], [1.0], -1)])
def test_what_has_no_bands_is_refused(score: list[float], weight: list[float], first: float) -> None:
    with pytest.raises(ValueError, match="band_limits needs leads"):
        band_limits(score, weight, first=first)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50, unique=True), st.floats(0, 60))
def test_limits_fall_and_the_first_band_is_full(scores: list[float], first: float) -> None:
    a, b, c = band_limits(scores, [1] * len(scores), first=first)
    assert a >= b >= c
    assert abs(int((np.array(scores) >= a).sum()) - min(first, len(scores))) <= 0.5
