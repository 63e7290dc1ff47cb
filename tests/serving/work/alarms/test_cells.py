"""Odds and figures in the words of the desk."""

from __future__ import annotations

from datetime import date

import numpy as np

from serving.work.alarms.cells import builds_of, figures_of, odds_of


def test_odds_of_all_cells_have_one_threshold() -> None:
    """Evidence one natural logarithm above its threshold means e times the odds."""
    odds = odds_of(np.array([3.0, 8.0, 9.0]), np.array([3.0, 8.0, 8.0]), 0.05)
    assert np.allclose(odds, [20, 20, 20 * np.e]) and np.isclose(odds_of(800.0, 1.0, 0.05), 1e9)


def test_a_ratio_agrees_with_the_digits_that_are_shown() -> None:
    """3.1 = 87 / 28.0; without expected faults there is none."""
    assert figures_of(87, 28.04, 3.03, 2.32, 3.82).model_dump() == {
        "count": 87, "expected": 28.0, "ratio": 3.1, "shrunk": 3.0, "low": 2.3, "high": 3.8,
    }  # fmt: skip
    assert figures_of(0, 0.0, 1.0, 0.5, 2.0).ratio == 0


def test_the_last_build_is_the_day_before_the_end() -> None:
    """Days come as dates of the store or as texts of an answer."""
    row = {"built_from": "2022-07-02", "built_until": date(2024, 1, 1)}
    assert builds_of(row).built_until == "2023-12-31" and builds_of(row).built_from == "2022-07-02"
