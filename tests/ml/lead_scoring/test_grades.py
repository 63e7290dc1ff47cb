"""Grades sized to the desk, on leads that are counted by hand: one lead a day, in the order of their scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY, HOUR
from features.errors import DataError
from ml.lead_scoring.grades import GradeLimits, grade_limits
from ml.lead_scoring.params import LeadParams


def limits(*, rescored: int = 0, weight: float = 1.0, **params: Any) -> GradeLimits:
    """Return the limits for 28 leads of 14 days (noon in China), scores 1 to 28 per cent, and rows of later scores."""
    created = [4 * HOUR + (k % 14) * DAY for k in range(28)]
    X = pl.DataFrame({"created_at": [*created, *[0] * rescored], "as_of": [*created, *[3 * DAY] * rescored]})
    score = np.array([*range(1, 29), *[99] * rescored]) / 100
    return grade_limits(LeadParams(**params), X, score, np.full(X.height, weight))


def test_grade_a_has_the_leads_that_the_desk_can_call_on_a_working_day() -> None:
    # Two leads a day; one call a day: 14 of 28 leads are A, the others 14/3 = 4.67 each.
    sized = limits(capacity_per_day=1)
    assert (sized.leads_per_working_day, sized.a_per_working_day) == (2.0, 1.0)
    assert (sized.A, sized.B, sized.C) == (0.15, 0.10, 0.06)
    assert sized.of(np.array([0.15, 0.149, 0.06, 0.059])).tolist() == ["A", "B", "C", "D"]
    assert sized.note is None


def test_calls_per_lead_and_working_days_are_counted() -> None:
    assert limits(capacity_per_day=2, calls_per_lead=2).A == 0.15
    five_days = limits(capacity_per_day=1, working_days_per_week=5)  # ten working days: ten leads of grade A
    assert (five_days.leads_per_working_day, five_days.A) == (2.8, 0.19)


def test_weights_stand_for_leads_without_an_outcome_and_later_scores_do_not_count() -> None:
    assert limits(capacity_per_day=1, rescored=50) == limits(capacity_per_day=1)
    doubled = limits(capacity_per_day=2, weight=2.0)
    assert (doubled.leads_per_working_day, doubled.A) == (4.0, 0.15)


def test_a_desk_that_can_call_every_lead_says_that_grades_do_not_matter() -> None:
    everyone = limits(capacity_per_day=40, calls_per_lead=2.5)
    assert everyone.A == 0.01 and everyone.note == (
        "every lead has grade A: the desk can call 16.0 new leads a working day, and 2.0 come in "
        "(params.capacity_per_day, params.calls_per_lead)"
    )


def test_fixed_limits_are_those_of_the_configuration() -> None:
    fixed = limits(grades={"A": 0.5, "B": 0.3, "C": 0.1})
    assert (fixed.A, fixed.B, fixed.C, fixed.leads_per_working_day, fixed.note) == (0.5, 0.3, 0.1, None, None)
    assert limits().A == 0.40


def test_without_a_lead_at_its_creation_the_error_says_what_to_do() -> None:
    later = pl.DataFrame({"created_at": [0], "as_of": [DAY]})
    with pytest.raises(DataError, match=r"give more data, or set params\.grades"):
        grade_limits(LeadParams(capacity_per_day=1), later, np.array([0.5]), np.ones(1))
