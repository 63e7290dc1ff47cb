"""Partial prepayment: values by hand, a recomputation in exact fractions, and properties of every loan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml.domain.loans.accrual import accrue
from ml.domain.loans.calendar import DENOMINATORS, DayCount, PaymentCalendar, periods
from ml.domain.loans.loan import Loan
from ml.domain.loans.prepayment import Prepayment, prepay, prepayment_limits
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.rounding import LoanError
from ml.domain.loans.schedule import Schedule, schedule
from ml.domain.loans.settlement import SettlementRule
from tests.ml.domain.loans.random_loans import any_loan

START = date(2026, 1, 31)
FREE = SettlementRule()


def made(rate: float = 0.06, term: int = 12, start: date = START, **product: Any) -> Schedule:
    return schedule(Loan(LoanProduct(**product), 10_000_000, rate, term), start)


def lower(plan: Schedule, on: date, amount: int, rule: SettlementRule = FREE) -> Prepayment:
    return prepay(plan, on, amount, treatment="lower_instalment", rule=rule)


def shorter(plan: Schedule, on: date, amount: int, rule: SettlementRule = FREE) -> Prepayment:
    return prepay(plan, on, amount, treatment="shorter_term", rule=rule)


def test_interest_falls_with_the_balance_and_the_due_dates_stay() -> None:
    plan = made(form="interest_only")
    quote = lower(plan, date(2026, 4, 10), 4_000_000)
    # Ten days on 100,000 are paid at once; 20 days and then whole months run on 60,000.
    assert (quote.accrued_interest, quote.total, quote.n_paid) == (16_667, 4_016_667, 2)
    assert [row.interest for row in quote.schedule.rows] == [20_000, *[30_000] * 9]
    assert [row.due for row in quote.schedule.rows] == [row.due for row in plan.rows[2:]]
    assert quote.schedule.rows[-1].principal == 6_000_000
    assert quote.interest_saved == quote.cost_saved == 10 * 50_000 - 16_667 - 290_000


def test_equal_principal_keeps_its_principal_or_its_maturity() -> None:
    plan = made(form="equal_principal", term=10)  # 10,000 a month
    after = plan.rows[3].due
    short, low = shorter(plan, after, 2_500_000), lower(plan, after, 2_500_000)
    assert [row.principal for row in low.schedule.rows] == [583_333] * 5 + [583_335]
    assert [row.principal for row in short.schedule.rows] == [875_000] * 4  # four of 8,750: three would be 11,667
    assert [row.due for row in short.schedule.rows] == [row.due for row in plan.rows[4:8]]


def test_equal_instalments_by_hand() -> None:
    plan = made(term=36, start=date(2026, 1, 15))
    quote = lower(plan, date(2027, 1, 15), 2_000_000)
    balance = plan.rows[11].balance - 2_000_000
    assert quote.schedule.rows[0].payment == round(balance * 0.005 / (1 - 1.005**-24)) == 215_578
    assert quote.schedule.rows[0].interest == round(balance * 0.005)


def test_the_penalty_is_on_the_prepaid_amount_by_the_lender_s_rule() -> None:
    rule = SettlementRule(share_of_outstanding=0.03, months_of_interest=1, free_after_months=6)
    plan = made()
    early = lower(plan, date(2026, 7, 30), 1_000_000, rule)
    assert early.penalty == 30_000 + 5_000
    assert early.cost_saved == early.interest_saved - 35_000
    assert lower(plan, date(2026, 7, 31), 1_000_000, rule).penalty == 0


def test_fees_by_balance_fall_and_fees_by_instalment_stay() -> None:
    fees = (
        Fee(name="file", charged="up_front", share=0.01),
        Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.018),
        Fee(name="account", charged="per_instalment", amount=3_000),
        Fee(name="service", charged="per_instalment", share=0.0006),
    )
    quote = lower(made(form="interest_only", fees=fees), date(2026, 4, 10), 4_000_000)
    assert quote.accrued_fees == 5_000  # ten of 30 days of 15,000 a month on the guarantee
    assert [row.fee for row in quote.schedule.rows] == [6_000 + 9_000, *[9_000 + 9_000] * 9]
    assert quote.schedule.up_front == 0
    assert quote.cost_saved - quote.interest_saved == 10 * 15_000 - 5_000 - 6_000 - 9 * 9_000


def test_the_balloon_stays_due_at_maturity() -> None:
    loan = Loan(LoanProduct(form="balloon"), 10_000_000, 0.06, 12, 4_000_000)
    plan = schedule(loan, START)
    quote = lower(plan, plan.rows[5].due, 1_000_000)
    assert quote.schedule.rows[-1].principal > 4_000_000 > quote.schedule.rows[-1].principal - 500_000
    assert prepayment_limits(plan, plan.rows[5].due, rule=FREE) == (1, plan.rows[5].balance - 4_000_001)


def test_deferred_months_go_on_and_their_interest_to_the_day_is_paid() -> None:
    plan = made(form="equal_principal", deferred_months=3, deferral="with_first_instalment")
    quote = lower(plan, date(2026, 4, 10), 1_000_000)  # two deferred months and ten days of the third
    assert quote.accrued_interest == 50_000 + 50_000 + 16_667
    assert [row.payment for row in quote.schedule.rows][:2] == [0, 1_000_000 + 30_000 + 45_000]


def level(balance: int, months: int) -> int:
    """Return the level instalment at 0.5 % a month."""
    return round(balance * 0.005 / (1 - 1.005**-months))


STATE = Subsidy(payer="state", rate=0.03, lowers_instalment=False, until=date(2027, 6, 30))


@pytest.mark.parametrize(
    "product",
    [
        {"deferred_months": 3, "deferral": "with_first_instalment"},  # the first instalment has four months' interest
        {"subsidies": (STATE,)},  # payments are larger after the state's last
        {"fees": (Fee(name="account", charged="per_instalment", yearly_share_of_balance=0.1),)},
    ],
)
def test_a_shorter_term_compares_instalments_of_the_contract(product: dict[str, Any]) -> None:
    plan = made(term=36, start=date(2026, 1, 15), **product)
    months = 36 - product.get("deferred_months", 0)
    quote = shorter(plan, date(2026, 2, 15), 2_000_000)
    balance, deferred = plan.rows[0].balance - 2_000_000, quote.schedule.loan.product.deferred_months
    term = len(quote.schedule.rows) - deferred
    assert level(balance, term) <= level(10_000_000, months) < level(balance, term - 1)


def test_caps_of_subsidies_go_on() -> None:
    maker = Subsidy(payer="maker", rate=1.0, total=130_000)
    quote = lower(made(form="interest_only", subsidies=(maker,)), date(2026, 4, 10), 4_000_000)
    # 50,000 twice and 16,667 to the day leave 13,333.
    assert (quote.accrued_interest, quote.schedule.rows[0].interest) == (0, 20_000 - 13_333)
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, months=4, per_year=30_000, used_this_year=9_000)
    limited = lower(made(form="interest_only", subsidies=(state,)), date(2026, 4, 10), 4_000_000)
    # 8,333 twice and 2,778 are used of 21,000; the third month's rest may have 3,333 and has the 1,556 left.
    assert [row.subsidies[0] for row in limited.schedule.rows] == [1_556, *[0] * 9]


def test_the_yearly_cap_of_a_period_due_next_year_counts_the_part_to_the_day() -> None:
    state = Subsidy(payer="state", rate=0.01, lowers_instalment=False, per_year=9_000, used_this_year=9_000)
    plan = made(form="interest_only", start=date(2026, 11, 20), subsidies=(state,))
    quote = lower(plan, date(2026, 12, 30), 4_000_000)
    # The period from 20 December is due in January 2027, whose cap of 9,000 is fresh: 2,778 to the day, 3,333 after it.
    rows = quote.schedule.rows
    assert accrue(plan, date(2026, 12, 30)).subsidies == (2_778,)
    assert [row.subsidies[0] for row in rows] == [3_333, 2_889, *[0] * 9]


def test_the_first_broken_period_is_the_rest_of_a_twelfth() -> None:
    plan = made(form="interest_only", start=date(2026, 1, 28))
    for day in (date(2026, 2, 10), date(2026, 3, 14), date(2026, 3, 27)):
        quote = lower(plan, day, 1)
        whole = quote.accrued_interest + quote.schedule.rows[0].interest
        assert whole == pytest.approx(50_000, abs=1)


@settings(max_examples=150, deadline=None)
@given(loan=any_loan(), day=st.integers(0, 180), share=st.floats(0.001, 0.999), treatment=st.booleans())
def test_what_is_paid_adds_up_for_every_loan(loan: Loan, day: int, share: float, treatment: bool) -> None:
    assume(loan.product.form not in ("flat_rate", "finance_lease"))
    plan, on = schedule(loan, START), START + timedelta(days=day)
    high = prepayment_limits(plan, on, rule=FREE)[1]
    amount = max(1, int(high * share))
    shortens = treatment and loan.product.form in ("equal_instalment", "equal_principal")
    quote = (shorter if shortens else lower)(plan, on, amount)
    left, rest = plan.rows[quote.n_paid :], quote.schedule
    assert sum(row.principal for row in rest.rows) + amount == sum(row.principal for row in left)
    assert [row.due for row in rest.rows] == [row.due for row in left[: len(rest.rows)]]
    assert len(rest.rows) == len(left) or shortens
    # Paid on the day and after it, and what is saved, are the payments that were scheduled.
    assert quote.total + sum(row.payment for row in rest.rows) + quote.cost_saved == sum(r.payment for r in left)
    running = accrue(plan, on)
    for i, subsidy in enumerate(loan.product.subsidies):
        used = [(row.due.year, row.subsidies[i]) for row in (*plan.rows[: quote.n_paid], *rest.rows)]
        used.append((left[0].due.year, running.subsidies[i]))
        assert subsidy.total is None or sum(amount for _, amount in used) <= subsidy.total
        if subsidy.per_year is not None:
            for year in {year for year, _ in used}:
                before = subsidy.used_this_year if year == START.year else 0
                assert sum(amount for y, amount in used if y == year) <= max(subsidy.per_year - before, 0)


@settings(max_examples=150, deadline=None)
@given(loan=any_loan(), day=st.integers(0, 180))
def test_a_prepayment_of_a_fen_changes_no_due_amount_but_by_rounding(loan: Loan, day: int) -> None:
    assume(loan.product.form in ("equal_principal", "interest_only"))
    product = replace(loan.product, subsidies=())
    plan = schedule(replace(loan, product=product), START)
    on = START + timedelta(days=day)
    quote = lower(plan, on, 1)
    accrued, rest = accrue(plan, on), quote.schedule.rows
    before = plan.rows[accrued.n_paid :]
    first = rest[0].interest + rest[0].deferred_interest + accrued.interest + accrued.carried_interest
    assert first == pytest.approx(before[0].interest + before[0].deferred_interest, abs=2)
    for row, old in zip(rest[1:], before[1:], strict=True):
        assert row.principal == pytest.approx(old.principal, abs=len(rest))
        if product.deferral != "with_first_instalment":
            assert row.interest == pytest.approx(old.interest, abs=2)


def half_up(exact: Fraction) -> int:
    return int(exact + Fraction(1, 2))


def years(first: date, last: date, day_count: DayCount) -> Fraction:
    """Return the sum of the days' fractions of a year."""
    days = (first + timedelta(days=n) for n in range((last - first).days))
    fixed = {"actual/365": 365, "actual/360": 360}
    return sum((Fraction(1, fixed.get(day_count, 365 + (d.year % 4 == 0))) for d in days), Fraction(0))


