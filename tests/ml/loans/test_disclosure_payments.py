"""Payments of the statement: groups cover the term, the largest is the largest of all, for every repayment form."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import DEFERRALS, FORMS, Deferral, Fee, Form, LoanProduct, Subsidy
from ml.loans.disclosure_payments import Payments, payments_of
from ml.loans.repayment import schedule_for

LOAN_FORMS = [form for form in FORMS if form != "finance_lease"]  # a lease has no statement of costs

ON = date(2026, 9, 15)
STATE = Subsidy(payer="state", rate=0.01, lowers_instalment=False, share_of_rate=0.5, until=date(2026, 12, 31))


def payments(product: LoanProduct, *, rate: float = 0.06, term: int = 12, balloon: int = 0) -> Payments:
    return payments_of(schedule_for(Loan(product, 10_000_000, rate, term, balloon), ON))


def notes(result: Payments) -> list[str | None]:
    return [group.note.en if group.note else None for group in result.groups]


def test_the_last_instalment_of_a_level_loan_may_be_the_largest() -> None:
    result = payments(LoanProduct(), rate=0.039, term=60)  # 100,000 yuan at 3.9 % over five years
    assert [(g.part, g.lowest, g.highest) for g in result.groups] == [
        ("regular", 183_714, 183_714),
        ("last", 183_732, 183_732),
    ]
    assert (result.largest, result.largest_number, result.largest_count) == (183_732, 60, 1)
    assert notes(result) == [None, "absorbs the roundings"]
    assert result.principal_at_maturity == 0 and result.at_disbursement == 0


def test_equal_payments_are_counted() -> None:
    result = payments_of(schedule_for(Loan(LoanProduct(), 1_200_000, 0.0, 12), ON))
    assert (result.largest, result.largest_number, result.largest_count) == (100_000, 1, 12)
    assert notes(result) == [None, None]


def test_a_balloon_is_named_in_the_last_payment() -> None:
    result = payments(LoanProduct(form="balloon"), term=24, balloon=4_000_000)
    assert result.principal_at_maturity == 4_000_000
    assert result.largest_number == 24 and result.largest == result.groups[-1].highest > 4_000_000
    assert notes(result) == [None, "balloon of ¥40,000.00 included"]


def test_an_interest_only_loan_repays_its_principal_at_the_end() -> None:
    result = payments(LoanProduct(form="interest_only"))
    assert [(g.first, g.last, g.lowest, g.highest) for g in result.groups] == [
        (1, 11, 50_000, 50_000),
        (12, 12, 10_050_000, 10_050_000),
    ]
    assert notes(result) == ["interest only", "principal of ¥100,000.00 included"]
    by_days = payments(LoanProduct(form="interest_only", calendar=PaymentCalendar("actual/360")))
    assert notes(by_days)[0] == "interest only, by days"
    assert by_days.groups[0].lowest == 46_667  # 28 days of February at 6 % of 100,000 yuan


def test_deferred_months_are_a_group_and_their_interest_is_named() -> None:
    result = payments(LoanProduct(deferred_months=3, deferral="with_first_instalment"))
    assert [(g.part, g.first, g.last) for g in result.groups] == [
        ("deferred", 1, 3),
        ("regular", 4, 11),
        ("last", 12, 12),
    ]
    assert (result.groups[0].highest, result.largest_number) == (0, 4)
    assert notes(result)[:2] == ["nothing is due", "no. 4 has the interest of the first 3 months, ¥1,500.00"]
    interest_only = payments(LoanProduct(deferred_months=3, deferral="interest_only"))
    assert interest_only.groups[0].lowest == 50_000 and notes(interest_only)[0] == "interest only"


def test_what_makes_payments_differ_is_named() -> None:
    fee = Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.018)
    result = payments(LoanProduct(form="equal_principal", fees=(fee,), subsidies=(STATE,)))
    assert notes(result)[0] == (
        "less the state subsidy where it is paid; with the fee on the outstanding principal; "
        "the others falling from month to month"
    )
    assert notes(payments(LoanProduct(form="equal_principal")))[0] == "falling from month to month"
    by_days = payments(LoanProduct(form="equal_principal", calendar=PaymentCalendar("actual/360")), term=60)
    assert notes(by_days)[0] is None, "the payment of March exceeds that of February"
    short = payments(LoanProduct(subsidies=(STATE,)), term=2)
    assert notes(short)[1] is not None and "less the state subsidy" in str(notes(short)[1])


def test_one_month_has_one_payment() -> None:
    result = payments(LoanProduct(), term=1)
    assert [(g.part, g.first, g.last) for g in result.groups] == [("last", 1, 1)]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LOAN_FORMS),
    st.sampled_from(DEFERRALS),
    st.integers(0, 4),
    st.integers(5, 40),
    st.integers(0, 20_000),
    st.booleans(),
)
def test_groups_cover_the_term_and_nothing_is_larger_than_the_largest(
    form: Form, deferral: Deferral, deferred: int, term: int, rate: int, subsidised: bool
) -> None:
    fees = (Fee(name="a", charged="up_front", share=0.01), Fee(name="b", charged="per_instalment", amount=700))
    product = LoanProduct(
        form=form,
        fees=fees,
        deferral=deferral,
        deferred_months=deferred,
        subsidies=(STATE,) if subsidised else (),
    )
    schedule = schedule_for(Loan(product, 7_654_321, rate / 100_000, term, 2_000_000 * (form == "balloon")), ON)
    result = payments_of(schedule)
    months = [month for group in result.groups for month in range(group.first, group.last + 1)]
    assert months == list(range(1, term + 1))
    for group in result.groups:
        amounts = [row.payment for row in schedule.rows[group.first - 1 : group.last]]
        assert (group.lowest, group.highest) == (min(amounts), max(amounts))
        assert group.first_due == schedule.rows[group.first - 1].due
        assert group.last_due == schedule.rows[group.last - 1].due
    assert result.largest == max(group.highest for group in result.groups)
    assert schedule.rows[result.largest_number - 1].payment == result.largest
    assert result.total == schedule.total_payment


@pytest.mark.parametrize("form", LOAN_FORMS)
def test_the_principal_at_maturity_is_what_no_instalment_repays(form: Form) -> None:
    result = payments(LoanProduct(form=form), balloon=3_000_000 * (form == "balloon"))
    assert result.principal_at_maturity == {"balloon": 3_000_000, "interest_only": 10_000_000}.get(form, 0)
