"""The limit of a purge is exact, and personal fields of work entries go with the rest."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from serving.decisions.log_keys import LogKeys
from serving.feedback.purge import purge_events
from serving.feedback.store import FeedbackStore
from serving.stores import open_store
from serving.work.entries import NewWorkEntry, WorkEntries
from tests.serving.feedback.requests import AT_US, application, post, shown, view


def test_nothing_is_younger_than_its_limit(tmp_path: Path) -> None:
    assert post(application(tmp_path), view(1), view(2, at="2024-03-01T09:00:00+08:00"), shown(3)).json()["stored"] == 3
    engine = open_store(f"sqlite:///{tmp_path}/feedback.db", "feedback")
    assert purge_events(engine, before=AT_US, dry_run=True) == {"events": 1, "exposures": 0, "work_personal": 0}
    assert purge_events(engine, before=AT_US, dry_run=False) == {"events": 1, "exposures": 0, "work_personal": 0}
    assert purge_events(engine, before=AT_US + 1, dry_run=False) == {"events": 1, "exposures": 2, "work_personal": 0}
    engine.dispose()


def _entries(tmp_path: Path) -> tuple[WorkEntries, sa.Engine]:
    url = f"sqlite:///{tmp_path}/feedback.db"
    entries = WorkEntries(FeedbackStore(url), LogKeys({"2026": bytes(32)}))
    first = {"customer_id": "K1", "plan": {}}
    entries.append(
        [
            NewWorkEntry("application.submitted", "A-1", "S1", first, {"name": "陈明远", "inputs": {}}),
            NewWorkEntry("application.decided", "A-1", "S1", {"outcome": "approve"}, {"note": "long-standing"}),
            NewWorkEntry("application.submitted", "A-2", "S1", {"customer_id": 'K1"'}, {"name": "李"}),
            NewWorkEntry("lead.called", "L1", "S1", {"outcome": "not_reached"}),
        ],
        caller=None,
    )
    return entries, open_store(url, "feedback")


def test_the_personal_fields_of_work_entries_go_and_the_entries_stay(tmp_path: Path) -> None:
    entries, engine = _entries(tmp_path)
    limit = max(entry.at for entry in entries.of()) + 1
    assert purge_events(engine, before=limit - 1, dry_run=False)["work_personal"] == 0
    assert purge_events(engine, before=limit, dry_run=True)["work_personal"] == 3
    assert purge_events(engine, before=limit, dry_run=False)["work_personal"] == 3
    assert len(entries.of()) == 4 and entries.personal(1) is None
    engine.dispose()


def test_a_customer_takes_the_fields_of_all_entries_of_the_own_applications(tmp_path: Path) -> None:
    entries, engine = _entries(tmp_path)
    assert purge_events(engine, person="K1", dry_run=False)["work_personal"] == 2  # also the note on A-1
    assert entries.personal_of([1, 2, 3]).keys() == {3}
    assert purge_events(engine, person="A-2", dry_run=False)["work_personal"] == 1
    engine.dispose()