@settings(max_examples=120, deadline=None)
@given(
    start=st.dates(date(2023, 6, 1), date(2025, 6, 1)),
    day=st.integers(0, 500),
    day_count=st.sampled_from(["actual/365", "actual/360", "actual/actual"]),
    rate=st.integers(1, 1_500),
    share=st.integers(1, 99),
    shortens=st.booleans(),
    form=st.sampled_from(["equal_instalment", "equal_principal"]),
)
def test_the_rest_in_exact_fractions(
    start: date, day: int, day_count: DayCount, rate: int, share: int, shortens: bool, form: str
) -> None:
    product = LoanProduct(form=form, calendar=PaymentCalendar(day_count))  # type: ignore[arg-type]
    plan = schedule(Loan(product, 10_000_000, rate / 10_000, 24), start)
    on, yearly = start + timedelta(days=day), Fraction(rate, 10_000)
    amount = prepayment_limits(plan, on, rule=FREE)[1] * share // 100 or 1
    quote = (shorter if shortens else lower)(plan, on, amount)
    since = plan.rows[quote.n_paid - 1].due if quote.n_paid else start
    balance = plan.rows[quote.n_paid - 1].balance if quote.n_paid else 10_000_000
    assert quote.accrued_interest == half_up(balance * yearly * years(since, on, day_count))

    balance -= amount
    due = [row.due for row in plan.rows[quote.n_paid :]]
    parts = [yearly * years(a, b, day_count) for a, b in zip([on, *due[:-1]], due, strict=True)]

    def exact(term: int) -> Fraction:
        """Return the payment (equal instalments) or the principal (equal principal) of `term` months, exactly."""
        if form == "equal_principal":
            return Fraction(balance, term)
        factor, present = Fraction(1), Fraction(0)
        for part in parts[:term]:
            factor /= 1 + part
            present += factor
        return balance / present

    term = len(quote.schedule.rows)
    instalment = half_up(exact(term))
    for k, row in enumerate(quote.schedule.rows):
        interest = half_up(balance * parts[k])
        last = k + 1 == term
        principal = balance if last else instalment if form == "equal_principal" else instalment - interest
        assert (row.interest, row.principal) == (interest, min(principal, balance))
        balance -= row.principal
    balance = sum(row.principal for row in quote.schedule.rows)
    largest = max(
        row.principal if form == "equal_principal" else row.payment
        for row in (plan.rows[quote.n_paid : -1] or plan.rows[-1:])
    )
    if shortens and term < len(due):
        assert half_up(exact(term)) <= largest
        assert term == 1 or half_up(exact(term - 1)) > largest
    if not shortens:
        assert term == len(due)


