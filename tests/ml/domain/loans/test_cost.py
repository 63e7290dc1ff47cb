"""Annualised cost: published figures to the printed digit, and cash flows without an internal rate."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.loans.calendar import PaymentCalendar
from ml.domain.loans.cost import Cost, NoInternalRate, cost, monthly_rate
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.schedule import Schedule, schedule

START = date(2026, 1, 15)
AMOUNT = 10_000_000


def made(product: LoanProduct, rate: float, term: int, balloon: int = 0) -> Schedule:
    return schedule(Loan(product, AMOUNT, rate, term, balloon), START)


def percent(rate: float) -> str:
    return f"{rate:.2%}"


def test_flat_4_percent_over_36_months() -> None:
    annualised = cost(made(LoanProduct(form="flat_rate"), 0.04, 36))
    assert (percent(annualised.nominal), percent(annualised.effective)) == ("7.51%", "7.77%")


def test_zero_percent_with_3_percent_up_front_over_24_months() -> None:
    fee = Fee(name="service", charged="up_front", share=0.03)
    assert percent(cost(made(LoanProduct(fees=(fee,)), 0.0, 24)).nominal) == "2.94%"


def test_zero_percent_that_forgoes_a_discount_of_5000() -> None:
    assert percent(cost(made(LoanProduct(), 0.0, 36), forgone_discount=500_000).nominal) == "3.36%"


def test_equal_instalments_at_6_percent_over_36_months() -> None:
    assert made(LoanProduct(), 0.06, 36).rows[0].payment == 304_219


def test_a_balloon_of_40000_at_6_percent_over_36_months() -> None:
    with_balloon = made(LoanProduct(form="balloon"), 0.06, 36, 4_000_000)
    assert with_balloon.rows[0].payment == 202_532
    assert with_balloon.rows[-1].payment - 4_000_000 == pytest.approx(202_532, abs=36)
    assert cost(with_balloon).nominal == pytest.approx(0.06, abs=1e-6)


def test_interest_only_at_6_percent_over_12_months_with_a_fee() -> None:
    product = LoanProduct(form="interest_only", fees=(Fee(name="service", charged="up_front", share=0.015),))
    assert percent(cost(made(product, 0.06, 12)).nominal) == "7.56%"


@pytest.mark.parametrize("form", ["equal_instalment", "equal_principal", "interest_only"])
def test_without_fees_the_cost_is_the_contract_rate(form: str) -> None:
    assert cost(made(LoanProduct(form=form), 0.0725, 48)).nominal == pytest.approx(0.0725, abs=1e-6)  # type: ignore[arg-type]


def test_an_irregular_first_period_is_reckoned_by_dates() -> None:
    # One payment exactly 365 days after disbursement, 10 % by days: the effective rate is 10 %.
    calendar = PaymentCalendar("actual/365", first_due=date(2027, 1, 15))
    once = schedule(Loan(LoanProduct(form="interest_only", calendar=calendar), AMOUNT, 0.10, 1), START)
    assert (once.rows[0].days, once.rows[0].interest) == (365, 1_000_000)
    assert cost(once).effective == pytest.approx(0.10, abs=1e-9)


def test_a_late_first_instalment_at_no_interest_costs_nothing() -> None:
    calendar = PaymentCalendar(first_due=date(2026, 4, 20))
    assert cost(schedule(Loan(LoanProduct(calendar=calendar), AMOUNT, 0.0, 24), START)).effective == pytest.approx(0.0)


def test_fees_that_take_all_that_is_lent_have_no_rate() -> None:
    product = LoanProduct(fees=(Fee(name="service", charged="up_front", amount=AMOUNT),))
    with pytest.raises(NoInternalRate, match=r"costs at disbursement of 100000\.00 yuan leave 0\.00 yuan"):
        cost(made(product, 0.05, 12))


@pytest.mark.parametrize("flows", [[100.0, 5.0], [-100.0, -5.0], [0.0, 0.0]])
def test_flows_of_one_sign_have_no_rate(flows: list[float]) -> None:
    with pytest.raises(NoInternalRate, match="needs positive and negative flows"):
        monthly_rate(flows)


@given(rate=st.floats(0, 0.05))
def test_effective_is_the_compounded_nominal(rate: float) -> None:
    annualised = Cost.of_monthly(rate)
    assert (1 + annualised.nominal / 12) ** 12 - 1 == pytest.approx(annualised.effective)
