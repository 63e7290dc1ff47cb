"""Irregular first periods charged by days or as a month: interest, instalments, fees and annualised cost by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml.domain.loans.accrual import accrue
from ml.domain.loans.calendar import DayCount, FirstPeriodInterest, PaymentCalendar
from ml.domain.loans.cost import cost
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.pricing import RiskAndFunding, price
from ml.domain.loans.product import Fee, LoanProduct
from ml.domain.loans.schedule import Schedule, schedule

START = date(2026, 1, 10)  # the first instalment is due on 20 February: 41 days, 40 of 30/360
GUARANTEE = Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.018)


def made(
    interest: FirstPeriodInterest,
    day_count: DayCount = "30/360",
    *,
    rate: float = 0.036,
    term: int = 12,
    start: date = START,
    **product: Any,
) -> Schedule:
    calendar = PaymentCalendar(day_count, 20, first_period_interest=interest)
    loan_product = LoanProduct(**{"form": "interest_only", "calendar": calendar, **product})
    balloon = 4_000_000 if product.get("form") == "balloon" else 0
    return schedule(Loan(loan_product, 10_000_000, rate, term, balloon), start)


@pytest.mark.parametrize(
    ("day_count", "rate", "by_days", "by_month"),
    [
        ("30/360", 0.036, 40_000, 30_000),  # 10 yuan a day
        ("actual/360", 0.036, 41_000, 31_000),
        ("actual/365", 0.0365, 41_000, 31_000),
        ("actual/actual", 0.0365, 41_000, 31_000),
    ],
)
@pytest.mark.parametrize("form", ["interest_only", "equal_instalment", "equal_principal", "balloon", "flat_rate"])
def test_interest_of_a_long_first_period(
    form: str, day_count: DayCount, rate: float, by_days: int, by_month: int
) -> None:
    assert made("days", day_count, rate=rate, form=form).rows[0].interest == by_days
    assert made("month", day_count, rate=rate, form=form).rows[0].interest == by_month


def test_interest_of_a_short_first_period() -> None:
    assert made("days", start=date(2026, 1, 31)).rows[0].interest == 20_000  # 20 days
    assert made("month", start=date(2026, 1, 31)).rows[0].interest == 30_000


def test_a_flat_rate_charged_by_the_month_is_the_same_in_every_instalment() -> None:
    assert {row.interest for row in made("month", form="flat_rate").rows} == {30_000}
    assert [row.interest for row in made("days", form="flat_rate").rows] == [40_000, *[30_000] * 11]


@pytest.mark.parametrize("form", ["equal_instalment", "balloon", "equal_principal", "flat_rate", "interest_only"])
def test_charged_by_the_month_the_payments_are_those_of_whole_months(form: str) -> None:
    whole = made("days", form=form, calendar=PaymentCalendar(), fees=(GUARANTEE,))
    assert [row.payment for row in made("month", form=form, fees=(GUARANTEE,)).rows] == [
        row.payment for row in whole.rows
    ]


def test_level_instalments_by_days_repay_the_loan_with_40_days_in_the_first_period() -> None:
    # 3 instalments at 3.6 %: 100,000 = x (1/1.004 + 1/(1.004 * 1.003) + 1/(1.004 * 1.003 ** 2)).
    exact = 10_000_000 / (1 / 1.004 * (1 + 1 / 1.003 + 1 / 1.003**2))
    assert made("days", form="equal_instalment", term=3).rows[0].payment == round(exact) == 3_356_697


def test_a_yearly_fee_follows_the_interest() -> None:
    assert made("days", fees=(GUARANTEE,)).rows[0].fee == 20_000  # 1.8 % of 100,000 over 40 of 360 days
    assert made("month", fees=(GUARANTEE,)).rows[0].fee == 15_000


def test_the_annualised_cost_counts_the_true_dates() -> None:
    plan = made("month", term=1)  # 300 yuan on 100,000 over 41 days
    effective = 1.003 ** (365 / 41) - 1
    assert cost(plan).effective == pytest.approx(effective, abs=1e-9)
    funding = RiskAndFunding(probability_of_default=0.0, loss_given_default=0.0, funding_rate=0.0)
    prices = price(LoanBatch.of([plan.loan]), START, risk=funding)
    assert prices.effective_rate[0] == pytest.approx(effective, abs=1e-9)


def test_settling_in_a_first_period_charged_as_a_month_pays_a_part_of_the_month() -> None:
    long, short = made("month"), made("month", start=date(2026, 1, 31))
    assert accrue(long, date(2026, 1, 25)).interest == 15_000
    assert accrue(long, date(2026, 2, 15)).interest == 30_000  # at most the month
    assert accrue(short, date(2026, 2, 10)).interest == 15_000  # ten of 20 days
