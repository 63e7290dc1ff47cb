"""Schedules: hand-computed rows, and invariants of every form, subsidy, fee and calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from tests.ml.domain.loans.random_loans import START, any_loan, rates


def plain(rate: float, term: int, amount: int = 10_000_000, **product: Any) -> Schedule:
    return schedule(Loan(LoanProduct(**product), amount, rate, term), START)


def column(made: Schedule, name: str) -> list[int]:
    return [getattr(row, name) for row in made.rows]


def test_equal_principal_by_hand() -> None:
    made = plain(0.12, 3, 10_000, form="equal_principal")
    assert column(made, "principal") == [3_333, 3_333, 3_334]
    assert column(made, "interest") == [100, 67, 33]  # 1 % of 10,000, 6,667 and 3,334
    assert column(made, "balance") == [6_667, 3_334, 0]


def test_flat_rate_by_hand() -> None:
    made = plain(0.12, 3, 10_000, form="flat_rate")
    assert column(made, "interest") == [100, 100, 100]
    assert column(made, "payment") == [3_433, 3_433, 3_434]


def test_interest_only_by_hand() -> None:
    made = plain(0.12, 3, 10_000, form="interest_only")
    assert column(made, "payment") == [100, 100, 10_100]


def test_the_rounding_rule_decides_an_exact_half() -> None:
    # 1 % of 2,050 is 20.5 fen: up to 21, or to the even 20.
    assert plain(0.12, 1, 2_050, form="interest_only").total_interest == 21
    assert plain(0.12, 1, 2_050, form="interest_only", rounding="half_even").total_interest == 20


def test_actual_365_counts_days() -> None:
    made = plain(0.0365, 2, 10_000_000, form="interest_only", calendar=PaymentCalendar("actual/365"))
    assert column(made, "interest") == [31_000, 28_000]  # 1,000 fen a day
    assert column(made, "days") == [31, 28]


def test_a_maker_who_pays_the_whole_rate_makes_equal_payments_without_interest() -> None:
    made = plain(0.06, 10, 10_000_000, subsidies=(Subsidy(payer="maker", rate=1.0),))
    assert column(made, "payment") == [1_000_000] * 10
    assert (made.total_interest, made.subsidy_totals[0][1]) == (0, 275_000)  # 50,000 + 45,000 + ... + 5,000


def test_what_a_capped_maker_does_not_pay_the_borrower_does() -> None:
    made = plain(0.06, 10, 10_000_000, subsidies=(Subsidy(payer="maker", rate=1.0, total=120_000),))
    assert made.subsidy_totals[0][1] == 120_000
    assert column(made, "interest")[:4] == [0, 0, 15_000, 35_000]
    assert made.total_interest == 275_000 - 120_000


def test_the_state_pays_a_point_off_the_interest_due_within_its_yearly_cap() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, share_of_rate=0.5, per_year=30_000)
    made = plain(0.06, 12, 10_000_000, form="interest_only", subsidies=(state,))
    # 100,000 at 1 % is 83.33 a month; 300 a year run out in the fourth month and return in January 2027.
    assert [row.subsidies[0] for row in made.rows] == [8_333, 8_333, 8_333, 5_001, *[0] * 7, 8_333]
    assert made.rows[0].interest == 50_000 - 8_333


def test_the_state_pays_at_most_half_of_a_low_rate() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, share_of_rate=0.5)
    made = plain(0.012, 2, 10_000_000, form="interest_only", subsidies=(state,))
    assert [(row.interest, row.subsidies[0]) for row in made.rows] == [(5_000, 5_000), (5_000, 5_000)]


def test_a_subsidy_on_part_of_the_principal_and_until_a_date() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, principal=5_000_000, until=date(2026, 3, 31))
    made = plain(0.06, 4, 10_000_000, form="interest_only", subsidies=(state,))
    assert [row.subsidies[0] for row in made.rows] == [4_167, 4_167, 0, 0]


def test_what_was_used_this_year_is_taken_off_the_cap() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, per_year=30_000, used_this_year=25_000)
    made = plain(0.06, 12, 10_000_000, form="interest_only", subsidies=(state,))
    assert [row.subsidies[0] for row in made.rows] == [5_000, *[0] * 10, 8_333]


@pytest.mark.parametrize(
    ("deferral", "first_payments"),
    [("interest_free", [0, 0, 1_050_000]), ("interest_only", [50_000, 50_000, 1_050_000])],
)
def test_deferred_months(deferral: str, first_payments: list[int]) -> None:
    made = plain(0.06, 12, form="equal_principal", deferred_months=2, deferral=deferral)
    assert column(made, "payment")[:3] == first_payments


def test_interest_of_deferred_months_is_carried_to_the_first_instalment() -> None:
    made = plain(0.06, 12, form="equal_principal", deferred_months=2, deferral="with_first_instalment")
    assert column(made, "deferred_interest")[:3] == [50_000, 100_000, 0]
    assert column(made, "payment")[:3] == [0, 0, 1_150_000]


def test_fees_by_item() -> None:
    fees = (
        Fee(name="service", charged="up_front", share=0.015),
        Fee(name="account", charged="per_instalment", amount=1_000),
        Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.012, collected_by="guarantor"),
    )
    made = plain(0.06, 2, 10_000_000, form="interest_only", fees=fees)
    assert [f.total for f in made.fees] == [150_000, 2_000, 20_000]
    assert column(made, "fee") == [11_000, 11_000]
    assert made.total_cost == 100_000 + 172_000


@given(loan=any_loan())
def test_principal_is_conserved_and_no_amount_is_negative(loan: Loan) -> None:
    made = schedule(loan, START)
    assert sum(column(made, "principal")) == loan.amount
    assert made.rows[-1].balance == 0
    balance = loan.amount
    for row in made.rows:
        assert min(row.principal, row.interest, row.fee, row.balance, row.deferred_interest, *row.subsidies, 0) == 0
        assert row.balance == balance - row.principal
        balance = row.balance


@given(loan=any_loan())
def test_subsidies_only_divide_the_interest_of_the_contract(loan: Loan) -> None:
    made = schedule(loan, START)
    for subsidy, paid in made.subsidy_totals:
        assert paid <= (made.total_interest + sum(p for _, p in made.subsidy_totals))
        assert subsidy.total is None or paid <= subsidy.total
    assert made.total_cost >= made.total_fees >= 0


@given(amount=st.integers(1_000_000, 100_000_000), rate=rates, term=st.integers(2, 84), share=st.floats(0.1, 0.6))
def test_the_last_payment_is_within_one_instalment_and_the_rate_is_the_contract_s(
    amount: int, rate: float, term: int, share: float
) -> None:
    for form, balloon in (("equal_instalment", 0), ("balloon", int(amount * share))):
        made = schedule(Loan(LoanProduct(form=form), amount, rate, term, balloon), START)  # type: ignore[arg-type]
        assert 0 <= made.rows[-1].payment - balloon <= 2 * made.rows[0].payment
        assert abs(made.rows[-1].payment - balloon - made.rows[0].payment) <= term * (1 + rate / 12) ** term
        assert cost(made).nominal == pytest.approx(rate, abs=2e-5)


@given(rate=st.integers(0, 2_300), term=st.integers(2, 83), form=st.sampled_from(["equal_instalment", "flat_rate"]))
def test_interest_grows_with_rate_and_term_and_payments_fall_with_term(rate: int, term: int, form: str) -> None:
    here = plain(rate / 10_000, term, form=form)
    assert plain((rate + 100) / 10_000, term, form=form).total_interest > here.total_interest
    longer = plain(rate / 10_000, term + 1, form=form)
    assert longer.total_interest >= here.total_interest
    assert longer.rows[0].payment < here.rows[0].payment


@given(loan=any_loan())
def test_a_buy_down_never_raises_what_the_borrower_pays(loan: Loan) -> None:
    without = LoanProduct(**{**vars(loan.product), "subsidies": ()})
    full = schedule(Loan(without, loan.amount, loan.annual_rate, loan.term_months, loan.balloon), START)
    # Lower instalments repay faster, so a half fen a row of rounding is all that can differ.
    assert schedule(loan, START).total_interest <= full.total_interest + loan.term_months


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"term_months": 0}, "term_months must be a whole number from 1 to 120, got 0"),
        ({"term_months": -12}, "term_months must be a whole number from 1 to 120, got -12"),
        ({"term_months": 12.5}, "term_months must be a whole number"),
        ({"amount": 0}, r"amount must be from 0\.01 to 100000000\.00 yuan, got 0\.00 yuan"),
        ({"amount": float("inf")}, r"amount must be from 0\.01"),
        ({"amount": float("nan")}, "amount must be a whole number"),
        ({"amount": 10**10 + 1}, r"amount must be from 0\.01 to 100000000\.00 yuan, got 100000000\.01 yuan"),
        ({"amount": 10**30}, "amount must be a whole number"),
        ({"amount": "100"}, "amount must be a whole number"),
        ({"amount": None}, "amount must be a whole number"),
        ({"annual_rate": float("nan")}, "annual_rate must be a finite number from 0 to 1, got nan"),
        ({"annual_rate": float("inf")}, "annual_rate must be a finite number from 0 to 1, got inf"),
        ({"annual_rate": -0.01}, "annual_rate must be a finite number from 0 to 1, got -0.01"),
        ({"annual_rate": 1 / 3}, "annual_rate must be a multiple of 0.000001"),
        ({"balloon": 100}, r"balloon must be 0 with the form equal_instalment, got 1\.00 yuan"),
    ],
)
def test_a_loan_that_breaks_a_rule_is_refused(values: dict[str, Any], text: str) -> None:
    sound = {"amount": 10_000_000, "annual_rate": 0.06, "term_months": 12}
    with pytest.raises(LoanError, match=text):
        Loan(LoanProduct(), **{**sound, **values})


@pytest.mark.parametrize("balloon", [0, 10_000_000, 10_000_001])
def test_a_balloon_lies_between_nothing_and_the_amount(balloon: int) -> None:
    with pytest.raises(LoanError, match=r"balloon must be above 0 and below the amount of 100000\.00 yuan"):
        Loan(LoanProduct(form="balloon"), 10_000_000, 0.06, 12, balloon)


def test_a_deferral_as_long_as_the_term_is_refused() -> None:
    with pytest.raises(LoanError, match="term_months must exceed the 12 deferred months, got 12"):
        Loan(LoanProduct(deferred_months=12), 10_000_000, 0.06, 12)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"amount": 100, "share": 0.01}, "exactly one of amount, share and yearly_share_of_balance"),
        ({}, "exactly one of amount, share and yearly_share_of_balance"),
        ({"amount": -1}, "amount must be whole fen"),
        ({"share": 1.5}, "share must be a finite number from 0 to 1"),
        ({"yearly_share_of_balance": 0.01, "charged": "up_front"}, "is charged per instalment"),
    ],
)
def test_a_fee_that_breaks_a_rule_is_refused(values: dict[str, Any], text: str) -> None:
    with pytest.raises(LoanError, match=text):
        Fee(**{"name": "x", "charged": "per_instalment", **values})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"payer": "bank"}, "payer must be one of maker, dealer, state, got 'bank'"),
        ({"rate": 2.0}, "rate must be a finite number"),
        ({"total": -5}, "total must be a whole number of at least 0"),
        ({"months": 12}, "months and until need lowers_instalment=False"),
    ],
)
def test_a_subsidy_that_breaks_a_rule_is_refused(values: dict[str, Any], text: str) -> None:
    with pytest.raises(LoanError, match=text):
        Subsidy(**{"payer": "maker", "rate": 0.01, **values})


def test_subsidies_out_of_order_are_refused() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False)
    with pytest.raises(LoanError, match="must come first"):
        LoanProduct(subsidies=(state, Subsidy(payer="maker", rate=0.01)))
