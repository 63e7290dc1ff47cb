"""Entries of the daily work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.asgi import Problem
from serving.decisions.log_keys import LogKeys
from serving.doors.caller import Caller
from serving.feedback.store import FeedbackStore
from serving.work.entries import NewWorkEntry, WorkEntries

LI = Caller("k_1", "Li", "sales", frozenset(), None)
KEYS = LogKeys({"2026": bytes(32)})


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Return the address of a new store."""
    yield f"sqlite:///{tmp_path}/feedback.db"


def entries_at(url: str, keys: LogKeys | None = KEYS) -> WorkEntries:
    """Return the entries of one worker."""
    return WorkEntries(FeedbackStore(url), keys)


def call(lead: str, outcome: str) -> NewWorkEntry:
    """Return the outcome of a call."""
    return NewWorkEntry("lead.called", lead, "S1", {"outcome": outcome})


def test_another_worker_reads_who_wrote_what(url: str) -> None:
    """A read fetches what others have written, also after an earlier read."""
    one, other = entries_at(url), entries_at(url)
    assert other.latest("lead.called") == {}
    one.append([call("L1", "not_reached"), call("L2", "answered")], caller=LI)
    entry = other.latest("lead.called")["L1"]
    assert (entry.person, entry.key_id, entry.store_id, entry.content) == (
        "Li",
        "k_1",
        "S1",
        {"outcome": "not_reached"},
    )
    one.append([call("L1", "answered")], caller=None)
    assert other.latest("lead.called")["L1"].content["outcome"] == "answered"


def test_two_people_at_one_record_do_not_overwrite_each_other(url: str) -> None:
    """Of eight writers who have read the same entry, one succeeds; the others learn that it has changed."""
    workers = [entries_at(url) for _ in range(8)]

    def write(worker: WorkEntries) -> str:
        try:
            worker.append([call("L1", "answered")], caller=LI, expected={"L1": 0})
        except Problem as e:
            return e.code
        return "written"

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(write, workers))
    assert results == ["changed"] * 7 + ["written"]
    assert len(workers[0].of("lead.")) == 1


def test_an_entry_that_is_taken_back_no_longer_holds(url: str) -> None:
    """The earlier one holds again; the history shows all three."""
    entries = entries_at(url)
    entries.append([call("L1", "not_reached")], caller=LI)
    second = entries.append([call("L1", "answered")], caller=LI)[0]
    entries.undo(second.sequence, caller=LI)
    assert entries.latest("lead.called")["L1"].content["outcome"] == "not_reached"
    assert [entry.kind for entry in entries.history("L1")] == ["lead.called", "lead.called", "undo"]
    with pytest.raises(Problem) as error:
        entries.undo(second.sequence, caller=LI)
    assert error.value.status == 404


def test_only_the_last_entry_can_be_taken_back(url: str) -> None:
    """A later one of the same kind builds on it."""
    entries = entries_at(url)
    first = entries.append([call("L1", "not_reached")], caller=LI)[0]
    entries.append([call("L1", "answered")], caller=LI)
    with pytest.raises(Problem) as error:
        entries.undo(first.sequence, caller=LI)
    assert (error.value.status, error.value.code) == (409, "changed")


def test_personal_fields_are_encrypted_on_the_disk(url: str) -> None:
    """They are read with the key, and are in no file in clear."""
    entries = entries_at(url)
    new = NewWorkEntry("application.submitted", "A1", "S1", {"term": 36}, {"name": "Chen Mingyuan"})
    entry = entries.append([new], caller=LI)[0]
    assert entries.personal(entry.sequence) == {"name": "Chen Mingyuan"}
    folder = Path(url.removeprefix("sqlite:///")).parent
    assert all(b"Mingyuan" not in file.read_bytes() for file in folder.iterdir())


def test_without_keys_personal_fields_are_refused_and_nothing_is_written(url: str) -> None:
    """The remedy names the variable."""
    entries = entries_at(url, None)
    with pytest.raises(Problem) as error:
        entries.append([call("L1", "x"), NewWorkEntry("a.b", "A", None, {}, {"name": "n"})], caller=LI)
    assert (error.value.status, error.value.code) == (503, "no_log_keys")
    assert "CHEHANG_LOG_KEYS" in error.value.message
    assert entries.of() == []


@pytest.mark.parametrize("statement", ["UPDATE work_entries SET content = '{}'", "DELETE FROM work_entries"])
def test_the_table_refuses_changes(url: str, statement: str) -> None:
    """Entries are added, and never changed."""
    entries = entries_at(url)
    entries.append([call("L1", "answered")], caller=LI)
    engine = FeedbackStore(url).open()
    with pytest.raises(sa.exc.IntegrityError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert entries_at(url).latest("lead.called")["L1"].content == {"outcome": "answered"}
