"""Entries of the printed form: optional, unmasked, and never quoted by an error."""

from __future__ import annotations

import json
from datetime import date, time

import pytest
from pydantic import ValidationError

from ml.loans.disclosure_form import FORM_VERSION, DisclosureRequest, FormEntries
from ml.loans.endpoints import EXAMPLE_LOAN

ENTRIES = {
    "borrower": "王小明",
    "borrower_id": "330106199203150037",
    "vin": "LSVAA4182E2123456",
    "date": "2026-09-15",
    "time": "10:42",
}


def test_entries_are_optional_and_have_a_version() -> None:
    request = DisclosureRequest.model_validate_json(json.dumps(EXAMPLE_LOAN))
    assert request.form == FormEntries() and request.form.version == FORM_VERSION
    assert {value for name, value in request.form.model_dump().items() if name != "version"} == {None}


def test_entries_are_kept_as_they_are() -> None:
    form = DisclosureRequest.model_validate_json(json.dumps({**EXAMPLE_LOAN, "form": ENTRIES})).form
    assert (form.borrower, form.borrower_id) == ("王小明", "330106199203150037")
    assert (form.date, form.time) == (date(2026, 9, 15), time(10, 42))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("borrower", "   "),
        ("borrower", ""),
        ("vin", "x" * 101),
        ("vin", "LSVA\u202e4321"),
        ("store", "a\nb"),
        ("date", "someday"),
        ("version", ""),
        ("colour", "red"),
    ],
)
def test_an_invalid_entry_is_named(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^form\.{field}$"):
        DisclosureRequest.model_validate_json(json.dumps({**EXAMPLE_LOAN, "form": {field: value}}))
