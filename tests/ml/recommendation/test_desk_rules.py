"""Rules of the desk, from its entries and from the store that a serving model follows."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml.recommendation.desk_rules import ADDED, ENDED, UNDO, desk_rules
from ml.recommendation.live_updates import LiveUpdates

RULE = {"action": "pin", "where": {"vehicle_id": ["V1"]}, "place": 2}


def test_a_rule_that_is_changed_counts_once_and_last() -> None:
    other = {**RULE, "place": 5}
    rules = desk_rules([(1, ADDED, "R1", RULE), (2, ADDED, "R2", RULE), (3, ADDED, "R1", other)])
    assert [(r.rule_id, r.sequence, r.rule.place) for r in rules] == [("R2", 2, 2), ("R1", 3, 5)]


def test_an_entry_that_was_taken_back_never_was() -> None:
    undo = (2, UNDO, "R1", {"sequence": 1, "kind": ADDED})
    assert desk_rules([(1, ADDED, "R1", RULE), undo]) == []


def test_an_entry_of_another_version_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert desk_rules([(1, ADDED, "R1", {"action": "dance", "where": {}})]) == []
    assert "entry 1" in caplog.text


def test_a_serving_model_follows_the_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    monkeypatch.delenv("CHEHANG_FEEDBACK_STORE", raising=False)
    estimator: Any = Estimator()
    follow = LiveUpdates(tmp_path)
    follow._rules(estimator, last := {})
    assert estimator.merchandising.rules == ()  # no store yet
    database = sqlite3.connect(tmp_path / "feedback.db")
    database.execute("CREATE TABLE work_entries (sequence INTEGER, kind TEXT, subject TEXT, content TEXT)")
    _write(database, 1, ADDED, RULE)
    assert follow._rules(estimator, last)
    assert [r.place for r in estimator.merchandising.rules] == [2]
    assert not follow._rules(estimator, last)
    _write(database, 2, "lead.called", {"outcome": "sold"})
    assert not follow._rules(estimator, last)
    _write(database, 3, ENDED, {})
    assert follow._rules(estimator, last) and estimator.merchandising.rules == ()


def test_a_broken_store_leaves_the_last_rules_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    monkeypatch.delenv("CHEHANG_FEEDBACK_STORE", raising=False)
    (tmp_path / "feedback.db").write_bytes(b"no database" * 100)
    estimator: Any = Estimator()
    assert LiveUpdates(tmp_path)._rules(estimator, {"desk_rules": ()})


class Estimator(SimpleNamespace):
    """Something that live updates assign rules to."""


def _write(database: sqlite3.Connection, sequence: int, kind: str, content: dict[str, Any]) -> None:
    database.execute("INSERT INTO work_entries VALUES (?, ?, 'R1', ?)", (sequence, kind, json.dumps(content)))
    database.commit()
