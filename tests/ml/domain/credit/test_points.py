"""The points scale: Siddiqi's worked example and its inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.credit.points import PointsScale

scales = st.builds(
    PointsScale,
    base_points=st.floats(0, 1_000),
    base_odds=st.floats(0.1, 1_000),
    points_to_double_odds=st.floats(1, 200),
)


def test_the_textbook_scale() -> None:
    # Siddiqi (2006): 600 points at odds of 30:1, 20 points to double the odds.
    scale = PointsScale(base_points=600, base_odds=30, points_to_double_odds=20)
    assert scale.factor == pytest.approx(28.8539, abs=1e-4)
    assert scale.offset == pytest.approx(501.8622, abs=1e-3)


@given(scale=scales, log_odds=st.floats(-12, 12))
def test_points_and_log_odds_are_inverse(scale: PointsScale, log_odds: float) -> None:
    assert float(scale.log_odds(scale.points(log_odds))) == pytest.approx(log_odds, abs=1e-8)


@given(scale=scales, log_odds=st.floats(-10, 10))
def test_doubling_the_odds_of_good_adds_the_same_points_everywhere(scale: PointsScale, log_odds: float) -> None:
    gained = scale.points(log_odds - np.log(2)) - scale.points(log_odds)
    assert float(gained) == pytest.approx(scale.points_to_double_odds, rel=1e-6)


@given(scale=scales, probabilities=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=20))
def test_more_risk_never_earns_more_points(scale: PointsScale, probabilities: list[float]) -> None:
    ordered = np.sort(probabilities)
    assert (np.diff(scale.points_from_probability(ordered)) <= 0).all()
    np.testing.assert_allclose(scale.probability(scale.points_from_probability(ordered)), ordered, rtol=1e-6)


@given(scale=scales)
def test_base_odds_earn_base_points(scale: PointsScale) -> None:
    assert float(scale.points(-np.log(scale.base_odds))) == pytest.approx(scale.base_points, abs=1e-6)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, np.nan])
def test_certainty_has_no_points(probability: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        PointsScale().points_from_probability([0.5, probability])


@pytest.mark.parametrize(
    ("name", "value"), [("base_odds", 0.0), ("points_to_double_odds", -20.0), ("base_points", float("nan"))]
)
def test_a_scale_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        PointsScale(**{name: value})
