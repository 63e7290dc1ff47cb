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
