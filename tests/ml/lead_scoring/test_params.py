"""Parameters of lead scoring."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.lead_scoring.params import Grades, LeadParams


def test_defaults_hold_and_the_learner_is_typed() -> None:
    params = LeadParams.model_validate({"boosted_trees": {"num_leaves": 5}})
    assert params.boosted_trees.num_leaves == 5  # type: ignore[attr-defined]
    assert LeadParams.model_validate(params.model_dump()) == params
    assert (Grades().A, Grades().B, Grades().C) == (0.40, 0.25, 0.12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"grades": {"A": 0.1}}, "grades must fall from A to C, got A 0.1, B 0.25, C 0.12"),
        ({"grades": {"A": 1}}, "less than 1"),
        ({"grades": {}, "capacity_per_day": 40}, "not both, got 40 and 0.4, 0.25, 0.12; remove one"),
        ({"capacity_per_day": 0}, "greater than 0"),
        ({"working_days_per_week": 8}, "less than or equal to 7"),
        ({"boosted_trees": {"leaves": 1}}, "leaves"),
        ({"derived": {"x": {"divide": ["a", "b"]}}}, "operation 'divide' is unknown"),
        ({"nonsense": 1}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LeadParams.model_validate(values)
