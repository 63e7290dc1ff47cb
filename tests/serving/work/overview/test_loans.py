"""Approval and delinquency by month."""

from __future__ import annotations

from serving.work.overview.key_figures import Scope
from serving.work.overview.loans import loan_figures
from tests.serving.work.overview.dealership import context, records


def test_a_month_is_listed_once_the_window_of_all_its_loans_has_passed() -> None:
    """February 2025 is ripe since 1 March 2026; March 2026 will be on 1 April 2027."""
    result = loan_figures(Scope(context(), None))
    assert [(m.month, m.share.value, m.share.count) for m in result.delinquency] == [("2025-02", 0.5, 2)]
    assert [(y.month, y.loans, str(y.ripe_on)) for y in result.young] == [("2026-03", 1, "2027-04-01")]
    assert result.window_days == 365
    assert "365" in result.delinquency_definition.en


def test_approval_counts_the_applications_of_the_last_twelve_months() -> None:
    """One of two in March; those of February 2025 are older."""
    result = loan_figures(Scope(context(), None))
    assert [(m.month, m.share.value) for m in result.approval] == [("2026-03", 0.5)]
    only = loan_figures(Scope(context(), frozenset({"S2"})))
    assert [(m.month, m.share.value) for m in only.approval] == [("2026-03", 0.0)]


def test_without_outcomes_or_applications_it_is_said_what_is_missing() -> None:
    """Both series are empty."""
    result = loan_figures(Scope(context(records("loan_outcomes", "applications")), None))
    assert (result.approval, result.delinquency) == ([], [])
    assert result.approval_problem is not None and result.delinquency_problem is not None
