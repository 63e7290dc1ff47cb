"""Repayment of principal, computed by hand."""

from __future__ import annotations

import numpy as np

from ml.domain.loans.conditions import SubsidyColumns
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.plan import level_instalment, plan, subsidised_rate
from ml.domain.loans.product import LoanProduct, Subsidy


def test_equal_principal_repays_the_same_and_the_last_row_the_remainder() -> None:
    product = LoanProduct(form="equal_principal")
    batch = LoanBatch.build((product,), [0], amount=1_000_000, annual_rate=0.06, term_months=3)
    repayment = plan(batch, np.full((3, 1), 30))
    assert repayment.principal.ravel().tolist() == [333_333, 333_333, 333_334]
    assert repayment.opening.ravel().tolist() == [1_000_000, 666_667, 333_334]
    assert repayment.active.all() and repayment.paying.all()


def test_a_level_instalment_without_interest_divides_what_is_not_balloon() -> None:
    amount, balloon, half_up = np.array([1_000]), np.array([100]), np.array([1])
    assert level_instalment(amount, balloon, np.zeros((3, 1)), np.full((3, 1), True), half_up).tolist() == [300]


def test_a_subsidy_takes_its_rate_but_at_most_its_share() -> None:
    subsidy = Subsidy(payer="maker", rate=0.02, share_of_rate=1.0)
    maker = SubsidyColumns.of(np.array([0, 1]), [subsidy], np.array([0, 0]))
    assert subsidised_rate(maker, np.array([50_000, 15_000]), np.array([1, 1])).tolist() == [30_000, 0]
