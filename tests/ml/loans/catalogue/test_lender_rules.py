"""Rules by kind of lender: enabled or not, for some kinds or every kind."""

from __future__ import annotations

import pytest

from ml.bilingual import Text
from ml.loans.catalogue.lender_rules import LenderRule

SOURCE = Text(zh="示例", en="example")


@pytest.mark.parametrize(
    ("rule", "bank", "micro", "every"),
    [
        (LenderRule(source=SOURCE), True, True, True),
        (LenderRule(source=SOURCE, lender_kinds=("bank",)), True, False, False),
        (LenderRule(source=SOURCE, enabled=False), False, False, False),
        (LenderRule(source=SOURCE, enabled=False, lender_kinds=("bank",)), False, False, False),
    ],
)
def test_a_rule_binds_its_kinds_while_it_is_enabled(rule: LenderRule, bank: bool, micro: bool, every: bool) -> None:
    assert [rule.binds(kind) for kind in ("bank", "micro_loan_company", None)] == [bank, micro, every]
