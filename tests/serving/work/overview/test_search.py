"""Search by name, end of phone number, VIN and identifier."""

from __future__ import annotations

from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.entries import WorkEntry
from serving.work.overview.search import SearchBody, search
from tests.serving.work.overview.dealership import CUSTOMERS, LEADS, at, context, records, request


def ids(q: str, work: Any = None, **fields: Any) -> list[str]:
    """Return what matches, by identifier."""
    answer = search(request(work, body=SearchBody(q=q), **fields))
    return [item.id for group in answer.groups for item in group.items]


@pytest.mark.parametrize(
    ("q", "matches"),
    [
        ("王小明", ["L1", "A1"]),
        ("王", ["L2", "L1", "A1"]),
        ("5678", ["L2", "L1", "A1"]),
        ("138 1234 5678", ["L1", "A1"]),
        ("0V004", ["V4"]),
        ("lsv0000000000v001", ["A1", "V1"]),
        ('O\'Brien <b>"x"', ["L3"]),
        ("' OR 1=1 --", []),
        ("1234", []),
    ],
)
def test_each_way_to_search(q: str, matches: list[str]) -> None:
    """The latest first within leads, applications and vehicles; the start of a phone number matches nothing."""
    assert ids(q) == matches


def test_names_and_numbers_are_masked_and_each_is_a_link() -> None:
    """Nothing personal is in a link."""
    answer = search(request(body=SearchBody(q="王小明")))
    item = answer.groups[0].items[0]
    assert (item.name, item.phone, item.link, item.by) == ("王**", "138****5678", "/desk/leads/L1", "name")
    assert "小明" not in answer.model_dump_json() and "13812345678" not in answer.model_dump_json()


@pytest.mark.parametrize("q", ["", "   ", "1", "123", "a", "--", "x y"])
def test_a_text_that_would_match_half_of_the_customers_is_refused_without_repeating_it(q: str) -> None:
    """The message names the field and the rule."""
    with pytest.raises(Problem) as e:
        search(request(body=SearchBody(q=q)))
    assert e.value.status == 422 and e.value.message.startswith("q is too short")


def test_each_role_and_key_sees_its_own_kinds_and_stores() -> None:
    """A finance officer sees no lead, and a key of S2 nothing of S1."""
    assert ids("王小明", role="finance_officer") == ["A1"]
    assert ids("王小明", role="sales") == ["L1"]
    assert ids("王", stores=["S2"]) == []
    assert ids("O'Brien", stores=["S2"]) == ["L3"]
    assert ids("0V004", role="after_sales") == ["V4"]


def test_many_hits_are_counted_and_the_latest_listed() -> None:
    """Twenty of each kind."""
    leads = [{**LEADS[0], "lead_id": f"X{i}"} for i in range(50)]
    answer = search(request(context(records(leads=leads)), body=SearchBody(q="王小明")))
    assert [(g.kind, g.total, len(g.items)) for g in answer.groups] == [("lead", 50, 20), ("application", 1, 1)]


@pytest.mark.parametrize("missing", ["customers", "vehicles", "leads", "applications", "fleet"])
def test_a_missing_table_is_no_error(missing: str) -> None:
    """What is there is searched."""
    assert isinstance(ids("王小明", context(records(missing, customers=[*CUSTOMERS]))), list)


def test_an_application_that_was_entered_at_the_desk_is_listed_by_its_identifier() -> None:
    """Before it is in the table."""
    work: Any = context()
    entry = WorkEntry(1, at("2026-04-01 10:00"), "application.submitted", "D-0001", "S1", None, None, {})
    work.entries.of = lambda kind: [entry]
    assert ids("D-0001", work) == ["D-0001"]
    assert ids("D-0001", work, stores=["S2"]) == []
