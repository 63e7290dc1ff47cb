"""Effect of an inspection campaign, computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.faults.inspection_campaign import plan_campaign

ARGUMENTS: dict[str, Any] = {
    "posterior": (900.0, 300.0),
    "visit_probability": 0.6,
    "repair_effectiveness": 0.9,
    "delay": 0.1,
    "parts_service_level": 0.95,
}


def test_expectations_by_hand() -> None:
    campaign = plan_campaign(np.full(200, 0.05), **ARGUMENTS)
    assert campaign.faults == pytest.approx(30) and campaign.expected_visits == pytest.approx(120)
    assert campaign.avoided == pytest.approx(10 * 2 * 0.6 * 0.9 * 0.9, rel=0.01)
    assert campaign.parts == pytest.approx(120 + 30 - campaign.avoided, rel=0.01)
    assert campaign.parts < campaign.parts_to_stock < campaign.parts + 30
    assert campaign.avoided_interval[0] < campaign.avoided < campaign.avoided_interval[1]


def test_without_vehicles_every_figure_is_zero() -> None:
    campaign = plan_campaign([], **ARGUMENTS)
    assert (campaign.faults, campaign.avoided, campaign.expected_visits, campaign.parts_to_stock) == (0, 0, 0, 0)


@given(visits=st.floats(0, 1), effect=st.floats(0, 1), delay=st.floats(0, 1), ratio=st.floats(0.2, 9))
def test_avoided_faults_do_not_exceed_expected_faults(visits: float, effect: float, delay: float, ratio: float) -> None:
    arguments = ARGUMENTS | {
        "visit_probability": visits,
        "repair_effectiveness": effect,
        "delay": delay,
        "posterior": (ratio * 50, 50.0),
    }
    campaign = plan_campaign(np.full(30, 0.1), **arguments)
    assert 0 <= campaign.avoided <= campaign.faults * 1.1 + 1e-9


@pytest.mark.parametrize(
    "change",
    [
        {"visit_probability": 1.1},
        {"repair_effectiveness": -0.1},
        {"delay": 2},
        {"parts_service_level": 5},
        {"posterior": (0.0, 1.0)},
    ],
)
def test_numbers_out_of_their_range_are_named(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        plan_campaign([0.1], **(ARGUMENTS | change))
    with pytest.raises(ValueError, match="baseline_faults"):
        plan_campaign([float("nan")], **ARGUMENTS)
