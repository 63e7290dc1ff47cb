"""What waits today, by role, and when an area does not answer."""

from __future__ import annotations

import time
from typing import Any

import pytest

from serving.asgi import Problem
from serving.work.overview.today import SECONDS, TodayAnswer, TodayParameters, heading, today
from serving.work.overview.today_parts import text
from tests.serving.work.overview.area_answers import ANSWERS, use_answers
from tests.serving.work.overview.dealership import context, request


def ask(role: str = "manager", work: Any = None, store_id: str | None = None, **fields: Any) -> TodayAnswer:
    """Return the day of somebody."""
    return today(request(work, role=role, parameters=TodayParameters(store_id=store_id), **fields))


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("finance_officer", ["applications"]),
        ("sales", ["leads"]),
        ("planner", ["orders"]),
        ("after_sales", ["safety", "alarms"]),
        ("manager", ["safety", "applications", "leads", "orders", "alarms", "stores", "models"]),
    ],
)
def test_each_role_sees_its_own_parts(role: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one order, the urgent first."""
    use_answers(monkeypatch)
    assert [part.name for part in ask(role).parts] == names


def test_the_heading_names_the_things_and_the_counts_are_those_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A safety report is urgent."""
    use_answers(monkeypatch)
    answer = ask("after_sales")
    assert answer.heading.en == "Two things today: 1 safety report to read (X5 brakes), 1 quality alarm (X5 brakes)"
    assert answer.heading.zh == "今日两件事：1 条安全报告未处理（X5 制动），1 项质量预警（X5制动）"
    assert [(c.area, c.n, c.text.zh) for c in answer.counts] == [("faults", 1, "1 项")]
    assert ask("planner").counts[0].text.zh == "2 单待确认"


def test_an_area_that_fails_is_named_and_the_others_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about it in the heading."""
    broken = {"/v1/alarms": Problem(503, "no_champion", "x"), "/v1/alarms/safety": {"nothing": 1}}
    use_answers(monkeypatch, **broken)
    answer = ask("after_sales")
    assert answer.missing == ["safety", "alarms"]
    assert answer.heading.en == "Nothing waits in the parts that can be read"
    assert [part.problem.en for part in answer.parts if part.problem] == [
        "cannot be read at the moment",
        "the model is missing: it must be trained and promoted",
    ]
    assert ask("planner").missing == []


def test_an_answer_is_kept_for_seconds_for_the_same_rights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another role, another store or a written entry is another answer."""
    work: Any = context()
    work.entries.state = 1
    paths = use_answers(monkeypatch)
    ask("planner", work)
    ask("planner", work)
    assert paths == ["/v1/inventory/orders"]
    ask("planner", work, stores=["S1"])
    ask("planner", work, "S1")
    work.entries.state = 2
    ask("planner", work)
    assert len(paths) == 4
    later = time.monotonic() + SECONDS + 1
    monkeypatch.setattr("time.monotonic", lambda: later)
    ask("planner", work)
    assert len(paths) == 5


def test_a_store_that_the_key_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """403."""
    use_answers(monkeypatch)
    with pytest.raises(Problem) as e:
        ask("planner", None, "S1", stores=["S2"])
    assert e.value.status == 403


def test_the_entries_may_be_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store of entries is only a key of the cache here."""

    class Down:
        @property
        def state(self) -> int:
            raise Problem(503, "feedback_unavailable", "x")

    work: Any = context()
    object.__setattr__(work, "entries", Down())
    use_answers(monkeypatch)
    assert ask("planner", work).things == 1


def test_more_things_than_the_heading_holds_are_counted() -> None:
    """Three are named."""
    things = [text(f"{n}号", f"thing {n}") for n in range(5)]
    assert heading(things, is_whole=True).zh == "今日五件事：0号，1号，2号等"
    assert heading(things, is_whole=True).en == "Five things today: thing 0, thing 1, thing 2 and 2 more"
    assert heading([], is_whole=True).en == "Nothing waits today"


def test_a_group_without_anything_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """No count stands in the navigation."""
    empty: dict[str, Any] = {p: {"items": []} for p in ANSWERS if p != "/v1/inventory/orders"}
    use_answers(monkeypatch, **empty)
    answer = ask("after_sales")
    assert (answer.things, answer.counts, answer.heading.zh) == (0, [], "今日没有待办")
