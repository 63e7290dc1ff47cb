"""Who may read and take back which entries."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.asgi import Problem
from serving.doors.caller import Caller
from serving.doors.roles import ROLES, SCOPES
from serving.feedback.store import FeedbackStore
from serving.work import journal
from serving.work.entries import NewWorkEntry, WorkEntries
from serving.work.journal import EntryFilters, list_entries, undo_entry
from serving.work.routing import WorkRequest


@pytest.fixture
def entries(tmp_path: Path) -> WorkEntries:
    """Return two assignments of a lead of one store, and an alarm of the group."""
    entries = WorkEntries(FeedbackStore(f"sqlite:///{tmp_path}/feedback.db"), None)
    new = [NewWorkEntry("lead.assigned", "L1", "S1", {"n": n}) for n in (1, 2)]
    entries.append([*new, NewWorkEntry("alarm.moved", "7", None, {"state": "watched"})], caller=None)
    return entries


def request(entries: WorkEntries, role: str, stores: frozenset[str] | None = None, **fields: Any) -> WorkRequest:
    """Return a request of somebody."""
    context: Any = SimpleNamespace(entries=entries)
    return WorkRequest(context, caller=Caller("k", "Li", role, ROLES[role], stores), **fields)


@pytest.mark.parametrize(
    ("role", "stores", "sequences"),
    [
        ("sales", None, [2, 1]),
        ("sales", frozenset({"S2"}), []),
        ("after_sales", None, [3]),
        ("manager", None, [3, 2, 1]),
        ("planner", None, []),
    ],
)
def test_everybody_reads_the_entries_of_its_work_and_stores(
    entries: WorkEntries, role: str, stores: frozenset[str] | None, sequences: list[int]
) -> None:
    """The latest is first."""
    answer = list_entries(request(entries, role, stores, parameters=EntryFilters()))
    assert [item.sequence for item in answer.items] == sequences


def test_an_entry_is_taken_back_once_and_the_list_says_so(entries: WorkEntries) -> None:
    """The subject's last sequence is that of the taking back."""
    undo_entry(request(entries, "sales", path={"sequence": "2"}))
    answer = list_entries(request(entries, "sales", parameters=EntryFilters(subject="L1")))
    assert [(item.kind, item.holds) for item in answer.items] == [
        ("undo", False),
        ("lead.assigned", False),
        ("lead.assigned", True),
    ]
    assert answer.last_sequence == 4
    with pytest.raises(Problem) as error:
        undo_entry(request(entries, "sales", path={"sequence": "2"}))
    assert error.value.status == 404


@pytest.mark.parametrize(("role", "sequence", "status"), [("planner", "2", 404), ("data_scientist", "2", 403)])
def test_who_may_not_write_takes_nothing_back(entries: WorkEntries, role: str, sequence: str, status: int) -> None:
    """A planner does not learn that the entry exists; a data scientist may read it, and not change it."""
    with pytest.raises(Problem) as error:
        undo_entry(request(entries, role, path={"sequence": sequence}))
    assert error.value.status == status


@pytest.mark.parametrize("sequence", ["0", "-1", "x", "９", "9" * 30])
def test_a_number_that_no_entry_has(entries: WorkEntries, sequence: str) -> None:
    """Anything else in the path is no entry either."""
    with pytest.raises(Problem) as error:
        undo_entry(request(entries, "admin", path={"sequence": sequence}))
    assert error.value.status == 404


def test_what_had_an_effect_elsewhere_is_never_taken_back(entries: WorkEntries) -> None:
    """The event of a contact stays in the store, and a decision in its log."""
    entries.append([NewWorkEntry("lead.contacted", "L2", "S1", {"outcome": "lost"})], caller=None)
    with pytest.raises(Problem) as error:
        undo_entry(request(entries, "sales", path={"sequence": "4"}))
    assert (error.value.status, error.value.code) == (409, "not_undoable")


def test_the_scopes_exist() -> None:
    """A misspelt scope would hide entries from everybody."""
    assert {scope for pair in journal.SCOPES.values() for scope in pair} <= set(SCOPES)


def test_a_change_of_a_champion_is_not_taken_back_by_its_entry(entries: WorkEntries) -> None:
    """The alias would stay where it is."""
    entry = entries.append([NewWorkEntry("model.promoted", "credit_risk", None, {"version": 2})], caller=None)[0]
    with pytest.raises(Problem) as error:
        undo_entry(request(entries, "data_scientist", path={"sequence": str(entry.sequence)}))
    assert error.value.code == "not_undoable" and "rollback" in error.value.message
