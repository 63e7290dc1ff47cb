"""`chehang feedback purge`: old events, events of one person, and what stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.commands.feedback import purge
from tests.serving.feedback.requests import application, event, post, rows, shown, view

OLD = "2024-03-01T09:00:00+08:00"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a feedback store of old and new events."""
    monkeypatch.setenv("CHEHANG_FEEDBACK_STORE", f"sqlite:///{tmp_path}/feedback.db")
    old = [
        view(1, at=OLD),
        shown(2, at=OLD),
        event("lead", 3, at=OLD, lead_id="L"),
        event("sold", 4, at=OLD, lead_id="L"),
    ]
    new = [view(5, visitor_id="w-4711"), shown(6, request="r2", visitor_id="w-4711", customer_id="c"), view(7)]
    assert post(application(tmp_path), *old, *new).json()["stored"] == 7
    return tmp_path


def counts(home: Path) -> dict[str, int]:
    return {name: len(rows(home, name)) for name in ("events", "exposures", "lead_records", "lead_events")}


def test_old_events_go_and_outcomes_stay(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = counts(home)
    purge(older_than="2025-01-01", dry_run=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["rows"] == {"events": 1, "exposures": 2, "work_personal": 0}
    assert counts(home) == before
    purge(older_than="2025-01-01")
    assert "1 row of events, 2 rows of exposures, 0 rows of work_personal removed" in capsys.readouterr().out
    assert counts(home) == {"events": 2, "exposures": 2, "lead_records": 1, "lead_events": 1}
    answer = post(application(home), view(1, at=OLD), view(5, visitor_id="w-4711")).json()
    assert answer["duplicates"] == 1 and answer["refused"][0]["rule"] == "conflict"  # removed stays removed
    purge(older_than="2025-01-01", outcomes=True)
    assert counts(home) == {"events": 2, "exposures": 2, "lead_records": 0, "lead_events": 0}


def test_the_events_of_one_person_go_from_the_files(home: Path) -> None:
    purge(person="w-4711")
    assert counts(home) == {"events": 2, "exposures": 2, "lead_records": 1, "lead_events": 1}
    assert not [file for file in home.glob("feedback.db*") if b"w-4711" in file.read_bytes()]


@pytest.mark.parametrize("options", [{}, {"older_than": "2y", "person": "w"}, {"person": "w", "outcomes": True}])
def test_wrong_options(home: Path, options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        purge(**options)  # type: ignore[arg-type]
    assert counts(home)["events"] == 3
