"""Amounts of the domain in fen as answers in yuan: every field, and the numbers of later instalments."""

from __future__ import annotations

from datetime import date

from ml.domain.loans.leaving import leave
from ml.domain.loans.loan import Loan
from ml.domain.loans.prepayment import prepay
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.schedule import schedule
from ml.domain.loans.settlement import SettlementRule, settle
from ml.loans.schedule_answers import LeavingAnswer, PrepaymentAnswer, RowAnswer, SettlementAnswer

FEES = (
    Fee(name="service", charged="up_front", amount=120_000),
    Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.018),
)
PLAN = schedule(Loan(LoanProduct(form="interest_only", fees=FEES), 10_000_000, 0.06, 12), date(2026, 1, 1))
RULE = SettlementRule(share_of_outstanding=0.01, up_front_rebate=0.5)


def test_an_instalment() -> None:
    row = RowAnswer.of(PLAN.rows[0], n_paid=3)
    assert row.model_dump() == {
        "number": 4,
        "due": date(2026, 2, 1),
        "principal": 0.0,
        "interest": 500.0,
        "fee": 150.0,
        "deposit": 0.0,
        "payment": 650.0,
        "balance": 100_000.0,
    }


def test_a_settlement() -> None:
    answer = SettlementAnswer.of(settle(PLAN, date(2026, 4, 11), rule=RULE))
    # Nine instalments of 650 are left; ten days of the first, 216.67, are due. Half of nine twelfths of 1,200 returns.
    assert answer.model_dump() == {
        "on": date(2026, 4, 11),
        "outstanding": 100_000.0,
        "accrued_interest": 166.67,
        "accrued_fees": 50.0,
        "penalty": 1_000.0,
        "rebate": 450.0,
        "fees_at_maturity": 0.0,
        "deposit": 0.0,
        "total": 100_766.67,
        "interest_saved": 4_333.33,
        "cost_saved": 5_083.33,
    }


def test_a_prepayment() -> None:
    quote = prepay(PLAN, date(2026, 4, 11), 4_000_000, treatment="lower_instalment", rule=RULE)
    answer = PrepaymentAnswer.of(quote)
    assert (answer.accrued_interest, answer.accrued_fees, answer.penalty) == (166.67, 50.0, 400.0)
    assert (answer.total, answer.treatment, answer.amount) == (40_616.67, "lower_instalment", 40_000.0)
    assert [row.number for row in answer.rows] == list(range(4, 13))
    assert [row.payment for row in answer.rows] == [260.0, *[390.0] * 7, 60_390.0]
    # Scheduled are 4,500 and 1,350; due are 166.67 and 50, then 200 and 60, then 300 and 90 eight times.
    assert (answer.interest_saved, answer.cost_saved) == (1_733.33, 1_733.33 + 520.0 - 400.0)


def test_leaving() -> None:
    answer = LeavingAnswer.of(leave(PLAN, 3, rule=RULE, resale_value=9_000_000))
    assert (answer.months, answer.interest, answer.fees) == (3, 1_500.0, 1_650.0)
    assert answer.total_cost == 1_500 + 1_650 + 1_000 - 450
    assert (answer.resale_value, answer.equity) == (90_000.0, 90_000.0 - 100_550.0)
    assert answer.settlement.on == date(2026, 4, 1)
    assert 0.14 < answer.nominal_rate < answer.effective_rate < 0.17
    assert LeavingAnswer.of(leave(PLAN, 3, rule=RULE)).equity is None
