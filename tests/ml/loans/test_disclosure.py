"""Statement of the total cost: golden files, exact sums, annualised costs against an independent solver."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.product import FORMS as LOAN_FORMS
from ml.domain.loans.schedule import Schedule
from ml.loans.catalogue.contingent import CATEGORIES
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.disclosure import FORMS, ON_BALANCE, ON_ORIGINAL_AMOUNT, STATEMENT, Disclosure, disclose
from ml.loans.disclosure_form import FormEntries
from ml.loans.disclosure_html import page
from ml.loans.disclosure_texts import DAY_COUNTS, basis_points
from ml.loans.repayment import schedule_for
from tests.ml.loans.small_loans import loan_for

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
GOLDEN = Path(__file__).parent / "golden"
ON = date(2026, 9, 15)
CASES: dict[str, tuple[str, str, int, float | None, float]] = {
    # name of the file: product, vehicle class, term, balloon share, probability of default
    "equal_instalment_with_state_subsidy": ("bank_standard", "private_new_energy", 36, None, 0.008),
    "equal_principal": ("bank_equal_principal", "private_combustion", 24, None, 0.008),
    "zero_rate_by_the_maker": ("maker_zero", "private_combustion", 36, None, 0.008),
    "balloon_with_fee": ("maker_balloon", "private_combustion", 36, 0.4, 0.02),
    "deferred": ("maker_deferred", "private_combustion", 36, None, 0.008),
    "flat_rate": ("flat_easy", "private_combustion", 36, None, 0.04),
    "interest_only": ("short_interest_only", "private_combustion", 12, None, 0.008),
    "used_with_guarantee": ("used_guaranteed", "used", 36, None, 0.03),
}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(CONFIGS / "loans" / "products.yaml", CONFIGS / "loans" / "rules.yaml")


def statement_for(lending: Lending, case: str) -> Disclosure:
    return disclose(lending, CASES[case][0], schedule_of(lending, case))


def schedule_of(lending: Lending, case: str) -> Schedule:
    name, kind, term, balloon, probability = CASES[case]
    application = Application(Applicant(32, 1_600_000), Vehicle("V1", 18_000_000, kind), 8_000_000, term)
    loan = loan_for(lending, name, application, on=ON, probability_of_default=probability, balloon_share=balloon or 0.0)
    return schedule_for(loan, ON)


@pytest.mark.parametrize("case", CASES)
def test_golden_statement(lending: Lending, case: str) -> None:
    golden = json.loads((GOLDEN / f"{case}.json").read_text(encoding="utf-8"))
    assert json.loads(statement_for(lending, case).model_dump_json()) == golden


@pytest.mark.parametrize("case", CASES)
def test_the_items_add_up_and_nothing_is_left_out(lending: Lending, case: str) -> None:
    statement = statement_for(lending, case)
    assert sum(item.amount for item in statement.items) == statement.total_cost
    assert statement.total_payment == statement.principal + statement.total_cost == statement.payments.total
    assert tuple(c.key for c in statement.contingent)[: len(CATEGORIES)] == tuple(CATEGORIES)
    assert statement.statement == STATEMENT
    assert statement.annualised_cost >= max(item.annualised for item in statement.items)
    printed = sum(basis_points(item.annualised) for item in statement.items)
    assert (statement.items_note is None) == (printed == basis_points(statement.annualised_cost))


def test_money_is_yuan_in_json(lending: Lending) -> None:
    statement = statement_for(lending, "used_with_guarantee")
    assert statement.principal == 10_000_000
    assert json.loads(statement.model_dump_json())["principal"] == 100_000.0


def test_who_collects_what(lending: Lending) -> None:
    statement = statement_for(lending, "used_with_guarantee")
    assert [(i.name.en, i.collected_by.en) for i in statement.items] == [
        ("Interest", "Harbour Bank"),
        ("Credit enhancement fee", "Anxing Guarantee"),
        ("Lien registration", "the dealer"),
    ]
    assert statement.contingent[0].annualised == pytest.approx(0.0990 * 1.5)
    assert statement.contingent[-1].collected_by == lending.catalogue.parties["guarantor"]


def test_what_others_pay_is_shown_beside_the_table(lending: Lending) -> None:
    statement = statement_for(lending, "deferred")
    assert [(s.name.zh, s.amount > 0) for s in statement.subsidies] == [("经销商贴息", True), ("财政贴息", True)]
    assert statement.subsidies[1].last_due == date(2026, 12, 20), "the programme ends on 2026-12-31"


@pytest.mark.parametrize("case", ["equal_instalment_with_state_subsidy", "balloon_with_fee", "deferred"])
def test_the_cost_without_the_state_subsidy_is_that_of_the_payments_with_it_added(lending: Lending, case: str) -> None:
    schedule, statement = schedule_of(lending, case), statement_for(lending, case)
    (state,) = (k for k, s in enumerate(schedule.loan.product.subsidies) if s.payer == "state")
    months, added = schedule.loan.product.deferred_months, [row.subsidies[state] for row in schedule.rows]
    added[months] += sum(added[:months])  # interest of deferred months is due with the first instalment
    added[:months] = [0] * months
    full = [row.payment + extra for row, extra in zip(schedule.rows, added, strict=True)]
    received = schedule.loan.amount - schedule.up_front
    without = statement.without_state_subsidy
    assert without is not None
    assert without.total_payment == schedule.up_front + sum(full)
    assert without.total_cost == statement.total_cost + sum(added)
    dates = [schedule.start, *(row.due for row in schedule.rows)]
    if statement.first_period is None:
        rate = _root([received, *(-amount for amount in full)], [float(k) for k in range(len(dates))])  # whole months
    else:
        yearly = _root([received, *(-a for a in full)], [(day - dates[0]).days / 365 for day in dates])
        rate = (1 + yearly) ** (1 / 12) - 1
    assert without.annualised_cost == pytest.approx(12 * rate, abs=1e-6)
    assert without.effective_cost == pytest.approx((1 + rate) ** 12 - 1, abs=1e-6)
    assert without.annualised_cost > statement.annualised_cost


def _root(flows: list[int], times: list[float]) -> float:
    """Return the rate per unit of time at which the flows are worth nothing, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(80):
        rate = (low + high) / 2
        if sum(flow / (1 + rate) ** time for flow, time in zip(flows, times, strict=True)) < 0:
            low = rate
        else:
            high = rate
    return low


