"""Visitors of the last days."""

from __future__ import annotations

import pytest

from serving.work.routing import WorkContext
from serving.work.storefront.visitors import VisitorFilters, VisitorList, list_visitors
from tests.serving.work.storefront.conftest import Ask


def visitors(ask: Ask, *, stores: list[str] | None = None, **filters: object) -> VisitorList:
    return list_visitors(ask(parameters=VisitorFilters.model_validate(filters), stores=stores))


def test_the_latest_visitor_is_first_and_counted(ask: Ask, context: WorkContext) -> None:
    items = visitors(ask, limit=100).items
    assert items and [v.last_at for v in items] == sorted((v.last_at for v in items), reverse=True)
    first = items[0]
    events = context.records.table("events").filter(customer_id=first.customer_id)
    recent = events.filter(events["event_at"] > context.clock.now() - 30 * 86_400_000_000)
    assert first.events == recent.height and first.vehicles == recent["vehicle_id"].drop_nulls().n_unique()
    assert first.last_model


def test_visitors_are_found_by_the_beginning_of_their_number(ask: Ask) -> None:
    first = visitors(ask).items[0]
    assert first.customer_id is not None
    assert [v.customer_id for v in visitors(ask, q=first.customer_id.lower()).items][:1] == [first.customer_id]
    assert visitors(ask, q="zzz").items == []


def test_visitors_of_other_stores_are_not_listed(ask: Ask) -> None:
    assert {v.store_id for v in visitors(ask, stores=["S1"], limit=100).items} <= {"S1", None}


def test_without_events_the_answer_says_so(ask: Ask, context: WorkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(context.records), "has", lambda self, name: False)
    assert visitors(ask).problem == "no_events"
