"""Terms of early settlement in the product file: no penalty by default, amounts in yuan, limits by field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ml.domain.loans.settlement import SettlementRule
from ml.loans.catalogue.settlement import Settlement


def test_terms_become_the_rule_of_the_domain() -> None:
    assert Settlement().rule == SettlementRule()
    terms = {"share_of_outstanding": 0.03, "free_after_months": 24, "up_front_rebate": 0.5, "minimum_prepayment": 5_000}
    rule = Settlement.model_validate(terms).rule
    assert (rule.share_of_outstanding, rule.free_after_months, rule.up_front_rebate) == (0.03, 24, 0.5)
    assert rule.minimum_prepayment == 500_000


@pytest.mark.parametrize(
    ("field", "value"),
    [("share_of_outstanding", 1.0), ("months_of_interest", 121), ("free_after_months", 0), ("minimum_prepayment", -1)],
)
def test_a_term_out_of_range_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        Settlement.model_validate({field: value})
    assert [e["loc"] for e in error.value.errors()] == [(field,)]