def test_without_a_subsidy_of_the_state_there_is_one_annualised_cost(lending: Lending) -> None:
    assert statement_for(lending, "zero_rate_by_the_maker").without_state_subsidy is None
    assert statement_for(lending, "flat_rate").without_state_subsidy is None


def test_how_days_are_counted_is_stated(lending: Lending) -> None:
    bank, balloon = (statement_for(lending, case) for case in ("equal_principal", "balloon_with_fee"))
    assert bank.day_count == DAY_COUNTS["30/360"] and bank.first_period is None
    assert balloon.first_period is not None
    assert balloon.first_period.zh == "首期按 35 天计息", "15 September to 20 October, 30E/360"
    assert statement_for(lending, "interest_only").day_count == DAY_COUNTS["actual/360"]
    assert bank.rate_basis == ON_BALANCE and statement_for(lending, "flat_rate").rate_basis == ON_ORIGINAL_AMOUNT
    assert statement_for(lending, "flat_rate").day_count == DAY_COUNTS["30/360"], "the lender's is actual/360"


def test_a_first_period_that_bears_interest_for_a_month_says_so(lending: Lending) -> None:
    loan = schedule_of(lending, "balloon_with_fee").loan
    calendar = replace(loan.product.calendar, first_period_interest="month")
    schedule = schedule_for(replace(loan, product=replace(loan.product, calendar=calendar)), ON)
    first = disclose(lending, "maker_balloon", schedule).first_period
    assert first is not None and first.zh == "首期 35 天，按一个月计息"


def test_every_repayment_form_of_a_loan_has_a_name() -> None:
    assert set(FORMS) == set(LOAN_FORMS) - {"finance_lease"}


def test_the_entries_of_the_form_are_part_of_the_statement(lending: Lending) -> None:
    entries = FormEntries(borrower="王小明", contract_number="LJ-1")
    schedule = schedule_of(lending, "equal_principal")
    statement = disclose(lending, "bank_equal_principal", schedule, form=entries)
    assert statement.form is entries
    assert json.loads(statement.model_dump_json())["form"]["contract_number"] == "LJ-1"


def test_a_discount_as_large_as_the_loan_has_no_implied_cost(lending: Lending) -> None:
    loan = replace(schedule_of(lending, "zero_rate_by_the_maker").loan, amount=500_000)  # the discount is 5,000 yuan
    statement = disclose(lending, "maker_zero", schedule_for(loan, ON))
    assert (statement.forgone_discount, statement.implied_cost) == (500_000, None)
    assert "现金优惠 5,000.00 元" in page(statement) and "<strong>—</strong>" in page(statement)
