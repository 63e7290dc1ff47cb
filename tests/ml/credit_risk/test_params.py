"""Parameters of a configuration: typed learners, checked derivations."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.credit_risk.params import DERIVED, MONOTONE, CreditParams
from ml.domain.columns.derived_columns import check_derivation


def test_learners_are_typed_and_keep_their_defaults() -> None:
    params = CreditParams.model_validate({"boosted_trees": {"num_leaves": 9}, "woe_scorecard": None})
    assert params.boosted_trees.num_leaves == 9  # type: ignore[attr-defined]
    dumped = params.model_dump()
    assert dumped["boosted_trees"]["num_leaves"] == 9 and CreditParams.model_validate(dumped) == params


def test_what_is_built_in_is_valid_itself() -> None:
    for name, declaration in DERIVED.items():
        ((operation, arguments),) = declaration.items()
        check_derivation(name, operation, arguments)
    assert set(MONOTONE.values()) == {-1, 1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"boosted_trees": {"leaves": 3}}, "leaves"),
        ({"estimator": "forest"}, "'boosted_trees' or 'woe_scorecard'"),
        ({"monotone": {"age": 2}}, "-1, 0 or 1"),
        ({"derived": {"x": {}}}, r"derived feature 'x': give exactly one operation, got \[\]"),
        ({"derived": {"x": {"ratio": ["a"]}}}, r"ratio takes 2 argument\(s\), got 1"),
        ({"target_bad_rate": 0}, "greater than 0"),
        ({"reasons": {"OWN": {"features": [], "zh": "a", "en": "b"}}}, "at least 1 item"),
        ({"nonsense": 1}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CreditParams.model_validate(values)