def test_a_prepayment_on_a_prepaid_loan_goes_on_from_its_schedule() -> None:
    plan = made(form="interest_only", start=date(2026, 1, 28))
    first = lower(plan, date(2026, 3, 10), 1_000_000)
    second = lower(first.schedule, date(2026, 3, 20), 1_000_000)
    paid = first.accrued_interest + second.accrued_interest + second.schedule.rows[0].interest
    # The month from 28 February counts 30 days of 30/360, in proportion to its 28: 11 of 30, 11 of 19 and 8.
    assert paid == 18_333 + 16_500 + 10_667
    assert second.schedule.rows[0].due == date(2026, 3, 28)


@pytest.mark.parametrize("day_count", list(DENOMINATORS))
def test_due_dates_and_numerators_of_later_periods_stay(day_count: DayCount) -> None:
    plan = made(calendar=PaymentCalendar(day_count))
    rest = lower(plan, date(2026, 3, 5), 1_000_000).schedule
    before = periods(plan.loan.product.calendar, plan.start, 12)
    after = periods(rest.loan.product.calendar, rest.start, 11)
    assert after.due == before.due[1:]
    assert after.numerator[1:].tolist() == before.numerator[2:].tolist()


RULE = SettlementRule(minimum_prepayment=500_000)


@pytest.mark.parametrize(
    ("product", "on", "amount", "treatment", "message"),
    [
        ({}, date(2026, 1, 30), 1_000_000, "shorter_term", r"from 2026-01-31 \(disbursement\) .* got 2026-01-30"),
        ({}, date(2027, 1, 31), 1_000_000, "shorter_term", r"day before 2027-01-31 \(maturity\), got 2027-01-31"),
        ({}, date(2026, 2, 1), 499_999, "shorter_term", "must be whole fen from 500000 to 9999999, got 499999"),
        ({}, date(2026, 2, 1), 10_000_000, "shorter_term", "must be whole fen from 500000 to 9999999, got 10000000"),
        ({}, date(2026, 2, 1), 1e6, "shorter_term", "must be whole fen from 500000 to 9999999, got 1000000.0"),
        ({}, date(2026, 2, 1), 1_000_000, "both", "one of shorter_term, lower_instalment, got 'both'"),
        ({"form": "interest_only"}, date(2026, 2, 1), 1_000_000, "shorter_term", "choose 'lower_instalment'"),
        ({"form": "flat_rate"}, date(2026, 2, 1), 1_000_000, "shorter_term", "cannot be prepaid in part: settle it"),
    ],
)
def test_prepayments_out_of_range_are_refused(
    product: dict[str, Any], on: date, amount: Any, treatment: Any, message: str
) -> None:
    with pytest.raises(LoanError, match=message):
        prepay(made(**product), on, amount, treatment=treatment, rule=RULE)


def test_a_balance_below_the_minimum_is_settled_in_full() -> None:
    plan = made(form="equal_principal")
    rule = SettlementRule(minimum_prepayment=900_000)
    with pytest.raises(LoanError, match="at most 833336 fen can be prepaid in part, got 900000: settle"):
        lower(plan, plan.rows[-2].due, 900_000, rule)


@pytest.mark.parametrize("minimum", [-1, 0.5, 10**11])
def test_a_minimum_that_makes_no_sense_is_refused(minimum: Any) -> None:
    with pytest.raises(LoanError, match="minimum_prepayment must be whole fen"):
        SettlementRule(minimum_prepayment=minimum)
