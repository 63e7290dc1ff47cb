"""Statement of the total cost for a request: checks and totals."""

from __future__ import annotations

import pytest

from features.errors import DataError
from ml.loans.catalogue.files import Lending, load_lending
from ml.loans.disclosure_endpoint import answer_disclosure
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.endpoints import EXAMPLE_LOAN, FILES
from ml.loans.schedule_endpoint import ScheduleRequest, answer_schedule
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def lending() -> Lending:
    return load_lending(*(ROOT / "configs" / name for name in FILES))


def test_a_loan_outside_the_catalogue_is_refused(lending: Lending) -> None:
    with pytest.raises(DataError, match="product 'nonsense' is unknown"):
        answer_disclosure(lending, DisclosureRequest.model_validate({**EXAMPLE_LOAN, "product": "nonsense"}))


def test_the_statement_states_what_the_rows_add_up_to(lending: Lending) -> None:
    statement = answer_disclosure(lending, DisclosureRequest.model_validate(EXAMPLE_LOAN))
    schedule = answer_schedule(lending, ScheduleRequest.model_validate(EXAMPLE_LOAN))
    assert statement.total_cost == round(schedule.total_cost * 100)


def test_what_the_loan_finances_and_what_was_not_checked_is_part_of_the_answer(lending: Lending) -> None:
    extras = [
        {"name": "商业险", "kind": "insurance", "amount": 4_860.0, "financed": True},
        {"name": "上牌费", "kind": "plates", "amount": 500.0},
    ]
    request = {**EXAMPLE_LOAN, "extras": extras, "form": {"borrower": "王小明"}}
    statement = answer_disclosure(lending, DisclosureRequest.model_validate(request))
    assert [(extra.name, extra.amount) for extra in statement.financed_extras] == [("商业险", 486_000)]
    assert statement.form.borrower == "王小明"
    assert [text.en.split(":")[0] for text in statement.unchecked] == ["vehicle is missing"]
    car = {"price": 150_000.0, "condition": "new", "energy_type": "combustion"}
    checked = answer_disclosure(lending, DisclosureRequest.model_validate({**EXAMPLE_LOAN, "vehicle": car}))
    assert checked.unchecked == ()


def test_a_balloon_is_held_against_the_resale_value(lending: Lending) -> None:
    balloon = {"product": "maker_balloon", "annual_rate": 0.056, "balloon": 40_000.0}
    with pytest.raises(DataError, match=r"balloon: .* 39999.00"):
        answer_disclosure(
            lending, DisclosureRequest.model_validate({**EXAMPLE_LOAN, **balloon, "resale_value": 39_999.0})
        )
    statement = answer_disclosure(lending, DisclosureRequest.model_validate({**EXAMPLE_LOAN, **balloon}))
    assert any("resale_value is missing" in text.en for text in statement.unchecked)
