"""One loan of the shipped catalogue: checks, schedule, early settlement, statement of the total cost."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from features.errors import DataError
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.endpoints import EXAMPLE_LOAN, FILES
from ml.loans.schedule_endpoint import ScheduleRequest, answer_schedule
from tests.conftest import ROOT

ZERO = {"product": "maker_zero", "amount": 36_000.0, "annual_rate": 0.0499}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def terms(**changes: Any) -> ScheduleRequest:
    return ScheduleRequest.model_validate({**EXAMPLE_LOAN, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annual_rate": 0.01}, "annual_rate: product 'bank_standard' on 2026-09-01 has the rates 0.035, 0.043"),
        (
            {"term_months": 13},
            r"term_months: product .bank_standard. on 2026-09-01 has the terms \[12, .*\] months, got 13: choose one",
        ),
        ({"amount": 1.0}, "amount: product 'bank_standard' allows loans from 20000.00 to 800000.00 yuan, got 1.00"),
        ({"balloon": 5.0}, "balloon: product 'bank_standard' allows 0.00 yuan, got 5.00"),
        ({"on": "2020-01-01"}, "is not sold on 2020-01-01; choose another product or date"),
        ({"product": "nonsense"}, "product 'nonsense' is unknown"),
    ],
)
def test_loans_outside_the_catalogue_are_refused(lending: Lending, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        answer_schedule(lending, terms(**changes))


def test_what_the_maker_pays_costs_the_borrower_nothing(lending: Lending) -> None:
    answer = answer_schedule(lending, terms(**ZERO))
    assert [row.payment for row in answer.rows] == [1_000.0] * 36
    assert (answer.total_interest, answer.total_cost, answer.total_payment) == (0.0, 0.0, 36_000.0)
    assert (answer.nominal_rate, answer.effective_rate) == (0.0, 0.0)
    assert list(answer.subsidies) == ["maker"] and answer.subsidies["maker"] > 2_000
    assert answer.rows[-1].balance == 0.0 and answer.rows[0].balance == 35_000.0
    assert answer.settlement is None and answer.prepayment is None and answer.leaving is None


def test_a_loan_that_the_maker_pays_accrues_no_interest_on_any_day(lending: Lending) -> None:
    for day in ("2026-10-05", "2026-10-19", "2027-02-28", "2027-03-19"):
        quote = answer_schedule(lending, terms(**ZERO, settle_on=day)).settlement
        assert quote is not None and quote.accrued_interest == 0.0


def test_running_guarantee_fees_are_in_the_quote(lending: Lending) -> None:
    used = {"product": "used_guaranteed", "amount": 36_000.0, "annual_rate": 0.072}
    quote = answer_schedule(lending, terms(**used, settle_on="2026-09-11")).settlement
    # Ten days of 360 at 7.2 % and at 1.8 % of 36,000 yuan; a month of interest as penalty.
    assert quote is not None
    assert (quote.accrued_interest, quote.accrued_fees, quote.penalty) == (72.0, 18.0, 216.0)
    assert quote.total == 36_306.0


def test_rows_add_up_to_the_totals(lending: Lending) -> None:
    answer = answer_schedule(lending, terms())
    assert [row.number for row in answer.rows] == list(range(1, 37)) and answer.rows[0].due == date(2026, 10, 1)
    assert sum(round(row.principal * 100) for row in answer.rows) == 10_000_000
    assert sum(round(row.interest * 100) for row in answer.rows) == round(answer.total_interest * 100)
    assert answer.total_payment == pytest.approx(100_000 + answer.total_cost)


def test_early_settlement_is_quoted(lending: Lending) -> None:
    quote = answer_schedule(lending, terms(settle_on="2027-03-15")).settlement
    assert quote is not None and quote.on == date(2027, 3, 15)
    parts = quote.outstanding + quote.accrued_interest + quote.accrued_fees + quote.penalty - quote.rebate
    assert quote.total == pytest.approx(parts) and quote.accrued_fees == 0.0
    assert quote.cost_saved == pytest.approx(quote.interest_saved - quote.penalty)
    assert quote.penalty == pytest.approx(quote.outstanding * 0.01, abs=0.01)
    with pytest.raises(DataError, match="settle_on: the day of settlement must be from 2026-09-01"):
        answer_schedule(lending, terms(settle_on="2020-01-01"))


@pytest.mark.parametrize(
    ("treatment", "number", "last_due"),
    [("shorter_term", 17, date(2029, 2, 1)), ("lower_instalment", 24, date(2029, 9, 1))],
)
def test_a_partial_prepayment_is_quoted_with_the_rest_of_the_schedule(
    lending: Lending, treatment: str, number: int, last_due: date
) -> None:
    request = terms(prepay={"on": "2027-09-01", "amount": 20_000.0, "treatment": treatment}, private_use=False)
    answer = answer_schedule(lending, request)
    quote = answer.prepayment
    assert quote is not None and quote.total == quote.amount == 20_000.0  # free of a penalty after 12 months
    assert [row.number for row in quote.rows] == list(range(13, 13 + number)) and quote.rows[-1].due == last_due
    balance = answer.rows[11].balance - 20_000
    level = balance * 0.035 / 12 / (1 - (1 + 0.035 / 12) ** -number)
    assert quote.rows[0].payment == round(level, 2) <= answer.rows[0].payment
    after = sum(row.payment for row in quote.rows) + quote.total
    assert after + quote.cost_saved == pytest.approx(sum(row.payment for row in answer.rows[12:]))
    assert quote.cost_saved == quote.interest_saved > 0


def test_a_prepayment_between_due_dates_pays_interest_and_penalty(lending: Lending) -> None:
    request = terms(prepay={"on": "2026-09-16", "amount": 10_000.0, "treatment": "lower_instalment"}, private_use=False)
    quote = answer_schedule(lending, request).prepayment
    # 15 days of 3.5 % on 100,000 yuan, and 1 % of 10,000 yuan.
    assert quote is not None
    assert (quote.accrued_interest, quote.penalty, quote.total) == (145.83, 100.0, 10_245.83)
    assert quote.rows[0].interest == 131.25 and quote.rows[0].due == date(2026, 10, 1)  # 15 days on 90,000


def test_leaving_after_two_years_is_costed_beside_the_value_of_the_vehicle(lending: Lending) -> None:
    answer = answer_schedule(lending, terms(leave={"after_months": 24, "resale_value": 30_000.0}))
    leaving = answer.leaving
    assert leaving is not None and leaving.settlement.on == date(2028, 9, 1)
    assert leaving.settlement.outstanding == leaving.settlement.total == answer.rows[23].balance
    assert leaving.total_cost == pytest.approx(sum(row.interest for row in answer.rows[:24]))
    assert leaving.equity == pytest.approx(30_000 - answer.rows[23].balance)
    assert leaving.nominal_rate < 0.035  # the state pays a part of the interest
    plain = answer_schedule(lending, terms(leave={"after_months": 24}, private_use=False)).leaving
    assert plain is not None and (plain.nominal_rate, plain.resale_value, plain.equity) == (0.035, None, None)


def test_leaving_within_the_penalty_costs_more_a_year(lending: Lending) -> None:
    early = answer_schedule(lending, terms(leave={"after_months": 6}, private_use=False)).leaving
    assert early is not None and early.fees == 0.0
    assert early.total_cost == pytest.approx(early.interest + early.settlement.penalty)
    assert early.settlement.penalty == pytest.approx(early.settlement.outstanding * 0.01, abs=0.005)
    assert early.nominal_rate > 0.035 + 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"prepay": {"on": "2026-10-01", "amount": 4_999.99, "treatment": "shorter_term"}},
            r"prepay: amount of a prepayment on 2026-10-01 must be from 5000\.00 to 97\d+\.\d\d yuan, got 4999\.99; "
            r"prepay more",
        ),
        (
            {"prepay": {"on": "2026-10-01", "amount": 98_000.0, "treatment": "shorter_term"}},
            r"prepay: amount .* to 97\d+\.\d\d yuan, got 98000\.00; settle the loan in full",
        ),
        (
            {"prepay": {"on": "2029-08-01", "amount": 5_000.0, "treatment": "shorter_term"}},
            r"prepay: the lender's minimum is 5000\.00 yuan, .* at most 2921\.\d\d yuan .*: settle the loan in full",
        ),
        (
            {"prepay": {"on": "2029-09-01", "amount": 5_000.0, "treatment": "shorter_term"}},
            r"prepay: the day of prepayment must be from 2026-09-01 \(disbursement\) to the day before 2029-09-01",
        ),
        (
            {
                "product": "flat_easy",
                "annual_rate": 0.03,
                "prepay": {"on": "2027-09-01", "amount": 5_000.0, "treatment": "lower_instalment"},
            },
            "prepay: a loan with the form flat_rate .* cannot be prepaid in part: settle it in full",
        ),
        ({"leave": {"after_months": 37}}, r"leave: months .* from 1 to 36 \(maturity\), got 37"),
    ],
)
def test_quotes_outside_the_loan_are_refused(lending: Lending, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        answer_schedule(lending, terms(**changes))
