"""Attendance of services: by hand, against simulation, and a lost vehicle is recognised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.maintenance.attendance import PRIOR, Attendance, fit_attendance

HALF = Attendance(come=1.0, miss=1.0, lost=1.0, stay=1.0)  # both probabilities uniform


def test_the_likelihood_by_hand() -> None:
    # One service missed: lost before it (1/2), or there and not come (1/2 * 1/2). None due: certain.
    assert np.exp(HALF.log_likelihood([0, 0], [0, 0], [1, 0])).tolist() == pytest.approx([0.75, 1.0])
    # Without a record: there (1/2) and comes (1/2). After one visit both are likelier: 2/3 * 2/3.
    assert HALF.next_visit([0, 1], [0, 1], [0, 1]).tolist() == pytest.approx([0.25, 4 / 9])


def test_the_records_of_a_number_of_services_have_probability_one() -> None:
    attendance, total = Attendance(come=2.0, miss=1.5, lost=0.7, stay=3.0), 0.0
    for pattern in np.ndindex(2, 2, 2, 2):
        attended = [i + 1 for i, came in enumerate(pattern) if came]
        total += float(np.exp(attendance.log_likelihood([len(attended)], [max(attended, default=0)], [4])[0]))
    assert total == pytest.approx(1.0)


def test_the_fit_recovers_who_is_lost() -> None:
    rng = np.random.default_rng(1)
    n, turns = 6_000, 8
    come, lost = rng.beta(8, 2, (n, 1)), rng.beta(2, 18, (n, 1))
    alive = np.cumprod(rng.random((n, turns)) >= lost, axis=1) > 0
    came = alive & (rng.random((n, turns)) < come)
    last = np.where(came.any(axis=1), turns - came[:, ::-1].argmax(axis=1), 0)
    attendance = fit_attendance(came.sum(axis=1), last, np.full(n, turns))
    again = alive[:, -1] & (rng.random(n) >= lost[:, 0]) & (rng.random(n) < come[:, 0])
    predicted = attendance.next_visit(came.sum(axis=1), last, np.full(n, turns))
    for low, high in ((0.0, 0.1), (0.1, 0.6), (0.6, 1.0)):
        rows = (predicted >= low) & (predicted < high)
        assert rows.sum() > 50 and predicted[rows].mean() == pytest.approx(again[rows].mean(), abs=0.05)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 20))
def test_each_missed_service_makes_the_next_visit_less_likely(attended: int, between: int, missed: int) -> None:
    last = attended + between if attended else 0
    for attendance in (Attendance(), HALF):
        now, then = attendance.next_visit([attended] * 2, [last] * 2, [last + missed, last + missed + 1])
        assert 0 <= then <= now <= 1


def test_without_records_the_prior_stays_and_contradictions_are_refused() -> None:
    empty = fit_attendance([], [], [])
    assert [empty.come, empty.miss, empty.lost, empty.stay] == pytest.approx(PRIOR, rel=0.01)
    for record in (([2], [1], [3]), ([1], [3], [2]), ([0], [1], [2]), ([-1], [0], [0])):
        with pytest.raises(ValueError, match="attended must be at most last"):
            fit_attendance(*record)
