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
    assert answer.settlement is None


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
    with pytest.raises(DataError, match="the day of settlement must be from 2026-09-01"):
        answer_schedule(lending, terms(settle_on="2020-01-01"))
