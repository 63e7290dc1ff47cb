"""Periods of whole local days."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from serving.asgi import Problem
from serving.work.overview.periods import complete_months, period_named

NOW = datetime(2026, 3, 9, 10, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_thirty_days_end_yesterday_and_the_thirty_before_end_where_they_begin() -> None:
    """No day is in both."""
    period = period_named("30d", NOW)
    assert (period.days, str(period.last)) == (30, "2026-03-08")
    assert (period.before().days, period.before().end) == (30, period.start)


def test_a_month_is_compared_with_the_month_before() -> None:
    """Though it has another length."""
    before = period_named("2026-02", NOW).before()
    assert (before.name, str(before.first), before.days) == ("2026-01", "2026-01-01", 31)


@pytest.mark.parametrize("name", ["2026-03", "2026-04", "2026-13", "7d", "", "9999-01", "0000-01"])
def test_an_unfinished_month_or_another_name_is_refused_with_those_that_can_be_chosen(name: str) -> None:
    """The remedy is in the message."""
    with pytest.raises(Problem) as e:
        period_named(name, NOW)
    assert e.value.status == 422
    assert "such as 2026-02, 2026-01, 2025-12" in e.value.message


def test_the_months_offered_are_over() -> None:
    """The latest first."""
    assert complete_months(NOW, n=3) == ["2026-02", "2026-01", "2025-12"]
