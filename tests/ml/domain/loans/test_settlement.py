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
