"""Leaving a loan after some months: costs by hand, and annualised cost by bisection."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.cost import NoInternalRate, cost
from ml.domain.loans.leaving import Leaving, leave
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import SettlementRule, settle
from tests.ml.domain.loans.random_loans import START, any_loan

FREE = SettlementRule()
FEES = (
    Fee(name="service", charged="up_front", share=0.012),
    Fee(name="account", charged="per_instalment", amount=1_000),
)


def made(rate: float = 0.06, term: int = 12, start: date = START, **product: Any) -> Schedule:
    return schedule(Loan(LoanProduct(**{"form": "interest_only", **product}), 10_000_000, rate, term), start)


def monthly_rate(flows: list[float]) -> float:
    """Return the root of the present value by bisection."""
    low, high = -0.5, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if sum(flow / (1 + middle) ** k for k, flow in enumerate(flows)) < 0:
            low = middle
        else:
            high = middle
    return low


def test_costs_until_then_by_hand() -> None:
    rule = SettlementRule(share_of_outstanding=0.03, up_front_rebate=0.5)
    left = leave(made(fees=FEES), 6, rule=rule, resale_value=9_000_000)
    # Six months of 50,000 and 1,000; 120,000 at disbursement, of which a half of six twelfths returns.
    assert (left.interest, left.fees) == (300_000, 126_000)
    assert left.total_cost == 300_000 + 126_000 + 300_000 - 30_000
    assert left.settlement.on == date(2026, 7, 15) and left.settlement.total == 10_270_000
    assert left.equity == 9_000_000 - 10_270_000
    flows = [9_880_000.0, *[-51_000.0] * 5, -51_000.0 - 10_270_000]
    assert left.cost.nominal == pytest.approx(12 * monthly_rate(flows), abs=1e-9)


def test_a_month_that_ends_between_due_dates_accrues_interest_and_counts_dates() -> None:
    plan = made(start=date(2026, 1, 10), calendar=PaymentCalendar(payment_day=20))
    left = leave(plan, 6, rule=FREE)
    assert left.settlement.on == date(2026, 7, 10) and left.settlement.accrued_interest == 33_333  # 20 of 30 days
    assert left.interest == 66_667 + 4 * 50_000 + 33_333  # 40 days, four months, 20 days: half a year
    paid = [(row.due, row.payment) for row in plan.rows[:5]] + [(date(2026, 7, 10), 10_033_333)]
    worth = sum(amount * (1 + left.cost.effective) ** (-(day - plan.start).days / 365) for day, amount in paid)
    assert worth == pytest.approx(10_000_000, abs=0.01)


@pytest.mark.parametrize(
    ("start", "payment_day", "months", "on"),
    [
        (date(2026, 1, 31), "same_day", 1, date(2026, 2, 28)),
        (date(2026, 2, 28), "same_day", 1, date(2026, 3, 28)),
        (date(2026, 2, 28), "end_of_month", 1, date(2026, 3, 31)),
        (date(2026, 1, 10), "end_of_month", 1, date(2026, 2, 10)),
        (date(2026, 1, 10), 20, 12, date(2027, 1, 20)),  # maturity
        (date(2026, 1, 25), 10, 11, date(2026, 12, 25)),
    ],
)
def test_the_day_of_leaving(start: date, payment_day: Any, months: int, on: date) -> None:
    plan = made(start=start, calendar=PaymentCalendar(payment_day=payment_day))
    assert leave(plan, months, rule=FREE).settlement.on == on


def test_leaving_at_maturity_is_the_loan_itself() -> None:
    plan = made(form="equal_instalment", fees=FEES)
    whole = leave(plan, 12, rule=SettlementRule(share_of_outstanding=0.03))
    assert (whole.total_cost, whole.settlement.total, whole.equity) == (plan.total_cost, 0, None)
    assert whole.cost == cost(plan)


@settings(max_examples=100, deadline=None)
@given(loan=any_loan(), months=st.integers(1, 7), rebate=st.sampled_from([0.0, 0.5]))
def test_costs_are_the_payments_less_the_principal(loan: Loan, months: int, rebate: float) -> None:
    plan = schedule(loan, START)
    rule = SettlementRule(share_of_outstanding=0.02, up_front_rebate=rebate)
    left: Leaving = leave(plan, months, rule=rule)
    paid = sum(row.payment for row in plan.rows if row.due <= left.settlement.on)
    assert left.total_cost == plan.up_front + plan.deposit + paid + left.settlement.total - loan.amount
    assert left.settlement == settle(plan, left.settlement.on, rule=rule)
    if left.total_cost > 0:
        assert left.cost.nominal > 0


@pytest.mark.parametrize("months", [0, 13, 1.5, True])
def test_months_outside_the_loan_are_refused(months: Any) -> None:
    with pytest.raises(LoanError, match="must be a whole number from 1 to 12"):
        leave(made(), months, rule=FREE)


def test_fees_as_large_as_the_loan_have_no_annualised_cost() -> None:
    with pytest.raises(NoInternalRate, match="costs at disbursement"):
        leave(made(fees=(Fee(name="x", charged="up_front", share=1.0),)), 3, rule=FREE)
