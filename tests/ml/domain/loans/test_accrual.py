"""Interest and fees of a running period: values by hand, an oracle in exact fractions, and properties of every loan."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.loans.accrual import Accrual, accrue
from ml.domain.loans.calendar import DENOMINATORS, DayCount, PaymentCalendar, elapsed_part, periods
from ml.domain.loans.lease import Lease
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import DEFERRALS, FORMS, Deferral, Fee, Form, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from tests.ml.domain.loans.random_loans import any_loan

starts = st.dates(date(2023, 12, 25), date(2025, 1, 5)) | st.sampled_from(
    [date(2026, 1, day) for day in (1, 28, 29, 30, 31)] + [date(2024, 2, 29), date(2023, 2, 28), date(2026, 4, 30)]
)


def made(start: date, rate: float = 0.06, term: int = 12, amount: int = 10_000_000, **product: Any) -> Schedule:
    return schedule(Loan(LoanProduct(**{"form": "interest_only", **product}), amount, rate, term), start)


def on(day: date, schedule: Schedule) -> Accrual:
    return accrue(schedule, day)


def test_a_maker_who_pays_the_whole_rate_leaves_no_interest_on_the_30th_day_of_a_30_360_month() -> None:
    maker = Subsidy(payer="maker", rate=1.0)
    plan = made(
        date(2026, 1, 28),
        0.0499,
        36,
        form="equal_instalment",
        subsidies=(maker,),
        calendar=PaymentCalendar(payment_day=28),
    )
    running = on(date(2026, 2, 27), plan)
    assert (running.interest, running.numerator) == (0, 29)
    assert running.subsidies == (40_197,)  # 100,000 yuan x 4.99 % x 29 / 360


@pytest.mark.parametrize(
    ("start", "day", "numerator"),
    [
        (date(2026, 1, 31), date(2026, 2, 1), 1),
        (date(2026, 1, 31), date(2026, 2, 27), 27),
        (date(2026, 3, 31), date(2026, 4, 29), 29),
        (date(2026, 1, 28), date(2026, 2, 20), 22),
        (date(2026, 1, 28), date(2026, 3, 14), 15),  # 14 of the 28 days from 28 February
        (date(2026, 1, 28), date(2026, 3, 27), 29),
        (date(2026, 1, 15), date(2026, 3, 5), 20),
        (date(2024, 2, 29), date(2024, 3, 28), 29),  # 28 of 29 days
    ],
)
def test_days_of_30_360_months_by_hand(start: date, day: date, numerator: int) -> None:
    # 100,000 yuan at 3.6 %: 10 yuan a day.
    running = on(day, made(start, 0.036))
    assert (running.numerator, running.interest) == (numerator, numerator * 1_000)


@pytest.mark.parametrize(
    ("day_count", "interest"),
    [("actual/365", 10_000), ("actual/360", 10_139), ("actual/actual", 9_986), ("30/360", 10_139)],
)
def test_ten_days_by_every_day_count(day_count: DayCount, interest: int) -> None:
    # 100,000 yuan at 3.65 %; of the ten days from 27 December 2023 five fall in the leap year: 5/365 + 5/366.
    plan = made(date(2023, 11, 27), 0.0365, calendar=PaymentCalendar(day_count))
    assert on(date(2024, 1, 6), plan).interest == interest - (1_014 if day_count == "30/360" else 0)


def test_payers_divide_the_running_interest_by_their_rates_on_their_principal() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, principal=5_000_000)
    running = on(date(2026, 2, 11), made(date(2026, 1, 1), subsidies=(state,)))
    # Ten days: 100,000 at 6 % is 166.67; the state pays 1 % on 50,000, 13.89.
    assert (running.interest, running.subsidies) == (15_278, (1_389,))


def test_a_cap_that_runs_out_in_the_period_pays_what_is_left_of_it() -> None:
    maker = Subsidy(payer="maker", rate=1.0, total=60_000)
    plan = made(date(2026, 1, 1), subsidies=(maker,))
    assert on(date(2026, 2, 4), plan).interest == 0  # 50,000 in January, 5,000 in three days
    assert on(date(2026, 2, 11), plan).interest == 16_667 - 10_000
    assert on(date(2026, 3, 11), plan).interest == 16_667


def test_a_yearly_cap_counts_in_the_year_in_which_the_period_is_due() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, per_year=8_000)
    plan = made(date(2026, 11, 20), subsidies=(state,))
    assert on(date(2026, 12, 31), plan).subsidies == (2_778,)  # ten days of 30/360 of the period due in January 2027
    assert plan.rows[0].subsidies == (8_000,)


@pytest.mark.parametrize(
    ("deferral", "carried", "interest"),
    [("interest_free", 0, 0), ("interest_only", 0, 16_667), ("with_first_instalment", 50_000, 16_667)],
)
def test_deferred_months(deferral: Deferral, carried: int, interest: int) -> None:
    plan = made(date(2026, 1, 1), deferred_months=3, deferral=deferral)
    running = on(date(2026, 2, 11), plan)
    assert (running.carried_interest, running.interest) == (carried, interest)
    after = on(date(2026, 5, 11), plan)
    assert (after.carried_interest, after.interest) == (0, 16_667)


def test_a_fee_by_yearly_share_runs_by_days_and_a_charge_per_instalment_as_its_terms_say() -> None:
    fees = (
        Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.018),
        Fee(name="account", charged="per_instalment", amount=3_000),
        Fee(name="service", charged="per_instalment", share=0.0006, broken_period="by_days"),
        Fee(name="file", charged="up_front", amount=50_000),
    )
    plan = made(date(2026, 1, 1), fees=fees)
    assert on(date(2026, 2, 11), plan).fees == (5_000, 3_000, 2_000, 0)  # ten of 30 days
    assert on(date(2026, 2, 1), plan).fees == on(date(2026, 1, 1), plan).fees == (0, 0, 0, 0)


def test_no_fee_runs_in_deferred_months_without_an_instalment() -> None:
    account = Fee(name="account", charged="per_instalment", amount=3_000)
    plan = made(date(2026, 1, 1), fees=(account,), deferred_months=2)
    assert on(date(2026, 2, 11), plan).fees == (0,)
    assert on(date(2026, 3, 11), plan).fees == (3_000,)


@settings(max_examples=150, deadline=None)
@given(loan=any_loan(), start=starts, month=st.integers(0, 6))
def test_accruals_rise_by_the_day_to_the_instalment(loan: Loan, start: date, month: int) -> None:
    plan = schedule(loan, start)
    row = plan.rows[month]
    since = plan.rows[month - 1].due if month else start
    days = [on(since + timedelta(days=n), plan) for n in range((row.due - since).days)]
    totals = [running.carried_interest + running.interest for running in days]
    assert totals == sorted(totals)
    assert totals[0] >= 0 and totals[-1] <= row.interest + row.deferred_interest
    for fee, charges in zip(plan.fees, zip(*(running.fees for running in days), strict=True), strict=True):
        assert list(charges) == sorted(charges) and charges[-1] <= fee.rows[month] and charges[0] == 0
    due = on(row.due, plan)
    assert (due.carried_interest, due.interest, sum(due.fees)) == (row.deferred_interest, 0, 0)


@settings(max_examples=150, deadline=None)
@given(
    start=starts,
    month=st.integers(0, 11),
    day_count=st.sampled_from(list(DENOMINATORS)),
    payment_day=st.sampled_from(["same_day", "end_of_month", 1, 20, 28, 29, 30, 31]),
)
def test_the_part_of_a_period_rises_to_the_whole(
    start: date, month: int, day_count: DayCount, payment_day: Any
) -> None:
    calendar = PaymentCalendar(day_count, payment_day)
    dates = periods(calendar, start, 12)
    since, due = (start, *dates.due)[month], dates.due[month]
    whole = int(dates.numerator[month])
    parts = [
        elapsed_part(calendar, since, due, since + timedelta(days=n), numerator=whole)
        for n in range((due - since).days + 1)
    ]
    assert parts == sorted(parts) and (parts[0], parts[-1]) == (0, whole)
    # 30/360 counts up to three days on the last day of February; no other day counts for more than two.
    assert max(b - a for a, b in pairwise(parts)) <= (3 if day_count == "30/360" else 366)


@settings(deadline=None)
@given(loan=any_loan(), start=starts, days=st.integers(0, 180))
def test_a_loan_whose_interest_the_maker_pays_accrues_none(loan: Loan, start: date, days: int) -> None:
    product = LoanProduct(**{**vars(loan.product), "subsidies": (Subsidy(payer="maker", rate=1.0),)})
    plan = schedule(Loan(product, loan.amount, loan.annual_rate, loan.term_months, loan.balloon), start)
    running = on(start + timedelta(days=days), plan)
    assert (running.interest, running.carried_interest) == (0, 0)


def half_up(exact: Fraction) -> int:
    return int(exact + Fraction(1, 2))


@settings(max_examples=200, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    deferral=st.sampled_from(DEFERRALS),
    start=starts,
    days=st.integers(0, 300),
    day_count=st.sampled_from(["actual/365", "actual/360", "actual/actual"]),
    rate=st.integers(1, 2_000),
    points=st.tuples(st.integers(0, 800), st.integers(0, 300)),
    principal=st.none() | st.integers(100_000, 10_000_000),
)
def test_the_running_interest_in_exact_fractions(
    form: Form,
    deferral: Deferral,
    start: date,
    days: int,
    day_count: DayCount,
    rate: int,
    points: tuple[int, int],
    principal: int | None,
) -> None:
    maker = Subsidy(payer="maker", rate=points[0] / 10_000)
    state = Subsidy(
        payer="state", rate=points[1] / 10_000, share_of_rate=0.5, lowers_instalment=False, principal=principal
    )
    product = LoanProduct(
        form=form,
        lease=Lease(kind="direct", deposit_share=0.1) if form == "finance_lease" else None,
        deferral=deferral,
        deferred_months=2,
        calendar=PaymentCalendar(day_count),
        subsidies=(maker, state),
    )
    loan = Loan(product, 8_000_000, rate / 10_000, 12, 2_000_000 if form == "balloon" else 0)
    plan, day = schedule(loan, start), start + timedelta(days=days)
    running = on(day, plan)
    row = plan.rows[running.n_paid]
    base = loan.amount if form == "flat_rate" else row.balance + row.principal
    years = sum(
        (
            Fraction(1, {"actual/365": 365, "actual/360": 360}.get(day_count, 366 if (d.year % 4 == 0) else 365))
            for d in (running.since + timedelta(days=n) for n in range((day - running.since).days))
        ),
        Fraction(0),
    )
    if deferral == "interest_free" and running.n_paid < 2:
        years = Fraction(0)
    before = Fraction(rate, 10_000)
    between = before - min(before, Fraction(points[0], 10_000))
    half = Fraction(half_up(between / 2 * 1_000_000), 1_000_000)
    after = between - min(half, Fraction(points[1], 10_000))
    limited = base if principal is None else min(base, principal)
    by_maker = half_up(base * before * years) - half_up(base * between * years)
    by_state = half_up(limited * between * years) - half_up(limited * after * years)
    assert running.subsidies == (by_maker, by_state)
    borrower = half_up(base * before * years) - by_maker - by_state
    assert borrower <= running.interest <= borrower + 1  # a fen never goes back


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2027, 1, 2)])
def test_days_outside_the_loan_are_refused(day: date) -> None:
    text = rf"from 2026-01-01 \(disbursement\) to 2027-01-01 \(maturity\), got {day}"
    with pytest.raises(LoanError, match=text):
        on(day, made(date(2026, 1, 1)))


def test_a_charge_for_a_broken_period_is_in_full_or_by_days() -> None:
    with pytest.raises(LoanError, match="broken_period must be 'in_full' or 'by_days', got 'half'"):
        Fee(name="x", charged="per_instalment", amount=1, broken_period="half")  # type: ignore[arg-type]
