"""Leads, applications and stores of the day."""

from __future__ import annotations

from typing import Any

import pytest

from serving.work.overview import today_leads
from tests.serving.work.overview.area_answers import LEADS, MODEL, use_answers
from tests.serving.work.overview.dealership import APPLICATIONS, at, context, records, request


def test_applications_that_wait_and_how_many_waited_at_this_hour_a_week_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """One was submitted a week ago at nine and decided at noon."""
    old = {"application_id": "A8", "submitted_at": at("2026-03-25 09:00"), "decided_at": at("2026-03-25 12:00"),
           "decision": "approve", "store_id": "S1"}  # fmt: skip
    use_answers(monkeypatch)
    part = today_leads.applications(request(context(records(applications=[*APPLICATIONS, old]))), None)
    assert (part.value, part.is_urgent) == (1, True)
    assert part.note is not None and part.note.zh == "最久 2 小时，承诺 60 分钟；上周同时 1 笔"
    assert part.trend is not None and part.trend.values == [0, 0, 0, 0, 0, 0, 1]
    assert part.thing is not None and part.thing.en == "1 application waiting, 1 for longer than promised"
    item = part.items[0]
    assert (item.title.zh, item.link) == ("A9 · 王** · X5", "/desk/loans/A9")
    assert item.note is not None and item.note.en == "waiting for 2 hours, longer than promised; 1 field missing"


def test_leads_to_call_with_what_waiting_costs_and_the_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in the last 24 hours, one two days before, and none a week ago."""
    use_answers(monkeypatch)
    part = today_leads.leads(request(), None)
    assert (part.value, part.of, [item.link for item in part.items]) == (2, 5, ["/desk/leads/L4"])
    assert part.note is not None
    assert part.note.en == "an hour of waiting costs 410 yuan for the first; 0 new in 24 hours, 0 a week ago"
    assert part.trend is not None and part.trend.values == [0, 0, 0, 0, 1, 0, 0]


def test_without_the_effect_of_waiting_nothing_is_said_about_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor without leads."""
    for answer in ({**LEADS, "costs_waiting": False}, {**LEADS, "items": []}):
        use_answers(monkeypatch, **{"/v1/leads": answer})
        part = today_leads.leads(request(context(records("leads"))), None)
        assert part.note is not None and part.note.en == "0 new in 24 hours, 0 a week ago"


def test_a_store_below_its_forecast_is_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to look at."""
    remark = {"text": {"zh": "低", "en": "low"}}
    rows = [{"store_id": "S1", "verdict": "below", "remarks": [remark]}, {"store_id": "S2", "verdict": "inside"}]
    use_answers(monkeypatch, **{"/v1/overview/stores": {"items": rows}})
    part = today_leads.stores(request(), None)
    assert (part.value, part.of, part.is_urgent) == (1, 2, True)
    assert part.items[0].note is not None and part.items[0].note.en == "low"


@pytest.mark.parametrize(
    ("changes", "reason", "is_urgent"),
    [
        ({}, None, False),
        ({"state": "drifted"}, "has drifted", False),
        ({"state": "worse"}, "is worse", True),
        ({"state": "no_champion", "champion": None}, "is missing", True),
        ({"state": "no_champion", "champion": None, "promotion": None}, None, False),
        ({"promotion": None}, None, False),
        ({"promotion": {"at": "2020-01-01T00:00:00+00:00"}}, "was promoted", False),
    ],
)
def test_a_model_that_is_worse_drifted_missing_or_old_waits(
    changes: dict[str, Any], reason: str | None, is_urgent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was never promoted is not missing."""
    use_answers(monkeypatch, **{"/v1/models": {"items": [{**MODEL, **changes}]}})
    part = today_leads.models(request(), None)
    assert (part.value, part.is_urgent) == (0 if reason is None else 1, is_urgent)
    assert part.thing is None if reason is None else part.thing is not None and reason in part.thing.en
