"""Validation of the arguments of metrics."""

from __future__ import annotations

import pytest

from features.errors import DataError
from ml.metrics.inputs import check_inputs, score_sums


def test_equal_scores_are_one_with_the_weight_of_both_classes() -> None:
    sums = score_sums("ks", [1, 0, 1, 0], [0.7, 0.2, 0.7, 0.7], [1.0, 2.0, 3.0, 4.0])
    assert sums.score.tolist() == [0.2, 0.7]
    assert sums.positive.tolist() == [0.0, 4.0] and sums.negative.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("y", "p", "weight", "message"),
    [
        ([0, 1], [0.5], None, "the same length, at least 1"),
        ([], [], None, "the same length, at least 1"),
        ([0, 2], [0.5, 0.5], None, "y must be 0 or 1, got 2.0"),
        ([0, 1], [0.5, -0.1], None, "p must be a probability between 0 and 1, got -0.1"),
        ([0, 1], [0.5, 0.5], [1.0, -1.0], "sample_weight must be finite and not negative, got -1.0"),
        ([0, 1], [0.5, 0.5], [0.0, 0.0], "sample_weight is 0 in all 2 rows"),
    ],
)
def test_a_broken_rule_names_the_metric(y: list, p: list, weight: list | None, message: str) -> None:
    with pytest.raises(DataError, match=f"^brier: .*{message}"):
        check_inputs("brier", y, p, weight, probability=True)


def test_one_class_is_refused() -> None:
    with pytest.raises(DataError, match="auc: needs rows of both classes, got none with y = 0 among 2 rows"):
        score_sums("auc", [1, 1], [0.1, 0.2], None)
