"""Days of a request: text in JSON, at most the year 2200."""

from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import ValidationError

from ml.loans.days import calendar_day
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.endpoints import EXAMPLE_LOAN
from ml.loans.schedule_endpoint import ScheduleRequest

PREPAY = {"amount": 5_000.0, "treatment": "shorter_term"}


@pytest.mark.parametrize("value", ["2200-12-31", date(2200, 12, 31)])
def test_a_day_is_text_or_a_date(value: object) -> None:
    assert calendar_day(value) == date(2200, 12, 31)


@pytest.mark.parametrize("value", [20260901, 1788220800.0, True, "1788220800", "2026-02-30", "2026-9-1", ""])
def test_a_number_and_a_day_outside_the_calendar_are_no_days(value: object) -> None:
    with pytest.raises(ValidationError, match=r"(?m)^on\n  must be a day as year-month-day, such as 2026-09-01"):
        ScheduleRequest.model_validate_json(json.dumps({**EXAMPLE_LOAN, "on": value}))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("on", {"on": "9999-12-31"}),
        ("settle_on", {"settle_on": "2201-01-01"}),
        (r"prepay\.on", {"prepay": {"on": "2201-01-01", **PREPAY}}),
    ],
)
def test_a_day_after_2200_is_refused_by_field(field: str, changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{field}\n  must be in or before 2200: correct the year"):
        ScheduleRequest.model_validate_json(json.dumps({**EXAMPLE_LOAN, **changes}))


def test_the_day_of_the_form_is_optional() -> None:
    body = {**EXAMPLE_LOAN, "form": {"date": None}}
    assert DisclosureRequest.model_validate_json(json.dumps(body)).form.date is None
    body["form"] = {"date": 0}
    with pytest.raises(ValidationError, match="must be a day as year-month-day"):
        DisclosureRequest.model_validate_json(json.dumps(body))
