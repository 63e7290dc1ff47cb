"""Early settlement, computed by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import Settlement, SettlementRule, settle
from tests.ml.domain.loans.random_loans import any_loan

START = date(2026, 1, 1)
NO_PENALTY = SettlementRule()


def made(rate: float = 0.0365, term: int = 12, **product: Any) -> Schedule:
    product = {"form": "interest_only", "calendar": PaymentCalendar("actual/365"), **product}
    return schedule(Loan(LoanProduct(**product), 10_000_000, rate, term), START)


def quote(on: date, made: Schedule, **rule: Any) -> Settlement:
    return settle(made, on, rule=SettlementRule(**rule))


def test_interest_runs_by_the_day_since_the_last_due_date() -> None:
    # 100,000 yuan at 3.65 %: 10 yuan a day; 9 days after 1 March.
    assert quote(date(2026, 3, 10), made()).accrued_interest == 9_000
    assert quote(date(2026, 3, 1), made()).accrued_interest == 0
    assert quote(START, made()).total == 10_000_000


def test_penalty_as_a_share_and_as_months_of_interest() -> None:
    assert quote(date(2026, 3, 10), made(), share_of_outstanding=0.03).penalty == 300_000
    assert quote(date(2026, 3, 10), made(0.06), months_of_interest=1).penalty == 50_000


def test_no_penalty_from_the_free_month_on_nor_at_maturity() -> None:
    rule = {"share_of_outstanding": 0.03, "free_after_months": 6}
    assert quote(date(2026, 6, 30), made(), **rule).penalty == 300_000
    assert quote(date(2026, 7, 1), made(), **rule).penalty == 0
    assert quote(date(2027, 1, 1), made(), share_of_outstanding=0.03).total == 0


def test_unearned_fees_are_paid_back_by_whole_months_left() -> None:
    with_fee = made(fees=(Fee(name="service", charged="up_front", amount=120_000),))
    assert quote(date(2026, 4, 10), with_fee, up_front_rebate=0.5).rebate == 45_000  # 9 of 12 months left, a half


def test_a_subsidised_borrower_owes_only_their_part_of_the_running_interest() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False)
    accrued = quote(date(2026, 3, 10), made(subsidies=(state,))).accrued_interest
    assert accrued == pytest.approx(9_000 * 2.65 / 3.65, abs=1)


def test_interest_carried_by_a_deferral_is_due_at_once() -> None:
    deferred = made(deferred_months=3, deferral="with_first_instalment")
    assert quote(date(2026, 3, 1), deferred).accrued_interest == 59_000  # 59 days
    assert quote(date(2026, 3, 11), deferred).accrued_interest == 69_000
    free = made(deferred_months=3, deferral="interest_free")
    assert quote(date(2026, 3, 11), free).accrued_interest == 0


def test_flat_interest_runs_on_the_original_amount() -> None:
    flat = made(form="flat_rate")
    assert quote(date(2026, 7, 11), flat).accrued_interest == 10_000
    assert quote(date(2026, 7, 11), flat).outstanding == 10_000_000 - 6 * 833_333


def test_running_fees_and_the_penalty_count_in_total_and_in_the_cost_saved() -> None:
    fees = (
        Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.018),
        Fee(name="account", charged="per_instalment", amount=3_000),
        Fee(name="service", charged="up_front", amount=120_000),
    )
    early = quote(
        date(2026, 4, 11),
        made(0.06, form="interest_only", calendar=PaymentCalendar(), fees=fees),
        share_of_outstanding=0.01,
        up_front_rebate=0.5,
    )
    # Ten of 30 days: interest 16,667, guarantee 5,000, account in full. Nine instalments of 50,000 + 15,000 + 3,000 are
    # left; nine twelfths of the service fee are unearned.
    assert (early.accrued_interest, early.accrued_fees, early.penalty, early.rebate) == (16_667, 8_000, 100_000, 45_000)
    assert early.total == 10_000_000 + 16_667 + 8_000 + 100_000 - 45_000
    assert early.interest_saved == 9 * 50_000 - 16_667
    assert early.cost_saved == 9 * 68_000 - 16_667 - 8_000 + 45_000 - 100_000


@given(loan=any_loan(), number=st.integers(0, 6))
def test_settling_on_a_due_date_pays_the_balance_of_the_schedule(loan: Loan, number: int) -> None:
    plan = schedule(loan, START)
    row = plan.rows[number]
    early = settle(plan, row.due, rule=NO_PENALTY)
    assert (early.outstanding, early.accrued_interest, early.accrued_fees) == (row.balance, row.deferred_interest, 0)
    assert early.total + early.cost_saved == sum(r.payment for r in plan.rows[number + 1 :])


@given(loan=any_loan(), days=st.integers(0, 180), share=st.sampled_from([0.0, 0.03]))
def test_total_and_cost_saved_add_up_to_the_payments_left(loan: Loan, days: int, share: float) -> None:
    plan, on = schedule(loan, START), START + timedelta(days=days)
    early = settle(plan, on, rule=SettlementRule(share_of_outstanding=share))
    assert early.total + early.cost_saved == sum(row.payment for row in plan.rows if row.due > on)


@given(days=st.integers(0, 365), form=st.sampled_from(["equal_instalment", "equal_principal", "flat_rate"]))
def test_settling_costs_at_most_what_is_left_to_pay(days: int, form: str) -> None:
    plain = made(0.06, form=form, calendar=PaymentCalendar())
    on = START + timedelta(days=days)
    settlement = settle(plain, on, rule=NO_PENALTY)
    left = sum(row.payment for row in plain.rows if row.due > on)
    assert settlement.outstanding <= settlement.total <= left
    assert settlement.interest_saved == left - settlement.total


@pytest.mark.parametrize("on", [date(2025, 12, 31), date(2027, 1, 2)])
def test_days_outside_the_loan_are_refused(on: date) -> None:
    with pytest.raises(LoanError, match=rf"from 2026-01-01 \(disbursement\) to 2027-01-01 \(maturity\), got {on}"):
        quote(on, made())


@pytest.mark.parametrize(
    "values", [{"share_of_outstanding": 2.0}, {"months_of_interest": -1}, {"free_after_months": -1}]
)
def test_rules_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(LoanError, match=next(iter(values))):
        SettlementRule(**values)
