"""What has become of an application follows from its entries."""

from __future__ import annotations

from typing import Any

import pytest

from serving.work.entries import WorkEntry
from serving.work.loans.applications import VALUES_CHECKED, LoanCase, case_of_row


def _case(*entries: tuple[str, dict[str, Any]], decision: str | None = None) -> LoanCase:
    rows = [WorkEntry(n, n, kind, "A", "S1", None, None, content) for n, (kind, content) in enumerate(entries, start=1)]
    return LoanCase("A", 0, "S1", None, None, {}, decision=decision, entries=rows)


@pytest.mark.parametrize(
    ("present", "state", "is_waiting"),
    [
        (_case(), "waiting", True),
        (_case(decision="approve"), "approve", False),
        (_case(("application.proposed", {"outcome": "decline"})), "second_person", True),
        (_case(("application.decided", {"outcome": "refer"})), "documents", False),
        (_case(("application.proposed", {}), ("application.decided", {"outcome": "decline"})), "decline", False),
        (_case(("application.decided", {"outcome": "refer"}), ("application.proposed", {})), "second_person", True),
    ],
)
def test_the_last_entry_counts(present: LoanCase, state: str, is_waiting: bool) -> None:
    assert (present.state, present.is_waiting) == (state, is_waiting)


def test_a_correction_ends_an_earlier_confirmation_of_the_field() -> None:
    confirmed = (VALUES_CHECKED, {"corrected": [], "confirmed": ["monthly_income"]})
    corrected = (VALUES_CHECKED, {"corrected": ["monthly_income"], "confirmed": []})
    assert _case(confirmed).confirmed == {"monthly_income"}
    assert _case(confirmed, corrected).confirmed == frozenset()
    assert _case(confirmed, corrected).corrected == {"monthly_income"}


def test_columns_of_the_dealership_are_inputs_too_and_money_is_in_yuan() -> None:
    row = {"application_id": "A1", "submitted_at": 1, "monthly_income": 900_050, "visits": 3, "decision": None}
    assert case_of_row(row).inputs == {"monthly_income": 9_000.5, "visits": 3}
