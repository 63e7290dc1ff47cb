"""The observed defaults beside a prediction: the nearest group of the report, with its interval."""

from __future__ import annotations

from typing import Any

import pytest

from serving.work.loans.similar import similar_customers

ROWS = [
    {"predicted": 0.004, "observed": 0.0, "rows": 200},
    {"predicted": 0.02, "observed": 0.025, "rows": 200},
    {"predicted": 0.3, "observed": 0.35, "rows": 200},
]


def card(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"evaluation": {"sections": [{"kind": "metrics", "rows": []}, {"kind": "calibration", "rows": rows}]}}


@pytest.mark.parametrize(("probability", "defaults"), [(0.0, 0), (0.01, 5), (0.03, 5), (0.09, 70), (1.0, 70)])
def test_the_nearest_group_in_log_odds(probability: float, defaults: int) -> None:
    group = similar_customers(card(ROWS), probability)
    assert group is not None
    assert (group.defaults, group.customers) == (defaults, 200)
    assert group.low <= group.observed <= group.high
    assert group.observed == defaults / 200


def test_without_a_calibration_table_nothing_is_said() -> None:
    assert similar_customers({}, 0.02) is None
    assert similar_customers(card([]), 0.02) is None
