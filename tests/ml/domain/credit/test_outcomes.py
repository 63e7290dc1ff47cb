"""Probabilities beside their outcomes: sorted once, or refused."""

from __future__ import annotations

import pytest

from ml.domain.credit.outcomes import sorted_outcomes


def test_rows_come_in_the_order_of_their_probability_and_equal_ones_in_their_own() -> None:
    rows = sorted_outcomes([0.5, 0.2, 0.5, 0.1], [1, 0, 0, 0], [1.0, 2.0, 3.0, 4.0])
    assert rows.order.tolist() == [3, 1, 0, 2]
    assert rows.weight.tolist() == [4.0, 2.0, 1.0, 3.0] and rows.bad.tolist() == [0, 0, 1, 0]
    assert rows.last.tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("probability", "bad", "weight", "message"),
    [
        ([0.1], [0, 1], None, "the same length"),
        ([], [], None, "at least 1"),
        ([0.1, 1.1], [0, 1], None, "probability must be between 0 and 1, got 1.1"),
        ([0.1, 0.2], [0, 2], None, "defaulted must be 0 or 1, got 2.0"),
        ([0.1, 0.2], [0, 1], [1.0, 0.0], "sample_weight must be above 0 and finite, got 0.0"),
        ([0.1, 0.2], [1, 1], None, "both good and bad loans are needed, got 1 in all 2 rows"),
    ],
)
def test_what_cannot_be_is_refused(probability: list, bad: list, weight: list | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sorted_outcomes(probability, bad, weight)
