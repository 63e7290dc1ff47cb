"""The page that a visitor would see, without personalisation beside it, and what a change moves."""

from __future__ import annotations

from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.storefront.preview import PreviewAnswer, PreviewBody, preview
from serving.work.storefront.rules import add_rule
from tests.serving.work.storefront.conftest import Ask
from tests.serving.work.storefront.test_rules import rule


def page(ask: Ask, *, stores: list[str] | None = None, **body: Any) -> PreviewAnswer:
    return preview(ask(body=PreviewBody.model_validate(body), stores=stores))


def test_a_session_moves_the_page_and_every_card_says_why(ask: Ask) -> None:
    answer = page(ask, request={"n": 5, "session": [{"vehicle_id": "N1"}] * 3})
    assert answer.path == "session" and answer.moves is None
    assert [c.place for c in answer.items] == [1, 2, 3, 4, 5]
    assert all(c.reasons is not None for c in answer.items)
    off = {c.vehicle_id: c.place for c in answer.off}
    assert [c.place_off for c in answer.items] == [off.get(c.vehicle_id) for c in answer.items]
    assert [c.vehicle_id for c in answer.items] != [c.vehicle_id for c in answer.off]


def test_without_rules_the_page_is_that_without_rules(ask: Ask) -> None:
    answer = page(ask, request={"n": 5})
    assert all(c.place_without_rules == c.place == c.place_off for c in answer.items)


def test_a_draft_says_what_it_moves_and_saves_nothing(ask: Ask) -> None:
    before = page(ask, request={"n": 5})
    pinned = before.items[3].vehicle_id
    answer = page(ask, request={"n": 5}, rule={"action": "pin", "where": {"vehicle_id": [pinned]}, "place": 1})
    assert answer.moves is not None
    moves = {m.vehicle_id: (m.before, m.after) for m in answer.moves}
    assert moves[pinned] == (4, 1)
    assert moves[before.items[0].vehicle_id] == (1, 2)
    assert page(ask, request={"n": 5}).rules == []


def test_the_end_of_a_rule_is_looked_at_before(ask: Ask) -> None:
    last = page(ask, request={"n": 5}).items[4].vehicle_id
    entry = add_rule(ask(body=rule(where={"vehicle_id": [last]})))
    answer = page(ask, request={"n": 5}, without=entry.subject)
    assert answer.moves is not None and answer.items[0].vehicle_id == last
    assert answer.items[0].place_without_rules == 5 and answer.items[0].rules == [entry.subject]
    assert next((m.before, m.after) for m in answer.moves if m.vehicle_id == last) == (1, 5)


def test_a_hidden_vehicle_is_on_no_page(ask: Ask) -> None:
    first = page(ask, request={"n": 5}).items[0].vehicle_id
    answer = page(ask, request={"n": 5}, rule={"action": "hide", "where": {"vehicle_id": [first]}})
    assert answer.moves is not None
    assert next((m.before, m.after) for m in answer.moves if m.vehicle_id == first) == (1, None)
    add_rule(ask(body=rule(action="hide", where={"vehicle_id": [first]})))
    everything = page(ask, request={"n": 200})
    assert first not in {c.vehicle_id for c in everything.items}
    assert everything.available == len(everything.items)


def test_somebody_of_one_store_sees_its_pages_only(ask: Ask) -> None:
    answer = page(ask, request={"n": 10}, stores=["S1"])
    assert {c.store_id for c in answer.items} <= {"S1"} and answer.items
    with pytest.raises(Problem) as problem:
        page(ask, request={"store_id": "S2"}, stores=["S1"])
    assert problem.value.status == 403


def test_an_unknown_store_is_refused_with_the_similar_ones(ask: Ask) -> None:
    with pytest.raises(Problem, match="invalid"):
        page(ask, request={"store_id": "S11"})
